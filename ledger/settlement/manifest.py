"""The deployment manifest: which contracts are ours. Format: docs/spec/custody.md, section 6."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.settlement.errors import SettlementError

MANIFEST_VERSION: Final = 1

_Address = Annotated[str, Meta(pattern="^0x[0-9a-f]{40}\\Z")]
_Natural = Annotated[int, Meta(ge=0)]


@dataclass(eq=False)
class ManifestMalformed(SettlementError):
    """The file is not a deployment manifest of this version."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeployedToken:
    """One listed token."""

    symbol: str
    decimals: int
    address: bytes


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where everything stands. Addresses are 20 bytes.

    Attributes:
        chain_id: Of the chain that it stands on.
        block: Nothing of it is older than this block: where to start reading logs.
        safe: The quorum's proxy.
        vault: HotVault.
        anchors: AnchorRegistry.
        tokens: In the order of the plan.
    """

    chain_id: int
    block: int
    safe: bytes
    vault: bytes
    anchors: bytes
    tokens: tuple[DeployedToken, ...]


class _TokenDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    symbol: str
    decimals: Annotated[int, Meta(ge=0, le=255)]
    address: _Address


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    chain_id: _Natural
    block: _Natural
    safe: _Address
    vault: _Address
    anchors: _Address
    tokens: tuple[_TokenDocument, ...]


def read(path: Path) -> Deployment | None:
    """The deployment that a manifest records; None when there is no such file.

    Raises:
        ManifestMalformed: There is one, and it is not a manifest of this version.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        found = msgspec.json.decode(raw, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestMalformed(str(path), str(error)) from error
    if found.version != MANIFEST_VERSION:
        raise ManifestMalformed(str(path), f"version {found.version}, not {MANIFEST_VERSION}")
    return Deployment(
        chain_id=found.chain_id,
        block=found.block,
        safe=_bytes(found.safe),
        vault=_bytes(found.vault),
        anchors=_bytes(found.anchors),
        tokens=tuple(
            DeployedToken(token.symbol, token.decimals, _bytes(token.address))
            for token in found.tokens
        ),
    )


def write(path: Path, deployment: Deployment) -> None:
    """Write the manifest so that a crash leaves either none or a whole one."""
    document = _Document(
        version=MANIFEST_VERSION,
        chain_id=deployment.chain_id,
        block=deployment.block,
        safe=_text(deployment.safe),
        vault=_text(deployment.vault),
        anchors=_text(deployment.anchors),
        tokens=tuple(
            _TokenDocument(token.symbol, token.decimals, _text(token.address))
            for token in deployment.tokens
        ),
    )
    scratch = path.with_suffix(".part")
    with scratch.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def _text(address: bytes) -> str:
    return "0x" + address.hex()
