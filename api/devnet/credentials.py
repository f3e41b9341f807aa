"""The devnet's own credentials: its customers' API keys and a regulator's token, in one file.

A bot that was configured once works after every restart. The file is readable by its owner only,
and belongs to a devnet: a real venue shows a secret once and keeps it sealed.
"""

import os
import time
from typing import Final

import msgspec

from api.devnet.errors import OtherDevnet
from api.devnet.folder import CUSTOMERS, Folder
from api.devnet.genesis import account_of
from api.gate.customers import IssuedKey, KeyGrant
from api.venue.venue import Door

FILE: Final = "credentials.json"
_OWNER_ONLY: Final = 0o600


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One customer's."""

    account: int
    api_key: str
    secret: str
    session: int
    chain_address: str

    @property
    def key(self) -> IssuedKey:
        """As the gate issued it."""
        return IssuedKey(self.api_key, self.secret, self.session)


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of a devnet's, by customer, and one regulator's."""

    customers: dict[str, Credential]
    regulator_token: str


def credentials_of(door: Door, folder: Folder) -> Credentials:
    """Read the devnet's credentials, or issue them at the first start.

    Raises:
        OtherDevnet: The file is not one of credentials.
    """
    path = folder.root / FILE
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=Credentials)
        except msgspec.MsgspecError as error:
            raise OtherDevnet(str(path), str(error), "credentials") from error
    issued = _issue(door, folder)
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(issued)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return issued


def _issue(door: Door, folder: Folder) -> Credentials:
    now_ns = time.time_ns()
    customers = {}
    for name in CUSTOMERS:
        account = account_of(name)
        if door.customers.find(account) is None:
            door.customers.open(account, name, now_ns)
        key = door.customers.issue_key(account, KeyGrant("devnet"), now_ns)
        address = "0x" + folder.address(name).hex()
        customers[name] = Credential(account, key.api_key, key.secret, key.session, address)
    return Credentials(customers, door.regulators.issue_token("devnet", now_ns))
