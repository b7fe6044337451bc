"""The fixtures of the schema tests."""

from tests.storage.samples import book

__all__ = ["book"]
