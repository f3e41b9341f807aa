"""The reference engine's deposits, withdrawals, decisions and batches."""

from types import SimpleNamespace

from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.layout import CUSTODY, DUST, FEES, PAYOUTS_MAX, SUSPENSE
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.margin import free
from ledger.engine.reference.state import Batch, State, Withdrawal, require
from ledger.engine.views import BatchStatus
from ledger.records.codes import EventKind, Reject, Verdict, WithdrawalStatus
from matching.units import AMOUNT_MINOR_MAX


def credit_deposit(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """CREDIT_DEPOSIT: exactly once, in the vault's own order; dust is kept until it is whole.

    Raises:
        Rejected: In the order of `Reject`.
    """
    known = state.is_customer(c.account) or c.account in {SUSPENSE, INSURANCE, LENDING_POOL}
    require(known, Reject.UNKNOWN_ACCOUNT)
    require(c.asset < len(state.assets), Reject.UNKNOWN_ASSET)
    require(c.clean and c.flags == 0 and c.chain_block >= 0, Reject.MALFORMED)
    require(c.deposit_index == state.deposit_index + 1, Reject.OUT_OF_TURN)
    asset = state.assets[c.asset]
    in_range = (
        0 <= c.amount_minor <= AMOUNT_MINOR_MAX
        and 0 <= c.dust_wei < asset.unit_wei
        and c.amount_minor + c.dust_wei > 0
    )
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    whole, dust = divmod(asset.dust_wei + c.dust_wei, asset.unit_wei)
    supply = -state.free(c.asset, CUSTODY)
    require(supply + c.amount_minor + whole <= asset.supply_max, Reject.SUPPLY_EXCEEDED)
    state.deposit_index = c.deposit_index
    asset.dust_wei = dust
    state.move(c.asset, CUSTODY, c.account, c.amount_minor)
    state.move(c.asset, CUSTODY, DUST, whole)
    effects.outcome = {"subject_id": c.deposit_index, "amount_minor": c.amount_minor}


def request_withdrawal(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """REQUEST_WITHDRAWAL: amount and fee are held until it is paid or denied.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.asset < len(state.assets), Reject.UNKNOWN_ASSET)
    require(c.clean and c.flags == 0 and any(c.payee), Reject.MALFORMED)
    require(len(state.withdrawals) < state.capacity.withdrawals, Reject.TABLE_FULL)
    asset = state.assets[c.asset]
    least = max(1, asset.withdrawal_min)
    in_range = least <= c.amount_minor <= AMOUNT_MINOR_MAX
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    total = c.amount_minor + asset.withdrawal_fee
    require(total <= free(state, c.asset, c.account), Reject.INSUFFICIENT_BALANCE)
    require(not state.seats[c.account].leverage, Reject.MARGIN_ACCOUNT)
    state.hold(c.asset, c.account, total)
    withdrawal = Withdrawal(
        effects.seq,
        c.account,
        c.asset,
        c.amount_minor,
        asset.withdrawal_fee,
        c.payee,
        c.travel,
        WithdrawalStatus.HELD,
    )
    state.withdrawals.append(withdrawal)
    clear(state, len(state.withdrawals) - 1)
    effects.outcome = {"subject_id": effects.seq, "amount_minor": total}


def clear(state: State, row: int) -> None:
    """Queue a withdrawal for the next batch once no required check is missing."""
    withdrawal = state.withdrawals[row]
    if state.assets[withdrawal.asset].required_checks & ~withdrawal.passed == 0:
        withdrawal.status = WithdrawalStatus.CLEARED
        state.cleared.append(row)


def decide_withdrawal(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """DECIDE_WITHDRAWAL: one verdict a check; a denial gives the hold back.

    Raises:
        Rejected: In the order of `Reject`.
    """
    well_formed = c.clean and c.flags == c.account == 0 and c.check in {1, 2} and c.verdict <= 1
    require(well_formed, Reject.MALFORMED)
    rows = [i for i, w in enumerate(state.withdrawals) if w.withdrawal_id == c.withdrawal_id]
    require(bool(rows), Reject.UNKNOWN_WITHDRAWAL)
    withdrawal = state.withdrawals[rows[0]]
    require(withdrawal.status == WithdrawalStatus.HELD, Reject.WRONG_STATE)
    require(withdrawal.passed & c.check == 0, Reject.ALREADY_DECIDED)
    released = 0
    if c.verdict == Verdict.APPROVE:
        withdrawal.passed |= c.check
        clear(state, rows[0])
    else:
        withdrawal.status = WithdrawalStatus.DENIED
        released = withdrawal.amount + withdrawal.fee
        state.hold(withdrawal.asset, withdrawal.account, -released)
        effects.emit(
            EventKind.WITHDRAWAL_RELEASED,
            flags=WithdrawalStatus.DENIED,
            asset=withdrawal.asset,
            account=withdrawal.account,
            order_id=withdrawal.withdrawal_id,
            fee_minor=withdrawal.fee,
            amount_minor=withdrawal.amount,
        )
    effects.outcome = {"subject_id": c.withdrawal_id, "amount_minor": released}


def cut_batch(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """CUT_BATCH: the cleared withdrawals, oldest first; only when no batch is in flight.

    Raises:
        Rejected: In the order of `Reject`.
    """
    well_formed = (
        c.clean
        and c.flags == c.account == 0
        and c.deadline_s >= 1
        and 1 <= c.payouts_max <= PAYOUTS_MAX
        and c.chain_block == 0
        and not any(c.tx + c.deferred)
    )
    require(well_formed, Reject.MALFORMED)
    require(c.batch == len(state.batches) + 1, Reject.OUT_OF_TURN)
    settled = not state.batches or state.batches[-1].status == BatchStatus.CONFIRMED
    require(settled, Reject.WRONG_STATE)
    rows, state_left = state.cleared[: c.payouts_max], state.cleared[c.payouts_max :]
    require(bool(rows), Reject.NOTHING_CLEARED)
    state.cleared = state_left
    state.batches.append(
        Batch(BatchStatus.CUT, effects.seq, c.deadline_s, state.deposit_index, rows)
    )
    for row in rows:
        state.withdrawals[row].status = WithdrawalStatus.BATCHED
        state.withdrawals[row].batch = c.batch
        report_payout(state, effects, EventKind.WITHDRAWAL_BATCHED, row)
    effects.outcome = {"subject_id": c.batch}


def confirm_batch(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """CONFIRM_BATCH: what was held left custody; fees are earned.

    Raises:
        Rejected: In the order of `Reject`.
    """
    deferred = int.from_bytes(c.deferred, "little")
    in_turn = bool(state.batches) and c.batch == len(state.batches)
    beyond = deferred >> len(state.batches[-1].rows) if in_turn else 0
    well_formed = (
        c.clean
        and c.flags == c.account == 0
        and c.deadline_s == c.payouts_max == 0
        and c.chain_block >= 0
        and beyond == 0
    )
    require(well_formed, Reject.MALFORMED)
    require(in_turn, Reject.OUT_OF_TURN)
    batch = state.batches[-1]
    require(batch.status == BatchStatus.CUT, Reject.WRONG_STATE)
    batch.status = BatchStatus.CONFIRMED
    for place, row in enumerate(batch.rows):
        withdrawal = state.withdrawals[row]
        claimable = deferred >> place & 1
        withdrawal.status = WithdrawalStatus.CLAIMABLE if claimable else WithdrawalStatus.PAID
        asset, account = withdrawal.asset, withdrawal.account
        state.hold(asset, account, -(withdrawal.amount + withdrawal.fee))
        state.move(asset, account, CUSTODY, withdrawal.amount)
        state.move(asset, account, FEES, withdrawal.fee)
        report_payout(state, effects, EventKind.WITHDRAWAL_SETTLED, row)
    effects.outcome = {"subject_id": c.batch}


def report_payout(state: State, effects: Effects, kind: EventKind, row: int) -> None:
    """One payout of a batch; flags tell where the withdrawal stands now."""
    withdrawal = state.withdrawals[row]
    effects.emit(
        kind,
        flags=withdrawal.status,
        asset=withdrawal.asset,
        account=withdrawal.account,
        order_id=withdrawal.withdrawal_id,
        trade_id=withdrawal.batch,
        fee_minor=withdrawal.fee,
        amount_minor=withdrawal.amount,
    )
