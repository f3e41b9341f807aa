"""The command: what it prints, what it returns, and what it refuses."""

import gzip
import json
import os
from pathlib import Path

import pytest

from api import cli
from api.cli import main
from api.replay.command import ReplayOptions, run_replay
from api.replay.errors import (
    DamagedFile,
    NotAFile,
    NotForThisFormat,
    NotThisFormat,
    ReplayError,
    UnknownFormat,
)
from api.replay.formats import open_recording
from api.replay.recorded import ROWS_MAX
from api.replay.report import share
from api.replay.score import Reason

from .oracle import BITSTAMP_HEADER, Day, bitstamp_lines, dbn_header, dbn_records, lobster_lines

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "replay.md").read_text()
FIELDS = [
    "file", "format", "rows", "events", "commands", "aggressors", "exactly", "within_rounding",
    "partly", "not_at_all", "hidden_only", "hidden_lots", "unrecorded", "recorded_lots",
    "predicted_lots", "agreeing_lots", "recorded_fills", "predicted_fills", "agreeing_fills",
    "reasons", "repairs", "state_root", "elapsed_ms", "rows_per_s",
]  # fmt: skip


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    path = tmp_path / "messages.csv"
    path.write_text("\n".join(lobster_lines(Day(3, 400).happenings)) + "\n")
    return path


def test_json_is_one_object_with_every_field(messages: Path, capsysbinary):
    assert run_replay(ReplayOptions(messages, as_json=True)) == 0
    out, err = capsysbinary.readouterr()
    assert out.count(b"\n") == 1
    # Where kernels are compiled first, that is said.
    assert all(line.startswith(b"compiling kernels") for line in err.splitlines())
    answer = json.loads(out)
    assert list(answer) == FIELDS
    day = Day(3, 400)
    assert answer["file"] == "messages.csv"
    assert answer["format"] == "LOBSTER messages"
    assert answer["rows"] == len(lobster_lines(day.happenings))
    assert answer["aggressors"] == answer["exactly"] == len(day.aggressors())
    assert answer["reasons"] == []
    assert answer["rows_per_s"] > 0
    assert len(bytes.fromhex(answer["state_root"])) == 32


def test_tables_say_the_score_the_reasons_and_the_repairs(messages: Path, capsys):
    text = messages.read_text().splitlines()
    # Somebody's order gives twice what it showed, and one row is no row.
    at, line = next((at, row) for at, row in enumerate(text) if row.split(",")[1] == "4")
    fields = line.split(",")
    fields[3] = str(int(fields[3]) + 1000)
    text[at] = ",".join(fields)
    text.insert(0, "[bold]no row[/bold]")
    messages.write_text("\n".join(text[1:] + text[:1]) + "\n")
    assert run_replay(ReplayOptions(messages)) == 0
    out, _ = capsys.readouterr()
    assert "aggressors exactly" in out
    assert "hidden size" in out
    assert "malformed row left out" in out
    assert "rows/s" in out


def test_fewer_rows_can_be_asked_for(messages: Path, capsysbinary):
    run_replay(ReplayOptions(messages, rows_max=7, as_json=True))
    assert json.loads(capsysbinary.readouterr().out)["rows"] == 7


def test_each_format_is_known_by_its_first_bytes(tmp_path: Path):
    day = Day(5, 30, step_ns=20_000_000, partial_cuts=False)
    lobster = "\n".join(lobster_lines(day.happenings)).encode()
    bitstamp = "\n".join(bitstamp_lines(day.happenings)).encode()
    contents = {
        "LOBSTER messages": [
            lobster,
            gzip.compress(lobster, mtime=0),
            lobster.replace(b"\n", b"\r\n"),
        ],
        "Bitstamp order events": [bitstamp, gzip.compress(bitstamp, mtime=0)],
        "Databento market by order": [dbn_header() + b"".join(dbn_records(day.happenings))],
    }
    for name, variants in contents.items():
        for at, content in enumerate(variants):
            path = tmp_path / f"{len(name)}-{at}"
            path.write_bytes(content)
            tape = open_recording(path)
            assert tape.terms.format == name
            assert len(list(tape)) > 10
            assert not tape.repairs.counts


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", UnknownFormat),
        (b"<html>", UnknownFormat),
        (b"\x00" * 100, UnknownFormat),
        (b"\xff\xfe" * 50, UnknownFormat),
        (BITSTAMP_HEADER.encode() + b",more\n", UnknownFormat),
        (b"DBN", ReplayError),
        (b"\x1f\x8b" + b"junk" * 20, DamagedFile),
        (gzip.compress(b"", mtime=0), UnknownFormat),
        (gzip.compress(b"0" * 10_000_000, mtime=0), UnknownFormat),
        (b"0" * 200_000, UnknownFormat),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes, error: type[Exception]):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        run_replay(ReplayOptions(path, as_json=True))
    assert type(caught.value).__name__ in str(caught.value)


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        run_replay(ReplayOptions(tmp_path / "none"))


def test_an_option_that_says_nothing_about_the_format_is_refused(messages: Path, tmp_path: Path):
    with pytest.raises(NotForThisFormat, match=r"--instrument.*LOBSTER"):
        open_recording(messages, instrument=7)
    recorded = tmp_path / "day.dbn"
    recorded.write_bytes(dbn_header() + b"".join(dbn_records(Day(3, 10).happenings)))
    with pytest.raises(NotForThisFormat, match=r"--book.*Databento"):
        open_recording(recorded, book=messages)


def test_a_pipe_is_refused_and_nothing_read_from_it(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(NotAFile):
        open_recording(pipe)


@pytest.mark.parametrize("rows", ["0", "-5", "many"])
def test_rows_that_are_no_number_of_rows_are_refused(rows: str, messages: Path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["replay", str(messages), "--rows", rows])
    assert caught.value.code == 2
    assert "a whole number from 1" in capsys.readouterr().err
    assert cli.ROWS_MAX == ROWS_MAX


def test_a_share_is_rounded_down():
    assert share(999_999, 1_000_000) == "99.9 %"
    assert share(1, 1) == "100.0 %"
    assert share(0, 7) == "0.0 %"
    assert share(0, 0) == "-"


def test_the_page_names_every_reason_error_and_field():
    for reason in Reason:
        assert f"`{reason.name}`" in DOCS, reason
    for error in ReplayError.__subclasses__():
        assert f"`{error.__name__}`" in DOCS, error
    assert NotThisFormat in ReplayError.__subclasses__()
    for field in FIELDS:
        assert f"`{field}`" in DOCS, field
