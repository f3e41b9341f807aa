"""A dishonest operator, for the demo's attack: a real replica whose signer serves a thief.

It takes part in the audit ledger like any other, but answers a request to sign a batch with a
signature, by the operator's true key, over a batch that pays the first payout to somebody else.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from api.devnet.replica_process import Operator, honest_services, run_replica_process
from ledger.audit.ports import CertifiedState, Service
from ledger.settlement.eip712 import batch_digest
from ledger.settlement.signer import BATCH_SERVICE
from ledger.settlement.wire import SignedAnswer, decode_batch, decode_proposal, encode

THIEF: Final = bytes.fromhex("bad0" * 10)


class ThievingSigner:
    """Signs the proposed batch with the first payee replaced."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def answer(self, _state: CertifiedState[Any], payload: bytes) -> bytes:
        """A signature that is valid, over a batch that is not the certified one."""
        batch = decode_batch(decode_proposal(payload).payload)
        stolen = replace(batch.payouts[0], payee=THIEF)
        batch = replace(batch, payouts=(stolen, *batch.payouts[1:]))
        custody = self._operator.custody
        digest = batch_digest(batch, custody.chain_id, custody.deployment.vault)
        return encode(SignedAnswer(encode(batch), digest, self._operator.signer.sign(digest)))


def thieving_services(operator: Operator) -> Mapping[str, Service]:
    """Honest anchors, stolen batches."""
    return {**honest_services(operator), BATCH_SERVICE: ThievingSigner(operator)}


if __name__ == "__main__":
    raise SystemExit(run_replica_process(Path(sys.argv[1]), thieving_services))
