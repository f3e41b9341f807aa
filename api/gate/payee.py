"""Addresses of the chain as text: 0x and 40 hexadecimal digits; mixed case must be its checksum."""

import re
from typing import Final

from eth_utils.address import to_checksum_address

from api.gate.refusals import PayeeMalformed

_ADDRESS: Final = re.compile(r"0x[0-9A-Fa-f]{40}", re.ASCII)


def read_payee(text: str) -> bytes:
    """The 20 bytes of an address.

    One case throughout carries no checksum and is taken as it is; mixed case must be right. The
    zero address is nobody.

    Raises:
        PayeeMalformed: It is none.

    Source: ERC-55.
    """
    if _ADDRESS.fullmatch(text) is None:
        raise PayeeMalformed(text)
    raw, digits = bytes.fromhex(text[2:]), text[2:]
    mixed = digits not in (digits.lower(), digits.upper())
    if not any(raw) or (mixed and show_payee(raw) != text):
        raise PayeeMalformed(text)
    return raw


def show_payee(address: bytes) -> str:
    """The address with its checksum."""
    return str(to_checksum_address(address))
