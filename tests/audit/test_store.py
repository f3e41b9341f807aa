"""Frames on disk: torn tails at every byte, flipped bytes anywhere, locks, versions, full disks."""

import errno
import os
import subprocess
import sys

import pytest

from ledger.audit import store as store_module
from ledger.audit.errors import (
    LedgerCorrupt,
    LedgerLocked,
    LedgerVersion,
    LedgerWriteFailed,
    WrongLedger,
)
from ledger.audit.store import (
    CHECK_BYTES,
    FRAME_HEADER_BYTES,
    FrameKind,
    FrameStore,
    owner_of,
    segment_paths,
)
from tests.audit.ground import make_group

GROUP = make_group(4)
PAYLOADS = [(FrameKind.PROPOSAL, b"proposal"), (FrameKind.PREPARED, b"x" * 40)]


def write(directory, payloads=PAYLOADS):
    store = FrameStore(directory, GROUP, "r0")
    assert list(store.load()) == []
    store.roll_if_full(1)
    places = [store.append(kind, payload) for kind, payload in payloads]
    store.close()
    return places


def read(directory, owner="r0"):
    store = FrameStore(directory, GROUP, owner)
    try:
        return [(frame.kind, frame.payload) for frame in store.load()], store.torn
    finally:
        store.close()


def test_frames_come_back_in_order(tmp_path):
    places = write(tmp_path)
    assert read(tmp_path) == (PAYLOADS, None)
    assert owner_of(tmp_path) == "r0"
    store = FrameStore(tmp_path, GROUP, "r0")
    list(store.load())
    assert [(store.read(p).kind, store.read(p).payload) for p in places] == PAYLOADS
    store.append(FrameKind.COMMITTED, b"more")
    store.close()
    assert read(tmp_path) == ([*PAYLOADS, (FrameKind.COMMITTED, b"more")], None)


def test_a_tail_torn_at_any_byte_is_cut_and_reported(tmp_path):
    write(tmp_path)
    (path,) = segment_paths(tmp_path)
    whole = path.read_bytes()
    last = FRAME_HEADER_BYTES + len(PAYLOADS[1][1]) + CHECK_BYTES
    for size in range(len(whole) - last + 1, len(whole)):
        path.write_bytes(whole[:size])
        frames, torn = read(tmp_path)
        assert frames == PAYLOADS[:1]
        assert (torn.offset, torn.lost) == (len(whole) - last, None)
        assert torn.bytes_cut == size - (len(whole) - last)
        assert read(tmp_path) == (PAYLOADS[:1], None), "cut once, then whole"


def test_a_tail_of_zeros_is_torn(tmp_path):
    write(tmp_path)
    (path,) = segment_paths(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(100))
    frames, torn = read(tmp_path)
    assert (frames, torn.bytes_cut, torn.lost) == (PAYLOADS, 100, None)


def test_any_flipped_byte_is_corruption_or_a_lost_last_frame(tmp_path):
    write(tmp_path)
    (path,) = segment_paths(tmp_path)
    whole = path.read_bytes()
    last = len(whole) - FRAME_HEADER_BYTES - len(PAYLOADS[1][1]) - CHECK_BYTES
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        if at < last + FRAME_HEADER_BYTES:
            with pytest.raises(LedgerCorrupt) as caught:
                read(tmp_path)
            assert caught.value.file == path.name
            assert caught.value.offset <= at
            assert path.read_bytes() == changed, "never repaired silently"
        else:
            frames, torn = read(tmp_path)
            assert frames == PAYLOADS[:1]
            assert torn.lost == FrameKind.PREPARED, "a whole frame: it may have been sent"


def test_segments_roll_between_blocks_and_chain(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "SEGMENT_BYTES", 200)
    store = FrameStore(tmp_path, GROUP, "r0")
    list(store.load())
    for number in range(1, 8):
        store.roll_if_full(number)
        store.append(FrameKind.PROPOSAL, b"%d" % number * 50)
    store.close()
    paths = segment_paths(tmp_path)
    assert len(paths) > 2
    frames, torn = read(tmp_path)
    assert [payload for _, payload in frames] == [b"%d" % n * 50 for n in range(1, 8)]
    assert torn is None

    paths[1].rename(tmp_path / "away")
    with pytest.raises(LedgerCorrupt):
        read(tmp_path)
    (tmp_path / "away").rename(paths[1])
    paths[0].write_bytes(paths[0].read_bytes()[:-1])
    with pytest.raises(LedgerCorrupt, match="not the last segment"):
        read(tmp_path)


def test_a_segment_that_never_got_its_header_is_removed(tmp_path):
    write(tmp_path)
    (tmp_path / "00000002.blocks").write_bytes(b"\x01\x02")
    store = FrameStore(tmp_path, GROUP, "r0")
    assert [(frame.kind, frame.payload) for frame in store.load()] == PAYLOADS
    assert store.torn.bytes_cut == 2
    assert len(segment_paths(tmp_path)) == 1
    store.append(FrameKind.PROPOSAL, b"again")
    store.close()
    assert read(tmp_path)[0][-1] == (FrameKind.PROPOSAL, b"again")


def test_one_process_holds_the_directory(tmp_path):
    store = FrameStore(tmp_path, GROUP, "r0")
    code = (
        "import sys; from pathlib import Path; from ledger.audit.store import FrameStore\n"
        "from ledger.audit.errors import LedgerLocked; from tests.audit.ground import make_group\n"
        "try: FrameStore(Path(sys.argv[1]), make_group(4), 'r0')\n"
        "except LedgerLocked as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "LedgerLocked" in done.stdout
    with pytest.raises(LedgerLocked):
        FrameStore(tmp_path, GROUP, "r0")
    store.close()
    FrameStore(tmp_path, GROUP, "r0").close()


def test_others_files_and_versions_are_told_apart(tmp_path, monkeypatch):
    write(tmp_path)
    with pytest.raises(WrongLedger):
        read(tmp_path, owner="r1")
    monkeypatch.setattr(store_module, "VERSION", 2)
    with pytest.raises(LedgerVersion) as caught:
        read(tmp_path)
    assert (caught.value.found, caught.value.supported) == (1, 2)


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_refusing_disk_stops_the_writer_for_good(tmp_path, monkeypatch, call):
    store = FrameStore(tmp_path, GROUP, "r0")
    list(store.load())
    store.roll_if_full(1)

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(LedgerWriteFailed, match="No space"):
            store.append(FrameKind.PROPOSAL, b"lost")
    with pytest.raises(LedgerWriteFailed):
        store.append(FrameKind.PROPOSAL, b"the disk is well again, the writer is not")
    store.close()


def test_short_writes_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:7])))
    write(tmp_path)
    assert read(tmp_path) == (PAYLOADS, None)


def test_a_place_that_was_overwritten_is_corrupt(tmp_path):
    place = write(tmp_path)[0]
    (path,) = segment_paths(tmp_path)
    changed = bytearray(path.read_bytes())
    changed[place.offset] ^= 1
    store = FrameStore(tmp_path, GROUP, "r0")
    list(store.load())
    path.write_bytes(changed)
    with pytest.raises(LedgerCorrupt):
        store.read(place)
    store.close()
