"""Canonical JSON: one value, one sequence of bytes. What gets hashed is written here.

The form is RFC 8785 (JCS) without floating-point numbers: keys sorted by UTF-16 code units, no
white space, the shortest escapes, UTF-8. The reader refuses what has no single reading: duplicate
keys, fractions and exponents, integers beyond 2^53 - 1, lone surrogates, deep nesting.

Normative text: docs/spec/compliance.md, section "Canonical JSON".
"""

import hashlib
import json
from typing import Final, NoReturn, TypeAlias

from compliance.errors import JsonRefused

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

INTEGER_MAX: Final = 2**53 - 1
DEPTH_MAX: Final = 32
SIZE_MAX: Final = 4 * 1024 * 1024

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def canonical(value: Json) -> bytes:
    """The canonical bytes of a value.

    Raises:
        JsonRefused: An integer beyond ±(2^53 - 1), a lone surrogate, or nesting beyond the bound.
    """
    parts: list[str] = []
    _write(value, parts, "$", 0)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        raise JsonRefused(reason="lone surrogate", where=f"character {error.start}") from None


def digest(value: Json) -> bytes:
    """SHA-256 over the canonical bytes."""
    return hashlib.sha256(canonical(value)).digest()


def parse(data: bytes, size_max: int = SIZE_MAX) -> Json:
    """Read JSON strictly.

    Args:
        data: UTF-8 bytes, with any white space.
        size_max: The bound for this kind of document.

    Raises:
        JsonRefused: Not JSON, or JSON that readers disagree about.
    """
    if len(data) > size_max:
        raise JsonRefused(reason=f"larger than {size_max} bytes", where=f"byte {size_max}")
    _check_depth(data)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise JsonRefused(reason="not UTF-8", where=f"byte {error.start}") from None
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise JsonRefused(reason="not JSON", where=f"character {error.pos}") from None
    # A lone surrogate can be spelled in ASCII, so only writing shows it.
    canonical(value)
    return value


def _write(value: Json, parts: list[str], path: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise JsonRefused(reason=f"nested deeper than {DEPTH_MAX}", where=path)
    match value:
        case None | bool() | str():
            parts.append(_ENCODE(value))
        case int():
            if abs(value) > INTEGER_MAX:
                raise JsonRefused(reason="integer beyond 2^53 - 1", where=path)
            parts.append(str(value))
        case list():
            for index, item in enumerate(value):
                parts.append("," if index else "[")
                _write(item, parts, f"{path}[{index}]", depth + 1)
            parts.append("]" if value else "[]")
        case dict():
            for index, key in enumerate(sorted(value, key=_utf16)):
                parts.append(("," if index else "{") + _ENCODE(key) + ":")
                _write(value[key], parts, f"{path}.{key}", depth + 1)
            parts.append("}" if value else "{}")


def _utf16(key: str) -> bytes:
    """JCS sorts by UTF-16 code units, which differs from code points above U+FFFF."""
    return key.encode("utf-16-be", "surrogatepass")


def _check_depth(data: bytes) -> None:
    """Bound nesting before the recursive parser sees the bytes."""
    depth, in_string, escaped = 0, False, False
    for offset, byte in enumerate(data):
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise JsonRefused(reason=f"nested deeper than {DEPTH_MAX}", where=f"byte {offset}")
        elif byte in b"]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise JsonRefused(reason="duplicate key", where=key[:64])
        found[key] = value
    return found


def _integer(text: str) -> int:
    # Length first: turning a million digits into an integer is quadratic.
    if len(text) > 17 or abs(int(text)) > INTEGER_MAX:
        raise JsonRefused(reason="integer beyond 2^53 - 1", where=text[:32])
    if text == "-0":
        raise JsonRefused(reason="minus zero", where=text)
    return int(text)


def _refuse_number(text: str) -> NoReturn:
    raise JsonRefused(reason="not an integer", where=text[:32])
