"""Merkle tree of RFC 9162, section 2.1, with SHA-256: tree heads, inclusion proofs, consistency proofs.

Leaves are byte strings. A tree is given by the hashes of its leaves, in order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()
"""Head of the tree without leaves."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of one leaf; the prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


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


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, leaves) (2.1.3.1): what proves that leaf ``index`` is in the tree.

    Raises:
        IndexError: no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"the tree has {len(leaves)} leaves, none with number {index}")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(leaves[:k], index), head(leaves[k:])]
    return [*inclusion_proof(leaves[k:], index - k), head(leaves[:k])]


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree_head: bytes) -> bool:
    """Whether ``proof`` shows that leaf hash ``leaf`` is number ``index`` in the tree of ``size`` leaves (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            value = node_hash(step, value)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            value = node_hash(value, step)
        number, last = number >> 1, last >> 1
    return last == 0 and value == tree_head


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """PROOF(old_size, leaves) (2.1.4.1): what proves that the tree grew from its first ``old_size`` leaves.

    Raises:
        ValueError: ``old_size`` is not between 1 and the number of leaves.
    """
    if not 1 <= old_size <= len(leaves):
        raise ValueError(f"the tree has {len(leaves)} leaves; it cannot have grown from {old_size}")
    return _subproof(leaves, old_size, True)


def _subproof(leaves: Sequence[bytes], old_size: int, known: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if known else [head(leaves)]
    k = _split(len(leaves))
    if old_size <= k:
        return [*_subproof(leaves[:k], old_size, known), head(leaves[k:])]
    return [*_subproof(leaves[k:], old_size - k, False), head(leaves[:k])]


def consistent(old_size: int, size: int, old_head: bytes, new_head: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the tree of ``size`` leaves begins with the tree of ``old_size`` leaves (2.1.4.2)."""
    if not 1 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_head == new_head
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_head)
    if not path:
        return False
    number, last = old_size - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, step)
        number, last = number >> 1, last >> 1
    return last == 0 and old == old_head and new == new_head


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
