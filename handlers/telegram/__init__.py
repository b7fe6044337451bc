"""The chat entrance: commands, callbacks and rendered texts."""
