"""CUT_BATCH and CONFIRM_BATCH, RECORD_REPORT and RECORD_ANCHOR: what goes to the chain."""

from ledger.engine.kernels.base.checks import blank_from, unsigned
from ledger.engine.kernels.base.money import credit, release
from ledger.engine.kernels.base.report import report_withdrawal
from ledger.engine.layout import CUSTODY, FEES, PAYOUTS_MAX
from ledger.engine.state import Commands, Results, State, first_word
from ledger.engine.views import BatchStatus
from ledger.records.codes import EventKind, Reject, WithdrawalStatus
from ledger.records.layout import ANCHOR, BATCH, REPORT
from matching.jit import i64, inner
from matching.layout import NIL

_CUT = int(BatchStatus.CUT)
_CONFIRMED = int(BatchStatus.CONFIRMED)
_BATCHED = int(WithdrawalStatus.BATCHED)
_PAID = int(WithdrawalStatus.PAID)
_CLAIMABLE = int(WithdrawalStatus.CLAIMABLE)
_BATCHED_EVENT = int(EventKind.WITHDRAWAL_BATCHED)
_SETTLED_EVENT = int(EventKind.WITHDRAWAL_SETTLED)

_NONE = int(Reject.NONE)
_MALFORMED = int(Reject.MALFORMED)
_OUT_OF_TURN = int(Reject.OUT_OF_TURN)
_WRONG_STATE = int(Reject.WRONG_STATE)
_NOTHING_CLEARED = int(Reject.NOTHING_CLEARED)

_BATCH_PAYOUTS = first_word(BATCH, "payouts_max")
_BATCH_TX = first_word(BATCH, "tx_0")
_BATCH_DEFERRED = first_word(BATCH, "deferred_0")
_BATCH_RESERVED = first_word(BATCH, "reserved")
_REPORT_RESERVED = first_word(REPORT, "reserved")
_ANCHOR_RESERVED = first_word(ANCHOR, "reserved")


@inner
def cut_batch(state: State, commands: Commands, results: Results, row: int) -> int:
    """CUT_BATCH: the cleared withdrawals, oldest first, when no batch is in flight.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, header, rows, batches = commands.batch, state.header, state.withdrawals, state.batches
    if (
        not unsigned(commands, row)
        or c["deadline_s"][row] < 1
        or not 1 <= i64(c["payouts_max"][row]) <= PAYOUTS_MAX
        or c["pad"][row] != 0
        or c["chain_block"][row] != 0
        or not blank_from(commands, row, _BATCH_TX)
    ):
        return _MALFORMED
    batch = header["batch_count"][0]
    if c["batch"][row] != batch + 1:
        return _OUT_OF_TURN
    if batch > 0 and batches["status"][batch - 1] != _CONFIRMED:
        return _WRONG_STATE
    if header["cleared_head"][0] == NIL:
        return _NOTHING_CLEARED
    header["batch_count"][0] = batch + 1
    first = header["payout_count"][0]
    count = 0
    while count < i64(c["payouts_max"][row]) and header["cleared_head"][0] != NIL:
        withdrawal = header["cleared_head"][0]
        header["cleared_head"][0] = rows["next"][withdrawal]
        rows["next"][withdrawal] = NIL
        rows["status"][withdrawal] = _BATCHED
        rows["batch"][withdrawal] = batch + 1
        state.payouts["withdrawal"][first + count] = withdrawal
        report_withdrawal(state, results, _BATCHED_EVENT, withdrawal)
        count += 1
    if header["cleared_head"][0] == NIL:
        header["cleared_tail"][0] = NIL
    header["payout_count"][0] = first + count
    batches["status"][batch] = _CUT
    batches["cut_seq"][batch] = results.frame["seq"][0]
    batches["deadline_s"][batch] = c["deadline_s"][row]
    batches["deposit_index"][batch] = header["deposit_index"][0]
    batches["payout_first"][batch] = first
    batches["payout_count"][batch] = count
    results.outcomes["subject_id"][row] = batch + 1
    return _NONE


@inner
def is_deferred(commands: Commands, row: int, place: int) -> bool:
    """Bit `place` of the deferred map."""
    word = i64(commands.words[row, _BATCH_DEFERRED + (place >> 6)])
    return (word >> (place & 63)) & 1 != 0


@inner
def check_confirmation(state: State, commands: Commands, row: int) -> int:
    """CONFIRM_BATCH's checks, in the order of `Reject`."""
    c, header, batches = commands.batch, state.header, state.batches
    in_turn = c["batch"][row] == header["batch_count"][0] and c["batch"][row] > 0
    beyond = False
    if in_turn:
        for place in range(batches["payout_count"][c["batch"][row] - 1], 256):
            beyond |= is_deferred(commands, row, place)
    if (
        not unsigned(commands, row)
        or c["deadline_s"][row] != 0
        or commands.words[row, _BATCH_PAYOUTS] != 0
        or c["chain_block"][row] < 0
        or not blank_from(commands, row, _BATCH_RESERVED)
        or beyond
    ):
        return _MALFORMED
    if not in_turn:
        return _OUT_OF_TURN
    return _NONE if batches["status"][c["batch"][row] - 1] == _CUT else _WRONG_STATE


@inner
def confirm_batch(state: State, commands: Commands, results: Results, row: int) -> int:
    """CONFIRM_BATCH: what was held left custody; the fees are earned.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, rows, batches = commands.batch, state.withdrawals, state.batches
    reject = check_confirmation(state, commands, row)
    if reject != _NONE:
        return reject
    batch = c["batch"][row] - 1
    batches["status"][batch] = _CONFIRMED
    for place in range(batches["payout_count"][batch]):
        withdrawal = state.payouts["withdrawal"][batches["payout_first"][batch] + place]
        asset, account = i64(rows["asset"][withdrawal]), i64(rows["account"][withdrawal])
        amount_minor, fee_minor = rows["amount_minor"][withdrawal], rows["fee_minor"][withdrawal]
        release(state, asset, account, amount_minor + fee_minor)
        credit(state, asset, CUSTODY, amount_minor)
        credit(state, asset, FEES, fee_minor)
        rows["status"][withdrawal] = _CLAIMABLE if is_deferred(commands, row, place) else _PAID
        report_withdrawal(state, results, _SETTLED_EVENT, withdrawal)
    results.outcomes["subject_id"][row] = batch + 1
    return _NONE


@inner
def record_report(state: State, commands: Commands, results: Results, row: int) -> int:
    """RECORD_REPORT: counted here, chained by `ledger.engine.chains`. Returns a `Reject`."""
    c, header, frame = commands.report, state.header, results.frame
    if (
        not unsigned(commands, row)
        or c["pad"][row] != 0
        or not blank_from(commands, row, _REPORT_RESERVED)
        or not 1 <= c["from_seq"][row] <= c["to_seq"][row] < frame["seq"][0]
    ):
        return _MALFORMED
    header["report_count"][0] += 1
    frame["chained"][0] += 1
    results.outcomes["subject_id"][row] = header["report_count"][0]
    return _NONE


@inner
def record_anchor(state: State, commands: Commands, results: Results, row: int) -> int:
    """RECORD_ANCHOR: indices count up, blocks grow. Returns a `Reject`."""
    c, header, frame = commands.anchor, state.header, results.frame
    if (
        not unsigned(commands, row)
        or c["chain_block"][row] < 0
        or not blank_from(commands, row, _ANCHOR_RESERVED)
    ):
        return _MALFORMED
    if (
        c["anchor_index"][row] != header["anchor_index"][0] + 1
        or c["block"][row] <= header["anchored_block"][0]
    ):
        return _OUT_OF_TURN
    header["anchor_index"][0] = c["anchor_index"][row]
    header["anchored_block"][0] = c["block"][row]
    frame["chained"][0] += 1
    results.outcomes["subject_id"][row] = c["anchor_index"][row]
    return _NONE
