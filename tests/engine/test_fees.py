"""Fee schedules, 30-day volumes, API discounts, and that nobody is paid for wash trades."""

import pytest

from ledger.engine import Capacity, Engine, SnapshotCorrupt
from ledger.engine.kernels.base.fees import ppb_ceil, ppb_floor
from ledger.engine.layout import FEES
from ledger.engine.margin_layout import NO_ORACLE
from ledger.engine.reference.fees import volume
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.codes import CommandFlag, CommandKind, EventKind, Phase, Reject
from matching.jit import COMPILED, kernel
from tests.engine.credit_streams import DAY, TIERS, CreditStream, fee_tiers
from tests.engine.perpetual_venue import INVERSE, LINEAR, MID, PerpetualVenue
from tests.engine.streams import as_commands
from tests.engine.test_equivalence import check
from tests.engine.test_liquidation import long_alice
from tests.engine.venue import ALICE, BASE, BOB, BUY, CAROL, QUOTE, SELL, open_venue

K = CommandKind
API = CommandFlag.VIA_API
SEEDS = 150 if COMPILED else 16
LOT = 10**6
"""Quote of one lot at the price of the tests below."""


@kernel
def round_both(amount, rate):
    """Parts of kernels have no entry from Python."""
    return ppb_floor(amount, rate), ppb_ceil(amount, rate)


def scheduled_venue(tiers=TIERS, **fields):
    """A pair whose quote is the valuation, with one schedule."""
    venue = open_venue({"notional_num": 1000})
    venue.do(K.SET_COLLATERAL, asset=QUOTE, oracle=NO_ORACLE, index_ticks=1, num=1, den=1)
    assert venue.batch(fee_tiers(1, tiers, **fields))[0].reject == Reject.NONE
    assert venue.do(K.SET_FEES, schedule=1).reject == Reject.NONE
    return venue


def trade(venue, seller=ALICE, buyer=BOB, lots=1, **fields):
    """The TRADE of a resting sell and a taking buy: `lots` times 10^6 quote."""
    venue.place(seller, SELL, 1000, lots, **{k: v for k, v in fields.items() if k == "time_ns"})
    done = venue.place(buyer, BUY, 1000, lots, **fields)
    assert done.filled_lots == lots
    return done.events[0]


def test_rates_of_a_trade_are_those_of_the_tier():
    event = trade(scheduled_venue())
    assert event["fee_minor"] == 1000 * 500 // 10**6 + 1 == 1, "500 ppm of 1000 base, rounded up"
    assert event["counter_fee_minor"] == LOT * 200 // 10**6


def test_the_volume_of_the_trade_itself_opens_the_next_tier_for_the_next_order():
    venue = scheduled_venue(((0, 5000, 400), *((LOT * n, 4000, 300) for n in range(1, 6))))
    first, second = trade(venue), trade(venue)
    assert (first["fee_minor"], second["fee_minor"]) == (5, 4)
    assert (first["counter_fee_minor"], second["counter_fee_minor"]) == (400, 300)


def test_an_order_keeps_the_taker_rate_that_it_began_with():
    venue = scheduled_venue(((0, 5000, 400), *((LOT * n, 4000, 300) for n in range(1, 6))))
    for _ in range(2):
        venue.place(ALICE, SELL, 1000, 1)
    done = venue.place(BOB, BUY, 1000, 2)
    assert [event["fee_minor"] for event in done.events] == [5, 5]
    assert [event["counter_fee_minor"] for event in done.events] == [400, 300]


def test_the_last_tier_pays_sixty_per_cent_less_and_its_maker_is_paid():
    venue = scheduled_venue(
        ((0, 500, 200), (1, 400, 0), (2, 350, -180), (3, 300, -180), (4, 250, -180),
         (5, 200, -180)), api_discount_ppm=100_000,
    )  # fmt: skip
    trade(venue, lots=1000)
    event = trade(venue, lots=1000)
    assert event["fee_minor"] == 10**6 * 200 // 10**6
    assert event["counter_fee_minor"] == -min(10**9 * 180 // 10**6, 200_000)


def test_a_volume_leaves_after_thirty_days_and_not_a_day_before():
    venue = scheduled_venue(((0, 5000, 400), *((LOT * n, 4000, 300) for n in range(1, 6))))
    trade(venue, time_ns=5 * DAY)
    venue.do(K.TICK, time_ns=34 * DAY + DAY - 1)
    assert trade(venue, ALICE, CAROL, time_ns=34 * DAY + DAY - 1)["counter_fee_minor"] == 300
    venue.do(K.TICK, time_ns=64 * DAY)
    assert trade(venue, time_ns=64 * DAY)["fee_minor"] == 5, "nobody traded since"


@pytest.mark.parametrize("gap", [1, 2, 28, 29, 30, 31, 400])
def test_the_window_is_exact_for_every_gap(gap):
    """Two days of trade, `gap` apart: what counts afterwards is what thirty days hold."""
    venue = scheduled_venue()
    for day in (40, 40 + gap):
        trade(venue, time_ns=day * DAY)
    state = venue.engine._state.credit
    traded = int(state.volumes["today_minor"][BOB] + state.volumes["before_minor"][BOB])
    assert traded == (2 * LOT if gap < 30 else LOT)


def test_volume_and_tier_can_be_read_on_any_day():
    venue = scheduled_venue()
    trade(venue, time_ns=50 * DAY)
    assert venue.engine.fee_tier(BOB, 1) == 5
    assert venue.engine.fee_tier(CAROL, 1) == 1
    assert venue.engine.fee_tier(BOB, 2) is venue.engine.fee_tier(BOB, 9) is None
    for day, worth in ((50, LOT), (79, LOT), (80, 0), (200, 0)):
        venue.do(K.TICK, time_ns=day * DAY)
        assert venue.engine.volume_minor(BOB) == worth
        assert volume(venue.reference.state, BOB, day * DAY) == worth
    assert venue.engine.volume_minor(99) == 0


def test_an_order_by_api_saves_a_tenth_of_the_fee_in_one_rounding():
    venue = scheduled_venue(tuple((n, 375, 0) for n in range(6)))
    plain = trade(venue, lots=12345)["fee_minor"]
    saved = trade(venue, lots=12345, flags=API)["fee_minor"]
    assert plain == -(-12_345_000 * 375 // 10**6)
    assert saved == -(-12_345_000 * 375 * 9 // 10**7)


def test_a_triggered_order_by_api_saves_too():
    venue = scheduled_venue(tuple((n, 1000, 0) for n in range(6)))
    venue.place(BOB, BUY, 1001, 10, flags=API | CommandFlag.STOP, trigger_ticks=1000)
    venue.place(ALICE, SELL, 1001, 10)
    venue.place(ALICE, SELL, 1000, 1)
    done = venue.place(CAROL, BUY, 1000, 1)
    assert done.events[-1]["account"] == BOB
    assert done.events[-1]["fee_minor"] == 9


def test_a_discount_never_raises_a_rebate():
    venue = scheduled_venue(tuple((n, 1000, -200) for n in range(6)), api_discount_ppm=100_000)
    trade(venue, ALICE, BOB, lots=5)
    venue.deposit(ALICE, QUOTE, 10)
    venue.place(ALICE, BUY, 1000, 5)
    venue.place(BOB, SELL, 1000, 5)
    venue.place(ALICE, SELL, 1000, 1, flags=API)
    event = venue.place(BOB, BUY, 1000, 1).events[0]
    assert event["counter_fee_minor"] == -(LOT * 200 // 10**6)


def test_volume_counts_on_instruments_with_their_own_fees_and_not_without_a_price():
    venue = open_venue({})
    trade(venue, lots=3)
    volumes = venue.engine._state.credit.volumes["today_minor"]
    assert int(volumes[ALICE]) == int(volumes[BOB]) == 0, "the quote has no worth yet"
    venue.do(K.SET_COLLATERAL, asset=QUOTE, oracle=NO_ORACLE, index_ticks=7, num=1, den=2)
    trade(venue, lots=3)
    assert int(volumes[ALICE]) == int(volumes[BOB]) == 3 * 1000 * 7 // 2


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE])
def test_perpetuals_take_their_tier_on_the_notional(instrument):
    venue = PerpetualVenue(coins=10**9)
    venue.batch(fee_tiers(2, tuple((n, 400, -200) for n in range(6)), time_ns=venue.now))
    venue.do(K.SET_FEES, instrument=instrument, schedule=2)
    event = venue.trade(ALICE, BOB, 1000, 10_000, instrument).events[0]
    notional = 3_000_000 if instrument == LINEAR else 100_000_000
    assert event["fee_minor"] == notional * 400 // 10**6
    assert event["counter_fee_minor"] == -notional * 200 // 10**6


def test_the_fee_of_the_tier_counts_when_margin_is_checked():
    venue = PerpetualVenue(dollars=30_000 + 1_500_000 * 400 // 10**6)
    for taker_ppm, reject in ((401, Reject.INSUFFICIENT_MARGIN), (400, Reject.NONE)):
        venue.batch(fee_tiers(1, tuple((n, taker_ppm, 0) for n in range(6)), time_ns=venue.now))
        venue.do(K.SET_FEES, instrument=LINEAR, schedule=1)
        assert venue.place(ALICE, BUY, 10_000, 500, instrument=LINEAR).reject == reject


def test_a_sub_accounts_trades_count_for_its_master_and_take_its_tier():
    venue = scheduled_venue(((0, 5000, 400), *((LOT * n, 4000, 300) for n in range(1, 6))))
    sub = CAROL + 1
    venue.do(K.OPEN_ACCOUNT, account=sub, master=BOB)
    venue.deposit(sub, QUOTE, 10**10)
    assert trade(venue, ALICE, sub)["fee_minor"] == 5
    assert trade(venue, CAROL, BOB)["fee_minor"] == 4
    assert trade(venue, CAROL, sub)["fee_minor"] == 4
    volumes = venue.engine._state.credit.volumes
    assert int(volumes["today_minor"][sub]) == 0
    assert int(volumes["today_minor"][BOB]) == 3 * LOT


def test_a_master_is_nobodys_sub_account():
    venue = scheduled_venue()
    assert venue.do(K.OPEN_ACCOUNT, account=CAROL + 1, master=BOB).reject == Reject.NONE
    done = venue.do(K.OPEN_ACCOUNT, account=CAROL + 2, master=CAROL + 1)
    assert done.reject == Reject.UNKNOWN_ACCOUNT


FLAT = tuple((n, 500, 0) for n in range(6))


@pytest.mark.parametrize(
    ("tiers", "terms", "reject"),
    [
        (FLAT, {}, Reject.NONE),
        (FLAT, {"schedule": 8}, Reject.NONE),
        (FLAT, {"schedule": 0}, Reject.MALFORMED),
        (FLAT, {"account": 1}, Reject.MALFORMED),
        (FLAT, {"flags": 1}, Reject.MALFORMED),
        (FLAT, {"schedule": 9}, Reject.TABLE_FULL),
        (FLAT, {"api_discount_ppm": 10**6}, Reject.NONE),
        (FLAT, {"api_discount_ppm": 10**6 + 1000}, Reject.AMOUNT_OUT_OF_RANGE),
        (FLAT, {"api_discount_ppm": 1500}, Reject.AMOUNT_OUT_OF_RANGE),
        ((*FLAT[:5], (2**62, 500, 0)), {}, Reject.NONE),
        ((*FLAT[:5], (2**62 + 1, 500, 0)), {}, Reject.AMOUNT_OUT_OF_RANGE),
        ((*FLAT[:5], (4, 500, 0)), {}, Reject.AMOUNT_OUT_OF_RANGE),
        ((FLAT[0], (-1, 500, 0), *FLAT[2:]), {}, Reject.AMOUNT_OUT_OF_RANGE),
        (((0, 100_001, 0), *FLAT[1:]), {}, Reject.AMOUNT_OUT_OF_RANGE),
        ((*FLAT[:5], (5, -1, 0)), {}, Reject.AMOUNT_OUT_OF_RANGE),
        ((*FLAT[:5], (5, 501, 0)), {}, Reject.AMOUNT_OUT_OF_RANGE),
        ((*FLAT[:5], (5, 500, 1)), {}, Reject.AMOUNT_OUT_OF_RANGE),
        ((*FLAT[:5], (5, 500, -501)), {}, Reject.AMOUNT_OUT_OF_RANGE),
        ((*FLAT[:5], (5, 500, -500)), {"api_discount_ppm": 0}, Reject.NONE),
        ((*FLAT[:5], (5, 500, -450)), {}, Reject.NONE),
        ((*FLAT[:5], (5, 500, -451)), {}, Reject.WASH_PAYS),
        ((*FLAT[:5], (5, 200, -201)), {"api_discount_ppm": 0}, Reject.WASH_PAYS),
        ((*FLAT[:5], (5, 500, -1)), {"api_discount_ppm": 10**6}, Reject.WASH_PAYS),
    ],
)
def test_a_schedule_is_taken_whole_or_not_at_all(tiers, terms, reject):
    venue = open_venue({})
    before = venue.engine.state_root()
    done = venue.batch(fee_tiers(**{"tiers": tiers} | terms))[0]
    assert done.reject == reject
    assert (venue.engine.state_root() == before) is False, "a reject changes the number alone"


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"schedule": 2}, Reject.UNKNOWN_SCHEDULE),
        ({"schedule": 9}, Reject.UNKNOWN_SCHEDULE),
        ({"schedule": 2**32 - 1}, Reject.UNKNOWN_SCHEDULE),
        ({"schedule": 1, "taker_fee_ppm": 1}, Reject.MALFORMED),
        ({"schedule": 1}, Reject.NONE),
        ({"taker_fee_ppm": 9}, Reject.NONE),
    ],
)
def test_an_instrument_takes_its_own_fees_or_a_schedules(fields, reject):
    venue = scheduled_venue()
    assert venue.do(K.SET_FEES, **fields).reject == reject


@pytest.mark.parametrize("amount", [0, 1, 999_999_999, 10**9, 10**9 + 1, 2**62 - 1])
@pytest.mark.parametrize("rate", [0, 1, 337_500, 500_000, 10**8])
def test_a_rate_in_ppb_is_rounded_once(amount, rate):
    assert round_both(amount, rate) == (amount * rate // 10**9, -(-amount * rate // 10**9))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kernels_equal_the_reference_on_a_random_stream_with_schedules(seed):
    check(CreditStream(seed).take(300), Capacity())


@pytest.mark.parametrize("seed", range(8))
def test_a_restored_engine_goes_on_alike_with_schedules_and_volumes(seed):
    stream = CreditStream(seed + 300).take(320)
    engine = Engine()
    engine.execute(as_commands(stream[:200]))
    copy = Engine.restore(engine.snapshot())
    rest = as_commands(stream[200:])
    assert engine.execute(rest).events.tobytes() == copy.execute(rest).events.tobytes()
    assert copy.state_root() == engine.state_root()


WRONG = [
    (TableId.FEE_SCHEDULES, "api_discount_ppm", 1),
    (TableId.FEE_SCHEDULES, "taken", 2),
    (TableId.FEE_TIERS, "taker_ppm", -1),
    (TableId.FEE_TIERS, "maker_ppm", -501),
    (TableId.FEE_TIERS, "volume_minor", -1),
    (TableId.VOLUMES, "holder", 7),
    (TableId.VOLUMES, "today_minor", -1),
    (TableId.VOLUMES, "before_minor", 5),
    (TableId.VOLUME_DAYS, "day_3", -1),
    (TableId.INSTRUMENTS, "fee_schedule", 9),
    (TableId.INSTRUMENTS, "fee_schedule", 4),
]


@pytest.mark.parametrize(("table", "name", "wrong"), WRONG)
def test_fee_tables_that_contradict_themselves_are_refused(table, name, wrong):
    engine = Engine()
    engine.execute(as_commands(CreditStream(3).take(120)))
    tables = {one.table: one.rows.copy() for one in canonical_tables(engine._state)}
    restored_state(tables)
    tables[table][name][0] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)


def test_whoever_trades_with_himself_through_two_accounts_never_gains():
    """The dearest case for the venue: last tier, by API, on both sides, many sizes."""
    venue = scheduled_venue(tuple((n, 500, -450) for n in range(6)))
    venue.do(K.SET_FEES, schedule=1)
    before = sum(venue.balance(who, QUOTE)[0] for who in (ALICE, BOB))
    base = sum(venue.balance(who, BASE)[0] for who in (ALICE, BOB))
    for lots in (1, 7, 333, 10_000):
        venue.place(ALICE, BUY, 1000, lots)
        venue.place(BOB, SELL, 1000, lots, flags=API)
        venue.place(ALICE, SELL, 1000, lots)
        venue.place(BOB, BUY, 1000, lots, flags=API)
    after = sum(venue.balance(who, QUOTE)[0] for who in (ALICE, BOB))
    left = sum(venue.balance(who, BASE)[0] for who in (ALICE, BOB))
    assert (after - before) + (left - base) * 1000 <= 0, "a base unit is worth a thousand"
    assert venue.balance(FEES, QUOTE)[0] >= 0


def test_nobody_is_paid_for_an_auction():
    """Both are makers, so a rebate would have no fee beside it: twice the rebate a pair."""
    venue = scheduled_venue(tuple((n, 500, -450) for n in range(6)))
    trade(venue, lots=10_000)
    venue.place(ALICE, BUY, 1000, 5000)
    venue.place(BOB, SELL, 1000, 5000)
    assert min(venue.balance(FEES, of)[0] for of in (BASE, QUOTE)) > 0, "what a rebate could take"
    venue.do(K.SET_PHASE, phase=Phase.CALL)
    venue.place(ALICE, SELL, 1000, 5000)
    venue.place(BOB, BUY, 1000, 5000)
    fees = venue.balance(FEES, BASE), venue.balance(FEES, QUOTE)
    (event, _) = venue.do(K.SET_PHASE, phase=Phase.CONTINUOUS).events
    assert (event["qty_lots"], event["fee_minor"], event["counter_fee_minor"]) == (5000, 0, 0)
    assert (venue.balance(FEES, BASE), venue.balance(FEES, QUOTE)) == fees
    venue.do(K.SET_FEES, maker_fee_ppm=100, taker_fee_ppm=500)
    venue.do(K.SET_PHASE, phase=Phase.CALL)
    venue.place(ALICE, SELL, 1000, 5000)
    venue.place(BOB, BUY, 1000, 5000)
    (event, _) = venue.do(K.SET_PHASE, phase=Phase.CONTINUOUS).events
    assert (event["fee_minor"], event["counter_fee_minor"]) == (500, 500_000), "100 ppm of each"


@pytest.mark.parametrize(("maker_ppm", "pays"), [(-450, False), (450, True)])
def test_nobody_is_paid_for_meeting_a_liquidation(maker_ppm, pays):
    """It pays no taker's fee, so the rebate would come from the others' fees."""
    venue = long_alice(fund=10**6)
    venue.do(K.SET_FEES, instrument=LINEAR, maker_fee_ppm=500, taker_fee_ppm=500)
    venue.trade(BOB, CAROL, 100, MID)
    earned = venue.cash(FEES)
    assert earned > 0
    venue.do(K.SET_FEES, instrument=LINEAR, maker_fee_ppm=maker_ppm, taker_fee_ppm=500)
    venue.place(CAROL, BUY, 9_600, 500, instrument=LINEAR)
    closed = [e for e in venue.move(9_500).events if e["kind"] == EventKind.TRADE]
    assert closed
    assert {event["fee_minor"] for event in closed} == {0}
    paid = sum(event["counter_fee_minor"] for event in closed)
    assert (paid == 0, paid > 0) == (not pays, pays)
    assert venue.cash(FEES) == earned + paid
