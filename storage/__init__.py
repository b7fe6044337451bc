"""All SQL and all codecs between rows and objects; one store a subject."""
