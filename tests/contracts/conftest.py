"""One deployed ground for all tests, and a node process for what only a real node answers."""

import socket
from collections.abc import Iterator

import pytest

from tests.contracts.ground import Ground
from tests.settlement.ground import chain_process


@pytest.fixture(scope="session")
def shared_ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """For tests that only read."""
    return Ground.new(tmp_path_factory.mktemp("shared") / "deployment.json")


@pytest.fixture
def ground(shared_ground: Ground) -> Iterator[Ground]:
    """The same for tests that write: the chain goes back to where it was."""
    tester = shared_ground.w3.provider.ethereum_tester
    before = tester.take_snapshot()
    yield shared_ground
    tester.revert_to_snapshot(before)


@pytest.fixture(scope="session")
def chain_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node process, for what only a real node answers."""
    with chain_process(tmp_path_factory.mktemp("node")) as url:
        yield url


@pytest.fixture
def unused_url() -> str:
    """An address of this machine where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
