"""The order-book report told a second time, too plainly to be fast: dicts, Decimals, one pass.

It follows docs/spec/reports.md, shares no line with the module that it judges, trusts its input.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from compliance.reports.pack import ReportPack
from ledger.records.build import LAYOUT_OF
from ledger.records.codes import CommandKind
from ledger.records.layout import COMMAND
from tests.compliance.venue import NaiveVenue


def model_report(venue: NaiveVenue, pack: ReportPack, first: int, last: int) -> bytes:
    """The bytes that the specification asks for."""
    world = World(pack)
    records: list[dict] = []
    unattributed = 0
    leaf = 0
    for seq, raw in enumerate(venue.commands[:last], 1):
        outcome = venue.outcomes[seq - 1]
        events = [event for event in venue.events if event["seq"] == seq]
        told = world.tell(seq, raw, outcome, events)
        if seq >= first:
            for offset, place, record in told:
                if record is None:
                    unattributed += 1
                    continue
                record["OrdrIdData"]["SeqNb"] = 4 * (leaf + offset) + place
                records.append(record)
        leaf += 1 + len(events)
    body = pack.body
    times = [spell_time(time_of(venue.commands[seq - 1])) for seq in (first, last)]
    report = {
        "OrdrBookRpt": {
            "OrdrRpt": [{"New": {"Ordr": records, "RptId": f"{body.mic}-OBR-{first}-{last}"}}],
            "RptHdr": {
                "NbRcrds": len(records),
                "RptgNtty": {"MktIdCd": body.mic},
                "RptgPrd": {"FrToDtTm": {"FrDtTm": times[0], "ToDtTm": times[1]}},
            },
            "SplmtryData": [
                {
                    "Envlp": {
                        "FrSeq": first,
                        "ToSeq": last,
                        "Gnrtr": "provenue-orderbook-records/1",
                        "LEI": body.lei,
                        "PackHash": pack.hash.hex(),
                        "Unattrbtd": unattributed,
                    },
                    "PlcAndNm": "/OrdrBookRpt",
                }
            ],
        }
    }
    lines = [spell(record) for record in records]
    frame = spell(report).replace(spell(records), "[\n" + ",\n".join(lines) + "\n]", 1)
    return (frame.replace("[\n\n]", "[\n]", 1) + "\n").encode()


def spell(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def spell_time(time_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def spell_decimal(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_of(raw: bytes) -> int:
    return int(np.frombuffer(raw, COMMAND)[0]["time_ns"])


class World:
    """What has been listed, who the clients are, and each order's story so far."""

    def __init__(self, pack: ReportPack) -> None:
        self.pack = pack.body
        self.assets: dict[int, tuple[str, int]] = {}
        self.books: dict[int, np.void] = {}
        self.clients: dict[int, str] = {}
        self.orders: dict[int, dict] = {}

    def tell(
        self, seq: int, raw: bytes, outcome: dict, events: list[dict]
    ) -> list[tuple[int, int, dict | None]]:
        """(offset of the leaf, place, record) of each record; None where none can be written."""
        kind = CommandKind(np.frombuffer(raw, COMMAND)[0]["kind"])
        row = np.frombuffer(raw, LAYOUT_OF[kind])[0]
        now = spell_time(int(row["time_ns"]))
        rejected = bool(outcome.get("reject", 0))
        match kind:
            case CommandKind.LIST_ASSET:
                symbol = bytes(row["symbol"]).decode()
                self.assets[int(row["asset"])] = (symbol, int(row["ledger_decimals"]))
            case CommandKind.LIST_INSTRUMENT:
                self.books[int(row["instrument"])] = row
            case CommandKind.OPEN_ACCOUNT:
                words = b"".join(
                    int(row[f"subject_{i}"]).to_bytes(8, "little", signed=True) for i in range(4)
                )
                name = base64.b32encode(words[:20]).decode()
                self.clients[int(row["account"])] = f"XX{name}"
            case CommandKind.NEW_ORDER:
                if not self.known(row):
                    return [(0, 0, None)]
                order = self.orders[seq] = self.open(seq, row)
                if rejected:
                    return [(0, 0, self.record(order, "REMO", now, rest=0))]
                return self.new(order, now, outcome, events)
            case CommandKind.CANCEL_ORDER if not rejected:
                return [
                    (0, 0, self.record(self.orders[int(row["target_id"])], "CAME", now, rest=0))
                ]
            case CommandKind.AMEND_ORDER if not rejected:
                order = self.orders[int(row["target_id"])]
                order["size"] -= order["rest"] - outcome["remaining_lots"]
                rest = outcome["remaining_lots"]
                return [(0, 0, self.record(order, "REME", now, rest=rest))]
        return []

    def known(self, row: np.void) -> bool:
        codes = row["side"] < 2 and row["order_type"] < 2 and row["time_in_force"] < 4
        return (
            int(row["instrument"]) in self.books and int(row["account"]) in self.clients and codes
        )

    def open(self, seq: int, row: np.void) -> dict:
        by_quote = bool(row["flags"] & 2)
        size = int(row["quote_minor"] if by_quote else row["qty_lots"])
        return {"id": seq, "row": row, "by_quote": by_quote, "size": size, "rest": size}

    def new(self, order: dict, now: str, outcome: dict, events: list[dict]) -> list:
        told = [(0, 0, self.record(order, "NEWO", now, rest=order["rest"]))]
        trades = [event for event in events if event["kind"] == 1]
        for offset, event in enumerate(events, 1):
            if event["kind"] == 2:
                other = self.orders[event["order_id"]]
                told.append((offset, 0, self.record(other, "CAMO", now, rest=0)))
                continue
            last = event is trades[-1] and outcome["status"] == 3
            spent = event["quote_minor"] if order["by_quote"] else event["qty_lots"]
            rest = 0 if last else order["rest"] - spent
            taken = self.record(order, "FILL" if last else "PARF", now, rest=rest)
            told.append((offset, 0, self.trade(taken, event, "AGRE")))
            maker = self.orders[event["counter_order_id"]]
            rest = maker["rest"] - event["qty_lots"]
            given = self.record(maker, "PARF" if rest else "FILL", now, rest=rest)
            told.append((offset, 1, self.trade(given, event, "PASV")))
        if outcome["status"] == 5:
            row = order["row"]
            by_prevention = row["order_type"] == 0 and row["time_in_force"] == 0
            code = "CAMO" if by_prevention else "EXPI"
            told.append((len(events), 3, self.record(order, code, now, rest=0)))
        return told

    def trade(self, record: dict, event: dict, side: str) -> dict:
        book = self.books[event["instrument"]]
        record["OrdrData"]["TxData"] = {
            "PssvOrAggrssvInd": side,
            "TraddQty": self.units(book, event["qty_lots"]),
            "TxId": f"{event['instrument']}T{event['trade_id']}",
            "TxPric": {"Pric": self.price(book, event["price_ticks"])},
        }
        return record

    def record(self, order: dict, code: str, now: str, *, rest: int) -> dict:
        order["rest"] = rest
        row = order["row"]
        book = self.books[int(row["instrument"])]
        size = self.money if order["by_quote"] else self.units
        kind = "LIMIT" if row["order_type"] == 0 else "MARKET"
        kind += "_MAKER" if row["flags"] & 1 else "_BY_QUOTE" if row["flags"] & 2 else ""
        kind = kind.replace("MARKET_MAKER", "MARKET")
        created = spell_time(int(row["time_ns"]))
        base, _ = self.assets[int(book["base"])]
        validity = {"VldtyPrdCd": ("GTCV", "IOCV", "FOKV", "GTTV")[row["time_in_force"]]}
        if row["expire_ns"]:
            validity["VldtyDtTm"] = spell_time(int(row["expire_ns"]))
        data = {
            "ClntId": {
                "Prsn": {"Id": self.clients[int(row["account"])], "SchmeNm": {"Prtry": "PVSC"}}
            },
            "InstrData": {
                "BuySellInd": ("BUYI", "SELL")[row["side"]],
                "DispdQty": size(book, min(rest, int(row["display_lots"]) or rest)),
                "InitlQty": size(book, order["size"]),
                "OrdrSts": ["FIRM"],
                "OrdrVldtySts": "ACTI" if rest else "INAC",
                "PssvOnlyInd": bool(row["flags"] & 1),
                "RmngQty": size(book, rest),
                "SlfExctnPrvntn": True,
            },
            "OrdrClssfctn": {"OrdrTp": kind, "OrdrTpClssfctn": "LMTO"},
            "TradgCpcty": self.pack.trading_capacity,
        }
        if row["order_type"] == 0:
            data["OrdrPrics"] = {"LmtPric": self.price(book, int(row["price_ticks"]))}
        return {
            "OrdrData": data,
            "OrdrIdData": {
                "DtOfRct": created[:10],
                "EvtTp": {"Cd": code},
                "FinInstrm": {"DTI": self.pack.dti[base]}
                if base in self.pack.dti
                else {"DTIShrtNm": base},
                "OrdrBookId": bytes(book["symbol"]).decode(),
                "OrdrId": str(order["id"]),
                "Prty": {"TmStmp": created},
                "TmStmp": now,
                "TradVn": self.pack.mic,
                "VldtyPrd": validity,
            },
        }

    def units(self, book: np.void, lots: int) -> dict:
        _, decimals = self.assets[int(book["base"])]
        value = Decimal(lots) * int(book["lot_minor"]) / 10**decimals
        return {"Unit": spell_decimal(value)}

    def money(self, book: np.void, quote_minor: int) -> dict:
        _, decimals = self.assets[int(book["quote"])]
        return {"MntryVal": self.amount(book, Decimal(quote_minor) / 10**decimals)}

    def price(self, book: np.void, ticks: int) -> dict:
        value = Decimal(ticks) / 10 ** int(book["price_decimals"])
        return {"MntryVal": {"Amt": self.amount(book, value)}}

    def amount(self, book: np.void, value: Decimal) -> dict:
        quote, _ = self.assets[int(book["quote"])]
        if quote in self.pack.currencies:
            return {"Ccy": quote, "Value": spell_decimal(value)}
        if quote in self.pack.dti:
            return {"DTI": self.pack.dti[quote], "Value": spell_decimal(value)}
        return {"DTIShrtNm": quote, "Value": spell_decimal(value)}
