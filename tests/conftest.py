"""Shared by all tests: the Hypothesis profile, and the published data beside the repository."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

# The first call of a kernel compiles it, which no per-example deadline could allow for.
settings.register_profile("provenue", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("provenue")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The published data. Absent on a user's machine; CI always has it and must not skip."""
    if not SHARED_DATA.is_dir():
        assert "CI" not in os.environ, "CI must have ../shared/data"
        pytest.skip("../shared/data is not here: see docs on published data")
    return SHARED_DATA
