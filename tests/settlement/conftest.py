"""A chain for the run, and for each test a world of contracts, engines and operators of its own.

The contracts are deployed once; each test starts a chain on a copy of that chain's disk.
"""

import asyncio
import shutil

import pytest

from tests.settlement.ground import chain_thread
from tests.settlement.node import Chain
from tests.settlement.world import CUSTOMER, USDC, World


@pytest.fixture(scope="session")
def chain_url(tmp_path_factory):
    with chain_thread(tmp_path_factory.mktemp("devchain")) as url:
        yield url


@pytest.fixture(scope="session")
def deployed(tmp_path_factory):
    """The disk of a chain with the contracts, and 1,000 USDC deposited for the first customer."""
    directory = tmp_path_factory.mktemp("deployed")
    with chain_thread(directory) as url:
        world = World(url, directory)
        world.mint()
        world.deposit(1_000_000_000, CUSTOMER, USDC)
        world.close()
    return directory


@pytest.fixture
def world(deployed, tmp_path):
    """Nothing is listed, opened or credited yet."""
    for name in ("chain.sqlite3", "deployment.json"):
        shutil.copy(deployed / name, tmp_path)
    with chain_thread(tmp_path) as url:
        world = World(url, tmp_path)
        yield world
        world.close()


@pytest.fixture
def funded(world):
    """Both assets listed, one customer, its deposit credited and certified."""
    world.list_assets()
    world.open_accounts()
    asyncio.run(world.watcher.poll())
    world.ledger.certify()
    return world


@pytest.fixture
def chain(tmp_path):
    chain = Chain(tmp_path)
    yield chain
    chain.evm.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A chain that tests only read, or only try to write what it refuses."""
    chain = Chain(tmp_path_factory.mktemp("chain"))
    yield chain
    chain.evm.close()
