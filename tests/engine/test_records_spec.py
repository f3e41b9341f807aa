"""docs/spec/records.md against the layouts and the words of the code."""

import re
from pathlib import Path

import pytest

from ledger.records import codes, layout
from ledger.records.codes import CommandKind, EventKind, ExpireReason, Reject

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "spec" / "records.md").read_text()
COMMANDS, REST = TEXT.split("## 2. Outcome")
WORDS = REST.split("## 6. Words")[1]
FIELD = re.compile(r"(?<![\w^-])(\d{2,3}) ([a-z_]+)(?= (?:u8|u16|u32|i32|i64|\d+ bytes))")


def told(kind):
    """The offsets that the text gives a kind of sections 1.2 to 1.6, by field."""
    text = " ".join(COMMANDS.split())
    start = re.search(rf"\b{kind.name} 0x{kind:02X}:", text)
    assert start, kind
    body = re.split(r"[A-Z_]{5,} 0x[0-9A-F]{2}| ###", text[start.end() :])[0]
    return {(name, int(at)) for at, name in FIELD.findall(body)}


def laid(layout_):
    """The offsets of a layout's payload; a digest's and an address's words go by its name."""
    found = {}
    for name in layout_.names:
        offset = layout_.fields[name][1]
        if offset >= layout.COMMAND.fields["reserved"][1] and not re.match(r"pad|reserved", name):
            found.setdefault(re.sub(r"_(\d|pad)$", "", name), offset)
    return set(found.items())


BY_KIND = [
    kind for kind in CommandKind if kind > CommandKind.CANCEL_AFTER and kind is not CommandKind.TICK
]


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_offset_of_a_command_is_the_layouts(kind):
    assert told(kind)
    assert any(told(kind) <= laid(one) for one in layout.LAYOUTS), told(kind)


def test_every_field_of_every_layout_is_told():
    everything = set().union(*(told(kind) for kind in BY_KIND))
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", COMMANDS, re.MULTILINE)
    everything |= {(name, int(at)) for at, name in rows}
    for one in layout.LAYOUTS:
        assert laid(one) <= everything, laid(one) - everything


def test_every_command_has_its_number():
    numbers = {name: int(code, 16) for name, code in re.findall(r"([A-Z_]+) 0x(\w\w)", COMMANDS)}
    assert numbers == {kind.name: int(kind) for kind in CommandKind}


@pytest.mark.parametrize(
    ("section", "words"), [("6.2", EventKind), ("6.3", ExpireReason), ("6.4", Reject)]
)
def test_every_word_has_its_number(section, words):
    table = WORDS.split(f"### {section}")[1].split("###")[0]
    rows = re.findall(r"^\| (\w+) \| ([A-Z_]+) \| \S", table, re.MULTILINE)
    assert {name: int(code, 0) for code, name in rows} == {one.name: int(one) for one in words}
    assert [int(code, 0) for code, _ in rows] == sorted(int(one) for one in words)


def test_every_small_word_has_its_number():
    table = WORDS.split("### 6.1")[1].split("###")[0]
    rows = re.findall(r"^\| `(\w+)`.*? \| (.*) \|$", table, re.MULTILINE)
    assert len(rows) == 7
    for name, values in rows:
        words = getattr(codes, name)
        pairs = {word: int(code) for code, word in re.findall(r"(\d+) ([A-Z_]+)", values)}
        assert pairs == {one.name: int(one) for one in words}, name
