"""The Merkle tree against known values, against the definitions of RFC 9162 written down as they stand, and against forgery."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pestcheck.store import merkle

SOME = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

HEXADECIMAL = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
DATA = [bytes.fromhex(text) for text in HEXADECIMAL]
"""The eight leaves that Certificate Transparency's own tests use."""
HEADS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(data) for data in DATA]
MANY = [merkle.leaf_hash(str(number).encode()) for number in range(41)]
"""Leaves 0 to 40, no two alike."""


def sha(data):
    return hashlib.sha256(data).digest()


def split(n):
    """2.1.1: the largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


@cache
def mth(hashes):
    """2.1.1: MTH of a tuple of leaf hashes."""
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha(b"\x01" + mth(hashes[:k]) + mth(hashes[k:]))


def path(m, hashes):
    """2.1.3.1: PATH(m, D_n)."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    return [*path(m, hashes[:k]), mth(hashes[k:])] if m < k else [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m, hashes, whole):
    """2.1.4.1: SUBPROOF(m, D_n, b)."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def sides(index, size):
    """On which side the neighbour lies, from the leaf up."""
    if size == 1:
        return ""
    k = split(size)
    return sides(index, k) + "r" if index < k else sides(index - k, size - k) + "l"


def flipped(value, bit=0):
    return bytes([value[0] ^ 1 << bit]) + value[1:]


@pytest.mark.parametrize("size", range(9))
def test_known_heads(size):
    assert merkle.head(LEAVES[:size]).hex() == HEADS[size]


def test_the_empty_tree():
    assert sha(b"") == merkle.EMPTY == merkle.head([]) == merkle.root([]) == merkle.root([None, None])


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [
        (0, 1, []),
        (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_known_inclusion_proofs(index, size, proof):
    assert [step.hex() for step in merkle.inclusion_proof(LEAVES[:size], index)] == proof
    assert merkle.includes(LEAVES[index], index, size, [bytes.fromhex(step) for step in proof], bytes.fromhex(HEADS[size]))


@pytest.mark.parametrize(
    ("old", "size", "proof"),
    [
        (1, 1, []),
        (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_known_consistency_proofs(old, size, proof):
    assert [step.hex() for step in merkle.consistency_proof(LEAVES[:size], old)] == proof
    assert merkle.consistent(old, size, bytes.fromhex(HEADS[old]), bytes.fromhex(HEADS[size]), [bytes.fromhex(step) for step in proof])


def test_a_leaf_does_not_pass_for_a_node():
    """The text of an inner node, given as a leaf, has another hash (2.1.5)."""
    assert merkle.leaf_hash(LEAVES[0] + LEAVES[1]) != merkle.node_hash(LEAVES[0], LEAVES[1])


@SOME
@given(st.lists(st.binary(max_size=40), max_size=70))
def test_heads_and_frontiers_follow_the_definition(data):
    """After each leaf that is pushed, the root of the frontier is the head by definition; full subtrees lie at the bits of the size."""
    leaves = [merkle.leaf_hash(item) for item in data]
    subtrees = []
    for size, leaf in enumerate(leaves, 1):
        merkle.push(subtrees, leaf)
        assert merkle.root(subtrees) == mth(tuple(leaves[:size]))
        assert [subtree is not None for subtree in subtrees] == [bit == "1" for bit in f"{size:b}"[::-1]]
    assert subtrees == merkle.frontier(leaves)
    assert merkle.head(leaves) == mth(tuple(leaves))


@pytest.mark.parametrize("size", range(1, 41))
def test_every_inclusion_proof_up_to_40(size):
    """Verifies at the index it is for, and at no other, in the tree or beside it."""
    leaves = tuple(MANY[:size])
    for index in range(size):
        proof = merkle.inclusion_proof(leaves, index)
        assert proof == path(index, leaves)
        for claimed in range(-1, size + 2):
            assert merkle.includes(leaves[index], claimed, size, proof, mth(leaves)) == (claimed == index)


@pytest.mark.parametrize("size", range(1, 41))
def test_every_consistency_proof_up_to_40(size):
    """Verifies with the heads it is for, and with no other old size."""
    leaves = tuple(MANY[:size])
    for old in range(1, size + 1):
        proof = merkle.consistency_proof(leaves, old)
        assert proof == subproof(old, leaves, True)
        for claimed in range(1, size + 1):
            assert merkle.consistent(claimed, size, mth(leaves[:claimed]), mth(leaves), proof) == (claimed == old)


TREES = st.integers(1, 300).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


def tree(size):
    return [sha(number.to_bytes(4, "big")) for number in range(size)]


@SOME
@given(TREES, st.data())
def test_an_inclusion_proof_fails_with_anything_changed(case, draw):
    size, index = case
    leaves = tree(size)
    proof, head = merkle.inclusion_proof(leaves, index), merkle.head(leaves)
    bit = draw.draw(st.integers(0, 7))
    assert merkle.includes(leaves[index], index, size, proof, head)
    assert not merkle.includes(flipped(leaves[index], bit), index, size, proof, head)
    assert not merkle.includes(leaves[index], index, size, proof, flipped(head, bit))
    assert not merkle.includes(leaves[index], index, size, [*proof, head], head)
    assert not merkle.includes(leaves[index], index, size, [*proof, leaves[0]], head)
    for step in range(len(proof)):
        assert not merkle.includes(leaves[index], index, size, [*proof[:step], flipped(proof[step], bit), *proof[step + 1 :]], head)
        assert not merkle.includes(leaves[index], index, size, proof[:step] + proof[step + 1 :], head)
    if len(proof) > 1:
        assert not merkle.includes(leaves[index], index, size, proof[::-1], head)
    others = draw.draw(st.lists(st.integers(-2, size + 2), max_size=20))
    for other in others:
        assert merkle.includes(leaves[index], other, size, proof, head) == (other == index)
        if 0 <= other < size:
            assert merkle.includes(leaves[other], index, size, proof, head) == (other == index)


@SOME
@given(TREES, st.integers(-1, 320))
def test_an_inclusion_proof_for_another_size(case, claimed):
    """Refused with the head of that size. With its own head it is refused unless the leaf's path has the same turns in both trees:
    RFC 9162 then cannot tell, which is why a signed head names its size."""
    size, index = case
    leaves = tree(size)
    proof, head = merkle.inclusion_proof(leaves, index), merkle.head(leaves)
    same_turns = claimed > index and sides(index, claimed) == sides(index, size)
    assert merkle.includes(leaves[index], index, claimed, proof, head) == same_turns
    if claimed != size:
        assert not merkle.includes(leaves[index], index, claimed, proof, merkle.head(tree(max(claimed, 0))))


@SOME
@given(TREES, st.data())
def test_a_consistency_proof_fails_with_anything_changed(case, draw):
    size, old = case[0], case[1] + 1
    leaves = tree(size)
    proof, old_head, head = merkle.consistency_proof(leaves, old), merkle.head(leaves[:old]), merkle.head(leaves)
    bit = draw.draw(st.integers(0, 7))
    assert merkle.consistent(old, size, old_head, head, proof)
    assert not merkle.consistent(old, size, flipped(old_head, bit), head, proof)
    assert not merkle.consistent(old, size, old_head, flipped(head, bit), proof)
    assert not merkle.consistent(old, size, old_head, head, [*proof, head])
    for step in range(len(proof)):
        assert not merkle.consistent(old, size, old_head, head, [*proof[:step], flipped(proof[step], bit), *proof[step + 1 :]])
        assert not merkle.consistent(old, size, old_head, head, proof[:step] + proof[step + 1 :])
    if old < size:
        assert not merkle.consistent(old, size, head, old_head, proof)
        assert not merkle.consistent(size, old, old_head, head, proof)
        assert not merkle.consistent(old, size, old_head, head, [])
    longer = size + draw.draw(st.integers(1, 20))
    assert not merkle.consistent(old, longer, old_head, merkle.head(tree(longer)), proof)
    if len(sides(old - 1, longer)) != len(sides(old - 1, size)):
        assert not merkle.consistent(old, longer, old_head, head, proof)  # with its own head: the path is too short for that size


@SOME
@given(st.integers(2, 60), st.data())
def test_no_proof_hides_a_rewritten_leaf(size, draw):
    """A log that changed leaf ``number`` below ``old`` cannot show that it grew: neither the honest proof nor the forger's passes."""
    old = draw.draw(st.integers(1, size))
    number = draw.draw(st.integers(0, old - 1))
    leaves = tree(size)
    forged = [*leaves[:number], sha(b"forged"), *leaves[number + 1 :]]
    old_head, forged_head = merkle.head(leaves[:old]), merkle.head(forged)
    for proof in (merkle.consistency_proof(leaves, old), merkle.consistency_proof(forged, old)):
        assert not merkle.consistent(old, size, old_head, forged_head, proof)


@pytest.mark.parametrize(("size", "index"), [(0, 0), (1, 1), (5, 5), (5, -1)])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(size, index):
    with pytest.raises(IndexError, match=f"the tree has {size} leaves, none with number {index}"):
        merkle.inclusion_proof(MANY[:size], index)


@pytest.mark.parametrize(("size", "old"), [(0, 0), (5, 0), (5, 6), (5, -1)])
def test_there_is_no_proof_of_growth_from_nothing_or_from_more(size, old):
    with pytest.raises(ValueError, match=f"the tree has {size} leaves; it cannot have grown from {old}"):
        merkle.consistency_proof(MANY[:size], old)


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 3), (-1, 3), (4, 3)])
def test_impossible_sizes_are_not_consistent(old, size):
    assert not merkle.consistent(old, size, merkle.head(MANY[: max(old, 0)]), merkle.head(MANY[:size]), [])
