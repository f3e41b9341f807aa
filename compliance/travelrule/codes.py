"""Code lists that IVMS101 refers to, and the check digits of an LEI."""

import re
from typing import Final

# ISO 3166-1 alpha-2, officially assigned, and XX, which IVMS101 adds for "unknown".
_COUNTRY_TEXT: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XX
"""
COUNTRIES: Final = frozenset(_COUNTRY_TEXT.split())
assert len(COUNTRIES) == 250, len(COUNTRIES)

NATURAL_NAME_TYPES: Final = frozenset({"ALIA", "BIRT", "MAID", "LEGL", "MISC"})
LEGAL_NAME_TYPES: Final = frozenset({"LEGL", "SHRT", "TRAD"})
ADDRESS_TYPES: Final = frozenset({"HOME", "BIZZ", "GEOG"})
NATIONAL_ID_TYPES: Final = frozenset(
    {"ARNU", "CCPT", "RAID", "DRLC", "FIIN", "TXID", "SOCS", "IDCD", "LEIX", "MISC"}
)
LEGAL_NATIONAL_ID_TYPES: Final = frozenset({"RAID", "MISC", "LEIX", "TXID"})
TRANSLITERATIONS: Final = frozenset(
    {
        "arab",
        "aran",
        "armn",
        "cyrl",
        "deva",
        "geor",
        "grek",
        "hani",
        "hebr",
        "kana",
        "kore",
        "thai",
        "othr",
    }
)
REGISTRATION_AUTHORITY: Final = re.compile(r"RA[0-9]{6}")

_LEI: Final = re.compile(r"[0-9A-Z]{18}[0-9]{2}")


def is_lei(text: str) -> bool:
    """ISO 17442: 18 characters and two check digits that leave 1 modulo 97 (ISO 7064, MOD 97-10).

    Letters count as two digits, A = 10 to Z = 35. Lower case is not the standard's form.
    """
    if not _LEI.fullmatch(text):
        return False
    return int("".join(str(int(character, 36)) for character in text)) % 97 == 1


def lei_check_digits(stem: str) -> str:
    """The two digits that make `stem` (18 characters) an LEI."""
    assert len(stem) == 18, "an LEI has 18 characters before its check digits"
    number = int("".join(str(int(character, 36)) for character in stem + "00"))
    return f"{98 - number % 97:02d}"
