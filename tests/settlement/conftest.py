"""One chain process for the whole run; a world of contracts, engines and operators a test."""

import pytest

from tests.settlement.ground import chain_process
from tests.settlement.world import CUSTOMER, USDC, World


@pytest.fixture(scope="session")
def chain_url(tmp_path_factory):
    with chain_process(tmp_path_factory.mktemp("devchain")) as url:
        yield url


@pytest.fixture
def world(chain_url, tmp_path):
    world = World(chain_url, tmp_path)
    yield world
    world.close()


@pytest.fixture
def funded(world):
    """Both assets listed, one customer, and 1,000 USDC deposited, credited and certified."""
    import asyncio

    world.list_assets()
    world.open_accounts()
    world.mint()
    world.deposit(1_000_000_000, CUSTOMER, USDC)
    asyncio.run(world.watcher.poll())
    world.ledger.certify()
    return world
