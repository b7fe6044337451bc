"""The fixtures of the storage tests."""

from tests.storage.samples import book

__all__ = ["book"]
