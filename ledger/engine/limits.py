"""Limits of the engine, proven at import: numba wraps int64 silently, so no product may."""

from typing import Final

from matching.units import AMOUNT_MINOR_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

ACCOUNTS_MAX: Final = 2**24
ASSETS_MAX: Final = 2**10
INSTRUMENTS_MAX: Final = 2**12
ORDERS_MAX: Final = 2**24
"""Open orders at one time, all books together."""
WITHDRAWALS_MAX: Final = 2**28
BATCHES_MAX: Final = 2**28

NOTIONAL_NUM_MAX: Final = 2**31 - 1
NOTIONAL_DEN_MAX: Final = AMOUNT_MINOR_MAX
FEE_PPM_MAX: Final = 100_000
"""No fee or rebate above a tenth."""
DECIMALS_SPAN_MAX: Final = 18
"""Most decimals that a token has beyond the ledger's: 10^18 wei fit a minor unit's int64."""
DECIMALS_MAX: Final = 36
LOOKAHEAD_MAX: Final = 1024
"""Most resting orders that fill-or-kill and market orders look at before they trade, so that a
rejected command costs bounded work."""

# A trade's numerator, with its carry, fits the 128-bit multiply-divide.
assert PRICE_TICKS_MAX * QTY_LOTS_MAX * NOTIONAL_NUM_MAX + NOTIONAL_DEN_MAX < 2**127
# A price times the notional's numerator divides a budget times the denominator: int64 and 128 bits.
assert PRICE_TICKS_MAX * NOTIONAL_NUM_MAX < 2**63
assert (AMOUNT_MINOR_MAX + 1) * NOTIONAL_DEN_MAX < 2**127
# A fee's product goes through the same multiply-divide.
assert AMOUNT_MINOR_MAX * FEE_PPM_MAX + PPM < 2**127
assert 10**DECIMALS_SPAN_MAX < 2**63
