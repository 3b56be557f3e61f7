"""Merkle tree of RFC 9162, section 2.1, with SHA-256: tree heads, inclusion proofs, consistency proofs.

Leaves are byte strings. A tree is given by the hashes of its leaves, in order. What checks proofs is in the file that auditors get.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from pestcheck.export.verify_pack import consistent, includes, leaf_hash, node_hash

__all__ = [
    "EMPTY", "Tree", "consistency_proof", "consistent", "frontier", "head", "includes", "inclusion_proof", "leaf_hash", "node_hash", "push",
    "root",
]  # fmt: skip
EMPTY = sha256(b"").digest()
"""Head of the tree without leaves."""
HASH = 32


def head(leaves: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash of leaf hashes (2.1.1)."""
    return root(frontier(leaves))


def frontier(leaves: Iterable[bytes]) -> list[bytes | None]:
    """The full subtrees that the leaves make up: entry k is the head of the one with 2**k leaves, or None."""
    result: list[bytes | None] = []
    for leaf in leaves:
        push(result, leaf)
    return result


def push(subtrees: list[bytes | None], leaf: bytes) -> None:
    """Add a leaf hash to a frontier in place: O(log n), which is why a log keeps its frontier."""
    carry = leaf
    for k, subtree in enumerate(subtrees):
        if subtree is None:
            subtrees[k] = carry
            return
        subtrees[k], carry = None, node_hash(subtree, carry)
    subtrees.append(carry)


def root(subtrees: Sequence[bytes | None]) -> bytes:
    """Tree head of a frontier: smaller subtrees lie to the right of larger ones."""
    result: bytes | None = None
    for subtree in subtrees:
        if subtree is not None:
            result = subtree if result is None else node_hash(subtree, result)
    return EMPTY if result is None else result


class Tree:
    """A whole tree, for many proofs at once; about 64 bytes a leaf.

    RFC 9162 cuts a tree at the largest power of two, which is the same as pairing from the left and moving what has no partner up.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [bytearray(b"".join(leaves))]
        while (count := len(self._levels[-1]) // HASH) > 1:
            below, level = memoryview(bytes(self._levels[-1])), bytearray()
            for at in range(0, (count & ~1) * HASH, 2 * HASH):
                level += sha256(b"\x01" + below[at : at + 2 * HASH]).digest()
            self._levels.append(level + below[count // 2 * 2 * HASH :])

    def __len__(self) -> int:
        return len(self._levels[0]) // HASH

    @property
    def root(self) -> bytes:
        """The tree head (2.1.1)."""
        return self._node(len(self._levels) - 1, 0) if len(self) else EMPTY

    def _node(self, level: int, index: int) -> bytes:
        return bytes(self._levels[level][index * HASH : (index + 1) * HASH])

    def inclusion_proof(self, index: int) -> list[bytes]:
        """PATH(index, leaves) (2.1.3.1): what proves that leaf ``index`` is in the tree.

        Raises:
            IndexError: no such leaf.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"the tree has {len(self)} leaves, none with number {index}")
        path = [self._node(level, (index >> level) ^ 1) for level in range(len(self._levels) - 1)]
        return [step for step in path if step]  # nothing where there is no partner

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """PROOF(old_size, leaves) (2.1.4.1): what proves that the tree grew from its first ``old_size`` leaves.

        Raises:
            ValueError: ``old_size`` is not between 1 and the number of leaves.
        """
        if not 1 <= old_size <= len(self):
            raise ValueError(f"the tree has {len(self)} leaves; it cannot have grown from {old_size}")
        return self._subproof(old_size, 0, len(self), True)

    def _subproof(self, old_size: int, start: int, end: int, known: bool) -> list[bytes]:
        """Of the leaves from ``start`` to ``end``, of which the old tree has the first ``old_size``."""
        if old_size == end - start:
            return [] if known else [self._head(start, end)]
        k = _split(end - start)
        if old_size <= k:
            return [*self._subproof(old_size, start, start + k, known), self._head(start + k, end)]
        return [*self._subproof(old_size - k, start + k, end, False), self._head(start, start + k)]

    def _head(self, start: int, end: int) -> bytes:
        level = (end - start - 1).bit_length()
        return self._node(level, start >> level)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """``Tree.inclusion_proof`` of one leaf."""
    return Tree(leaves).inclusion_proof(index)


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """``Tree.consistency_proof`` of one old size."""
    return Tree(leaves).consistency_proof(old_size)


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
