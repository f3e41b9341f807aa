"""Deposits from the chain into the ledger, once each: docs/spec/settlement.md, section 2."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.errors import JournalError
from ledger.records.build import address_fields, command
from ledger.records.codes import CommandKind, Reject
from ledger.settlement import deposits as deposits_module
from ledger.settlement.chain import ChainBlock
from ledger.settlement.custody import Custody, Deposit
from ledger.settlement.deposits import (
    DepositFeed,
    DepositWatcher,
    assets_by_token,
    credit_command,
    named_account,
    split_wei,
)
from ledger.settlement.errors import ChainDown, DepositBlocked, DepositGap
from matching.units import AMOUNT_MINOR_MAX
from tests.settlement.world import CUSTOMER, USDC, WETH

SUSPENSE = 5
SEED = 7


def poll(world):
    return asyncio.run(world.watcher.poll())


def free(world, account: int, asset: int = USDC) -> int:
    return world.ledger.engine.balance(account, asset).available_minor


@given(st.integers(0, 2**256 - 1), st.integers(0, 18))
def test_a_deposit_splits_into_units_and_dust_without_loss(received_wei, decimals):
    unit_wei = 10**decimals
    amount_minor, dust_wei = split_wei(received_wei, unit_wei)
    assert amount_minor * unit_wei + dust_wei == received_wei
    assert 0 <= dust_wei < unit_wei


@given(st.integers(0, 2**64 - 1))
def test_only_numbers_that_a_customer_can_have_are_credited_as_named(number):
    deposit = Deposit(1, number, b"", b"", 1, 1, b"", 0)
    expected = number if 16 <= number < 2**32 else SUSPENSE
    assert named_account(deposit) == expected


def test_a_deposit_is_credited_to_the_account_that_it_names(world):
    world.list_assets()
    world.open_accounts(2)
    world.deposit(5, CUSTOMER + 1)
    polled = poll(world)
    assert (polled.credited, polled.suspended) == (2, ())
    assert free(world, CUSTOMER) == 1_000_000_000
    assert free(world, CUSTOMER + 1) == 5
    assert world.ledger.engine.deposit_index == 2
    assert poll(world).credited == 0


def test_the_command_carries_where_on_the_chain_it_comes_from(world):
    world.list_assets()
    world.open_accounts()
    poll(world)
    world.ledger.certify()
    receipt = world.web3.eth.get_block("latest")
    (deposit,) = asyncio.run(world.chain.deposits(0, receipt["number"]))
    asset = assets_by_token(world.ledger.engine)[deposit.token]
    sent = world.ledger.entries[-1].commands[-1].tobytes()
    assert sent[8:] == credit_command(deposit, asset, CUSTOMER)[8:]
    mined = world.web3.eth.get_transaction_receipt(deposit.tx_hash)
    assert mined["blockNumber"] == deposit.block_number
    assert mined["logs"][-1]["logIndex"] == deposit.log_index


def test_dust_is_recorded_and_becomes_whole(world):
    """18 decimals on the chain, 8 in the ledger: two halves of a unit make one for the venue."""
    world.list_assets()
    world.open_accounts()
    world.mint(WETH)
    for _ in range(2):
        world.deposit(10**18 + 5 * 10**9, asset=WETH)
    poll(world)
    assert free(world, CUSTOMER, WETH) == 2 * 10**8
    assert free(world, 3, WETH) == 1
    assert world.ledger.engine.asset(WETH).dust_wei == 0


def test_a_deposit_of_dust_alone_holds_nobody_up(world):
    world.list_assets()
    world.open_accounts()
    world.mint(WETH)
    world.deposit(1, asset=WETH)
    world.deposit(10**18, asset=WETH)
    assert poll(world).credited == 3
    assert free(world, CUSTOMER, WETH) == 10**8
    assert world.ledger.engine.asset(WETH).dust_wei == 1


@pytest.mark.parametrize("number", [0, 1, 5, 15, 17, 2**32 - 1, 2**32, 2**64 - 1])
def test_a_deposit_to_nobody_goes_to_suspense_and_holds_nobody_up(world, number):
    world.list_assets()
    world.open_accounts()
    world.deposit(7, number)
    world.deposit(9, CUSTOMER)
    polled = poll(world)
    assert polled.credited == 3
    assert [one.account for one in polled.suspended] == [number]
    assert free(world, SUSPENSE) == 7
    assert free(world, CUSTOMER) == 1_000_000_009


def test_an_unlisted_token_stops_the_line_until_it_is_listed(world):
    """Nothing is skipped and nothing is lost: what came before is credited, what follows waits."""
    world.list_assets(USDC)
    world.open_accounts()
    world.mint(WETH)
    world.deposit(10**18, asset=WETH)
    world.deposit(3, asset=USDC)
    for _ in range(2):
        with pytest.raises(DepositBlocked) as caught:
            poll(world)
        assert (caught.value.index, caught.value.reason) == (2, "token not listed")
        assert caught.value.token == world.deployment.tokens[WETH].address
        assert world.watcher.blocked is caught.value
    assert world.ledger.engine.deposit_index == 1
    world.list_assets(WETH)
    assert poll(world).credited == 2
    assert world.watcher.blocked is None
    assert free(world, CUSTOMER, WETH) == 10**8


def test_what_the_engine_refuses_stops_the_line_with_its_word(world):
    world.list_assets()
    world.open_accounts()
    world.mint(WETH, 10**40)
    world.deposit((AMOUNT_MINOR_MAX + 1) * 10**10, asset=WETH)
    with pytest.raises(DepositBlocked) as caught:
        poll(world)
    assert (caught.value.index, caught.value.reason) == (2, "AMOUNT_OUT_OF_RANGE")
    assert world.ledger.engine.deposit_index == 1


def test_more_than_the_supply_limit_stops_the_line(world):
    world.list_assets()
    world.open_accounts()
    world.mint(WETH, 10**40)
    world.deposit((2**61 + 1) * 10**10, asset=WETH)
    with pytest.raises(DepositBlocked, match="SUPPLY_EXCEEDED"):
        poll(world)
    assert free(world, CUSTOMER) == 1_000_000_000


def test_a_restart_resumes_after_the_last_credit(world):
    world.list_assets()
    world.open_accounts()
    poll(world)
    world.deposit(11)
    world.restart()
    assert poll(world).credited == 1
    assert free(world, CUSTOMER) == 1_000_000_011


def test_two_watchers_at_once_credit_each_deposit_once(world):
    """Such as an old process that has not noticed yet that it was replaced."""
    world.list_assets()
    world.open_accounts()
    for amount in range(1, 6):
        world.deposit(amount)
    other = DepositWatcher(world.custody(), world.ledger.engine, world.ledger)

    async def both() -> None:
        await asyncio.gather(world.watcher.poll(), other.poll())

    asyncio.run(both())
    assert free(world, CUSTOMER) == 1_000_000_015
    assert world.ledger.engine.deposit_index == 6


def test_deposits_wait_for_the_depth(world):
    world.list_assets()
    world.open_accounts()
    watcher = DepositWatcher(world.chain, world.ledger.engine, world.ledger, depth=2)
    world.deposit(11)
    assert asyncio.run(watcher.poll()).credited == 0
    world.web3.provider.make_request("evm_mine", [])
    assert asyncio.run(watcher.poll()).credited == 1, "the first has two blocks on top of it"
    world.web3.provider.make_request("evm_mine", [])
    assert asyncio.run(watcher.poll()).credited == 1


class Failing:
    """A sequencer that fails on some submissions, as a full disk would."""

    def __init__(self, ledger, fails) -> None:
        self.ledger = ledger
        self.fails = fails
        self.count = 0

    async def submit(self, raw):
        self.count += 1
        if self.count in self.fails:
            raise JournalError
        return await self.ledger.submit(raw)


def test_a_failing_sequencer_loses_and_doubles_nothing(world):
    world.list_assets()
    world.open_accounts()
    for amount in range(1, 6):
        world.deposit(amount)
    sequencer = Failing(world.ledger, fails={3, 7})
    watcher = DepositWatcher(world.chain, world.ledger.engine, sequencer)
    failures = 0
    while world.ledger.engine.deposit_index < 6:
        try:
            asyncio.run(watcher.poll())
        except (JournalError, DepositBlocked):
            failures += 1
    assert failures > 0
    assert free(world, CUSTOMER) == 1_000_000_015


def test_a_chain_that_is_down_is_said_and_survived(world):
    world.list_assets()
    world.open_accounts()
    provider = world.chain.client._provider
    there, provider.endpoint_uri = provider.endpoint_uri, "http://127.0.0.1:1"
    with pytest.raises(ChainDown):
        poll(world)
    provider.endpoint_uri = there
    assert poll(world).credited == 1


# A feed over a custody whose logs are given


class Paper(Custody):
    """The vault's deposits as a list; the node's answers are what the test wants them to be."""

    def __init__(self, deposits, head) -> None:
        self.all = deposits
        self.at = head
        self.asked = []
        self.client = self

    async def head(self):
        return block_numbered(self.at)

    async def deposits(self, first, last):
        assert first <= last
        self.asked.append((first, last))
        return tuple(one for one in self.all if first <= one.block_number <= last)


def block_numbered(number):
    return ChainBlock(number, b"", 0)


def deposit_at(index: int, block: int) -> Deposit:
    return Deposit(index, CUSTOMER, b"\x01" * 20, b"\x02" * 20, index, block, b"\x03" * 32, index)


def taken(feed):
    async def run():
        found = []
        while (deposit := await feed.take()) is not None:
            found.append(deposit)
        return found

    return asyncio.run(run())


@given(
    gaps=st.lists(st.integers(0, 5), max_size=12),
    after=st.integers(0, 12),
    depth=st.integers(0, 3),
    extra=st.integers(0, 6),
    window=st.integers(1, 7),
)
def test_a_feed_gives_every_deep_deposit_after_an_index_in_order(gaps, after, depth, extra, window):
    blocks = [1 + sum(gaps[: at + 1]) for at in range(len(gaps))]
    every = [deposit_at(at, block) for at, block in enumerate(blocks, start=1)]
    head = (blocks[-1] if blocks else 0) + extra
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deposits_module, "LOG_WINDOW", window)
        feed = DepositFeed(Paper(every, head), 0, min(after, len(every)), depth)
        found = taken(feed)
    assert found == [one for one in every if one.index > after and one.block_number <= head - depth]


@pytest.mark.parametrize("missing", [1, 2, 4])
def test_a_node_that_skips_a_deposit_is_caught(missing):
    every = [deposit_at(at, at) for at in range(1, 6)]
    feed = DepositFeed(Paper([one for one in every if one.index != missing], 9), 0, 0, 0)
    with pytest.raises(DepositGap) as caught:
        taken(feed)
    assert (caught.value.expected, caught.value.found) == (missing, missing + 1)


def test_a_feed_reads_each_block_once(world):
    paper = Paper([deposit_at(1, 3)], 10_000)
    feed = DepositFeed(paper, 0, 0, 0)
    taken(feed)
    paper.at = 10_500
    taken(feed)
    ends = [-1, *(last for _, last in paper.asked)]
    assert [first for first, _ in paper.asked] == [end + 1 for end in ends[:-1]]
    assert ends[-1] == 10_500
    assert max(last - first for first, last in paper.asked) < deposits_module.LOG_WINDOW


def test_many_deposits_in_random_order_of_accounts_sum_to_what_came(world):
    """Through chain, watcher and engine: the vault's balance is the ledger's custody."""
    random_ = random.Random(SEED)
    world.list_assets()
    world.open_accounts(3)
    sums = dict.fromkeys((CUSTOMER, CUSTOMER + 1, CUSTOMER + 2, SUSPENSE), 0)
    sums[CUSTOMER] = 1_000_000_000
    for _ in range(12):
        number, amount = random_.choice([16, 17, 18, 99]), random_.randrange(1, 10**6)
        world.deposit(amount, number)
        sums[number if number in sums else SUSPENSE] += amount
    poll(world)
    assert {account: free(world, account) for account in sums} == sums
    assert world.balance_of(world.deployment.vault) == sum(sums.values())
    assert free(world, 4) == -sum(sums.values())


def test_of_two_assets_with_one_token_the_first_is_credited(world):
    world.list_assets(USDC)
    token = world.deployment.tokens[USDC].address
    world.ledger.run(
        CommandKind.LIST_ASSET, asset=1, ledger_decimals=2, token_decimals=6,
        supply_max_minor=2**60, symbol=b"TWIN", **address_fields("token", token),
    )  # fmt: skip
    world.open_accounts()
    poll(world)
    assert (free(world, CUSTOMER, 0), free(world, CUSTOMER, 1)) == (1_000_000_000, 0)


def test_the_engine_alone_decides_what_is_next(world):
    """A credit out of turn is refused by the engine, whoever submits it."""
    world.list_assets()
    world.open_accounts()
    raw = command(
        CommandKind.CREDIT_DEPOSIT, account=CUSTOMER, asset=USDC, deposit_index=2, amount_minor=5
    )
    assert asyncio.run(world.ledger.submit(raw)).reject == Reject.OUT_OF_TURN
    poll(world)
    assert free(world, CUSTOMER) == 1_000_000_000
