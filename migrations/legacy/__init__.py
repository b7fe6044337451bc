"""Readers of legacy files: each shape of other bots' data becomes one normal form, with a verdict per record; pure."""
