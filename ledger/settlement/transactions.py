"""EIP-1559 transactions, encoded and signed here so that a key only ever sees a digest."""

from dataclasses import dataclass
from typing import Final

import rlp  # type: ignore[import-untyped]  # it ships no types
from eth_hash.auto import keccak

from ledger.settlement.keystore import Signer

_TYPE: Final = b"\x02"


@dataclass(frozen=True, slots=True)
class Transaction:
    """A dynamic-fee call of a contract. Fees in wei per gas; `to` is 20 bytes."""

    chain_id: int
    nonce: int
    tip_wei: int
    fee_cap_wei: int
    gas: int
    to: bytes
    data: bytes
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The bytes to broadcast, and the hash under which the chain will know them."""

    raw: bytes
    hash: bytes
    nonce: int


def sign_transaction(transaction: Transaction, signer: Signer) -> SignedTransaction:
    """Sign a transaction (EIP-1559: keccak(0x02 ‖ rlp(fields)), y parity, r and s appended)."""
    fields = [
        transaction.chain_id,
        transaction.nonce,
        transaction.tip_wei,
        transaction.fee_cap_wei,
        transaction.gas,
        transaction.to,
        transaction.value_wei,
        transaction.data,
        [],
    ]
    signature = signer.sign(keccak(_TYPE + rlp.encode(fields)))
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    raw = _TYPE + rlp.encode([*fields, signature[64] - 27, r, s])
    return SignedTransaction(raw, keccak(raw), transaction.nonce)
