"""SET_ORACLE, ORACLE_PRICE: what sources say. It moves nothing before the next TICK."""

from ledger.engine.kernels.base.checks import blank_from, unsigned
from ledger.engine.limits import ORACLES_MAX
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.index import NO_PRICE, IndexRule, Sources, index_ticks
from ledger.margin.limits import SOURCES_MAX
from ledger.records.codes import Reject
from ledger.records.layout import ORACLE, PRICE
from matching.jit import i64, inner
from matching.units import PPM, PRICE_TICKS_MAX

_STALE_NS_MAX = 10**18
AHEAD_NS_MAX = 10 * 10**9
"""How far a source's clock may be ahead of the venue's. What it says must be later than what it
said before: one word from far ahead would silence it until then."""

_NONE = int(Reject.NONE)
_MALFORMED = int(Reject.MALFORMED)
_OUT_OF_TURN = int(Reject.OUT_OF_TURN)
_TABLE_FULL = int(Reject.TABLE_FULL)
_PRICE_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_UNKNOWN_ORACLE = int(Reject.UNKNOWN_ORACLE)

_ORACLE_RESERVED = first_word(ORACLE, "reserved")
_PRICE_RESERVED = first_word(PRICE, "reserved")


@inner
def set_oracle(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_ORACLE: a new index, or another rule for an old one. Returns a `Reject`."""
    c, header, rows = commands.oracle, state.header, state.margin.oracles
    oracle = i64(c["oracle"][row])
    blank = blank_from(commands, row, _ORACLE_RESERVED)
    if not unsigned(commands, row) or not blank or c["pad"][row] != 0:
        return _MALFORMED
    if oracle > header["oracle_count"][0]:
        return _OUT_OF_TURN
    if oracle >= ORACLES_MAX:
        return _TABLE_FULL
    sources = i64(c["sources"][row])
    if (
        not 1 <= sources <= SOURCES_MAX
        or not 1 <= i64(c["minimum"][row]) <= sources
        or not 0 <= c["stale_ns"][row] <= _STALE_NS_MAX
        or not 0 <= c["outlier_ppm"][row] <= PPM
    ):
        return _AMOUNT_OUT_OF_RANGE
    rows["sources"][oracle] = sources
    rows["minimum"][oracle] = c["minimum"][row]
    rows["stale_ns"][oracle] = c["stale_ns"][row]
    rows["outlier_ppm"][oracle] = c["outlier_ppm"][row]
    if oracle == header["oracle_count"][0]:
        header["oracle_count"][0] = oracle + 1
    results.outcomes["subject_id"][row] = oracle
    return _NONE


@inner
def oracle_price(state: State, commands: Commands, row: int) -> int:
    """ORACLE_PRICE: one source's latest word. Returns a `Reject`."""
    c, rows = commands.price, state.margin.sources
    oracle, source = i64(c["oracle"][row]), i64(c["source"][row])
    known = oracle < state.header["oracle_count"][0]
    if not unsigned(commands, row) or not blank_from(commands, row, _PRICE_RESERVED):
        return _MALFORMED
    if not known or source >= i64(state.margin.oracles["sources"][oracle]):
        return _UNKNOWN_ORACLE
    at = oracle * SOURCES_MAX + source
    if c["observed_ns"][row] <= rows["time_ns"][at]:
        return _OUT_OF_TURN
    if c["observed_ns"][row] - AHEAD_NS_MAX > c["time_ns"][row]:
        return _OUT_OF_TURN
    if not 1 <= c["price_ticks"][row] <= PRICE_TICKS_MAX:
        return _PRICE_OUT_OF_RANGE
    rows["price_ticks"][at] = c["price_ticks"][row]
    rows["time_ns"][at] = c["observed_ns"][row]
    return _NONE


@inner
def make_index(state: State, oracle: int, now_ns: int) -> None:
    """Set an index from its sources; without enough of them it stands where it was."""
    margin = state.margin
    rows = margin.oracles
    first = oracle * SOURCES_MAX
    last = first + i64(rows["sources"][oracle])
    sources = Sources(
        margin.sources["price_ticks"][first:last],
        margin.sources["time_ns"][first:last],
        margin.sorted_ticks,
    )
    rule = IndexRule(
        rows["stale_ns"][oracle], rows["outlier_ppm"][oracle], i64(rows["minimum"][oracle])
    )
    price_ticks, used = index_ticks(sources, now_ns, rule)
    rows["used"][oracle] = used
    if price_ticks != NO_PRICE:
        rows["index_ticks"][oracle] = price_ticks
