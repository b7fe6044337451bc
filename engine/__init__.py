"""The core, pure: candles in, decisions out."""
