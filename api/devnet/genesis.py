"""What a devnet lists and opens at its first start: tokens, then the first commands."""

import hashlib
from dataclasses import dataclass
from typing import Final

from api.devnet.folder import CUSTOMERS
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import Check, CommandKind
from ledger.settlement.deploy import Plan, TokenPlan
from ledger.settlement.manifest import Deployment

LEDGER_DECIMALS_MAX: Final = 8
"""A ledger unit is 1e-8, or the token's own smallest unit where that is larger."""
FIRST_CUSTOMER: Final = 16
OPERATOR_THRESHOLD: Final = 3
WITHDRAWAL_CHECKS: Final = Check.SCREENING | Check.TRAVEL_RULE


@dataclass(frozen=True, slots=True)
class ListedAsset:
    """One asset of the devnet, amounts in whole units of it.

    Attributes:
        symbol: As the API names it.
        token_decimals: Of its ERC-20.
        supply_max: No more than this can ever be credited.
        fee_minor: A withdrawal's fee in ledger units.
        outflow_capacity, outflow_per_s: The vault's limit for it.
        devnet_price_cents: What one is taken to be worth, for thresholds.
    """

    symbol: str
    token_decimals: int
    supply_max: int
    fee_minor: int
    outflow_capacity: int
    outflow_per_s: int
    devnet_price_cents: int

    @property
    def ledger_decimals(self) -> int:
        """Of its ledger unit."""
        return min(self.token_decimals, LEDGER_DECIMALS_MAX)


@dataclass(frozen=True, slots=True)
class ListedInstrument:
    """One spot pair; see docs/spec/records.md, LIST_INSTRUMENT."""

    symbol: str
    base: int
    quote: int
    price_decimals: int
    qty_decimals: int
    max_qty_lots: int
    min_notional_minor: int = 10_000
    max_price_ticks: int = 2**31 - 1
    maker_fee_ppm: int = 200
    taker_fee_ppm: int = 500


ASSETS: Final = (
    ListedAsset("USDC", 6, 400_000_000_000, 1_000_000, 50_000_000, 100_000, 1_00),
    ListedAsset("BTC", 8, 21_000_000, 1_000, 10_000, 10, 60_000_00),
    ListedAsset("ETH", 18, 200_000_000, 10_000, 100_000, 100, 3_000_00),
)
INSTRUMENTS: Final = (
    ListedInstrument("BTCUSDC", 1, 0, 2, 8, 10**13),
    ListedInstrument("ETHUSDC", 2, 0, 2, 6, 10**12),
)


def deployment_plan(operators: tuple[bytes, ...], guardians: tuple[bytes, ...]) -> Plan:
    """The custody contracts that a devnet deploys."""
    tokens = tuple(
        TokenPlan(
            asset.symbol,
            asset.token_decimals,
            asset.outflow_capacity * 10**asset.token_decimals,
            asset.outflow_per_s * 10**asset.token_decimals,
        )
        for asset in ASSETS
    )
    return Plan(operators, OPERATOR_THRESHOLD, guardians, tokens)


def genesis_commands(deployment: Deployment, subject_salt: bytes) -> list[bytes]:
    """The journal's first commands: assets, instruments, the customers' accounts.

    Args:
        deployment: Where the tokens stand, in the order of ASSETS.
        subject_salt: 32 random bytes behind the customers' commitments.
    """
    assets = [
        command(
            CommandKind.LIST_ASSET,
            asset=index,
            ledger_decimals=asset.ledger_decimals,
            token_decimals=asset.token_decimals,
            required_checks=int(WITHDRAWAL_CHECKS),
            supply_max_minor=asset.supply_max * 10**asset.ledger_decimals,
            withdrawal_min_minor=asset.fee_minor,
            withdrawal_fee_minor=asset.fee_minor,
            symbol=asset.symbol.encode(),
            **address_fields("token", deployment.tokens[index].address),
        )
        for index, asset in enumerate(ASSETS)
    ]
    instruments = [_instrument(index, pair) for index, pair in enumerate(INSTRUMENTS)]
    accounts = [
        command(
            CommandKind.OPEN_ACCOUNT,
            account=FIRST_CUSTOMER + index,
            **digest_fields("subject", hashlib.sha256(subject_salt + name.encode()).digest()),
        )
        for index, name in enumerate(CUSTOMERS)
    ]
    return [*assets, *instruments, *accounts]


def _instrument(index: int, pair: ListedInstrument) -> bytes:
    """A tick times a lot is worth 10^-(price + quantity decimals) quote."""
    finer = pair.price_decimals + pair.qty_decimals - ASSETS[pair.quote].ledger_decimals
    return command(
        CommandKind.LIST_INSTRUMENT,
        instrument=index,
        price_decimals=pair.price_decimals,
        qty_decimals=pair.qty_decimals,
        base=pair.base,
        quote=pair.quote,
        lot_minor=10 ** (ASSETS[pair.base].ledger_decimals - pair.qty_decimals),
        notional_num=10 ** max(0, -finer),
        notional_den=10 ** max(0, finer),
        min_notional_minor=pair.min_notional_minor,
        max_price_ticks=pair.max_price_ticks,
        max_qty_lots=pair.max_qty_lots,
        maker_fee_ppm=pair.maker_fee_ppm,
        taker_fee_ppm=pair.taker_fee_ppm,
        symbol=pair.symbol.encode(),
    )


def account_of(customer: str) -> int:
    """A devnet customer's ledger account."""
    return FIRST_CUSTOMER + CUSTOMERS.index(customer)
