"""Units and bounds of margin, proven at import: numba wraps int64 silently, so no product may.

docs/spec/margin.md, section 2, gives the proofs in words; the asserts below are the same proofs.
"""

from typing import Final

from matching.units import AMOUNT_MINOR_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

PPB: Final = 1_000_000_000
"""Funding, premium and volatility rates need more digits than ppm have."""

LINEAR: Final = 0
INVERSE: Final = 1

EXPOSURE_MINOR_MAX: Final = 2**60 - 1
"""What all positions of one account in one settlement asset may be worth together at their
instruments' extreme price; checked when a position grows, so that no mark can break it."""
COST_MAX: Final = 2**60 - 1
"""Most tick-lots of one linear position at the instrument's highest price."""
NUM_MAX: Final = 2**31 - 1
"""Settlement units of one tick-lot, numerator (linear) ..."""
DEN_MAX: Final = 2**31 - 1
"""... and denominator."""
INVERSE_NUM_MAX: Final = 2**46 - 1
"""Coin units of one lot at a price of one tick; an inverse contract has denominator 1."""

RATE_PPM_MAX: Final = PPM
"""No margin rate above the notional itself."""
MULTIPLIER_PPM_MAX: Final = 4 * PPM
RATE_PPB_MAX: Final = 2**30
"""No funding rate, premium or move above 107 % counts as more."""
TIERS_MAX: Final = 64
"""Most brackets of one instrument: a look-up costs bounded work."""
SOURCES_MAX: Final = 32
"""Most sources of one index."""
SAMPLES_MAX: Final = 2**15
"""Most premium samples of one funding interval: a day at one in three seconds."""
INTERVAL_S_MAX: Final = 86_400
WALLETS_MAX: Final = 128
"""Most wallets (assets) of one account."""
VALUE_MAX: Final = 2**55
"""Most that one wallet counts as collateral: a cap for the account, never against the venue."""
SUM_MAX: Final = 2**62
"""Where debts and requirements saturate: above every possible sum of collateral."""

# A position's value, its cost, and their difference.
assert 2 * COST_MAX < 2**62
assert 2 * COST_MAX * NUM_MAX < 2**126
# A wallet: its balance, all its positions' profit, less a requirement.
assert AMOUNT_MINOR_MAX + 2 * EXPOSURE_MINOR_MAX + EXPOSURE_MINOR_MAX < 2**63
# What a wallet is worth: balance and profit times a price with its numerator.
assert (AMOUNT_MINOR_MAX + 2 * EXPOSURE_MINOR_MAX) * PRICE_TICKS_MAX * NUM_MAX < 2**126
# All collateral of an account, beside which debts and requirements saturate.
assert WALLETS_MAX * VALUE_MAX <= SUM_MAX
# A requirement, raised by volatility.
assert EXPOSURE_MINOR_MAX * MULTIPLIER_PPM_MAX < PPM * 2**63
# Lots of an inverse contract times its coin units: the listing keeps them below the exposure.
assert QTY_LOTS_MAX * INVERSE_NUM_MAX < 2**126
# A share of a cost.
assert COST_MAX * QTY_LOTS_MAX < 2**126
# Funding: value times rate, over the denominator in parts per billion.
assert COST_MAX * NUM_MAX * RATE_PPB_MAX < 2**126
assert DEN_MAX * PPB < 2**62
assert PRICE_TICKS_MAX * PPB < 2**62
# The funding basis of a mark.
assert PRICE_TICKS_MAX * RATE_PPB_MAX * INTERVAL_S_MAX < 2**126
assert INTERVAL_S_MAX * PPB < 2**62
# Weighted premium samples.
assert RATE_PPB_MAX * SAMPLES_MAX * (SAMPLES_MAX + 1) < 2**63
