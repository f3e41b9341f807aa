"""Lists: hostile files, versions, diffs. Addresses: no spelling slips through."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.errors import (
    AddressMalformed,
    SanctionsListMalformed,
    SanctionsListMissing,
    SanctionsListTooLarge,
)
from compliance.screening import lists
from compliance.screening.address import EVM, canonical_address, evm_address
from compliance.screening.index import SanctionsIndex, Subject, load_index
from compliance.screening.lists import (
    Entry,
    diff,
    load_directory,
    make_list,
    parse_address_file,
    sample_list,
)

ETH = "sanctioned_addresses_ETH.txt"
LINE = b"0x098B716B8Aaf21512996dC57EB0615e2383E2f96\n"
OTHER = b"0x4f47bc496083c727c5fbe3ce9cdf2b0f6496270c\n"


# --- addresses --------------------------------------------------------------------------------


@given(st.binary(min_size=20, max_size=20), st.data())
def test_every_spelling_of_an_evm_address_is_one(raw, data):
    text = raw.hex()
    mask = data.draw(st.lists(st.booleans(), min_size=40, max_size=40))
    mixed = "".join(c.upper() if up else c for c, up in zip(text, mask, strict=True))
    prefix = data.draw(st.sampled_from(["0x", "0X"]))
    assert canonical_address("ANY", prefix + mixed) == (EVM, evm_address(raw))


@pytest.mark.parametrize(
    ("asset", "text", "expected"),
    [
        ("XBT", "149w62rY42aZBox8fGcmqNsXUzSStKeq8C", "149w62rY42aZBox8fGcmqNsXUzSStKeq8C"),
        (
            "XBT",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ),
        (
            "BCH",
            "bitcoincash:QPF2CPHC5DKUCLKQUR7LHJ2YUQQ9PK3HMUKLE77VHQ",
            "qpf2cphc5dkuclkqur7lhj2yuqq9pk3hmukle77vhq",
        ),
        ("XMR", "AB" * 32, "ab" * 32),
    ],
)
def test_other_chains_keep_what_their_spelling_means(asset, text, expected):
    assert canonical_address(asset, text) == (asset, expected)


@pytest.mark.parametrize(
    "text",
    ["", "0x", "0x" + "1" * 39, "0x" + "g" * 40, " " + "0x" + "1" * 40, "0x" + "1" * 40 + "\n",
     "<html>", "a" * 200, "0\u0445" + "1" * 40, "149w62rY42aZBox8fGcmqNsXUzSStKeq8\u0421"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(AddressMalformed):
        canonical_address("ETH", text)


# --- files ------------------------------------------------------------------------------------


def test_a_sound_file_gives_sorted_entries_whatever_its_line_ends():
    entries = parse_address_file(ETH, OTHER + LINE)
    assert entries == parse_address_file(ETH, (OTHER + LINE).replace(b"\n", b"\r\n"))
    assert entries[0] == Entry(EVM, LINE.decode().strip().lower(), "ETH")
    assert len(entries) == 2


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "the last line is not ended"),
        (LINE[:-1], 1, "the last line is not ended"),
        (LINE + OTHER[:20], 2, "the last line is not ended"),
        (LINE + OTHER[:20] + b"\n", 2, "not an address of any chain that is listed"),
        (LINE + b"\n", 2, "not an address of any chain that is listed"),
        (b"\n", 1, "not an address of any chain that is listed"),
        (b"<!DOCTYPE html>\n<html>\n", 1, "not an address of any chain that is listed"),
        (LINE + b"# comment\n", 2, "not an address of any chain that is listed"),
        (LINE + LINE, 2, "an address for the second time"),
        (LINE + LINE.lower(), 2, "an address for the second time"),
        (LINE + b"\xff\xfe\n", 2, "not ASCII"),
        (LINE.decode().encode("utf-16"), 2, "the last line is not ended"),
        (b"\xef\xbb\xbf" + LINE, 1, "not ASCII"),
        (b"a" * 300 + b"\n", 1, "longer than 256 bytes"),
    ],
)
def test_a_hostile_file_is_refused_whole(data, line, reason):
    with pytest.raises(SanctionsListMalformed) as caught:
        parse_address_file(ETH, data)
    assert (caught.value.line, caught.value.reason) == (line, reason)


@pytest.mark.parametrize("name", ["ETH.txt", "sanctioned_addresses_eth.txt", "../x", ETH + "~"])
def test_a_file_must_carry_its_published_name(name):
    with pytest.raises(SanctionsListMalformed):
        parse_address_file(name, LINE)


def test_files_and_entries_are_bounded(monkeypatch, tmp_path):
    monkeypatch.setattr(lists, "FILE_BYTES_MAX", len(LINE))
    with pytest.raises(SanctionsListTooLarge):
        parse_address_file(ETH, LINE + OTHER)
    (tmp_path / ETH).write_bytes(LINE + OTHER)
    with pytest.raises(SanctionsListTooLarge):
        load_directory(tmp_path)
    monkeypatch.setattr(lists, "FILE_BYTES_MAX", 1000)
    monkeypatch.setattr(lists, "ENTRIES_MAX", 1)
    with pytest.raises(SanctionsListTooLarge):
        parse_address_file(ETH, LINE + OTHER)
    monkeypatch.setattr(lists, "FILES_MAX", 0)
    with pytest.raises(SanctionsListTooLarge):
        load_directory(tmp_path)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_list_or_a_typed_error(data):
    try:
        entries = parse_address_file(ETH, data)
    except SanctionsListMalformed:
        return
    assert entries
    assert all(canonical_address("ETH", e.address) == (e.family, e.address) for e in entries)


def test_no_directory_and_an_empty_one_are_both_a_missing_list(tmp_path):
    for directory in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SanctionsListMissing):
            load_directory(directory)


def test_other_files_in_the_directory_are_not_read(tmp_path):
    (tmp_path / ETH).write_bytes(LINE)
    (tmp_path / "README.txt").write_bytes(b"\xff")
    assert len(load_directory(tmp_path).entries) == 1


# --- versions ---------------------------------------------------------------------------------


def test_equal_lists_have_equal_digests_and_one_change_shows(tmp_path):
    (tmp_path / ETH).write_bytes(LINE + OTHER)
    first = load_directory(tmp_path, date(2024, 9, 27))
    (tmp_path / ETH).write_bytes((OTHER + LINE.lower()).replace(b"\n", b"\r\n"))
    assert load_directory(tmp_path).digest == first.digest
    (tmp_path / ETH).write_bytes(LINE)
    assert load_directory(tmp_path).digest != first.digest
    assert first.version == f"OFAC-SDN 2024-09-27 sha256:{first.digest.hex()}"


ENTRIES = st.sets(st.integers(0, 9)).map(
    lambda keys: [Entry(EVM, f"0x{key:040x}", "ETH") for key in sorted(keys)]
)


@given(ENTRIES, ENTRIES)
def test_a_diff_leads_from_the_old_list_to_the_new(old, new):
    before, after = make_list("L", old, None), make_list("L", new, None)
    change = diff(before, after)
    assert set(before.entries) - set(change.removed) | set(change.added) == set(after.entries)
    assert not set(change.added) & set(before.entries)
    assert not set(change.removed) - set(before.entries)
    assert (change.added == change.removed == ()) == (before.digest == after.digest)


def test_the_sample_says_that_it_is_one():
    sample = sample_list()
    assert sample.sample
    assert "sample" in sample.version
    assert len(sample.entries) == 3


# --- the index --------------------------------------------------------------------------------


def test_an_address_listed_under_one_evm_asset_hits_under_every_other(tmp_path):
    (tmp_path / "sanctioned_addresses_BSC.txt").write_bytes(OTHER)
    index = SanctionsIndex([load_directory(tmp_path)])
    for asset in ("ETH", "USDC", "USDT", "ARB", "BSC", "ETC", "BTC"):
        for text in (OTHER.decode().strip(), OTHER.decode().strip().upper().replace("X", "x")):
            assert index.lookup(asset, text) == ("OFAC-SDN:BSC",)


def test_an_address_of_another_chain_hits_only_there():
    index = SanctionsIndex([sample_list()])
    assert index.lookup("XBT", "149w62rY42aZBox8fGcmqNsXUzSStKeq8C") == ("OFAC-SDN:XBT",)
    assert index.lookup("LTC", "149w62rY42aZBox8fGcmqNsXUzSStKeq8C") == ()
    assert index.lookup("XBT", "149w62ry42azbox8fgcmqnsxuzsstkeq8c") == ()


def test_an_index_without_lists_says_so():
    facts = SanctionsIndex([]).facts(Subject("EU", date(2026, 1, 1), "BTC", "0x" + "1" * 40))
    assert (facts.lists, facts.list_version, facts.hits) == ((), "", ())


def test_what_is_configured_is_what_is_looked_into(tmp_path):
    assert load_index(None, sample_allowed=False).names == ()
    assert "sample" in load_index(None, sample_allowed=True).version
    with pytest.raises(SanctionsListMissing):
        load_index(tmp_path, sample_allowed=True)
    (tmp_path / ETH).write_bytes(LINE)
    index = load_index(tmp_path, date(2024, 9, 27), sample_allowed=True)
    assert index.names == ("OFAC-SDN",)
    assert "2024-09-27" in index.version
    assert "sample" not in index.version


def test_the_published_list_is_read_whole_and_each_of_its_lines_hits(shared_data):
    directory = shared_data / "sanctions"
    index = SanctionsIndex([load_directory(directory)])
    lines = 0
    for path in sorted(directory.glob("sanctioned_addresses_*.txt")):
        asset = path.stem.rpartition("_")[2]
        for line in path.read_text().splitlines():
            lines += 1
            assert f"OFAC-SDN:{asset}" in index.lookup(asset, line)
    assert lines == 654


def test_the_sample_is_part_of_the_published_list(shared_data):
    published = load_directory(shared_data / "sanctions")
    assert set(sample_list().entries) <= set(published.entries)


def test_cutting_a_published_file_inside_a_line_is_noticed(shared_data):
    data = (shared_data / "sanctions" / ETH).read_bytes()
    for cut in range(len(data) - 100, len(data)):
        if data[:cut].endswith(b"\n"):
            continue
        with pytest.raises(SanctionsListMalformed):
            parse_address_file(ETH, data[:cut])
