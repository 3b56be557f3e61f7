"""The ladder from probabilities to a verdict, case by case and as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pestcheck.photo import Quality
from pestcheck.taxonomy import Group
from pestcheck.vision.decide import (
    Place,
    Thresholds,
    Verdict,
    candidate_set,
    closer,
    contamination,
    decide,
    evidence,
    logit,
    name,
    probabilities,
    sigmoid,
    together,
)
from pestcheck.vision.tiles import Box

names = ("hornet", "wasp", "snail", "slug", "soil", "clean_metal", "rust")
WHOLE = Box(0, 0, 1000, 800)
GOOD, BAD = Quality(120.0, 300.0), Quality(5.0, 300.0, ("too dark",))
SOME = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def limits(**change):
    usual = {
        "version": "t", "suspect": 0.8, "unsure": 0.4, "propose": 0.3, "place_offset": 0.0, "label": 0.6, "group": 0.7,
        "candidate": 0.05, "unknown": 0.0,
    }  # fmt: skip
    return Thresholds(**usual | change)


def view(**chances):
    """Probabilities of one view; what is not given is clean metal."""
    row = [chances.get(label, 0.0) for label in names]
    row[names.index("clean_metal")] += 1 - sum(chances.values())
    return np.array(row)


CLEAN = view()
LOW, MIDDLE, HIGH = view(hornet=0.1), view(hornet=0.5), view(hornet=0.9)


def place(box, chance):
    return Place(Box(*box), closer(Box(*box), WHOLE.x1, WHOLE.y1), chance)


def decided(whole, *pairs, quality=GOOD, unlike=-1.0, **change):
    """Decide on a whole view and (box, finder's chance, look) triples."""
    return decide(
        whole=whole, unlike=unlike, places=[place(box, chance) for box, chance, _ in pairs],
        looks=np.array([look for _, _, look in pairs]).reshape(-1, len(names)), size=WHOLE, labels=names, quality=quality,
        thresholds=limits(**change),
    )  # fmt: skip


LADDER = {
    "label, sure": (view(hornet=0.9, wasp=0.05), "hornet", Group.INSECT, 0.9),
    "label, just": (view(hornet=0.6, soil=0.4), "hornet", Group.INSECT, 0.6),
    "group: two insects share it": (view(hornet=0.4, wasp=0.35), "insect", Group.INSECT, 0.75),
    "group: the label just below": (view(hornet=0.59, wasp=0.2), "insect", Group.INSECT, 0.79),
    "group of two that beats the best single label": (view(hornet=0.2, snail=0.16, slug=0.55), "snail_slug", Group.SNAIL_SLUG, 0.71),
    "group of one is no surer than its label": (view(soil=0.59), "unsure", None, 0.59),
    "unsure: neither": (view(hornet=0.3, snail=0.3, soil=0.3), "unsure", None, 0.9),
    "unsure: the group just below": (view(hornet=0.35, wasp=0.34, soil=0.2), "unsure", None, 0.89),
    "a surer surface is no label": (view(hornet=0.2, rust=0.7), "unsure", None, 0.2),
}


@pytest.mark.parametrize("case", LADDER)
def test_ladder(case):
    row, label, group, chance = LADDER[case]
    found = name(row, names, limits())
    assert found[:2] == (label, group)
    assert found[2] == pytest.approx(chance)


def test_each_rung_gives_its_reason():
    assert name(view(hornet=0.9), names, limits())[3] == "Hornet: 90%, sure enough to name (from 60%)"
    assert name(view(slug=0.4, snail=0.35), names, limits())[3] == "snail slug: 75%, label unsure: slug or snail"
    assert name(view(hornet=0.5, soil=0.3), names, limits())[3] == "contamination: 80%, but not what: hornet or soil"


BOX = (0, 0, 200, 200)
VERDICTS = {
    "clean": (CLEAN, [], GOOD, -1.0, "nothing_found", 0.0, 0),
    "below every limit": (LOW, [], GOOD, -1.0, "nothing_found", 0.1, 0),
    "between": (MIDDLE, [], GOOD, -1.0, "unsure", 0.5, 1),
    "above": (HIGH, [], GOOD, -1.0, "suspect", 0.9, 1),
    "exactly unsure": (view(hornet=0.4), [], GOOD, -1.0, "unsure", 0.4, 1),
    "exactly suspect": (view(hornet=0.8), [], GOOD, -1.0, "suspect", 0.8, 1),
    "just below unsure": (view(hornet=0.3999), [], GOOD, -1.0, "nothing_found", 0.3999, 0),
    "just below suspect": (view(hornet=0.7999), [], GOOD, -1.0, "unsure", 0.7999, 1),
    "a place alone, unsure": (LOW, [(BOX, 0.5, MIDDLE)], GOOD, -1.0, "unsure", 0.5, 1),
    "a place alone, below every limit": (LOW, [(BOX, 0.3, view(hornet=0.3))], GOOD, -1.0, "nothing_found", 0.1, 0),
    "two places and the whole: the whole is no finding of its own": (
        HIGH, [(BOX, 0.9, HIGH), ((500, 500, 600, 600), 0.5, MIDDLE)], GOOD, -1.0, "suspect", 0.9, 2,
    ),
    "the whole decides where a place is only unsure": (HIGH, [(BOX, 0.5, MIDDLE)], GOOD, -1.0, "suspect", 0.9, 1),
    "a suspect place beats unusable": (LOW, [(BOX, 0.9, HIGH)], BAD, -1.0, "suspect", 0.9, 1),
    "unusable beats an unsure place": (LOW, [(BOX, 0.5, MIDDLE)], BAD, -1.0, "unusable", 0.5, 1),
    "a place counts as the whole does": (CLEAN, [(BOX, 0.9, HIGH)], GOOD, -1.0, "suspect", 0.9, 1),
    "the finder and the look share the say": (CLEAN, [(BOX, 0.99, view(hornet=0.01))], GOOD, -1.0, "unsure", 0.5, 1),
    "a look that sees a surface clears a place": (LOW, [(BOX, 0.6, view(hornet=0.001))], GOOD, -1.0, "nothing_found", 0.1, 0),
    "the highest decides": (MIDDLE, [(BOX, 0.9, HIGH)], GOOD, -1.0, "suspect", 0.9, 1),
    "suspect beats unusable": (HIGH, [], BAD, -1.0, "suspect", 0.9, 1),
    "unusable beats unsure": (MIDDLE, [], BAD, -1.0, "unusable", 0.5, 1),
    "unusable beats nothing found": (LOW, [], BAD, -1.0, "unusable", 0.1, 0),
    "a contamination of many labels is no less": (view(hornet=0.3, snail=0.3, soil=0.3), [], GOOD, -1.0, "suspect", 0.9, 1),
    "rust is clean": (view(rust=0.9), [], GOOD, -1.0, "nothing_found", 0.0, 0),
    "like nothing known": (CLEAN, [], GOOD, 0.1, "unsure", 0.0, 1),
    "just like something known": (CLEAN, [], GOOD, 0.0, "nothing_found", 0.0, 0),
    "like nothing known, but suspect": (HIGH, [], GOOD, 0.1, "suspect", 0.9, 1),
    "like nothing known, and unusable": (CLEAN, [], BAD, 0.1, "unusable", 0.0, 1),
    "like nothing known, but unsure for a better reason": (MIDDLE, [], GOOD, 0.1, "unsure", 0.5, 1),
    "like nothing known, but with an unsure place": (CLEAN, [(BOX, 0.5, MIDDLE)], GOOD, 0.1, "unsure", 0.5, 1),
    "like nothing known, and a place that is cleared": (CLEAN, [(BOX, 0.4, view(hornet=0.01))], GOOD, 0.1, "unsure", 0.0, 1),
}  # fmt: skip


ONE_PLACE = {
    "a place that is cleared hides none": ([((0, 0, 64, 64), 0.9, view(hornet=0.001)), ((60, 0, 92, 32), 0.8, HIGH)], [(60, 0, 92, 32)]),
    "at two magnifications": ([((0, 0, 64, 64), 0.9, MIDDLE), ((32, 32, 64, 64), 0.8, view(hornet=0.99))], [(0, 0, 64, 64)]),
    "the look at one touches the other": ([((100, 100, 200, 200), 0.9, HIGH), ((220, 100, 240, 120), 0.8, HIGH)], [(100, 100, 200, 200)]),
    "apart": ([((100, 100, 200, 200), 0.9, HIGH), ((240, 100, 260, 120), 0.8, HIGH)], [(100, 100, 200, 200), (240, 100, 260, 120)]),
    "a hidden one hides none": (
        [((0, 0, 100, 100), 0.9, HIGH), ((110, 0, 180, 50), 0.8, HIGH), ((185, 0, 235, 50), 0.7, HIGH)], [(0, 0, 100, 100), (185, 0, 235, 50)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ONE_PLACE)
def test_one_finding_a_place(case):
    pairs, boxes = ONE_PLACE[case]
    assert sorted(tuple(finding.box) for finding in decided(CLEAN, *pairs)[2]) == boxes


def test_a_place_has_the_evidence_of_all_looks_at_it():
    _, score, (finding,) = decided(CLEAN, ((0, 0, 64, 64), 0.9, MIDDLE), ((32, 32, 64, 64), 0.8, view(hornet=0.99)))
    assert finding.evidence == pytest.approx(contamination(together(np.array([0.8]), view(hornet=0.99)[None], names), names)[0])
    assert score == pytest.approx(finding.evidence, abs=1e-4)


@pytest.mark.parametrize("case", VERDICTS)
def test_verdicts(case):
    whole, pairs, quality, unlike, verdict, score, findings = VERDICTS[case]
    got = decided(whole, *pairs, quality=quality, unlike=unlike)
    assert (got[0], len(got[2])) == (Verdict(verdict), findings)
    assert got[1] == pytest.approx(score, abs=1e-4)


def test_what_is_like_nothing_known_says_so():
    _, _, (finding,) = decided(CLEAN, unlike=0.1)
    assert (finding.label, finding.group, finding.box) == ("unsure", "unsure", WHOLE)
    assert "look for yourself" in finding.reason
    assert (finding.probability, finding.evidence) == (0.0, 0.0)
    assert finding.candidates == (("clean_metal", 1.0),)


@pytest.mark.parametrize("limit", [0.0, -40.0, 12.5])
def test_unknown_is_above_its_limit(limit):
    assert decided(CLEAN, unlike=limit, unknown=limit)[0] is Verdict.NOTHING_FOUND
    assert decided(CLEAN, unlike=limit + 0.01, unknown=limit)[0] is Verdict.UNSURE


def test_a_finding_that_is_unsure_has_no_group():
    _, _, (finding,) = decided(view(hornet=0.3, snail=0.3, soil=0.3))
    assert (finding.label, finding.group, finding.probability) == ("unsure", "unsure", 0.9)


def test_a_finding_of_a_group_names_it_twice():
    _, _, (finding,) = decided(CLEAN, (BOX, 0.8, view(hornet=0.4, wasp=0.4)))
    assert (finding.label, finding.group, finding.probability, finding.box) == ("insect", "insect", 0.8, BOX)


def test_the_offset_leaves_the_whole_alone():
    assert decided(HIGH, place_offset=9.0)[:2] == (Verdict.SUSPECT, 0.9)
    assert decided(CLEAN, (BOX, 0.9, HIGH), place_offset=2.0)[0] is Verdict.UNSURE


def test_the_offset_does_not_change_what_is_named():
    """A finding's probability is that of its label; only the evidence is on the photograph's scale."""
    _, _, (finding,) = decided(CLEAN, (BOX, 0.9, HIGH), place_offset=1.0)
    assert finding.probability == pytest.approx(0.9)
    assert finding.evidence == pytest.approx(1 / (1 + np.exp(1.0) / 9))


def test_a_place_just_on_the_limit_is_a_finding():
    """And a hair below it is none."""
    weight = float(evidence(contamination(together(np.array([0.7]), MIDDLE[None], names), names), 1.5)[0])
    assert len(decided(CLEAN, (BOX, 0.7, MIDDLE), place_offset=1.5, unsure=weight)[2]) == 1
    assert decided(CLEAN, (BOX, 0.7, MIDDLE), place_offset=1.5, unsure=float(np.nextafter(weight, 1)))[2] == ()


WHERE = {
    "the whole alone": ([], WHOLE),
    "a place that would be suspect but for the offset": ([(BOX, 0.9, HIGH)], Box(*BOX)),
    "a place that would not": ([(BOX, 0.5, MIDDLE)], WHOLE),
    "the most suspect of two": ([(BOX, 0.9, HIGH), ((500, 500, 600, 600), 0.95, HIGH)], Box(500, 500, 600, 600)),
}


@pytest.mark.parametrize("case", WHERE)
def test_where_only_the_whole_is_flagged(case):
    pairs, box = WHERE[case]
    verdict, _, (finding,) = decided(view(soil=0.95), *pairs, place_offset=9.0)
    assert (verdict, finding.label, finding.box) == (Verdict.SUSPECT, "soil", box)


def test_findings_come_the_most_probable_first():
    _, _, found = decided(CLEAN, (BOX, 0.85, view(hornet=0.85)), ((500, 500, 600, 600), 0.95, view(snail=0.95)))
    assert [(finding.label, finding.box.x0) for finding in found] == [("snail", 500), ("hornet", 0)]


def test_findings_alike_come_in_the_order_of_their_places():
    boxes = [(500, 0, 600, 100), (0, 500, 100, 600), (0, 0, 100, 100)]
    _, _, found = decided(CLEAN, *((box, 0.9, HIGH) for box in boxes))
    assert [tuple(finding.box) for finding in found] == sorted(boxes)


def test_candidates_are_the_set():
    """All labels from the limit on, surfaces among them, the most probable first."""
    _, _, (finding,) = decided(view(hornet=0.6, wasp=0.25, soil=0.04, rust=0.06), candidate=0.05)
    assert [label for label, _ in finding.candidates] == ["hornet", "wasp", "rust", "clean_metal"]
    assert [chance for _, chance in finding.candidates] == pytest.approx([0.6, 0.25, 0.06, 0.05])


def test_together_is_the_mean_on_the_logit_scale():
    said = together(np.array([0.9, 0.5]), np.array([view(hornet=0.3, wasp=0.1), view(soil=0.5)]), names)
    assert contamination(said, names) == pytest.approx([1 / (1 + np.exp(-(np.log(9) + np.log(0.4 / 0.6)) / 2)), 0.5])
    assert said.sum(1) == pytest.approx([1, 1])
    assert said[0, 0] / said[0, 1] == pytest.approx(3)


SURE = st.floats(0.001, 0.999)


@SOME
@given(SURE, SURE, st.floats(0, 1))
def test_each_network_has_its_weight(chance, seen, finder):
    said = together(np.array([chance]), view(hornet=seen)[None], names, finder)
    assert logit(contamination(said, names)) == pytest.approx(finder * logit(chance) + (1 - finder) * logit(seen), abs=1e-6)


def test_the_weight_decides():
    """A place that the finder doubts and the look is sure of: suspect where the look counts more."""
    chances = {finder: decided(CLEAN, ((0, 0, 100, 100), 0.3, HIGH), finder=finder)[0] for finder in (0.9, 0.1)}
    assert chances == {0.9: Verdict.NOTHING_FOUND, 0.1: Verdict.SUSPECT}


@SOME
@given(SURE, st.lists(SURE, min_size=len(names), max_size=len(names)))
def test_together_keeps_how_the_look_shares_it(chance, shares):
    """Whatever the finder says: one in all, harmful labels in the proportions of the look, surfaces in theirs, the logit in between."""
    look = np.array(shares) / sum(shares)
    (said,) = together(np.array([chance]), look[None], names)
    assert said.sum() == pytest.approx(1)
    assert ((said > 0) & (said < 1)).all()
    harmful = slice(0, 5)
    assert said[harmful] / said[harmful].sum() == pytest.approx(look[harmful] / look[harmful].sum())
    assert said[5:] / said[5:].sum() == pytest.approx(look[5:] / look[5:].sum())
    assert logit(contamination(said, names)) == pytest.approx((logit(chance) + logit(contamination(look, names))) / 2)


@pytest.mark.parametrize(
    ("chance", "seen", "both"),
    [
        pytest.param(0.5, 0.5, 0.5, id="neither knows"),
        pytest.param(0.9, 0.1, 0.5, id="they contradict each other"),
        pytest.param(0.9, 0.9, 0.9, id="they agree"),
        pytest.param(0.9, 0.5, 0.75, id="one of two"),
        pytest.param(0.2, 0.2, 0.2, id="they agree on little"),
    ],
)
def test_together_in_numbers(chance, seen, both):
    for one, other in ((chance, seen), (seen, chance)):
        said = together(np.array([one]), view(hornet=other)[None], names)
        assert contamination(said, names) == pytest.approx([both])


def test_together_of_nothing_is_nothing():
    assert together(np.empty(0), np.empty((0, len(names))), names).shape == (0, len(names))


@pytest.mark.parametrize("chance", [0.0, 1e-300, 0.5, 1 - 1e-16, 1.0])
@pytest.mark.parametrize("look", [CLEAN, view(hornet=1.0), view(hornet=0.5)], ids=["clean", "sure", "half"])
def test_certainty_is_finite(chance, look):
    said = together(np.array([chance]), look[None], names)
    assert np.isfinite(said).all()
    assert said.sum() == pytest.approx(1)
    assert 0 < evidence(chance, 4.0) < 1


@SOME
@given(st.floats(0.01, 0.99), st.floats(0, 8))
def test_an_offset_lowers_evidence(chance, offset):
    assert evidence(chance, offset) <= chance + 1e-9
    assert evidence(chance, 0.0) == pytest.approx(chance)
    assert logit(evidence(chance, offset)) == pytest.approx(logit(chance) - offset, abs=1e-6)


@SOME
@given(st.floats(-16, 16))
def test_a_logit_and_its_probability(value):
    assert logit(sigmoid(np.array(value))) == pytest.approx(value, abs=1e-6)


def test_contamination_of_one_view_and_of_many():
    views = np.array([[CLEAN, HIGH], [view(hornet=0.2, soil=0.3), view(rust=1.0)]])
    assert contamination(views, names) == pytest.approx(np.array([[0.0, 0.9], [0.5, 0.0]]))
    assert contamination(views[0], names) == pytest.approx([0.0, 0.9])
    assert contamination(HIGH, names) == pytest.approx(0.9)
    assert contamination(np.full(7, 0.2), names) == 1.0, "rounding must not lead out of [0, 1]"


@SOME
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 1))
def test_candidate_sets(chances, limit):
    found = candidate_set(np.array(chances), limit)
    inside = [chances[k] for k in found]
    assert inside == sorted(inside, reverse=True)
    assert inside[0] == max(chances)
    assert len(found) == max(1, sum(chance >= limit for chance in chances))
    assert len(set(found)) == len(found)


CANDIDATES = {
    "none reaches the limit": ([0.2, 0.5, 0.3], 0.6, [1]),
    "one just does": ([0.2, 0.5, 0.3], 0.5, [1]),
    "two": ([0.2, 0.5, 0.3], 0.25, [1, 2]),
    "all": ([0.2, 0.5, 0.3], 0.0, [1, 2, 0]),
    "alike: in the order of the labels": ([0.25, 0.25, 0.25, 0.25], 0.25, [0, 1, 2, 3]),
    "alike and below the limit": ([0.5, 0.5], 0.9, [0]),
}


@pytest.mark.parametrize("case", CANDIDATES)
def test_candidate_sets_in_numbers(case):
    chances, limit, expected = CANDIDATES[case]
    assert candidate_set(np.array(chances), limit).tolist() == expected


@SOME
@given(st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=9), st.floats(0.2, 5))
def test_probabilities_keep_order_and_sum_to_one(row, temperature):
    logits = np.array([row, row[::-1]], np.float32)
    chances = probabilities(logits, temperature)
    assert chances.sum(1) == pytest.approx([1, 1])
    assert chances[1] == pytest.approx(chances[0][::-1])
    assert probabilities(logits[0], temperature) == pytest.approx(chances[0])
    assert (np.diff(chances[0][np.argsort(row, kind="stable")]) >= 0).all()
    assert probabilities(logits, temperature * 2).max() <= chances.max() + 1e-12


def test_probabilities_stand_large_logits():
    logits = np.array([[1000.0, 0.0], [-1000.0, -1000.0]], np.float32)
    assert probabilities(logits, 1.0) == pytest.approx(np.array([[1, 0], [0.5, 0.5]]))


@st.composite
def photographs(draw):
    """Any whole view, places and looks, and thresholds that make sense."""
    share = st.lists(st.floats(0.01, 1), min_size=len(names), max_size=len(names)).map(lambda row: np.array(row) / sum(row))
    n = draw(st.integers(0, 5))
    pairs = [((20 * k, 5 * k, 20 * k + 8, 5 * k + 9), draw(st.floats(0, 1)), draw(share)) for k in range(n)]
    unsure = draw(st.floats(0.05, 0.9))
    change = {
        "unsure": unsure, "suspect": draw(st.floats(unsure, 0.95)), "place_offset": draw(st.floats(0, 6)),
        "candidate": draw(st.floats(0, 1)), "unlike": draw(st.floats(-1, 1)),
    }  # fmt: skip
    return draw(share), pairs, change


@SOME
@given(photographs(), st.sampled_from([GOOD, BAD]))
def test_verdict_score_and_findings_agree(case, quality):
    whole, pairs, change = case
    verdict, score, found = decided(whole, *pairs, quality=quality, **change)
    assert 0 <= score <= 1
    assert score >= contamination(whole, names) - 1e-4
    assert list(found) == sorted(found, key=lambda f: (-f.probability, f.box))
    for finding in found:
        assert finding.evidence <= score + 1e-4
        assert finding.box == WHOLE or finding.box in [box for box, _, _ in pairs]
        assert finding.candidates
        assert finding.reason
    if score >= change["suspect"] + 1e-4:
        assert verdict is Verdict.SUSPECT
    if verdict is Verdict.SUSPECT:
        assert found
        assert score >= change["suspect"] - 1e-4
    if verdict is Verdict.NOTHING_FOUND:
        assert not found
        assert quality is GOOD
    if quality is BAD:
        assert verdict in (Verdict.SUSPECT, Verdict.UNUSABLE)


@SOME
@given(photographs())
def test_the_score_is_that_of_the_most_suspect_view(case):
    """The whole or a place on the whole's scale; a place below the limit is neither shown nor counted."""
    whole, pairs, change = case
    verdict, score, found = decided(whole, *pairs, **change)
    said = together(np.array([chance for _, chance, _ in pairs]), np.array([look for *_, look in pairs]).reshape(-1, len(names)), names)
    weights = evidence(contamination(said, names), change["place_offset"])
    shown = {Box(*box): weight for (box, _, _), weight in zip(pairs, weights, strict=True) if weight >= change["unsure"]}
    assert score == pytest.approx(max([contamination(whole, names), *shown.values()]), abs=1e-4)
    if shown:
        assert {finding.box: finding.evidence for finding in found} == pytest.approx(shown)
    else:
        assert len(found) <= 1
    assert (verdict is Verdict.NOTHING_FOUND) == (not found)


@SOME
@given(photographs())
def test_a_further_place_or_a_bad_picture_never_lowers_the_score(case):
    whole, pairs, change = case
    score = decided(whole, *pairs, **change)[1]
    assert decided(whole, *pairs, quality=BAD, **change)[1:] == decided(whole, *pairs, **change)[1:]
    for k in range(len(pairs)):
        assert decided(whole, *pairs[:k], **change)[1] <= score
    assert decided(whole, *reversed(pairs), **change)[1] == score
