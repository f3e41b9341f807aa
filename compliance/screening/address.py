"""One text per address, so that no spelling of a listed address slips through.

An EVM address is the same key on every EVM chain, and OFAC lists it under whichever asset it saw
(ETH, USDC, ARB, BSC, ETC ...): all of them share one family. Other chains keep their spelling:
base58 is case-sensitive, bech32 and hexadecimal are not.
"""

import re
from typing import Final

from compliance.errors import AddressMalformed

EVM: Final = "EVM"
EVM_ADDRESS_BYTES: Final = 20

_EVM_TEXT: Final = re.compile(r"0[xX][0-9a-fA-F]{40}")
_BECH32: Final = re.compile(
    r"[a-z]{1,12}1[ac-hj-np-z02-9]{6,90}|[A-Z]{1,12}1[AC-HJ-NP-Z02-9]{6,90}"
)
_CASHADDR: Final = re.compile(r"(bitcoincash:)?[qp][ac-hj-np-z02-9]{41}", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_BASE58: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{25,110}")


def canonical_address(asset: str, text: str) -> tuple[str, str]:
    """Family and canonical text of an address.

    Args:
        asset: The list's or the ledger's symbol; used as the family of a chain that is not EVM.
        text: As published or typed.

    Returns:
        (family, address): ("EVM", "0x" and 40 lower-case digits), or (asset, chain's own form).

    Raises:
        AddressMalformed: No address of any chain that the lists name.
    """
    if _EVM_TEXT.fullmatch(text):
        return EVM, "0x" + text[2:].lower()
    if _BECH32.fullmatch(text) or _HEX.fullmatch(text):
        return asset, text.lower()
    if asset == "BCH" and _CASHADDR.fullmatch(text):
        return asset, text.lower().removeprefix("bitcoincash:")
    if _BASE58.fullmatch(text):
        return asset, text
    raise AddressMalformed(asset, text[:128], "not an address of any chain that is listed")


def is_evm_address(text: str, address: str) -> bool:
    """Whether a text, from anybody, spells this canonical EVM address."""
    return _EVM_TEXT.fullmatch(text) is not None and "0x" + text[2:].lower() == address


def evm_address(address: bytes) -> str:
    """Canonical text of 20 bytes."""
    assert len(address) == EVM_ADDRESS_BYTES, f"{len(address)} bytes are not an EVM address"
    return "0x" + address.hex()
