"""Fixtures of the gate's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.venue import Venue


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    """A listening venue with its assets and one instrument listed."""
    with Venue(tmp_path) as running:
        yield running
