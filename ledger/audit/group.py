"""Who certifies: members, their keys, the venue, and the quorum. Read from one canonical file.

Normative: docs/spec/consensus.md, section 2.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final

import msgspec

from ledger.audit.errors import GroupRefused
from ledger.audit.keys import admit_key

FORMAT: Final = "provenue-group/1"
MEMBERS_MIN: Final = 4
MEMBERS_MAX: Final = 64
VENUE: Final = 0xFFFF
"""The venue's sender number: it submits and asks, and never votes."""
GROUP_FILE_BYTES_MAX: Final = 1 << 20
NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}\Z")
ORIGIN: Final = re.compile(r"[a-z0-9][a-z0-9./-]{0,126}\Z")

_U64: Final = msgspec.Meta(ge=0, le=2**53 - 1)
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One replica. `operator` is its secp256k1 address on the settlement chain."""

    name: str
    ed25519: _Hex32
    operator: Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-f]{40}\Z")]
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]

    @property
    def key(self) -> bytes:
        """The 32 bytes of the Ed25519 key."""
        return bytes.fromhex(self.ed25519)


class Venue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The venue: the only one whose batches are accepted."""

    name: str
    ed25519: _Hex32

    @property
    def key(self) -> bytes:
        """The 32 bytes of the Ed25519 key."""
        return bytes.fromhex(self.ed25519)


class _GroupFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    origin: str
    chain_id: Annotated[int, _U64]
    epoch: Annotated[int, _U64]
    venue: Venue
    members: tuple[Member, ...]
    development: bool = False


@dataclass(frozen=True)
class Group:
    """A checked group. A member's index, in the order of the file, is its sender number."""

    origin: str
    chain_id: int
    epoch: int
    venue: Venue
    members: tuple[Member, ...]
    development: bool = False

    def __post_init__(self) -> None:
        """Check every rule of docs/spec/consensus.md, section 2.

        Raises:
            GroupRefused: A rule is broken. KeyRefused: A key is unusable.
        """
        if not ORIGIN.match(self.origin):
            raise GroupRefused("origin: lower-case letters, digits, dots, dashes and slashes only")
        names = [member.name for member in self.members] + [self.venue.name]
        keys = [member.ed25519 for member in self.members] + [self.venue.ed25519]
        operators = [member.operator for member in self.members]
        for name in names:
            if not NAME.match(name):
                raise GroupRefused(f"name {name!r}: letters, digits, dots and dashes only")
        for what, values in (("names", names), ("keys", keys), ("operators", operators)):
            if len(set(values)) != len(values):
                raise GroupRefused(f"two parties share one of the {what}")
        if len(self.members) > MEMBERS_MAX:
            raise GroupRefused(f"{len(self.members)} members, at most {MEMBERS_MAX}")
        if len(self.members) < MEMBERS_MIN and not (self.development and len(self.members) == 1):
            raise GroupRefused(
                f"{len(self.members)} members: at least {MEMBERS_MIN}, or one with "
                "development: true, which tolerates no fault and proves nothing against its owner"
            )
        if self.development and len(self.members) != 1:
            raise GroupRefused("development: true is for exactly one member")
        for member in self.members:
            admit_key(member.name, member.key)
        admit_key(self.venue.name, self.venue.key)

    @property
    def size(self) -> int:
        """n: how many members."""
        return len(self.members)

    @property
    def faults(self) -> int:
        """The f = floor((n - 1) / 3): how many members may lie without harm."""
        return (self.size - 1) // 3

    @property
    def quorum(self) -> int:
        """The q = ceil((n + f + 1) / 2): any two quorums share a correct member, at every n."""
        return (self.size + self.faults + 2) // 2

    def primary(self, view: int) -> int:
        """Whose turn it is to propose in a view."""
        return view % self.size

    def name_of(self, sender: int) -> str:
        """A sender number as people say it."""
        if sender == VENUE:
            return self.venue.name
        assert 0 <= sender < self.size, f"sender {sender} of {self.size}"
        return self.members[sender].name

    def index_of(self, name: str) -> int:
        """The sender number of a member's name.

        Raises:
            GroupRefused: No member has it.
        """
        for index, member in enumerate(self.members):
            if member.name == name:
                return index
        raise GroupRefused(f"no member is called {name!r}")

    def key_of(self, sender: int) -> bytes | None:
        """The Ed25519 key of a sender number; None when nobody has the number."""
        if sender == VENUE:
            return self._venue_key
        return self._keys[sender] if 0 <= sender < self.size else None

    @cached_property
    def _keys(self) -> tuple[bytes, ...]:
        return tuple(member.key for member in self.members)

    @cached_property
    def _venue_key(self) -> bytes:
        return self.venue.key

    def encode(self) -> bytes:
        """The canonical file: JSON, fields in the order of the specification, one line."""
        return _ENCODER.encode(self._file()) + b"\n"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the identity: the canonical file without hosts and ports, in hex.

        A member that moves to another host is the same member, so addresses stay out.
        """
        plain = tuple(
            {"name": m.name, "ed25519": m.ed25519, "operator": m.operator} for m in self.members
        )
        identity = {**msgspec.structs.asdict(self._file()), "members": plain}
        return hashlib.sha256(_ENCODER.encode(identity)).hexdigest()

    def _file(self) -> _GroupFile:
        return _GroupFile(
            FORMAT,
            self.origin,
            self.chain_id,
            self.epoch,
            self.venue,
            self.members,
            self.development,
        )


_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def decode_group(text: bytes) -> Group:
    """Read a group file strictly: unknown fields, duplicates and bad keys are refused.

    Raises:
        GroupRefused: Not a group file, or a rule is broken. KeyRefused: A key is unusable.
    """
    if len(text) > GROUP_FILE_BYTES_MAX:
        raise GroupRefused(f"larger than {GROUP_FILE_BYTES_MAX} bytes")
    try:
        file = msgspec.json.decode(text, type=_GroupFile)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise GroupRefused(str(error)) from error
    if file.format != FORMAT:
        raise GroupRefused(f"format {file.format!r} where {FORMAT!r} belongs")
    return Group(file.origin, file.chain_id, file.epoch, file.venue, file.members, file.development)


def read_group(path: Path) -> Group:
    """Read a group file from disk.

    Raises:
        GroupRefused: Unreadable, or as `decode_group`. KeyRefused: A key is unusable.
    """
    try:
        return decode_group(path.read_bytes())
    except OSError as error:
        raise GroupRefused(f"{path}: {error.strerror}") from error
