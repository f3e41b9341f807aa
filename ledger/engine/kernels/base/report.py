"""Writing events. An event's bytes are all set here: the buffer is used again and again."""

from ledger.engine.state import Results, State
from matching.jit import i64, inner

_EVENT_WORDS = 16


@inner
def begin_event(results: Results, kind: int) -> int:
    """A blank event of the command at work, stamped; returns its row."""
    frame = results.frame
    row = i64(frame["event_count"][0])
    for word in range(_EVENT_WORDS):
        results.event_words[row, word] = 0
    results.events["seq"][row] = frame["seq"][0]
    results.events["time_ns"][row] = frame["time_ns"][0]
    results.events["kind"][row] = kind
    results.events["index"][row] = row - frame["event_first"][0]
    frame["event_count"][0] = row + 1
    return row


@inner
def report_withdrawal(state: State, results: Results, kind: int, withdrawal: int) -> None:
    """An event about a withdrawal row; flags tell where it stands now."""
    rows, events = state.withdrawals, results.events
    event = begin_event(results, kind)
    events["flags"][event] = rows["status"][withdrawal]
    events["asset"][event] = rows["asset"][withdrawal]
    events["account"][event] = rows["account"][withdrawal]
    events["order_id"][event] = rows["withdrawal_id"][withdrawal]
    events["trade_id"][event] = rows["batch"][withdrawal]
    events["fee_minor"][event] = rows["fee_minor"][withdrawal]
    events["amount_minor"][event] = rows["amount_minor"][withdrawal]
