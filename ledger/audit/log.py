"""The Merkle log of RFC 6962: append, root, inclusion and consistency proofs.

Every complete subtree's hash is stored, level by level, so that an append costs O(1) hashes a leaf
and a proof O(log n) reads. Level L holds the roots of the complete subtrees of 2^L leaves: exactly
the rows that C2SP tlog-tiles cut into tiles.

Source: RFC 6962 section 2.1; verification as RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from typing import Final

from ledger.audit.errors import ProofInvalid

HASH_BYTES: Final = 32
LEAF_PREFIX: Final = b"\x00"
NODE_PREFIX: Final = b"\x01"
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
LEVELS_MAX: Final = 64


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry's bytes."""
    return hashlib.sha256(LEAF_PREFIX + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(NODE_PREFIX + left + right).digest()


class MerkleLog:
    """An append-only log. Sizes and indexes count leaves; hashes are 32 bytes."""

    def __init__(self) -> None:
        """An empty log."""
        self._levels: list[bytearray] = [bytearray()]

    @property
    def size(self) -> int:
        """How many leaves."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf_hashes: bytes) -> None:
        """Append leaves, given as their hashes one after the other."""
        assert len(leaf_hashes) % HASH_BYTES == 0, "whole hashes only"
        self._levels[0] += leaf_hashes
        level = 0
        while len(self._levels[level]) >= 2 * HASH_BYTES:
            if level + 1 == len(self._levels):
                self._levels.append(bytearray())
            below, above = self._levels[level], self._levels[level + 1]
            start = 2 * len(above)
            pairs = memoryview(below)[start : len(below) - len(below) % (2 * HASH_BYTES)]
            sha256 = hashlib.sha256
            above += b"".join(
                sha256(NODE_PREFIX + pairs[i : i + 2 * HASH_BYTES]).digest()
                for i in range(0, len(pairs), 2 * HASH_BYTES)
            )
            pairs.release()
            level += 1

    def truncate(self, size: int) -> None:
        """Forget every leaf from index `size` on: an uncertified block is undone."""
        assert 0 <= size <= self.size, f"cannot truncate {self.size} leaves to {size}"
        for level, hashes in enumerate(self._levels):
            del hashes[(size >> level) * HASH_BYTES :]

    def leaf(self, index: int) -> bytes:
        """The stored hash of a leaf."""
        assert 0 <= index < self.size, f"leaf {index} of {self.size}"
        return self._node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves; of all by default."""
        size = self.size if size is None else size
        assert 0 <= size <= self.size, f"root of {size} of {self.size} leaves"
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """PATH(index, D[size]) of RFC 6962: siblings from the leaf up."""
        assert 0 <= index < size <= self.size, f"leaf {index} of {size} of {self.size}"
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """PROOF(old, D[new]) of RFC 6962; empty when old is new."""
        assert 0 < old <= new <= self.size, f"consistency of {old} and {new} of {self.size}"
        if old == new:
            return ()
        path: list[bytes] = []
        start, end, whole = 0, new, True
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._subtree(start, end))
        return tuple(reversed(path))

    def _subtree(self, start: int, end: int) -> bytes:
        """The root over leaves start..end, where start is aligned to the subtree."""
        peaks, width = [], end - start
        while width:
            level = width.bit_length() - 1
            peaks.append(self._node(level, start >> level))
            start += 1 << level
            width -= 1 << level
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root

    def _node(self, level: int, index: int) -> bytes:
        at = index * HASH_BYTES
        return bytes(self._levels[level][at : at + HASH_BYTES])


def _split(width: int) -> int:
    """The largest power of two below `width` (RFC 6962, 2.1: k < n <= 2k)."""
    assert width > 1, "a leaf has no split"
    return 1 << ((width - 1).bit_length() - 1)


def _check_sizes(proof: tuple[bytes, ...], *roots: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in (*proof, *roots)):
        raise ProofInvalid("a hash is not 32 bytes")
    if len(proof) > LEVELS_MAX:
        raise ProofInvalid("longer than any tree is high")


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: tuple[bytes, ...]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2).

    Raises:
        ProofInvalid: Index outside the tree, or a proof of another length than the path's.
    """
    _check_sizes(proof, leaf)
    if not 0 <= index < size:
        raise ProofInvalid("index outside the tree")
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("proof too long")
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("proof too short")
    return root


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: tuple[bytes, ...], root: bytes
) -> None:
    """Leaf `index` of the tree of `size` leaves and root `root` has hash `leaf`.

    Raises:
        ProofInvalid: The proof does not show it.
    """
    _check_sizes(proof, root)
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise ProofInvalid("the proof leads to another root")


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: tuple[bytes, ...]
) -> None:
    """The tree of `new` leaves begins with the tree of `old` leaves (RFC 9162, 2.1.4.2).

    Raises:
        ProofInvalid: The proof does not show it.
    """
    _check_sizes(proof)
    if not 0 < old <= new:
        raise ProofInvalid("the older tree is larger, or empty: that proves nothing")
    if old == new:
        if proof or old_root != new_root:
            raise ProofInvalid("equal trees need equal roots and no proof")
    elif _roots_from_consistency(old, new, old_root, proof) != (old_root, new_root):
        raise ProofInvalid("the proof leads to other roots")


def _roots_from_consistency(
    old: int, new: int, old_root: bytes, proof: tuple[bytes, ...]
) -> tuple[bytes, bytes]:
    _check_sizes((), old_root)
    path = proof if old & (old - 1) else (old_root, *proof)
    if not path:
        raise ProofInvalid("proof too short")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("proof too long")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid("proof too short")
    return first, second
