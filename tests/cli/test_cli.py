"""The command line: help for everything, refusals on stderr with exit code 2, no traces."""

from pathlib import Path

import pytest

from api.cli import main

COMMANDS = ("demo", "devnet", "chain", "replica", "replay", "crash", "verify", "audit", "bench")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"provenue {command}" in capsys.readouterr().out


def test_a_word_that_is_no_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dmeo"])
    assert caught.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["verify", "no-such-receipt"], "GroupRefused"),
        (["audit", "nowhere", "--group", "no-such-group.json"], "GroupRefused"),
        (["chain", "--config", "no-such-file.json"], "No such file"),
        (["replica", "run", "--config", "no-such-file.json"], "No such file"),
        (["bench", "no-such-figure"], "no-such-figure"),
        (["demo", "--orders", "no-such-day.csv"], "No such file"),
        (["replay", "no-such-day.csv"], "No such file"),
    ],
)
def test_an_expected_error_is_one_line_on_stderr(
    arguments: list[str],
    fact: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    seen = capsys.readouterr()
    assert seen.err.startswith("provenue: ")
    assert fact in seen.err
    assert seen.err.count("\n") == 1


def test_a_recorded_day_in_another_format_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "day.csv").write_text("time,price\n")
    assert main(["demo", "--orders", str(tmp_path / "day.csv")]) == 2
    assert "NotThisFormat" in capsys.readouterr().err
