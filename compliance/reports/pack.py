"""What the order-book report needs to know of the venue: data with a hash, like every rule."""

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Final, Literal

import msgspec

from compliance.canonical import canonical, parse
from compliance.errors import JsonRefused, PackMalformed
from compliance.rules.model import Citation
from compliance.travelrule.codes import is_lei

REPORT_PACK_FORMAT: Final = 1
DEVNET_REPORT_PACK: Final = "report-devnet-2026-11-20.json"

_MIC: Final = re.compile(r"[A-Z0-9]{4}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DTI: Final = re.compile(r"[0-9A-Z]{9}")


class ReportPackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The document as written.

    Attributes:
        mic: Segment MIC of the trading platform (ISO 10383).
        lei: Of the operator.
        trading_capacity: What the venue's participants trade as, unless an account says otherwise.
        currencies: Quote symbols that are ISO 4217 codes; all others are crypto-assets.
        dti: Asset symbol to its ISO 24165 code; without one the short name stands.
    """

    format: int
    name: str
    version: str
    effective_from: date
    notice: str
    mic: str
    lei: str
    trading_capacity: Literal["DEAL", "MTCH", "AOTC"]
    currencies: tuple[str, ...]
    dti: Mapping[str, str]
    cite: Citation


class ReportPack(msgspec.Struct, frozen=True, kw_only=True):
    """A proven report pack and the hash of its canonical bytes."""

    body: ReportPackBody
    hash: bytes


def load_report_pack(data: bytes, name: str = "report pack") -> ReportPack:
    """Prove a report pack.

    Raises:
        PackMalformed: Wrong shape, an LEI with wrong check digits, or an ill-formed MIC.
    """
    try:
        document = parse(data)
        body = msgspec.convert(document, ReportPackBody)
    except (JsonRefused, msgspec.ValidationError) as error:
        raise PackMalformed(name, str(error)) from error
    if body.format != REPORT_PACK_FORMAT:
        raise PackMalformed(name, f"format {body.format}, this version reads {REPORT_PACK_FORMAT}")
    if not is_lei(body.lei):
        raise PackMalformed(name, "lei: wrong check digits")
    if not _MIC.fullmatch(body.mic):
        raise PackMalformed(name, "mic: four upper-case letters or digits")
    # These enter records unescaped.
    if not all(_DTI.fullmatch(code) for code in body.dti.values()):
        raise PackMalformed(name, "dti: nine upper-case letters or digits")
    if not all(_CURRENCY.fullmatch(code) for code in body.currencies):
        raise PackMalformed(name, "currencies: three upper-case letters")
    return ReportPack(body=body, hash=hashlib.sha256(canonical(document)).digest())


def devnet_report_pack() -> ReportPack:
    """The pack of a devnet: its MIC and LEI are invented, and its notice says so."""
    data = files("compliance.packs").joinpath(DEVNET_REPORT_PACK).read_bytes()
    return load_report_pack(data, DEVNET_REPORT_PACK)
