"""Lines of files, plain and packed, and the bounds on both."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.replay import source
from api.replay.errors import DamagedFile
from api.replay.source import LINE_BYTES_MAX, Lines, first_bytes

TEXT = st.text(alphabet="abc,\n\r0", max_size=80)


@given(text=TEXT)
def test_plain_and_packed_lines_are_those_of_the_text(
    tmp_path_factory: pytest.TempPathFactory, text: str
):
    folder = tmp_path_factory.mktemp("lines")
    plain, packed = folder / "plain", folder / "packed.gz"
    plain.write_bytes(text.encode())
    packed.write_bytes(gzip.compress(text.encode(), mtime=0))
    expected = [line.rstrip("\r") for line in text.split("\n")]
    if text.endswith("\n") or not text:
        expected.pop()
    assert list(Lines(plain)) == list(Lines(packed)) == expected


def test_bytes_that_are_no_ascii_come_as_question_marks(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes("1,\u0661\xb2\n".encode())
    assert list(Lines(path)) == ["1,????"]


def test_the_longest_line_reads_and_a_longer_one_does_not(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"a\n" + b"x" * (LINE_BYTES_MAX - 1) + b"\n")
    assert [len(line) for line in Lines(path)] == [1, LINE_BYTES_MAX - 1]
    path.write_bytes(b"a\n" + b"x" * LINE_BYTES_MAX + b"\n")
    with pytest.raises(DamagedFile) as caught:
        list(Lines(path))
    assert caught.value.row == 1


@given(keep=st.integers(0, 200))
def test_a_packed_file_cut_anywhere_gives_a_beginning_of_its_lines(
    tmp_path_factory: pytest.TempPathFactory, keep: int
):
    rows = [f"{at},{at * at}" for at in range(100)]
    packed = gzip.compress("\n".join(rows).encode(), mtime=0)
    path = tmp_path_factory.mktemp("cut") / "file.gz"
    path.write_bytes(packed[: max(2, min(keep, len(packed) - 1))])
    lines = Lines(path)
    found = list(lines)
    assert lines.cut_short
    assert rows[: len(found)] == found


def test_a_file_that_only_begins_like_gzip_is_refused(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"\x1f\x8bnonsense that goes on and on")
    with pytest.raises(DamagedFile):
        list(Lines(path))
    with pytest.raises(DamagedFile):
        first_bytes(path, 10)


def test_first_bytes_are_unpacked_and_no_more_than_asked_for(tmp_path: Path):
    path = tmp_path / "file"
    for content in (b"", b"short", b"x" * 5_000_000):
        path.write_bytes(content)
        assert first_bytes(path, 64) == content[:64]
        path.write_bytes(gzip.compress(content, mtime=0))
        assert first_bytes(path, 64) == content[:64]


def test_how_far_the_file_is_read_grows_to_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(source, "TELL_EVERY", 1)
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"some,row\n" * 500, mtime=0))
    lines = Lines(path)
    seen = [lines.bytes_read for _ in lines]
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= path.stat().st_size
