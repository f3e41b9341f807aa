"""The crash day: the engine keeps answering, fund and winners absorb it, nothing is lost."""

import json
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from api.cli import CRASH_MINUTES, CRASH_SEED, main
from api.demo import crash_command
from api.demo.crash import COLUMNS, SEED, START_TICKS, STEP_S, STEPS, Evidence, crash_day
from api.demo.crash_chart import draw
from api.demo.crash_checks import checks, summary
from ledger.records.codes import Reject
from matching.jit import COMPILED


@cache
def seen():
    """The day, played once."""
    return crash_day(steps=STEPS if COMPILED else 40)


def moments():
    return seen().moments


def test_the_same_seed_draws_the_same_day_and_another_another():
    assert crash_day(steps=30).moments == moments()[:30]
    assert crash_day(seed=1, steps=30).moments != moments()[:30]


def test_the_price_halves_and_accounts_fall():
    if COMPILED:
        assert START_TICKS * 4 // 10 < moments()[-1].mark < START_TICKS * 6 // 10
        assert moments()[-1].fallen > 50
        assert moments()[-1].deleveraged > 0
        # Fund and winners absorb it: nobody else pays for a fall of a half.
        assert moments()[-1].shared == 0
        assert moments()[-1].liquidated > 0
    assert [moment.second for moment in moments()] == sorted(moment.second for moment in moments())


def test_what_is_counted_is_never_taken_back():
    for name in ("liquidated", "deleveraged", "shared", "fallen"):
        counted = [getattr(moment, name) for moment in moments()]
        assert counted == sorted(counted)


def test_every_check_of_the_day_holds():
    found = checks(seen())
    assert [check.what for check in found if not check.held] == []
    assert len(found) == 6


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda: {"answered": seen().answered - 1}, 0),
        (lambda: {"sent": 0, "answered": 0}, 0),
        (lambda: {"refused": Counter({Reject.NONE: 9, Reject.MALFORMED: 1})}, 1),
        (lambda: {"broken": (5, "asset 1")}, 2),
        (lambda: {"owned": (1, 0)}, 2),
        (lambda: {"unbalanced": 10}, 3),
        (lambda: {"moments": [*moments(), replace(moments()[0], fund=-1)]}, 4),
        (lambda: {"again": bytes(32)}, 5),
        (lambda: {"root": b"", "again": b""}, 5),
    ],
)
def test_each_check_fails_on_what_it_is_there_for(change, place):
    found = checks(replace(seen(), **change()))
    assert [n for n, check in enumerate(found) if not check.held] == [place]


def test_the_summary_is_json_and_says_what_held():
    told = json.loads(json.dumps(summary(SEED, seen(), checks(seen()))))
    assert told["held"] is True
    assert told["commands"] == seen().sent
    assert told["mark"]["last"] == moments()[-1].mark
    assert told["seconds"] == len(moments()) * STEP_S
    assert told["fund_minor"]["lowest"] <= told["fund_minor"]["last"]


def words(path):
    return {text for one in ET.parse(path).iter() for text in [one.text] if text and text.strip()}


def test_the_chart_names_what_it_draws(tmp_path):
    drawn = tmp_path / "day.svg"
    draw(moments(), SEED, drawn)
    assert words(drawn) >= {
        "index", "mark", "equity of longs", "equity of shorts", "insurance fund", "minutes",
        "liquidated in the book", "deleveraged", "losses shared so far",
    }  # fmt: skip
    assert any(f"seed {SEED}" in word for word in words(drawn))


def test_the_chart_shades_halts_and_nothing_else(tmp_path):
    drawn = tmp_path / "day.svg"
    for halted in (0, 1):
        draw([replace(moment, halted=halted) for moment in moments()], SEED, drawn)
        assert ("halted" in words(drawn)) == bool(halted)


def test_the_same_day_is_drawn_the_same(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw(moments(), SEED, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_ending_says_how_it_is_drawn(tmp_path, ending, magic):
    drawn = tmp_path / f"day.{ending}"
    draw(moments(), SEED, drawn)
    assert drawn.read_bytes().startswith(magic)


def test_another_ending_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["crash", "--chart", "day.gif"])
    assert caught.value.code == 2
    assert ".svg, .png, .pdf" in capsys.readouterr().err


def test_the_command_prints_a_line_a_minute_and_draws_the_day(tmp_path, capsys):
    drawn = tmp_path / "day.svg"
    assert main(["crash", "--minutes", "2", "--chart", str(drawn)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["second", *COLUMNS]
    assert [line.split()[0] for line in out[1:3]] == ["60", "120"]
    assert sum(line.startswith("held") for line in out) == 6
    assert ET.fromstring(drawn.read_text()).tag.endswith("svg")


def test_the_command_answers_with_one_json_object(capsys):
    assert main(["crash", "--minutes", "1", "--seed", "7", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seed"], told["held"], told["seconds"]) == (7, True, 60)


def test_a_check_that_fails_is_the_exit_code(monkeypatch, capsys):
    def broken(*_: object) -> Evidence:
        return replace(seen(), unbalanced=5)

    monkeypatch.setattr(crash_command, "crash_day", broken)
    assert main(["crash"]) == 1
    assert "FAILED  Positions net to zero" in capsys.readouterr().out


def test_a_chart_that_cannot_be_drawn_is_said_before_the_day_is_played(monkeypatch, tmp_path):
    monkeypatch.setattr(crash_command, "crash_day", lambda *_: pytest.fail("it was played"))
    assert main(["crash", "--chart", str(tmp_path / "nowhere" / "day.svg")]) == 2


@pytest.mark.parametrize("minutes", ["0", "61", "-1"])
def test_more_than_the_hour_is_refused(minutes, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["crash", "--minutes", minutes])
    assert caught.value.code == 2
    assert "1 to 60" in capsys.readouterr().err


def test_the_command_line_knows_the_day_without_loading_it():
    assert (CRASH_SEED, CRASH_MINUTES) == (SEED, STEPS * STEP_S // 60)
