"""Published worked examples of auctions, each with its source.

Sources:
    XETRA: Deutsche Börse, Xetra market model for equities, examples 1 to 5 of price determination
        in auctions; the orders as transcribed in hroptatyr/clob, test/mmod_auction_xetra_0*.c.
    ASX: University of New South Wales, trading engine course, session 3, appendix of the additional
        reading: stock X under the four principles that ASX took up in 2006; cents.
    MARKETGRID: MarketGrid documentation, concepts, trading, matching algorithms, auction.
    HKEX: Closing auction session, examples of matching, example 1; cents.
    BEACON: BNB Beacon Chain documentation, match steps and examples, 1 to 6.2. Its 5.2 to 5.4 hinge
        on a percentage around the reference that bounds market pressure: a rule that we don't have.

Euronext's examples need orders without a limit, which no call of ours takes.
"""

import pytest

from tests.matching.calls import Call

BEACON_6 = ([(100, 25), (97, 25)], [(98, 25), (95, 25)])

EXAMPLES = {
    "XETRA 1: one price of largest volume": (
        [(200, 300), (199, 200), (198, 300), (196, 100)],
        [(200, 100), (198, 300), (197, 400)],
        (None, (198, 700, 100)),
    ),
    "XETRA 2: buys left over, so the highest": (
        [(200, 600), (197, 200)],
        [(201, 400), (199, 100), (198, 100), (197, 300)],
        (None, (200, 500, 100)),
    ),
    "XETRA 3: sells left over, so the lowest": (
        [(202, 300), (201, 100), (199, 100), (197, 400)],
        [(201, 200), (198, 600)],
        (None, (198, 500, -100)),
    ),
    "XETRA 4: nothing left over, so the reference": (
        [(202, 300), (201, 200), (197, 100)],
        [(203, 100), (199, 300), (198, 200)],
        (200, (200, 500, 0)),
    ),
    "XETRA 5: no overlap": (
        [(200, 100), (199, 400)],
        [(202, 300), (201, 200)],
        (None, (0, 0, 0)),
    ),
    "ASX: volume, then surplus, then pressure": (
        [(640, 500), (639, 500), (639, 500), (634, 1000), (633, 500)],
        [(610, 1000), (640, 500), (641, 520), (642, 550), (643, 519)],
        (None, (639, 1000, 500)),
    ),
    "MARKETGRID: largest volume in a deep book": (
        [
            *[(13000, 45), (12900, 95), (12800, 25), (12700, 35), (12600, 25), (12500, 55)],
            *[(12400, 200), (12300, 80), (12200, 60)],
        ],
        [
            *[(13100, 35), (13000, 50), (12900, 10), (12800, 15), (12700, 10), (12600, 20)],
            *[(12500, 90), (12400, 155), (12300, 125), (12200, 10)],
        ],
        (None, (12400, 290, 190)),
    ),
    "HKEX 1: largest volume": (
        [(2405, 200), (2400, 1000), (2395, 400)],
        [(2395, 400), (2400, 600), (2405, 400), (2405, 400)],
        (None, (2400, 1000, 200)),
    ),
    "BEACON 1: largest volume": (
        [(100, 150), (98, 150)],
        [(98, 250), (97, 50)],
        (None, (98, 300, 0)),
    ),
    "BEACON 2: largest volume": (
        [(100, 150), (99, 50), (97, 300)],
        [(97, 200), (96, 100)],
        (None, (97, 300, 200)),
    ),
    "BEACON 3: least surplus": (
        [(102, 300), (100, 100), (99, 200), (98, 300)],
        [(98, 250), (97, 250), (96, 1000)],
        (None, (96, 900, -100)),
    ),
    "BEACON 4: least surplus, at a price without an order": (
        [(102, 30), (101, 10), (99, 50), (96, 15)],
        [(98, 10), (97, 50), (95, 50)],
        (None, (97, 90, -10)),
    ),
    "BEACON 5.1: sells left over, so the lowest": (
        [(102, 10), (97, 10)],
        [(95, 50)],
        (80, (95, 20, -30)),
    ),
    "BEACON 6.1: surplus of both signs, so the reference": (*BEACON_6, (99, (99, 25, -25))),
    "BEACON 6.2: surplus of both signs, so the reference": (*BEACON_6, (97, (97, 25, 25))),
}
"""Name to (buys, sells, (reference or None where it plays no part, expected))."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example_comes_out_as_published(name):
    buys, sells, (reference, expected) = EXAMPLES[name]
    call = Call(max_price=20_000).fill(buys, sells)
    for tried in (-1, 1, 10**6) if reference is None else (reference,):
        assert call.clear(tried) == expected
        assert call.expected(tried) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example_trades_its_volume(name):
    buys, sells, (reference, (price, lots, _)) = EXAMPLES[name]
    call = Call(max_price=20_000).fill(buys, sells)
    assert call.clear(reference or 0) == call.expected(reference or 0)
    assert sum(traded for _, _, traded in call.run(price)) == lots
