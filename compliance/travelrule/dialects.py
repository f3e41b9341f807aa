"""IVMS101 as it is found in the wild, brought to one canonical form.

The standard gives a data model and no JSON; two published dialects differ from its element names
in four ways, all of which are undone here and nowhere else:

- entities in PascalCase (`Originator`), or `originatingVASP` without its inner element;
- `customerNumber` for `customerIdentification`, `postCode` for `postcode`;
- empty strings, empty lists and null for what is absent;
- one person where a list belongs.
"""

from typing import Final

import msgspec

from compliance.canonical import Json, canonical, parse
from compliance.errors import JsonRefused, PayloadMalformed, PayloadTooLarge
from compliance.travelrule.ivms101 import Payload

PAYLOAD_BYTES_MAX: Final = 64 * 1024

_ENTITIES: Final = {
    "Originator": "originator",
    "Beneficiary": "beneficiary",
    "OriginatingVASP": "originatingVASP",
    "BeneficiaryVASP": "beneficiaryVASP",
    "TransferPath": "transferPath",
    "PayloadMetadata": "payloadMetadata",
}
_ELEMENTS: Final = {"customerNumber": "customerIdentification", "postCode": "postcode"}
_PERSON: Final = frozenset({"naturalPerson", "legalPerson"})
_LISTS: Final = frozenset({"originatorPersons", "beneficiaryPersons", "geographicAddress"})


def read_payload(data: bytes) -> Payload:
    """Read a payload in any dialect.

    Raises:
        PayloadTooLarge: Above PAYLOAD_BYTES_MAX.
        PayloadMalformed: Not strict JSON, not an object, an unknown element, a wrong type, or one
            element under two spellings.
    """
    if len(data) > PAYLOAD_BYTES_MAX:
        raise PayloadTooLarge(len(data), PAYLOAD_BYTES_MAX)
    try:
        document = parse(data, PAYLOAD_BYTES_MAX)
    except JsonRefused as error:
        raise PayloadMalformed(error.where, error.reason) from error
    if not isinstance(document, dict):
        raise PayloadMalformed("$", "not an object")
    renamed = _rename(document, _ENTITIES, "$")
    for entity in ("originatingVASP", "beneficiaryVASP"):
        inner = renamed.get(entity)
        if isinstance(inner, dict) and _PERSON & inner.keys():
            renamed[entity] = {entity: inner}
    try:
        return msgspec.convert(_normal(renamed, "$"), Payload)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise PayloadMalformed(path.strip("`") or "$", reason) from error


def write_payload(payload: Payload) -> bytes:
    """The canonical form: the standard's names, nothing empty, canonical JSON.

    `write_payload(read_payload(x))` is a fixed point.
    """
    document: Json = msgspec.to_builtins(payload)
    return canonical(_normal(document, "$"))


def _normal(value: Json, path: str) -> Json:
    """Undo aliases and drop what is empty, at every depth."""
    match value:
        case dict():
            kept: dict[str, Json] = {}
            for key, item in _rename(value, _ELEMENTS, path).items():
                if key in _LISTS and isinstance(item, dict):
                    item = [item]  # noqa: PLW2901 - the wrapped value is the value from here on
                normal = _normal(item, f"{path}.{key}")
                if normal not in (None, "", [], {}):
                    kept[key] = normal
            return kept
        case list() | tuple():
            items = [_normal(item, f"{path}[{index}]") for index, item in enumerate(value)]
            return [item for item in items if item not in (None, "", [], {})]
        case _:
            return value


def _rename(value: dict[str, Json], names: dict[str, str], path: str) -> dict[str, Json]:
    renamed: dict[str, Json] = {}
    for key, item in value.items():
        name = names.get(key, key)
        if name in renamed:
            raise PayloadMalformed(f"{path}.{name}", "one element under two spellings")
        renamed[name] = item
    return renamed
