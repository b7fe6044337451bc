"""One use case a file: gather, decide, record, tell."""
