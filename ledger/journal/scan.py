"""Walking a whole journal, segment by segment: to verify it, and to read it again."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.journal.errors import JournalCorrupt
from ledger.journal.layout import ROW_BYTES, Link, SegmentHeader, genesis
from ledger.journal.lock import JournalLock
from ledger.journal.segment import (
    Frame,
    check_place,
    read_exactly,
    read_frames,
    read_segment_header,
    segment_paths,
)
from ledger.journal.tail import TornTail, judge_tail


@dataclass(frozen=True, slots=True)
class End:
    """Where a journal ends.

    Attributes:
        link: The chain there; link.next_seq - 1 is the last command.
        last: The last frame, None in an empty journal.
        segments: How many segments there are.
        offset: Where the next frame goes in the last segment, 0 when there is none.
        torn: The incomplete frame that stands there, if any.
    """

    link: Link
    last: Frame | None
    segments: int
    offset: int
    torn: TornTail | None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def scan(directory: Path, venue: bytes, from_seq: int = 1) -> Generator[Frame, None, End]:
    """Yield the verified frames of a journal, oldest first; return where it ends.

    Every byte from the segment that holds `from_seq` on is verified. Segments before it are taken
    by their headers: each header carries the chain of what went before, so a later one can't
    stand on other predecessors.

    Args:
        directory: Where the segments are.
        venue: 32 bytes, the id that the journal must carry.
        from_seq: Frames that end before it are verified, and not yielded.

    Raises:
        JournalCorrupt, JournalVersion, WrongVenue: With the place.
    """
    paths = segment_paths(directory)
    skipped = _segments_before(paths, from_seq)
    link, last, offset, torn = Link(1, genesis(venue)), None, 0, None
    for index, path in enumerate(paths[skipped:], skipped):
        with _opened(path) as fd:
            header = read_segment_header(fd, path.name, venue)
            if index == skipped > 0:
                link = Link(header.first_seq, header.chain)
            check_place(header, path.name, index, link)
            frames = read_frames(fd, link)
            offset = ROW_BYTES
            while (frame := next(frames, None)) is not None:
                last, link = frame, frame.link
                offset = frame.offset + ROW_BYTES * (1 + len(frame.commands))
                if link.next_seq > from_seq:
                    yield frame
            if index == len(paths) - 1:
                torn = judge_tail(fd, path.name, offset, link)
            else:
                with _opened(paths[index + 1]) as after:
                    follower = read_segment_header(after, paths[index + 1].name, venue)
                _require_sealed(fd, path.name, offset, link, follower)
    return End(link, last, len(paths), offset, torn)


def _segments_before(paths: list[Path], from_seq: int) -> int:
    """How many segments end before from_seq, by the names of those that follow them."""
    starts = [int(path.stem) for path in paths]
    return max(0, sum(start <= from_seq for start in starts) - 1)


def _require_sealed(
    fd: int, segment: str, offset: int, link: Link, follower: SegmentHeader
) -> None:
    """A segment that has a follower must have reached it: nothing torn, nothing missing."""
    if follower.first_seq > link.next_seq:
        found = bytes(read_exactly(fd, offset, ROW_BYTES))[:16].hex() or "the end of the file"
        raise JournalCorrupt(segment, offset, f"a frame with seq {link.next_seq}", found)
    torn = judge_tail(fd, segment, offset, link)
    if torn is not None:
        raise JournalCorrupt(segment, offset, "zeros to the end", "a torn frame")


def read_journal(directory: Path, venue: bytes, from_seq: int = 1) -> Generator[Frame, None, End]:
    """Read a journal that no writer holds, for an audit. Changes nothing, a torn tail included.

    Raises:
        JournalLocked: Its writer is alive.
        JournalCorrupt, JournalVersion, WrongVenue: As `scan`.
    """
    with JournalLock(directory, shared=True):
        return (yield from scan(directory, venue, from_seq))
