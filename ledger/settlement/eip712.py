"""What the operators sign: EIP-712 digests of batches and anchors, equal to the contracts' own.

Pure. Addresses are 20 bytes, digests 32, numbers unsigned; amounts are in the token's smallest
unit, times in seconds. Normative text: docs/spec/custody.md, section 2.
"""

from dataclasses import dataclass
from typing import Final

from eth_hash.auto import keccak

from ledger.settlement.errors import SettlementError

WORD_BYTES: Final = 32
ADDRESS_BYTES: Final = 20
ZERO_DIGEST: Final = bytes(WORD_BYTES)
PAYOUTS_MAX: Final = 200
"""HotVault.MAX_PAYOUTS."""
REPORTS_MAX: Final = 64
"""AnchorRegistry.MAX_REPORTS."""

_DOMAIN_TYPE: Final = (
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_PAYOUT_TYPE: Final = "Payout(uint64 withdrawalId,address token,address payee,uint256 amount)"
_BATCH_TYPE: Final = (
    "Batch(uint64 seq,uint64 epoch,uint64 depositCursor,uint64 deadline,bytes32 previousHead,"
    "bytes32 stateRoot,bytes32 liabilitiesRoot,bytes32 dataHash,Payout[] payouts,"
    "uint64[] servedExits)" + _PAYOUT_TYPE
)
_REPORT_TYPE: Final = "Report(uint64 kind,uint64 fromSeq,uint64 toSeq,bytes32 digest,bytes32 pack)"
_ANCHOR_TYPE: Final = (
    "Anchor(uint64 index,uint64 epoch,uint64 blockNumber,uint64 lastSeq,uint64 logSize,"
    "bytes32 logRoot,bytes32 stateRoot,bytes32 previous,Report[] reports)" + _REPORT_TYPE
)

_DOMAIN_TYPEHASH: Final = keccak(_DOMAIN_TYPE.encode())
_PAYOUT_TYPEHASH: Final = keccak(_PAYOUT_TYPE.encode())
_BATCH_TYPEHASH: Final = keccak(_BATCH_TYPE.encode())
_REPORT_TYPEHASH: Final = keccak(_REPORT_TYPE.encode())
_ANCHOR_TYPEHASH: Final = keccak(_ANCHOR_TYPE.encode())


@dataclass(eq=False)
class FieldUnencodable(SettlementError):
    """A field holds what its Solidity type cannot: a number out of range, or a wrong length."""

    field: str
    solidity_type: str
    value: int | bytes


@dataclass(eq=False)
class ListTooLong(SettlementError):
    """A batch or an anchor lists more than its contract accepts."""

    field: str
    limit: int
    found: int


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout: `amount_wei` smallest units of `token` to `payee`."""

    withdrawal_id: int
    token: bytes
    payee: bytes
    amount_wei: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch as HotVault executes it. `liabilities_root` and `served_exits` are reserved.

    Attributes:
        seq: The batch's number, from 1, without gaps.
        epoch: The vault's epoch.
        deposit_cursor: How many deposits the certified state has credited.
        deadline_s: The last chain time at which it may execute.
        previous_head: The digest of the batch before it; zero for the first.
        state_root, data_hash: Of the certified state that it was derived from.
        payouts: In the order of the batch, at most `PAYOUTS_MAX`.
    """

    seq: int
    epoch: int
    deposit_cursor: int
    deadline_s: int
    previous_head: bytes
    state_root: bytes
    liabilities_root: bytes
    data_hash: bytes
    payouts: tuple[Payout, ...]
    served_exits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report over commands from_seq..to_seq, made under the rule pack with digest `pack`."""

    kind: int
    from_seq: int
    to_seq: int
    digest: bytes
    pack: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """One certified checkpoint as AnchorRegistry stores it; `previous` is the former's digest."""

    index: int
    epoch: int
    block_number: int
    last_seq: int
    log_size: int
    log_root: bytes
    state_root: bytes
    previous: bytes
    reports: tuple[Report, ...] = ()


def batch_digest(batch: Batch, chain_id: int, vault: bytes) -> bytes:
    """The 32 bytes that operators sign for a batch, and that become the vault's head.

    Raises:
        FieldUnencodable, ListTooLong: The batch could not be on the chain at all.
    """
    _bounded("payouts", len(batch.payouts), PAYOUTS_MAX)
    struct = keccak(
        _BATCH_TYPEHASH
        + _uint64("seq", batch.seq)
        + _uint64("epoch", batch.epoch)
        + _uint64("depositCursor", batch.deposit_cursor)
        + _uint64("deadline", batch.deadline_s)
        + _bytes32("previousHead", batch.previous_head)
        + _bytes32("stateRoot", batch.state_root)
        + _bytes32("liabilitiesRoot", batch.liabilities_root)
        + _bytes32("dataHash", batch.data_hash)
        + keccak(b"".join(map(_payout_hash, batch.payouts)))
        + keccak(b"".join(_uint64("servedExits", exit_id) for exit_id in batch.served_exits))
    )
    return _typed_digest("Provenue HotVault", chain_id, vault, struct)


def anchor_digest(anchor: Anchor, chain_id: int, registry: bytes) -> bytes:
    """The 32 bytes that operators sign for an anchor, and that the next anchor's `previous` names.

    Raises:
        FieldUnencodable, ListTooLong: The anchor could not be on the chain at all.
    """
    _bounded("reports", len(anchor.reports), REPORTS_MAX)
    struct = keccak(
        _ANCHOR_TYPEHASH
        + _uint64("index", anchor.index)
        + _uint64("epoch", anchor.epoch)
        + _uint64("blockNumber", anchor.block_number)
        + _uint64("lastSeq", anchor.last_seq)
        + _uint64("logSize", anchor.log_size)
        + _bytes32("logRoot", anchor.log_root)
        + _bytes32("stateRoot", anchor.state_root)
        + _bytes32("previous", anchor.previous)
        + keccak(b"".join(map(_report_hash, anchor.reports)))
    )
    return _typed_digest("Provenue AnchorRegistry", chain_id, registry, struct)


def batch_argument(batch: Batch) -> tuple[object, ...]:
    """The batch as `HotVault.execute` and `digest` take it through web3: fields in ABI order."""
    return (
        batch.seq,
        batch.epoch,
        batch.deposit_cursor,
        batch.deadline_s,
        batch.previous_head,
        batch.state_root,
        batch.liabilities_root,
        batch.data_hash,
        [payout_argument(payout) for payout in batch.payouts],
        list(batch.served_exits),
    )


def payout_argument(payout: Payout) -> tuple[object, ...]:
    """The payout as `HotVault.claim` takes it through web3."""
    return (payout.withdrawal_id, payout.token, payout.payee, payout.amount_wei)


def anchor_argument(anchor: Anchor) -> tuple[object, ...]:
    """The anchor as `AnchorRegistry.anchor` and `digest` take it through web3."""
    return (
        anchor.index,
        anchor.epoch,
        anchor.block_number,
        anchor.last_seq,
        anchor.log_size,
        anchor.log_root,
        anchor.state_root,
        anchor.previous,
        [(r.kind, r.from_seq, r.to_seq, r.digest, r.pack) for r in anchor.reports],
    )


def _typed_digest(name: str, chain_id: int, contract: bytes, struct: bytes) -> bytes:
    domain = keccak(
        _DOMAIN_TYPEHASH
        + keccak(name.encode())
        + keccak(b"1")
        + _uint("chainId", chain_id, 256)
        + _address("verifyingContract", contract)
    )
    return keccak(b"\x19\x01" + domain + struct)


def _payout_hash(payout: Payout) -> bytes:
    return keccak(
        _PAYOUT_TYPEHASH
        + _uint64("withdrawalId", payout.withdrawal_id)
        + _address("token", payout.token)
        + _address("payee", payout.payee)
        + _uint("amount", payout.amount_wei, 256)
    )


def _report_hash(report: Report) -> bytes:
    return keccak(
        _REPORT_TYPEHASH
        + _uint64("kind", report.kind)
        + _uint64("fromSeq", report.from_seq)
        + _uint64("toSeq", report.to_seq)
        + _bytes32("digest", report.digest)
        + _bytes32("pack", report.pack)
    )


def _uint64(field: str, value: int) -> bytes:
    return _uint(field, value, 64)


def _uint(field: str, value: int, bits: int) -> bytes:
    if not 0 <= value < 1 << bits:
        raise FieldUnencodable(field, f"uint{bits}", value)
    return value.to_bytes(WORD_BYTES, "big")


def _bytes32(field: str, value: bytes) -> bytes:
    if len(value) != WORD_BYTES:
        raise FieldUnencodable(field, "bytes32", value)
    return value


def _address(field: str, value: bytes) -> bytes:
    if len(value) != ADDRESS_BYTES:
        raise FieldUnencodable(field, "address", value)
    return value.rjust(WORD_BYTES, b"\0")


def _bounded(field: str, found: int, limit: int) -> None:
    if found > limit:
        raise ListTooLong(field, limit, found)
