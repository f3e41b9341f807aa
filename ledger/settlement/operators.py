"""The venue's side of signing: ask every operator, check every answer, name who differs where."""

import asyncio
from dataclasses import dataclass
from typing import Final

from ledger.settlement.custody import Quorum
from ledger.settlement.eip712 import Anchor, Batch
from ledger.settlement.errors import (
    OperatorDiffers,
    OperatorGarbled,
    OperatorRefused,
    OperatorSilent,
    QuorumShort,
    SettlementError,
)
from ledger.settlement.keystore import recover
from ledger.settlement.ports import AsksOperators
from ledger.settlement.wire import (
    Malformed,
    Proposal,
    RefusedAnswer,
    SignedAnswer,
    decode_anchor,
    decode_answer,
    decode_batch,
    encode,
    first_difference,
    shown,
)

TIMEOUT_S: Final = 20


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: its replica's name, and the address that it signs with."""

    name: str
    address: bytes


@dataclass(frozen=True, slots=True)
class Collected:
    """Signatures enough for the Safe, ascending by owner, and who did not contribute and why."""

    signatures: bytes
    faults: tuple[SettlementError, ...]


class Operators:
    """All operators behind one line."""

    def __init__(
        self, line: AsksOperators, operators: tuple[Operator, ...], timeout_s: int = TIMEOUT_S
    ) -> None:
        assert len({operator.address for operator in operators}) == len(operators)
        self._line = line
        self._operators = operators
        self._timeout_s = timeout_s

    async def collect(
        self, service: str, mine: Batch | Anchor, digest: bytes, quorum: Quorum
    ) -> Collected:
        """Ask all at once and keep the signatures that hold.

        Raises:
            QuorumShort: Fewer than the Safe's threshold hold; says of each other one why.
        """
        request = encode(Proposal(encode(mine), digest))
        asked = (self._ask(one, service, request, mine, digest) for one in self._operators)
        answers = await asyncio.gather(*asked)
        held: dict[bytes, bytes] = {}
        faults: list[SettlementError] = []
        for operator, answer in zip(self._operators, answers, strict=True):
            if isinstance(answer, SettlementError):
                faults.append(answer)
            elif operator.address not in quorum.owners:
                owner = "an owner of the Safe"
                faults.append(
                    OperatorDiffers(operator.name, "address", owner, shown(operator.address))
                )
            else:
                held[operator.address] = answer
        if len(held) < quorum.threshold:
            raise QuorumShort(quorum.threshold, len(held), tuple(faults))
        chosen = sorted(held)[: quorum.threshold]
        return Collected(b"".join(held[owner] for owner in chosen), tuple(faults))

    async def _ask(
        self, operator: Operator, service: str, request: bytes, mine: Batch | Anchor, digest: bytes
    ) -> bytes | SettlementError:
        try:
            raw = await self._line.request(operator.name, service, request, self._timeout_s)
            return check_answer(operator, mine, digest, raw)
        except (OperatorSilent, OperatorRefused, OperatorDiffers, OperatorGarbled) as fault:
            return fault


def check_answer(operator: Operator, mine: Batch | Anchor, digest: bytes, raw: bytes) -> bytes:
    """An operator's signature over what I derived, checked against its address.

    Args:
        operator: Who answered.
        mine: What I derived.
        digest: Its EIP-712 digest.
        raw: The answer's bytes.

    Raises:
        OperatorGarbled: The answer is not in its format.
        OperatorRefused: It did not sign, and says why.
        OperatorDiffers: It signed something else, or not with its key; the first difference.
    """
    try:
        answer = decode_answer(raw)
        if isinstance(answer, RefusedAnswer):
            raise OperatorRefused(
                operator.name, answer.reason, answer.field, answer.venue_has, answer.operator_has
            )
        _same_message(operator, mine, answer)
    except Malformed as error:
        raise OperatorGarbled(operator.name, str(error.args[0])) from error
    if answer.digest != digest:
        raise OperatorDiffers(operator.name, "digest", shown(digest), shown(answer.digest))
    found = recover(digest, answer.signature)
    if found != operator.address:
        whose = "no valid signature" if found is None else shown(found)
        raise OperatorDiffers(operator.name, "signature", shown(operator.address), whose)
    return answer.signature


def _same_message(operator: Operator, mine: Batch | Anchor, answer: SignedAnswer) -> None:
    theirs = (decode_batch if isinstance(mine, Batch) else decode_anchor)(answer.payload)
    difference = first_difference(mine, theirs)
    if difference is not None:
        raise OperatorDiffers(operator.name, *difference)
