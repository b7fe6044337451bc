"""Entrances for people: commands in, texts out; nothing is decided here."""
