"""The book's schema history and the readers of legacy files."""
