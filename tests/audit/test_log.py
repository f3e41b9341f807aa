"""The Merkle log against published vectors, and against RFC 6962's own recursion."""

import base64
import hashlib
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.errors import ProofInvalid
from ledger.audit.log import (
    EMPTY_ROOT,
    MerkleLog,
    check_consistency,
    check_inclusion,
    leaf_hash,
)


def leaves(count):
    return [leaf_hash(b"leaf %d" % i) for i in range(count)]


def make_log(count):
    log = MerkleLog()
    log.append(b"".join(leaves(count)))
    return log


def model_root(hashes):
    """MTH of RFC 6962, 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + model_root(hashes[:k]) + model_root(hashes[k:])).digest()


def model_path(index, hashes):
    """PATH of RFC 6962, 2.1.1."""
    if len(hashes) == 1:
        return ()
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    if index < k:
        return (*model_path(index, hashes[:k]), model_root(hashes[k:]))
    return (*model_path(index - k, hashes[k:]), model_root(hashes[:k]))


def model_proof(old, hashes, *, whole=True):
    """SUBPROOF of RFC 6962, 2.1.2."""
    if old == len(hashes):
        return () if whole else (model_root(hashes),)
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    if old <= k:
        return (*model_proof(old, hashes[:k], whole=whole), model_root(hashes[k:]))
    return (*model_proof(old - k, hashes[k:], whole=False), model_root(hashes[:k]))


def cases(shared_data, folder):
    with tarfile.open(shared_data / "merkle/rfc6962_proof_vectors.tar.gz") as archive:
        for entry in archive:
            if entry.isfile() and f"/{folder}/" in f"/{entry.name}":
                yield entry.name, json.load(archive.extractfile(entry))


def decode(value):
    return base64.b64decode(value or "")


def path_of(case):
    return tuple(decode(value) for value in case["proof"] or ())


def refused(check, *args):
    try:
        check(*args)
    except ProofInvalid:
        return True
    return False


def test_published_inclusion_cases(shared_data):
    count = 0
    for name, case in cases(shared_data, "inclusion"):
        args = case["leafIdx"], case["treeSize"], decode(case["leafHash"]), path_of(case)
        assert refused(check_inclusion, *args, decode(case["root"])) == case["wantErr"], name
        count += 1
    assert count == 98


def test_published_consistency_cases(shared_data):
    count = 0
    for name, case in cases(shared_data, "consistency"):
        args = case["size1"], case["size2"], decode(case["root1"]), decode(case["root2"])
        assert refused(check_consistency, *args, path_of(case)) == case["wantErr"], name
        count += 1
    assert count == 98


@given(st.lists(st.integers(0, 40), max_size=6))
def test_the_root_is_the_recursions_whatever_the_append_split(split):
    log, all_leaves = MerkleLog(), leaves(sum(split))
    at = 0
    for width in split:
        log.append(b"".join(all_leaves[at : at + width]))
        at += width
    assert log.size == at
    assert log.root() == model_root(all_leaves)
    assert all(log.root(size) == model_root(all_leaves[:size]) for size in range(at + 1))


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 127])
def test_every_inclusion_proof_is_the_recursions_and_verifies(size):
    log, hashes = make_log(size + 3), leaves(size)
    for index in range(size):
        proof = log.inclusion(index, size)
        assert proof == model_path(index, hashes)
        check_inclusion(index, size, hashes[index], proof, log.root(size))


@pytest.mark.parametrize("new", [*range(1, 34), 63, 64, 65])
def test_every_consistency_proof_is_the_recursions_and_verifies(new):
    log, hashes = make_log(new), leaves(new)
    for old in range(1, new + 1):
        proof = log.consistency(old, new)
        assert proof == model_proof(old, hashes)
        check_consistency(old, new, log.root(old), log.root(new), proof)
    with pytest.raises(ProofInvalid):
        check_consistency(0, new, EMPTY_ROOT, log.root(new), ())


@given(st.data())
def test_a_proof_with_anything_changed_is_refused(data):
    size = data.draw(st.integers(2, 70))
    index = data.draw(st.integers(0, size - 1))
    log = make_log(size)
    good = [index, size, log.leaf(index), log.inclusion(index, size), log.root()]
    what = data.draw(st.integers(0, 5))
    if what == 0:
        good[0] = data.draw(st.integers(-1, size).filter(lambda i: i != index))
    elif what in (2, 4):
        good[what] = leaf_hash(good[what])
    elif what == 3:
        good[3] = good[3][:-1]
    elif what == 5:
        good[3] = (*good[3], bytes(32))
    else:
        at = data.draw(st.integers(0, len(good[3]) - 1))
        good[3] = (*good[3][:at], leaf_hash(good[3][at]), *good[3][at + 1 :])
    with pytest.raises(ProofInvalid):
        check_inclusion(*good)


def test_consistency_refuses_a_rewritten_past():
    log = make_log(20)
    other = MerkleLog()
    other.append(b"".join([leaf_hash(b"forged"), *leaves(20)[1:]]))
    proof = other.consistency(7, 20)
    with pytest.raises(ProofInvalid):
        check_consistency(7, 20, log.root(7), other.root(), proof)
    with pytest.raises(ProofInvalid):
        check_consistency(8, 7, log.root(8), log.root(7), ())


@given(st.integers(0, 70), st.integers(0, 70), st.integers(0, 30))
def test_truncating_undoes_appending(size, cut, more):
    log = make_log(size)
    keep = min(cut, size)
    log.truncate(keep)
    assert log.root() == model_root(leaves(size)[:keep])
    extra = [leaf_hash(b"more %d" % i) for i in range(more)]
    log.append(b"".join(extra))
    assert log.root() == model_root(leaves(size)[:keep] + extra)


def test_hashes_of_another_length_are_refused():
    log = make_log(4)
    with pytest.raises(ProofInvalid):
        check_inclusion(0, 4, log.leaf(0)[:-1], log.inclusion(0, 4), log.root())
    with pytest.raises(ProofInvalid):
        check_inclusion(0, 4, log.leaf(0), (b"",) * 2, log.root())
    with pytest.raises(ProofInvalid):
        check_inclusion(0, 4, log.leaf(0), (bytes(32),) * 65, log.root())
