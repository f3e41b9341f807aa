"""A devnet's folder: keys, group file and where each party keeps its data. Made once, then reused.

The marker `devnet.json` is written last: a crash before it leaves keys that the next start uses.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from api.devnet.errors import DevnetRunning, OtherDevnet
from ledger.audit.group import Group, Member, Venue, read_group
from ledger.audit.keys import read_key_file, write_key_file
from ledger.settlement.keystore import LocalSigner, open_key, write_key

FORMAT: Final = "provenue-devnet/1"
LOOPBACK: Final = "127.0.0.1"
REPLICAS: Final = 4
PORT_FIRST, PORT_LAST = 10_000, 29_999
"""Below the ports that systems give to outgoing connections (from 32768 on Linux)."""
GROUP_EPOCH: Final = 1
ORIGIN: Final = "provenue.devnet/log"
CUSTOMERS: Final = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
"""Devnet customers: each has an account, an on-chain key and an API key."""
FUNDED: Final = ("deployer", "relayer")


class _Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    chain_id: Annotated[int, msgspec.Meta(ge=1)]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths and keys of one devnet.

    Attributes:
        root: The folder itself.
        group: Who certifies, read from `group.json`.
    """

    root: Path
    group: Group

    @property
    def group_file(self) -> Path:
        """What replicas and verifiers trust."""
        return self.root / "group.json"

    @property
    def deployment(self) -> Path:
        """The custody contracts' manifest."""
        return self.root / "deployment.json"

    @property
    def chain(self) -> Path:
        """The embedded chain's data."""
        return self.root / "chain"

    @property
    def venue(self) -> Path:
        """The venue's journal, stores and reports."""
        return self.root / "venue"

    @property
    def logs(self) -> Path:
        """What the processes wrote to stderr."""
        return self.root / "logs"

    def replica(self, index: int) -> Path:
        """One replica's configuration and ledger."""
        return self.root / self.group.members[index].name

    def audit_key(self, name: str) -> Path:
        """An Ed25519 key file: of the venue, or of a replica by its name."""
        return self.root / "keys" / f"{name}.ed25519"

    def chain_key(self, name: str) -> Path:
        """A secp256k1 key file: of an operator, a customer, the relayer or the deployer."""
        return self.root / "keys" / f"{name}.secp256k1"

    def signer(self, name: str) -> LocalSigner:
        """The holder of a secp256k1 key."""
        return open_key(self.chain_key(name))

    def address(self, name: str) -> bytes:
        """The 20-byte address of a secp256k1 key."""
        return self.signer(name).address


def open_folder(root: Path, chain_id: int) -> Folder:
    """Open a devnet's folder, or make it.

    Raises:
        OtherDevnet: It holds something else, or a devnet of another chain.
        KeyFileRefused, KeyFileMalformed, GroupRefused: What it holds is damaged.
    """
    marker = root / "devnet.json"
    if marker.exists():
        found = _read_marker(marker)
        if found.chain_id != chain_id:
            raise OtherDevnet(str(root), f"chain {found.chain_id}", f"chain {chain_id}")
        folder = Folder(root, read_group(root / "group.json"))
        if folder.group.fingerprint != found.fingerprint:
            raise OtherDevnet(str(root), folder.group.fingerprint, found.fingerprint)
        return folder
    if root.exists() and any(p.name not in {"keys", "group.json", ".lock"} for p in root.iterdir()):
        raise OtherDevnet(str(root), "files of something else", "an empty folder")
    return _make(root, chain_id)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold a devnet's folder against a second start.

    Raises:
        DevnetRunning: Another process holds it.
    """
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
            raise DevnetRunning(str(root), int(holder or 0)) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def free_ports(count: int) -> list[int]:
    """Ports to keep: free now, all different, and none that the system gives to outgoing calls.

    A port from the system's own range could be taken by anybody's connection before it is used.
    """
    ports: list[int] = []
    with ExitStack() as stack:
        while len(ports) < count:
            port = PORT_FIRST + secrets.randbelow(PORT_LAST - PORT_FIRST + 1)
            one = stack.enter_context(socket.socket())
            try:
                one.bind((LOOPBACK, port))
            except OSError:
                continue
            ports.append(port)
    return ports


def _read_marker(path: Path) -> _Marker:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Marker)
    except msgspec.MsgspecError as error:
        raise OtherDevnet(str(path.parent), str(error), FORMAT) from error
    if found.format != FORMAT:
        raise OtherDevnet(str(path.parent), found.format, FORMAT)
    return found


def _make(root: Path, chain_id: int) -> Folder:
    keys = root / "keys"
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = [f"replica-{index}" for index in range(REPLICAS)]
    for name in ("venue", *names):
        path = keys / f"{name}.ed25519"
        if not path.exists():
            write_key_file(path, secrets.token_bytes(32))
    for name in (*names, *FUNDED, *CUSTOMERS):
        path = keys / f"{name}.secp256k1"
        if not path.exists():
            write_key(path, secrets.token_bytes(32))
    members = tuple(
        Member(
            name=name,
            ed25519=read_key_file(keys / f"{name}.ed25519").public.hex(),
            operator="0x" + open_key(keys / f"{name}.secp256k1").address.hex(),
            host=LOOPBACK,
            port=port,
        )
        for name, port in zip(names, free_ports(REPLICAS), strict=True)
    )
    venue = Venue(name="venue", ed25519=read_key_file(keys / "venue.ed25519").public.hex())
    group = Group(ORIGIN, chain_id, GROUP_EPOCH, venue, members)
    _write(root / "group.json", group.encode())
    marker = _Marker(FORMAT, chain_id, group.fingerprint)
    _write(root / "devnet.json", msgspec.json.encode(marker) + b"\n")
    return Folder(root, group)


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all, and durably."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
