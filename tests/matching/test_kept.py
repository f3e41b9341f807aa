"""A file is read as it was written, or not at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from matching import kept

IDENTITY = b"kernel of these sources"
PAYLOAD = bytes(range(100))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "folder" / "file"
    assert kept.write(path, IDENTITY, PAYLOAD)
    return path


def read(path, identity=IDENTITY):
    found = kept.read(path, identity)
    return None if found is None else bytes(found)


def test_what_was_written_is_read_and_nothing_else_lies_about(path):
    assert read(path) == PAYLOAD
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("payload", [b"", b"x", bytes(1 << 20)])
def test_the_later_payload_replaces_the_earlier(path, payload):
    assert kept.write(path, IDENTITY, payload)
    assert read(path) == payload


def test_a_file_cut_anywhere_is_none(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert read(path) is None


def test_a_file_with_any_bit_flipped_is_none(path):
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        path.write_bytes(flipped)
        assert read(path) is None


def test_a_file_that_is_longer_or_blank_or_gone_is_none(path):
    whole = path.read_bytes()
    for content in (whole + b"\0", bytes(len(whole)), b"\xff" * len(whole)):
        path.write_bytes(content)
        assert read(path) is None
    path.unlink()
    assert read(path) is None
    path.mkdir()
    assert read(path) is None


def test_a_file_of_another_identity_is_none(path):
    assert read(path, IDENTITY + b"'") is None
    assert read(path, b"") is None


def test_where_nothing_can_stand_nothing_is_kept(path):
    assert not kept.write(path / "below a file", IDENTITY, PAYLOAD)
    assert not kept.takes_files(path)
    assert not kept.takes_files(path / "below")
    assert read(path) == PAYLOAD
    (path.parent / "folder").mkdir()
    assert not kept.write(path.parent / "folder", IDENTITY, PAYLOAD)
    assert sorted(each.name for each in path.parent.iterdir()) == ["file", "folder"]


def test_a_folder_that_takes_files_is_left_as_it_was(path):
    assert kept.takes_files(path.parent)
    assert list(path.parent.iterdir()) == [path]


def test_who_reads_while_others_write_sees_one_of_the_payloads_whole(path):
    payloads = {bytes([number]) * (50_000 + number) for number in range(4)}
    kept.write(path, IDENTITY, next(iter(payloads)))

    def write(payload):
        return all(kept.write(path, IDENTITY, payload) for _ in range(50))

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, payload) for payload in payloads]
        while not all(writer.done() for writer in writers):
            assert read(path) in payloads
        assert all(writer.result() for writer in writers)
    assert read(path) in payloads
    assert list(path.parent.iterdir()) == [path]
