"""Where the shared sample data lies, and the mark of tests that cannot run without it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared sample data is not beside this checkout")
