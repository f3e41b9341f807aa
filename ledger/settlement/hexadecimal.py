"""Numbers and bytes as Ethereum's JSON-RPC writes them, checked while they are decoded."""

from typing import Annotated

from msgspec import Meta

Quantity = Annotated[str, Meta(pattern=r"^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})$")]
Data = Annotated[str, Meta(pattern=r"^0x([0-9a-fA-F]{2})*$")]
Address = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{40}$")]
Word = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{64}$")]


def number_of(value: str | int) -> int:
    """A quantity as an integer."""
    return value if isinstance(value, int) else int(value, 16)


def bytes_of(value: str) -> bytes:
    """A data, address or word parameter as bytes."""
    return bytes.fromhex(value[2:])
