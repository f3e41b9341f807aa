"""What the venue and an operator say to each other about a signature: MessagePack, bounded, strict.

Normative text: docs/spec/settlement.md, section 5.
"""

from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from ledger.settlement.eip712 import PAYOUTS_MAX, REPORTS_MAX, Anchor, Batch
from ledger.settlement.errors import SettlementError

MESSAGE_MAX_BYTES: Final = 65_536
DIGEST_BYTES: Final = 32

M = TypeVar("M", Batch, Anchor)


class Malformed(SettlementError):
    """A message is not in its format; args[0] says how."""


class Refusal(StrEnum):
    """Why an operator does not sign."""

    MALFORMED = "malformed"
    NOT_CERTIFIED = "not certified"
    DIFFERS = "differs"
    ALREADY_SIGNED = "already signed another"
    ALREADY_EXECUTED = "already executed"
    DEPOSIT = "deposit"
    CHAIN = "chain"


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the venue derived and asks to have signed: an encoded Batch or Anchor."""

    payload: bytes
    digest: bytes


class SignedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="signed"):
    """A signature, over what the operator derived by itself."""

    payload: bytes
    digest: bytes
    signature: bytes


class RefusedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="refused"):
    """A refusal. `field` with both values when something differs: the first that does."""

    reason: Refusal
    field: str = ""
    operator_has: str = ""
    venue_has: str = ""


Answer = SignedAnswer | RefusedAnswer


def encode(message: Batch | Anchor | Proposal | Answer) -> bytes:
    """A message's bytes."""
    return msgspec.msgpack.encode(message)


def decode_proposal(raw: bytes) -> Proposal:
    """Raises Malformed."""
    proposal: Proposal = _decode(raw, Proposal)
    return proposal


def decode_answer(raw: bytes) -> Answer:
    """Raises Malformed."""
    answer: Answer = _decode(raw, SignedAnswer | RefusedAnswer)
    return answer


def decode_batch(raw: bytes) -> Batch:
    """Raises Malformed."""
    batch: Batch = _decode(raw, Batch)
    if len(batch.payouts) > PAYOUTS_MAX:
        raise Malformed(f"{len(batch.payouts)} payouts")
    return batch


def decode_anchor(raw: bytes) -> Anchor:
    """Raises Malformed."""
    anchor: Anchor = _decode(raw, Anchor)
    if len(anchor.reports) > REPORTS_MAX:
        raise Malformed(f"{len(anchor.reports)} reports")
    return anchor


def _decode(raw: bytes, kind: Any) -> Any:  # noqa: ANN401  # a union is no type to mypy
    if len(raw) > MESSAGE_MAX_BYTES:
        raise Malformed(f"{len(raw)} bytes")
    try:
        return msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(str(error)) from error


def first_difference(mine: object, theirs: object, path: str = "") -> tuple[str, str, str] | None:
    """The first field, in the order of the definition, in which two messages differ.

    Returns:
        (field, mine, theirs), the field as a path such as `payouts[3].amount_wei`; None when equal.
    """
    if mine == theirs:
        return None
    if is_dataclass(mine) and type(mine) is type(theirs):
        dot = f"{path}." if path else ""
        for field in fields(mine):
            pair = getattr(mine, field.name), getattr(theirs, field.name)
            found = first_difference(*pair, f"{dot}{field.name}")
            if found is not None:
                return found
    if isinstance(mine, tuple) and isinstance(theirs, tuple):
        for at, (one, other) in enumerate(zip(mine, theirs, strict=False)):
            found = first_difference(one, other, f"{path}[{at}]")
            if found is not None:
                return found
        return f"{path}.length", str(len(mine)), str(len(theirs))
    return path, shown(mine), shown(theirs)


def shown(value: object) -> str:
    """A field's value for people: bytes in hexadecimal."""
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
