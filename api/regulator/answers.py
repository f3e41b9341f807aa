"""What the regulator's routes answer. Times are nanoseconds since the epoch, hashes hexadecimal."""

import msgspec

from api.gate.listing import Instrument
from api.gate.payee import show_payee
from compliance.ports import AnchorFacts
from compliance.regulator import ReportDossier, TradeDossier
from compliance.store import StoredReport
from ledger.records.codes import Product, Side

HOW_TO_VERIFY = (
    "Save `receipt` as a file and run `provenue verify FILE`: it checks the entry, its place in "
    "the log and the replicas' signatures offline, without this venue."
)


class Party(msgspec.Struct, frozen=True, rename="camel"):
    """One side of a trade."""

    account: int
    order_id: int
    side: str
    fee: str
    fee_asset: str


class Trade(msgspec.Struct, frozen=True, rename="camel"):
    """A trade, where it stands in the ledger, and the receipt that proves it.

    `quote_quantity` is a spot pair's, `notional` a perpetual's, in its settlement asset: the other
    is zero. In a liquidation the taker has no order.
    """

    symbol: str
    trade_id: int
    time_ns: int
    price: str
    quantity: str
    product: str
    liquidation: bool
    quote_quantity: str
    notional: str
    taker: Party
    maker: Party
    seq: int
    event_index: int
    receipt: str
    how_to_verify: str


class Anchor(msgspec.Struct, frozen=True, rename="camel"):
    """Where the digest stands on the chain."""

    anchor_index: int
    block: int
    chain_block: int
    transaction: str
    registry: str


class ReportMeta(msgspec.Struct, frozen=True, rename="camel"):
    """A report's metadata; `sha256` is of the bytes under `content`."""

    report_id: int
    kind: int
    from_seq: int
    to_seq: int
    sha256: str
    pack_sha256: str
    generator: str
    records: int
    size_bytes: int
    content: str


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """A report with the receipt of its record in the ledger, and its anchor once it has one."""

    report: ReportMeta
    receipt: str
    anchor: Anchor | None
    how_to_verify: str


class Reports(msgspec.Struct, frozen=True, rename="camel"):
    """One page of reports; `next_after` continues, and is absent at the end."""

    reports: list[ReportMeta]
    next_after: int | None


def trade(instrument: Instrument, dossier: TradeDossier) -> Trade:
    """A trade's dossier as it is answered."""
    view = dossier.trade
    maker_side = Side.SELL if view.taker_side is Side.BUY else Side.BUY
    return Trade(
        symbol=instrument.symbol,
        trade_id=view.trade_id,
        time_ns=view.time_ns,
        price=instrument.show_price(view.price_ticks),
        quantity=instrument.show_qty(view.qty_lots),
        product=view.product.name,
        liquidation=view.liquidation,
        quote_quantity=instrument.quote.show(view.quote_minor),
        notional=instrument.settle.show(view.notional_minor),
        taker=_party(
            instrument,
            view.taker_account,
            view.taker_order_id,
            view.taker_side,
            view.taker_fee_minor,
        ),
        maker=_party(
            instrument, view.maker_account, view.maker_order_id, maker_side, view.maker_fee_minor
        ),
        seq=view.seq,
        event_index=view.event_index,
        receipt=dossier.receipt,
        how_to_verify=HOW_TO_VERIFY,
    )


def _party(
    instrument: Instrument, account: int, order_id: int, side: Side, fee_minor: int
) -> Party:
    received = instrument.settle
    if instrument.product is Product.SPOT:
        received = instrument.base if side is Side.BUY else instrument.quote
    return Party(account, order_id, side.name, received.show(fee_minor), received.symbol)


def report_meta(stored: StoredReport) -> ReportMeta:
    """A report's metadata as it is answered."""
    return ReportMeta(
        report_id=stored.report_id,
        kind=stored.kind,
        from_seq=stored.from_seq,
        to_seq=stored.to_seq,
        sha256=stored.digest.hex(),
        pack_sha256=stored.pack_hash.hex(),
        generator=stored.generator,
        records=stored.records,
        size_bytes=stored.size,
        content=f"/regulator/v1/reports/{stored.report_id}/content",
    )


def report(dossier: ReportDossier) -> Report:
    """A report's dossier as it is answered."""
    anchor = None if dossier.anchor is None else _anchor(dossier.anchor)
    return Report(report_meta(dossier.report), dossier.receipt, anchor, HOW_TO_VERIFY)


def _anchor(facts: AnchorFacts) -> Anchor:
    return Anchor(
        anchor_index=facts.anchor_index,
        block=facts.block,
        chain_block=facts.chain_block,
        transaction="0x" + facts.tx.hex(),
        registry=show_payee(facts.registry),
    )
