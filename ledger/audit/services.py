"""The certified state that services see, and the services that every replica has."""

import asyncio
from collections.abc import Iterator
from typing import Final, Generic

import msgspec

from ledger.audit.errors import NotCertified, ServiceRefusal
from ledger.audit.ledger import Ledger
from ledger.audit.ports import BlockHeader, CertifiedState, M, Records, Service, StateMachine
from ledger.audit.transport import seconds

WAIT_MS: Final = 10_000
SEQ_DIGITS_MAX: Final = 19


class CertifiedView(Generic[M]):
    """Reads of a ledger that services may use: `ports.CertifiedState`."""

    def __init__(self, ledger: Ledger[M]) -> None:
        """Over a replica's own ledger."""
        self._ledger = ledger
        self._waiters: dict[asyncio.Future[BlockHeader], int] = {}

    def advance(self) -> None:
        """The driver committed a block: wake who waited for it."""
        for future, seq in tuple(self._waiters.items()):
            header = self._ledger.block_of(seq)
            if header is not None and not future.done():
                future.set_result(header)

    async def wait_block_of(self, seq: int) -> BlockHeader:
        """The certified block that holds a command; waits at most WAIT_MS for it."""
        header = self._ledger.block_of(seq)
        if header is not None:
            return header
        future: asyncio.Future[BlockHeader] = asyncio.get_running_loop().create_future()
        self._waiters[future] = seq
        try:
            async with asyncio.timeout(seconds(WAIT_MS)):
                return await future
        except TimeoutError as error:
            raise NotCertified(seq, self._ledger.tip.last_seq) from error
        finally:
            del self._waiters[future]

    @property
    def engine(self) -> M:
        """This replica's own state machine."""
        return self._ledger.engine

    @property
    def block(self) -> BlockHeader | None:
        """The last certified block."""
        return self._ledger.header(self._ledger.tip.number)

    def header(self, number: int) -> BlockHeader | None:
        """A certified block by number."""
        return self._ledger.header(number)

    def block_of(self, seq: int) -> BlockHeader | None:
        """The certified block that holds a command."""
        return self._ledger.block_of(seq)

    def records(self, first_seq: int, last_seq: int) -> Iterator[Records]:
        """The certified entries of a range."""
        return self._ledger.records(first_seq, last_seq)

    def receipt_for(self, seq: int, event_index: int | None) -> str:
        """The receipt of an entry."""
        return self._ledger.receipt_for(seq, event_index)


class ReceiptQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks the `receipt` service for a command's entry, or for one of its events'."""

    seq: int
    event_index: int | None = None


class _ReceiptService:
    """Any replica proves any certified entry: no need to ask the venue."""

    async def answer(self, state: CertifiedState[StateMachine], payload: bytes) -> bytes:
        assert isinstance(state, CertifiedView), "the replica's own view"
        try:
            question = msgspec.json.decode(payload, type=ReceiptQuestion)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ServiceRefusal(str(error)) from error
        return state.receipt_for(question.seq, question.event_index).encode()


class _CertifiedService:
    """Answers when this replica has certified a command: it may lag behind the quorum."""

    async def answer(self, state: CertifiedState[StateMachine], payload: bytes) -> bytes:
        if not 1 <= len(payload) <= SEQ_DIGITS_MAX or payload.strip(b"0123456789"):
            raise ServiceRefusal("the payload is a seq in decimal digits")
        header = await state.wait_block_of(int(payload))
        return str(header.last_seq).encode()


RECEIPT: Final = "receipt"
CERTIFIED: Final = "certified"
BUILT_IN: Final[dict[str, Service]] = {
    RECEIPT: _ReceiptService(),
    CERTIFIED: _CertifiedService(),
}
