"""Frames on disk: proposals, votes, certificates and evidence, chained by checksum.

A frame is on disk before the message that it backs is sent, so that a restart sends the same bytes
again and never a different vote. Byte layout and what a torn tail means: docs/spec/log.md, 5.
"""

import fcntl
import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final

from ledger.audit.errors import (
    LedgerCorrupt,
    LedgerLocked,
    LedgerVersion,
    LedgerWriteFailed,
    WrongLedger,
)
from ledger.audit.group import Group

VERSION: Final = 1
MAGIC: Final = b"PROVLEDG"
SEGMENT_BYTES: Final = 256 * 1024 * 1024
PAYLOAD_BYTES_MAX: Final = 2**31 - 1
NO_CHECK: Final = bytes(32)
_FRAME: Final = struct.Struct("<IB3xI")
FRAME_HEADER_BYTES: Final = _FRAME.size
CHECK_BYTES: Final = 32
_META: Final = struct.Struct("<8sIQQ32sQ")
_SUFFIX: Final = ".blocks"


class FrameKind(IntEnum):
    """What a frame backs."""

    META = 1
    PROPOSAL = 2
    """Messages: PRE-PREPARE, SUBMIT and this replica's PREPARE, as far as there are such."""
    PREPARED = 3
    """Messages: the PREPAREs of a quorum, then this replica's COMMIT."""
    COMMITTED = 4
    """The certificate and the block's outcomes and events."""
    EVIDENCE = 5
    """Two messages that contradict each other."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as read: where it stands, what it is."""

    file: str
    offset: int
    kind: FrameKind
    payload: bytes


@dataclass(frozen=True, slots=True)
class TornTail:
    """What opening cut off the end.

    `lost` is the kind of a whole frame whose checksum was wrong; None when the frame was cut
    short, so that it cannot have been durable and nothing it backs was sent.
    """

    file: str
    offset: int
    bytes_cut: int
    lost: FrameKind | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame stands, for reading it again."""

    file: str
    offset: int


def frame_header(kind: FrameKind, size: int) -> bytes:
    """Length and kind, with their own checksum: a flipped length must not look like a torn tail."""
    guard = zlib.crc32(struct.pack("<IB", size, kind))
    return _FRAME.pack(size, kind, guard)


def segment_paths(directory: Path) -> list[Path]:
    """The segments in order; their names are their numbers, from 1."""
    paths = (path for path in directory.glob(f"*{_SUFFIX}") if path.stem.isdigit())
    return sorted(paths, key=lambda path: int(path.stem))


@dataclass(slots=True)
class SegmentReader:
    """Reads frames of one segment in order and checks the chain.

    After the iteration `check` is the last frame's checksum, `block` the first one that is not
    certified so far (both go on with the next segment), and `tail` says what cannot be a
    frame at the very end, if anything; whether that is forgivable is the caller's to decide.
    """

    path: Path
    owner: str
    check: bytes
    block: int = 1
    tail: TornTail | None = None

    def frames(self) -> Iterator[Frame]:
        """Every whole frame.

        Raises:
            LedgerCorrupt: A broken frame with more behind it, or a header that was changed.
        """
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            while file.tell() < size:
                found = self._read(file, size)
                if isinstance(found, TornTail):
                    self.tail = found
                    return
                yield found
                self.block += found.kind == FrameKind.COMMITTED

    def _read(self, file: BinaryIO, size: int) -> Frame | TornTail:
        offset = file.tell()
        header = file.read(FRAME_HEADER_BYTES)
        if len(header) < FRAME_HEADER_BYTES:
            return self._torn(offset, size)
        length, code, _ = _FRAME.unpack(header)
        if code not in set(FrameKind) or header != frame_header(FrameKind(code), length):
            if not any(header) and not any(file.read(size - offset)):
                return self._torn(offset, size)
            raise self.corrupt(offset, "frame header")
        if offset + FRAME_HEADER_BYTES + length + CHECK_BYTES > size:
            return self._torn(offset, size)
        kind, payload = FrameKind(code), file.read(length)
        check = hashlib.sha256(self.check + header + payload).digest()
        if file.read(CHECK_BYTES) != check:
            if file.tell() == size:
                return self._torn(offset, size, kind)
            raise self.corrupt(offset, f"checksum of a {kind.name} frame")
        self.check = check
        return Frame(self.path.name, offset, kind, payload)

    def _torn(self, offset: int, size: int, lost: FrameKind | None = None) -> TornTail:
        return TornTail(self.path.name, offset, size - offset, lost)

    def corrupt(self, offset: int, what: str) -> LedgerCorrupt:
        """The error for this place: in the block after the last that was read whole."""
        return LedgerCorrupt(self.owner, self.path.name, offset, self.block, what)


def encode_meta(group: Group, owner: str, first_block: int) -> bytes:
    """A segment's first payload: whose it is, and where it begins."""
    fingerprint = bytes.fromhex(group.fingerprint)
    fixed = _META.pack(MAGIC, VERSION, group.chain_id, group.epoch, fingerprint, first_block)
    return fixed + owner.encode()


def check_meta(group: Group, owner: str, frame: Frame) -> int:
    """The segment belongs here; returns its first block number.

    Raises:
        LedgerVersion, WrongLedger: It was written by another version, or for somebody else.
    """
    payload = frame.payload
    if frame.kind != FrameKind.META or len(payload) < _META.size:
        raise LedgerCorrupt(owner, frame.file, frame.offset, 0, "segment header")
    magic, version, chain_id, epoch, fingerprint, first_block = _META.unpack_from(payload)
    if magic != MAGIC:
        raise LedgerCorrupt(owner, frame.file, frame.offset, 0, "magic")
    if version != VERSION:
        raise LedgerVersion(frame.file, version, VERSION)
    expected = f"{group.chain_id}/{group.epoch}/{group.fingerprint}/{owner}"
    found_owner = payload[_META.size :].decode("utf-8", "replace")
    found = f"{chain_id}/{epoch}/{fingerprint.hex()}/{found_owner}"
    if found != expected:
        raise WrongLedger(frame.file, expected, found)
    return int(first_block)


def owner_of(directory: Path) -> str:
    """Whose ledger a directory says it is; empty when it does not say. Believe it after a check."""
    for path in segment_paths(directory)[:1]:
        with path.open("rb") as file:
            header = file.read(FRAME_HEADER_BYTES)
            if len(header) == FRAME_HEADER_BYTES:
                length = min(_FRAME.unpack(header)[0], 4096)
                return file.read(length)[_META.size :].decode("utf-8", "replace")
    return ""


class FrameStore:
    """Appends frames and reads them again. One process holds the directory at a time."""

    def __init__(self, directory: Path, group: Group, owner: str) -> None:
        """Take the directory's lock. `load` must run before the first append.

        Raises:
            LedgerLocked: Another process has it.
        """
        self.directory, self._group, self._owner = directory, group, owner
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(directory / "LOCK", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise LedgerLocked(str(directory)) from error
        self._file = -1
        self._name, self._end, self._check = "", 0, NO_CHECK
        self._failed = ""
        self._segments = 0
        self._loaded = False
        self.torn: TornTail | None = None

    def load(self) -> Iterator[Frame]:
        """Every frame from the beginning; at the end cut a torn tail off, and open for appending.

        Raises:
            LedgerCorrupt, LedgerVersion, WrongLedger: see each; nothing is repaired.
        """
        paths, block = segment_paths(self.directory), 1
        for i, path in enumerate(paths):
            reader = SegmentReader(path, self._owner, self._check, block)
            for j, frame in enumerate(reader.frames()):
                if j == 0:
                    check_meta(self._group, self._owner, frame)
                    continue
                yield frame
            if reader.tail is not None:
                if i + 1 < len(paths):
                    raise reader.corrupt(reader.tail.offset, "cut short, but not the last segment")
                self.torn = reader.tail
                self._cut(path, reader.tail.offset)
            self._check, block = reader.check, reader.block
        for path in segment_paths(self.directory)[-1:]:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
            self._name, self._end = path.name, path.stat().st_size
            self._segments = int(path.stem)
        self._loaded = True

    def _cut(self, path: Path, offset: int) -> None:
        """A segment that lost its own header goes whole; else its tail."""
        if offset == 0:
            path.unlink()
            _sync_directory(self.directory)
            return
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def roll_if_full(self, next_block: int) -> None:
        """Begin a new segment when there is none or the last is full. Before a proposal only."""
        assert self._loaded, "load before append"
        if self._file >= 0 and self._end < SEGMENT_BYTES:
            return
        if self._file >= 0:
            os.close(self._file)
        self._segments += 1
        self._name, self._end = f"{self._segments:08d}{_SUFFIX}", 0
        path = self.directory / self._name
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise self._fail(error) from error
        self.append(FrameKind.META, encode_meta(self._group, self._owner, next_block))
        _sync_directory(self.directory)

    def append(self, kind: FrameKind, payload: bytes) -> Place:
        """Write one frame; it is durable on return.

        Raises:
            LedgerWriteFailed: The disk refused, now or before. Nothing more is ever written.
        """
        if self._failed:
            raise LedgerWriteFailed(self._name, self._failed)
        assert self._file >= 0, "no segment is open"
        assert len(payload) <= PAYLOAD_BYTES_MAX, "frame above its bound"
        header = frame_header(kind, len(payload))
        check = hashlib.sha256(self._check + header + payload).digest()
        place = Place(self._name, self._end)
        data = memoryview(header + payload + check)
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fdatasync(self._file)
        except OSError as error:
            raise self._fail(error) from error
        self._check = check
        self._end += FRAME_HEADER_BYTES + len(payload) + CHECK_BYTES
        return place

    def _fail(self, error: OSError) -> LedgerWriteFailed:
        self._failed = error.strerror or "unknown"
        return LedgerWriteFailed(self._name, self._failed)

    def read(self, place: Place) -> Frame:
        """Read a frame again.

        Raises:
            LedgerCorrupt: What is there now is not a frame.
        """
        with (self.directory / place.file).open("rb") as file:
            file.seek(place.offset)
            header = file.read(FRAME_HEADER_BYTES)
            if len(header) == FRAME_HEADER_BYTES:
                length, kind, _ = _FRAME.unpack(header)
                if kind in set(FrameKind) and header == frame_header(FrameKind(kind), length):
                    payload = file.read(length)
                    if len(payload) == length:
                        return Frame(place.file, place.offset, FrameKind(kind), payload)
        raise LedgerCorrupt(self._owner, place.file, place.offset, 0, "frame header")

    def close(self) -> None:
        """Let go of the files and of the lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        os.close(self._lock)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
