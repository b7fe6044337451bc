"""Features, data set, training and scoring: learning reads the book and may only move a confidence."""
