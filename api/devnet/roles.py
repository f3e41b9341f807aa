"""The files that tell the devnet's child processes what they are: one JSON file each."""

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from api.devnet.errors import RoleMalformed


class ChainRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The embedded chain. `accounts` own the genesis money, as 0x-addresses."""

    directory: str
    chain_id: Annotated[int, msgspec.Meta(ge=1)]
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)]
    accounts: tuple[Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{40}$")], ...]


class ReplicaRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One replica and the operator's signing services inside it. Paths are absolute."""

    name: str
    group: str
    directory: str
    audit_key: str
    operator_key: str
    deployment: str
    chain_url: str


Role = TypeVar("Role", ChainRole, ReplicaRole)


def write_role(path: Path, role: ChainRole | ReplicaRole) -> None:
    """Write a role's file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(role)) + b"\n")


def read_role(path: Path, kind: type[Role]) -> Role:
    """Read a role's file.

    Raises:
        RoleMalformed: It is not one of this kind.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        raise RoleMalformed(str(path), str(error)) from error
