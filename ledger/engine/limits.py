"""Limits of the engine, proven at import: numba wraps int64 silently, so no product may."""

from dataclasses import dataclass
from typing import Final

from ledger.engine.layout import CUSTOMER_FIRST
from matching.units import AMOUNT_MINOR_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a venue holds before commands are rejected as TABLE_FULL.

    Every replica of a venue needs the same: the limits are part of the state and of its root.
    Memory grows with use, not with these.

    Attributes:
        accounts, assets, instruments: Listed at all, the venue's own accounts included.
        orders: Open at one time, all books together.
        withdrawals: Ever requested; a batch needs at least one, so it bounds batches too.
        positions: Pairs of an account and a contract that it ever had anything in.
        holds: Ever placed by risk or compliance.
    """

    accounts: int = 2**24
    assets: int = 2**10
    instruments: int = 2**12
    orders: int = 2**24
    withdrawals: int = 2**28
    positions: int = 2**24
    holds: int = 2**24

    def fits(self) -> bool:
        """Whether the arrays could hold it: slots are 32-bit, and ids take two places each."""
        return (
            CUSTOMER_FIRST <= self.accounts <= 2**30
            and 1 <= self.assets <= 2**16
            and 1 <= self.instruments <= 2**24
            and 1 <= self.orders <= 2**29
            and 1 <= self.withdrawals <= 2**30
            and 1 <= self.positions <= 2**30
            and 1 <= self.holds <= 2**30
        )


DEFAULT_CAPACITY: Final = Capacity()

NOTIONAL_NUM_MAX: Final = 2**31 - 1
NOTIONAL_DEN_MAX: Final = AMOUNT_MINOR_MAX
FEE_PPM_MAX: Final = 100_000
"""No fee or rebate above a tenth."""
DECIMALS_SPAN_MAX: Final = 18
"""Most decimals that a token has beyond the ledger's: 10^18 wei fit a minor unit's int64."""
DECIMALS_MAX: Final = 36
ORACLES_MAX: Final = 2**12
COLLATERALS_MAX: Final = 64
"""Only the first assets may be collateral or settle contracts: judging an account is bounded."""
LOOKAHEAD_MAX: Final = 1024
"""Most resting orders that fill-or-kill and market orders look at before they trade, so that a
rejected command costs bounded work."""
EXPIRIES_MAX: Final = 4096
"""Most orders and dead-man's switches that one TICK ends; what is left is due at the next one."""
TRAILS_MAX: Final = 4096
"""Most trailing stops of one instrument: a trade at a new price looks at each of them ..."""
OWN_TRAILS_MAX: Final = 64
"""... and most of one account among them, so that nobody keeps all others out."""
ICEBERG_PARTS_MAX: Final = 100
"""Most slices of one iceberg, so that what one order may trade with stays bounded."""
WINDOW_S_MAX: Final = 86_400
CALL_S_MAX: Final = 86_400
"""The longest window of a volatility halt, and the longest call that it begins: a day."""
BURST_MAX: Final = 1_000_000
INTERVAL_NS_MAX: Final = 3_600 * 10**9
"""The throttle's widest terms: an order an hour, a million at once."""

# A trade's numerator, with its carry, fits the 128-bit multiply-divide.
assert PRICE_TICKS_MAX * QTY_LOTS_MAX * NOTIONAL_NUM_MAX + NOTIONAL_DEN_MAX < 2**127
# A price times the notional's numerator divides a budget times the denominator: int64 and 128 bits.
assert PRICE_TICKS_MAX * NOTIONAL_NUM_MAX < 2**63
assert (AMOUNT_MINOR_MAX + 1) * NOTIONAL_DEN_MAX < 2**127
# A fee's product goes through the same multiply-divide.
assert AMOUNT_MINOR_MAX * FEE_PPM_MAX + PPM < 2**127
assert 10**DECIMALS_SPAN_MAX < 2**63
# What a throttle may owe, and one more.
assert (BURST_MAX + 1) * INTERVAL_NS_MAX < 2**63
