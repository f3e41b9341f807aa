"""Past the page cache: the same bytes as an ordinary disk leaves, wherever direct writes end."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import direct
from ledger.journal.direct import BLOCK_BYTES, BUFFER_BYTES, DIRECT_BYTES_MIN, DirectDisk
from ledger.journal.disk import SystemDisk
from ledger.journal.journal import Journal
from ledger.journal.layout import FRAME_BYTES_MAX, FRAME_RECORDS_MAX, ROW_BYTES, SEGMENT_BYTES_MIN
from ledger.journal.scan import read_journal
from tests.journal.machine import VENUE, orders

SIZES = st.lists(
    st.one_of(
        st.integers(1, 3 * BLOCK_BYTES),
        st.sampled_from([BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES]),
    ),
    min_size=1,
    max_size=6,
)


def new_file(path: Path, size: int) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.posix_fallocate(fd, 0, size)
    return fd


def views(pieces):
    return [memoryview(piece) for piece in pieces]


@given(
    writes=st.lists(SIZES, min_size=1, max_size=5),
    start=st.integers(0, 2 * BLOCK_BYTES),
    spare=st.integers(0, 2 * BLOCK_BYTES),
    forgets=st.booleans(),
    least_bytes=st.sampled_from([0, 2 * BLOCK_BYTES, 4 * BLOCK_BYTES]),
)
def test_writes_one_after_the_other_leave_what_an_ordinary_disk_leaves(
    tmp_path_factory, writes, start, spare, forgets, least_bytes
):
    """Files of any size: the last blocks may reach behind the end, which must stay where it is;
    small writes go the ordinary way between direct ones."""
    folder = tmp_path_factory.mktemp("disk")
    size = start + sum(map(sum, writes)) + spare
    ours, theirs = new_file(folder / "ours", size), new_file(folder / "theirs", size)
    before = bytes(number % 251 + 1 for number in range(start))
    for fd in (ours, theirs):
        os.pwrite(fd, before, 0)
    disk, ordinary, offset = DirectDisk(least_bytes), SystemDisk(), start
    for number, sizes in enumerate(writes):
        parts = [bytes([number % 255 + 1]) * length for length in sizes]
        disk = DirectDisk(least_bytes) if forgets else disk
        disk.write(ours, views(parts), offset)
        disk.sync(ours)
        ordinary.write(theirs, views(parts), offset)
        offset += sum(sizes)
        assert (folder / "ours").read_bytes() == (folder / "theirs").read_bytes()
    os.close(ours)
    os.close(theirs)


def test_bytes_of_another_file_never_stand_before_a_write(tmp_path):
    """One disk, two files, the same offset: what it remembers is of one of them."""
    disk = DirectDisk(0)
    files = [new_file(tmp_path / name, 4 * BLOCK_BYTES) for name in "ab"]
    for fd, letter in zip(files, (b"a", b"b"), strict=True):
        disk.write(fd, [memoryview(letter * 100)], 0)
    disk.write(files[0], [memoryview(b"x")], 100)
    disk.write(files[1], [memoryview(b"y")], 100)
    for fd, name, last in zip(files, "ab", "xy", strict=True):
        os.close(fd)
        content = name * 100 + last
        assert (tmp_path / name).read_text() == content.ljust(4 * BLOCK_BYTES, "\0")


def test_the_same_file_number_of_another_file_is_another_file(tmp_path):
    disk = DirectDisk(0)
    first = new_file(tmp_path / "a", BLOCK_BYTES)
    disk.write(first, [memoryview(b"a" * 100)], 0)
    os.close(first)
    second = new_file(tmp_path / "b", BLOCK_BYTES)
    assert second == first, "the system gives the number again"
    os.pwrite(second, b"b" * 100, 0)
    disk.write(second, [memoryview(b"y")], 100)
    os.close(second)
    assert (tmp_path / "b").read_bytes()[:101] == b"b" * 100 + b"y"


def refuse_flag(monkeypatch):
    set_flags = direct.fcntl.fcntl

    def refusing(fd, what, flags=0):
        if what == direct.fcntl.F_SETFL and flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no direct writes here")
        return set_flags(fd, what, flags)

    monkeypatch.setattr(direct.fcntl, "fcntl", refusing)


def refuse_write(monkeypatch):
    write = os.pwrite

    def refusing(fd, body, offset):
        if direct.fcntl.fcntl(fd, direct.fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, "blocks are larger here")
        return write(fd, body, offset)

    monkeypatch.setattr(direct.os, "pwrite", refusing)


def take_a_part(monkeypatch):
    write = os.pwrite

    def partly(fd, body, offset):
        if direct.fcntl.fcntl(fd, direct.fcntl.F_GETFL) & os.O_DIRECT:
            return write(fd, body[:BLOCK_BYTES], offset)
        return write(fd, body, offset)

    monkeypatch.setattr(direct.os, "pwrite", partly)


@pytest.mark.parametrize("hinder", [refuse_flag, refuse_write, take_a_part])
def test_what_is_not_taken_directly_goes_the_ordinary_way(tmp_path, monkeypatch, hinder):
    hinder(monkeypatch)
    with_journal = Journal.open(tmp_path / "j", VENUE, disk=DirectDisk(0))
    for number in range(5):
        with_journal.append(orders(range(100 * number, 100 * number + 100), time_ns=1))
    with_journal.close()
    frames = list(read_journal(tmp_path / "j", VENUE))
    assert [len(frame.commands) for frame in frames] == [100] * 5


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_not_asked_again_the_ordinary_way(tmp_path, monkeypatch, code):
    calls = []

    def failing(fd, body, offset):
        calls.append(offset)
        raise OSError(code, os.strerror(code))

    fd = new_file(tmp_path / "file", BLOCK_BYTES)
    monkeypatch.setattr(direct.os, "pwrite", failing)
    with pytest.raises(OSError, match=os.strerror(code)):
        DirectDisk(0).write(fd, [memoryview(b"x")], 0)
    assert calls == [0]
    os.close(fd)


def test_after_a_failure_the_block_is_read_again(tmp_path, monkeypatch):
    """Bytes of a write that failed are not taken for durable ones."""
    fd = new_file(tmp_path / "file", BLOCK_BYTES)
    disk = DirectDisk(0)
    disk.write(fd, [memoryview(b"good")], 0)

    def failing(fd, body, offset):
        raise OSError(errno.EIO, "gone")

    with monkeypatch.context() as patch:
        patch.setattr(direct.os, "pwrite", failing)
        with pytest.raises(OSError, match="gone"):
            disk.write(fd, [memoryview(b"lost")], 4)
    disk.write(fd, [memoryview(b"more")], 8)
    os.close(fd)
    assert (tmp_path / "file").read_bytes()[:12] == b"good" + bytes(4) + b"more"


def test_the_largest_frame_fits_the_buffer_at_any_row():
    for row in range(BLOCK_BYTES // ROW_BYTES):
        head = row * ROW_BYTES
        span = -(-(head + FRAME_BYTES_MAX) // BLOCK_BYTES) * BLOCK_BYTES
        assert span <= BUFFER_BYTES


def test_a_small_frame_goes_the_ordinary_way_and_a_large_one_past_the_page_cache(tmp_path):
    fd = new_file(tmp_path / "file", 4 * DIRECT_BYTES_MIN)
    offered, disk, offset = direct._set_direct(fd, direct=True), DirectDisk(), 0
    for size, is_direct in ((1, False), (2 * DIRECT_BYTES_MIN, True), (1, False)):
        disk.write(fd, [memoryview(bytes(size))], offset)
        flags = direct.fcntl.fcntl(fd, direct.fcntl.F_GETFL)
        assert bool(flags & os.O_DIRECT) == (is_direct and offered)
        offset += size
    os.close(fd)


def test_direct_writes_happen_where_the_file_system_has_them(tmp_path):
    """The temporary folder's may have none; then the flag is refused, and that is all."""
    fd = new_file(tmp_path / "file", 2 * BLOCK_BYTES)
    offered = direct._set_direct(fd, direct=True)
    DirectDisk(0).write(fd, [memoryview(b"x")], 0)
    flags = direct.fcntl.fcntl(fd, direct.fcntl.F_GETFL)
    assert bool(flags & os.O_DIRECT) == offered
    os.close(fd)


def test_a_reader_beside_the_writer_sees_every_durable_frame(tmp_path):
    """Reading fills the page cache with what direct writes then replace."""
    journal = Journal.open(tmp_path / "j", VENUE, segment_bytes=SEGMENT_BYTES_MIN)
    for number, size in enumerate([1, 30, 31, 32, 4000, FRAME_RECORDS_MAX, 7, 1, 1, 33] * 2):
        journal.append(orders(range(size), time_ns=number + 1))
        times = [int(frame.commands["time_ns"][0]) for frame in journal.read()]
        assert times == list(range(1, number + 2))
    journal.close()
