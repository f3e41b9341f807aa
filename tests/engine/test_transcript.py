"""A golden transcript: one small day at the venue, every kind of command, word for word."""

import os
from pathlib import Path

from ledger.engine.layout import CUSTODY, DUST, FEES, ROUNDING
from ledger.records.build import command, digest_fields
from ledger.records.codes import (
    Check,
    CommandFlag,
    CommandKind,
    EventKind,
    OrderType,
    SelfTrade,
    TimeInForce,
    Verdict,
)
from tests.engine.streams import PAYEE, list_asset
from tests.engine.test_lanes import REWRITE
from tests.engine.venue import ALICE, BASE, BOB, BUY, QUOTE, SELL, Venue

GOLDEN = Path(__file__).parent / "golden" / "transcript.txt"
K = CommandKind
TERMS = {
    "base": BASE, "quote": QUOTE, "lot_minor": 100, "notional_num": 1, "notional_den": 10,
    "max_price_ticks": 10_000, "max_qty_lots": 1000, "min_notional_minor": 2,
    "maker_fee_ppm": -100_000, "taker_fee_ppm": 100_000, "symbol": b"BASEQUOTE",
}  # fmt: skip
OTHER = {f"{name}_{word}": 7 for name in ("tx", "report", "reason") for word in range(4)}
TX = {name: word for name, word in OTHER.items() if name.startswith("tx")}
WHY = {name: word for name, word in OTHER.items() if name.startswith("reason")}


def order(account, side, price, lots, **fields):
    terms = {"account": account, "side": side, "price_ticks": price, "qty_lots": lots}
    return command(K.NEW_ORDER, **terms | fields)


def day():
    """The commands, in order; ids in them count from the first one."""
    by_quote = {"order_type": OrderType.MARKET, "flags": CommandFlag.BY_QUOTE, "quote_minor": 25}
    bits = digest_fields("deferred", (2).to_bytes(32, "little"))
    return [
        list_asset(BASE, token_decimals=8, required_checks=Check.SCREENING),
        list_asset(QUOTE, withdrawal_fee_minor=3),
        command(K.LIST_INSTRUMENT, **TERMS),
        command(K.OPEN_ACCOUNT, account=ALICE),
        command(K.OPEN_ACCOUNT, account=BOB, master=ALICE),
        command(K.CREDIT_DEPOSIT, account=ALICE, asset=BASE, deposit_index=1,
                amount_minor=50_000, dust_wei=99),
        command(K.CREDIT_DEPOSIT, account=BOB, asset=QUOTE, deposit_index=2, amount_minor=9_000),
        command(K.CREDIT_DEPOSIT, account=BOB, asset=BASE, deposit_index=3, dust_wei=2,
                amount_minor=900),
        order(ALICE, SELL, 77, 10, time_ns=10),
        order(ALICE, SELL, 78, 10, time_ns=20, flags=CommandFlag.POST_ONLY),
        order(BOB, BUY, 77, 13, time_ns=30, client_id=b"crossing"),
        order(ALICE, SELL, 77, 1, time_ns=40, time_in_force=TimeInForce.FOK),
        command(K.AMEND_ORDER, account=ALICE, target_id=10, qty_lots=6, time_ns=50),
        order(BOB, BUY, 0, 0, time_ns=60, **by_quote),
        order(BOB, SELL, 70, 9, time_ns=70, self_trade=SelfTrade.EXPIRE_MAKER),
        command(K.CANCEL_ORDER, account=BOB, target_id=10, time_ns=80),
        command(K.CANCEL_ORDER, account=ALICE, target_id=10, time_ns=80),
        command(K.REQUEST_WITHDRAWAL, account=ALICE, asset=BASE, amount_minor=700, **PAYEE),
        command(K.REQUEST_WITHDRAWAL, account=ALICE, asset=BASE, amount_minor=700, time_ns=90,
                **PAYEE),
        command(K.REQUEST_WITHDRAWAL, account=BOB, asset=QUOTE, amount_minor=50, time_ns=90,
                **PAYEE),
        command(K.REQUEST_WITHDRAWAL, account=BOB, asset=BASE, amount_minor=5, time_ns=90,
                **PAYEE),
        command(K.DECIDE_WITHDRAWAL, withdrawal_id=19, check=1, verdict=1, time_ns=100),
        command(K.DECIDE_WITHDRAWAL, withdrawal_id=21, check=2, verdict=Verdict.DENY, time_ns=100),
        command(K.CUT_BATCH, batch=1, deadline_s=1000, payouts_max=5, time_ns=110),
        command(K.CONFIRM_BATCH, batch=1, chain_block=44, time_ns=120, **bits, **TX),
        command(K.RECORD_REPORT, from_seq=1, to_seq=25, time_ns=130,
                **{name: 7 for name in OTHER if name.startswith("report")}),
        command(K.RECORD_ANCHOR, anchor_index=1, block=1, chain_block=45, time_ns=140, **TX),
        command(K.PLACE_HOLD, hold_id=1, account=BOB, asset=QUOTE, amount_minor=70, time_ns=150,
                **WHY),
        command(K.PLACE_HOLD, hold_id=1, account=BOB, asset=QUOTE, amount_minor=70, time_ns=160,
                **WHY),
        command(K.RELEASE_HOLD, hold_id=1, amount_minor=30, time_ns=170, **WHY),
        command(K.RELEASE_HOLD, hold_id=1, time_ns=180),
        command(K.RELEASE_HOLD, hold_id=1, time_ns=190),
    ]  # fmt: skip


def told(done, kind):
    """One command's results: what is zero is left out."""
    facts = {
        "filled": done.filled_lots,
        "quote": done.filled_quote_minor,
        "remaining": done.remaining_lots,
        "amount": done.amount_minor,
        "subject": done.subject_id,
    }
    told_facts = " ".join(f"{name}={value}" for name, value in facts.items() if value)
    yield f"{done.seq:2} {kind.name} {done.reject.name} {done.status.name} {told_facts}".rstrip()
    for event in done.events:
        rest = {n: v for n, v in event.items() if v and n not in {"seq", "kind"}}
        yield f"     {EventKind(event['kind']).name} " + " ".join(
            f"{name}={value}" for name, value in rest.items()
        )


def transcript():
    venue, lines = Venue(), []
    for raw in day():
        (done,) = venue.batch(raw)
        lines += told(done, CommandKind(raw[8]))
    for account in (FEES, ROUNDING, DUST, CUSTODY, ALICE, BOB):
        lines.append(f"{account:2} {venue.balance(account, BASE)} {venue.balance(account, QUOTE)}")
    lines.append(venue.engine.state_root().hex())
    return "\n".join(lines) + "\n"


def test_the_day_goes_as_it_was_written_down():
    if os.environ.get(REWRITE) == "1":
        GOLDEN.write_text(transcript())
    assert transcript() == GOLDEN.read_text()
