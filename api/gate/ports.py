"""What the gate needs of the other stages; the composition root plugs them in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from compliance.regulator import ReportDossier, TradeDossier
from compliance.store import StoredReport
from ledger.readmodel.views import DepositView, OrderView, TradeView, WithdrawalView


class Balance(Protocol):
    """What an account has of one asset, in its ledger unit."""

    @property
    def available_minor(self) -> int: ...
    @property
    def held_minor(self) -> int: ...


class Hold(Protocol):
    """What risk or compliance froze of an account's money."""

    @property
    def asset(self) -> int: ...
    @property
    def left_minor(self) -> int: ...


class ReadsEngine(Protocol):
    """Stage 3 between two batches: what the engine holds now."""

    @property
    def seq(self) -> int:
        """The last executed command."""
        ...

    def balance(self, account: int, asset: int) -> Balance:
        """What the account has; zeros when it never had any."""
        ...

    def open_holds(self, account: int) -> Sequence[Hold]:
        """What is frozen of the account's money."""
        ...

    def depth(self, instrument: int, levels: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Bids and asks, best first: arrays with price_ticks, qty_lots and orders."""
        ...


class ReadsHistory(Protocol):
    """Stage 4: the read model's queries."""

    def order(self, order_id: int) -> OrderView | None: ...
    def order_by_client_id(self, account: int, client_id: bytes) -> OrderView | None: ...
    def has_open_client_id(self, account: int, client_id: bytes) -> bool: ...
    def open_orders(self, account: int, instrument: int | None = None) -> list[OrderView]: ...
    def all_orders(
        self, account: int, instrument: int, from_id: int = 0, limit: int = 500
    ) -> list[OrderView]: ...
    def trades(
        self, instrument: int, limit: int = 500, from_id: int | None = None
    ) -> list[TradeView]: ...
    def account_trades(
        self,
        account: int,
        instrument: int,
        limit: int = 500,
        from_id: int | None = None,
        *,
        order_id: int | None = None,
    ) -> list[TradeView]: ...
    def trade(self, instrument: int, trade_id: int) -> TradeView | None: ...
    def withdrawal(self, withdrawal_id: int) -> WithdrawalView | None: ...
    def withdrawals(self, account: int) -> list[WithdrawalView]: ...
    def withdrawal_by_client_id(self, account: int, client_id: bytes) -> WithdrawalView | None: ...
    def deposits(self, account: int) -> list[DepositView]: ...


class AnswersRegulator(Protocol):
    """Stage 7: facts with their proofs. `compliance.regulator.RegulatorDesk` is one."""

    def trade_dossier(self, instrument: int, trade_id: int) -> TradeDossier:
        """One trade with its receipt.

        Raises:
            TradeUnknown, NotCertified: As their names say.
        """
        ...

    def report_dossier(self, report_id: int) -> ReportDossier:
        """One report with its receipt and its anchor.

        Raises:
            ReportUnknown, NotCertified: As their names say.
        """
        ...

    def reports(self, after_id: int = 0, limit: int = 100) -> tuple[StoredReport, ...]:
        """Reports with larger ids than `after_id`, oldest first."""
        ...


class GivesReceipts(Protocol):
    """Stage 5: receipts of the log's entries. `ledger.audit.ledger.Ledger` gives them."""

    def receipt_for(self, seq: int, event_index: int | None) -> str:
        """The receipt of a command (None) or of one of its events.

        Raises:
            NotCertified, UnknownEntry: As their names say.
        """
        ...


@dataclass(frozen=True, slots=True)
class Custody:
    """Where customers' assets stand: the vault's address and the network's name in the dialect."""

    vault: bytes
    network: str


class TakesTravelRule(Protocol):
    """Stage 7: keeps a travel-rule payload and returns what may enter the ledger."""

    def take(self, account: int, payload: bytes, now_ns: int) -> bytes:
        """The 32-byte salted commitment to a valid IVMS101 payload, which is now kept.

        `account` is whose withdrawal it travels with; no other account can use it.

        Raises:
            TravelRuleRefused: The payload breaks the standard.
        """
        ...
