"""The crash day: the engine keeps answering, fund and winners absorb it, nothing is lost."""

import xml.etree.ElementTree as ET

from api.demo.crash import COLUMNS, START_TICKS, STEPS, crash_day
from api.demo.crash_chart import chart
from matching.jit import COMPILED

DAY = crash_day(steps=STEPS if COMPILED else 40)


def test_the_same_seed_draws_the_same_day():
    assert crash_day(steps=30) == DAY[:30]


def test_the_price_halves_and_accounts_fall():
    """Conservation and the rejects are asserted after every step by the day itself."""
    if COMPILED:
        assert START_TICKS * 4 // 10 < DAY[-1].mark < START_TICKS * 6 // 10
        assert DAY[-1].fallen > 50
        assert DAY[-1].deleveraged > 0
    assert [moment.second for moment in DAY] == sorted(moment.second for moment in DAY)


def test_what_traders_paid_is_never_taken_back():
    shared = [moment.shared for moment in DAY]
    assert shared == sorted(shared)


def test_the_chart_has_a_line_for_every_series():
    series = {name: [int(getattr(moment, name)) for moment in DAY] for name in COLUMNS}
    document = ET.fromstring(chart(series))
    lines = [one for one in document if one.tag.endswith("polyline")]
    assert len(lines) == len(COLUMNS)
    for line in lines:
        assert len(line.attrib["points"].split()) == len(DAY)
