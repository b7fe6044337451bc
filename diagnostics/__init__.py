"""Checks over the book, logging with redaction, explanations of signals."""
