"""The ladder from probabilities to a verdict, case by case and as properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pestcheck.photo import Quality
from pestcheck.taxonomy import LABELS, Group
from pestcheck.vision import decide as module
from pestcheck.vision.decide import Thresholds, Verdict, contamination, decide, evidence, name, probabilities
from pestcheck.vision.tiles import Box, plan

names = ("hornet", "wasp", "snail", "slug", "soil", "clean_metal", "rust")
WHOLE = Box(0, 0, 1000, 800)
GOOD, BAD = Quality(120.0, 300.0), Quality(5.0, 300.0, ("too dark",))
SOME = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def limits(**change):
    return Thresholds(**{"version": "t", "suspect": 0.8, "unsure": 0.4, "tile_offset": 0.0, "label": 0.6, "group": 0.7} | change)


def view(**chances):
    """Probabilities of one view; what is not given is clean metal."""
    row = [chances.get(label, 0.0) for label in names]
    row[names.index("clean_metal")] += 1 - sum(chances.values())
    return row


CLEAN = view()


def decided(whole, *tiles, quality=GOOD, **change):
    """Decide on a whole view and (box, view) pairs."""
    return decide(
        chances=np.array([whole, *(row for _, row in tiles)]), labels=names, boxes=[Box(*box) for box, _ in tiles], whole=WHOLE,
        quality=quality, thresholds=limits(**change),
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
    found = name(np.array(row), names, limits())
    assert found[:2] == (label, group)
    assert found[2] == pytest.approx(chance)


def test_each_rung_gives_its_reason():
    assert name(np.array(view(hornet=0.9)), names, limits())[3] == "Hornet: 90%, sure enough to name (from 60%)"
    assert name(np.array(view(slug=0.4, snail=0.35)), names, limits())[3] == "snail slug: 75%, label unsure: slug or snail"
    assert name(np.array(view(hornet=0.5, soil=0.3)), names, limits())[3] == "contamination: 80%, but not what: hornet or soil"


LOW, MIDDLE, HIGH = view(hornet=0.1), view(hornet=0.5), view(hornet=0.9)
BOX = (0, 0, 200, 200)
VERDICTS = {
    "clean": (CLEAN, [], GOOD, "nothing_found", 0.0, 0),
    "below every limit": (LOW, [], GOOD, "nothing_found", 0.1, 0),
    "between": (MIDDLE, [], GOOD, "unsure", 0.5, 1),
    "above": (HIGH, [], GOOD, "suspect", 0.9, 1),
    "exactly unsure": (view(hornet=0.4), [], GOOD, "unsure", 0.4, 1),
    "exactly suspect": (view(hornet=0.8), [], GOOD, "suspect", 0.8, 1),
    "just below unsure": (view(hornet=0.3999), [], GOOD, "nothing_found", 0.3999, 0),
    "just below suspect": (view(hornet=0.7999), [], GOOD, "unsure", 0.7999, 1),
    "a tile counts as the whole does": (CLEAN, [(BOX, HIGH)], GOOD, "suspect", 0.9, 1),
    "the highest view decides": (MIDDLE, [(BOX, HIGH)], GOOD, "suspect", 0.9, 1),
    "suspect beats unusable": (HIGH, [], BAD, "suspect", 0.9, 1),
    "unusable beats unsure": (MIDDLE, [], BAD, "unusable", 0.5, 1),
    "unusable beats nothing found": (LOW, [], BAD, "unusable", 0.1, 0),
    "a contamination of many labels is no less": (view(hornet=0.3, snail=0.3, soil=0.3), [], GOOD, "suspect", 0.9, 1),
    "rust is clean": (view(rust=0.9), [], GOOD, "nothing_found", 0.0, 0),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_verdicts(case):
    whole, tiles, quality, verdict, score, findings = VERDICTS[case]
    got = decided(whole, *tiles, quality=quality)
    assert (got[0], len(got[2])) == (Verdict(verdict), findings)
    assert got[1] == pytest.approx(score, abs=1e-4)


SNAIL = view(snail=0.95)
LEFT, RIGHT, FAR = (0, 0, 200, 200), (150, 0, 350, 200), (600, 600, 800, 800)
PLACES = {
    "two neighbours of one label": ([(LEFT, HIGH), (RIGHT, view(hornet=0.85))], [("hornet", (0, 0, 350, 200))]),
    "two neighbours of one group, another label": ([(LEFT, view(wasp=0.7)), (RIGHT, HIGH)], [("hornet", (0, 0, 350, 200))]),
    "two neighbours of two groups": ([(LEFT, HIGH), (RIGHT, SNAIL)], [("snail", RIGHT), ("hornet", LEFT)]),
    "one group, far apart": ([(LEFT, HIGH), (FAR, view(hornet=0.85))], [("hornet", LEFT), ("hornet", FAR)]),
    "edges that only touch": ([(LEFT, HIGH), ((200, 0, 400, 200), HIGH)], [("hornet", LEFT), ("hornet", (200, 0, 400, 200))]),
    "joined by a third between, seen last": (
        [(LEFT, HIGH), ((300, 0, 500, 200), HIGH), (RIGHT, view(hornet=0.7))], [("hornet", (0, 0, 500, 200))],
    ),
    "not joined by a third of another group": (
        [(LEFT, HIGH), ((300, 0, 500, 200), view(hornet=0.85)), (RIGHT, SNAIL)],
        [("snail", RIGHT), ("hornet", LEFT), ("hornet", (300, 0, 500, 200))],
    ),
    "neighbours that are both unsure": (
        [(LEFT, view(hornet=0.4, soil=0.3)), (RIGHT, view(snail=0.3, soil=0.3))], [("unsure", (0, 0, 350, 200))],
    ),
    "sure and unsure neighbours": ([(LEFT, view(hornet=0.3, soil=0.3)), (RIGHT, HIGH)], [("hornet", RIGHT), ("unsure", LEFT)]),
    "a coarse tile explained by a fine one": ([((0, 0, 400, 400), HIGH), ((50, 50, 150, 150), view(hornet=0.85))], [("hornet", (50, 50, 150, 150))]),
    "explained by a fine one of another group": ([((0, 0, 400, 400), HIGH), ((50, 50, 150, 150), SNAIL)], [("snail", (50, 50, 150, 150))]),
    "a fine one that was not flagged explains nothing": ([((0, 0, 400, 400), HIGH), ((50, 50, 150, 150), LOW)], [("hornet", (0, 0, 400, 400))]),
    "a fine one elsewhere explains nothing": (
        [((0, 0, 400, 400), HIGH), ((600, 600, 700, 700), view(hornet=0.85))], [("hornet", (0, 0, 400, 400)), ("hornet", (600, 600, 700, 700))],
    ),
    "a fine one of which less than half lies inside explains nothing": (
        [((0, 0, 400, 400), HIGH), ((360, 0, 460, 100), SNAIL)], [("snail", (360, 0, 460, 100)), ("hornet", (0, 0, 400, 400))],
    ),
    "one hardly smaller is a neighbour, no finer tile": ([((0, 0, 200, 200), HIGH), ((0, 0, 150, 150), HIGH)], [("hornet", (0, 0, 200, 200))]),
    "three levels: the finest stays": (
        [((0, 0, 800, 800), HIGH), ((0, 0, 400, 400), HIGH), ((0, 0, 200, 200), HIGH)], [("hornet", (0, 0, 200, 200))],
    ),
    "nothing flagged but the whole": ([(LEFT, LOW)], [("soil", WHOLE)]),
    "no tiles": ([], [("soil", WHOLE)]),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACES)
def test_findings_by_place(case):
    """The whole photograph is flagged as soil: a finding only where no tile is one."""
    tiles, expected = PLACES[case]
    _, _, findings = decided(view(soil=0.99), *tiles)
    assert [(finding.label, tuple(finding.box)) for finding in findings] == [(label, tuple(box)) for label, box in expected]


def test_a_merged_finding_speaks_for_its_strongest_tile():
    """Sorted candidates with the surfaces among them, no more than five; probability of the label, evidence of any contamination."""
    strong = view(wasp=0.7, hornet=0.2, soil=0.04, snail=0.03, slug=0.02)
    _, score, (finding,) = decided(CLEAN, (LEFT, HIGH), (RIGHT, strong))
    assert (finding.label, finding.group, finding.probability) == ("wasp", "insect", 0.7)
    assert finding.candidates == (("wasp", 0.7), ("hornet", 0.2), ("soil", 0.04), ("snail", 0.03), ("slug", 0.02))
    assert finding.evidence == pytest.approx(0.99)
    assert score == 0.99
    assert finding.reason.startswith("Wasp: 70%")


def test_a_finding_that_is_unsure_has_no_group():
    _, _, (finding,) = decided(view(hornet=0.3, snail=0.3, soil=0.3))
    assert (finding.label, finding.group, finding.probability) == ("unsure", "unsure", 0.9)


def test_findings_are_sorted_by_probability_then_place():
    tiles = [(FAR, view(hornet=0.7)), ((600, 0, 700, 100), SNAIL), (LEFT, view(hornet=0.7)), ((0, 600, 100, 700), view(soil=0.8))]
    _, _, findings = decided(CLEAN, *tiles)
    assert [(f.label, f.probability, tuple(f.box)) for f in findings] == [
        ("snail", 0.95, (600, 0, 700, 100)), ("soil", 0.8, (0, 600, 100, 700)), ("hornet", 0.7, LEFT), ("hornet", 0.7, FAR),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "tile", "verdict", "score"),
    [
        pytest.param(0.0, 0.9, "suspect", 0.9, id="no offset"),
        pytest.param(1.0, 0.9, "unsure", 0.768, id="e times lower odds"),
        pytest.param(4.0, 0.9, "nothing_found", 0.1415, id="e^4 times lower odds"),
        pytest.param(4.0, 0.999, "suspect", 0.9482, id="a very sure tile gets through"),
        pytest.param(-1.0, 0.7, "suspect", 0.8638, id="a negative one raises it"),
    ],
)
def test_tile_offset(offset, tile, verdict, score):
    got = decided(CLEAN, (LEFT, view(hornet=tile)), tile_offset=offset)
    assert (got[0], got[1]) == (verdict, pytest.approx(score, abs=1e-4))
    assert len(got[2]) == (verdict != "nothing_found")


def test_tile_offset_leaves_the_whole_alone():
    assert decided(HIGH, (LEFT, view(hornet=0.95)), tile_offset=9.0)[:2] == (Verdict.SUSPECT, 0.9)


def test_the_tile_offset_does_not_change_what_is_named():
    """A finding's probability is that of its label in the tile; only the evidence is on the photograph's scale."""
    _, _, (finding,) = decided(CLEAN, (LEFT, view(hornet=0.9)), tile_offset=1.0)
    assert (finding.label, finding.probability) == ("hornet", 0.9)
    assert finding.evidence == pytest.approx(1 / (1 + math.exp(1.0) / 9))


def test_probabilities():
    """Softmax; a higher temperature flattens; large logits do not overflow."""
    logits = np.array([[0.0, math.log(3)], [5000.0, -5000.0]], np.float32)
    assert probabilities(logits, 1.0).tolist() == [pytest.approx([0.25, 0.75]), [1.0, 0.0]]
    assert probabilities(logits[:1], 2.0)[0] == pytest.approx([1 / (1 + 3**0.5), 3**0.5 / (1 + 3**0.5)])


def test_contamination_is_the_sum_over_contaminants():
    rows = np.array([view(hornet=0.2, soil=0.3), view(rust=0.8), view(hornet=0.5, wasp=0.5)])
    assert contamination(rows, names) == pytest.approx([0.5, 0.0, 1.0])


def test_evidence_of_certainty_is_finite():
    with np.errstate(all="raise"):
        got = evidence(np.array([0.0, 1.0, 0.0, 1.0]), np.array([False, False, True, True]), 4.0)
    assert got == pytest.approx([0, 1, 0, 1], abs=1e-4)


@st.composite
def photographs(draw):
    """A plan on a random photograph, random views, most of them clean as in life, random limits."""
    width, height = draw(st.integers(100, 4000)), draw(st.integers(100, 4000))
    boxes = plan(width, height, side=224, columns=draw(st.sampled_from([(2,), (1, 3), (2, 4)])), overlap=0.25).boxes[:40]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = random.dirichlet([draw(st.sampled_from([0.05, 0.3, 1.0]))] * len(names), size=1 + len(boxes))
    unsure = draw(st.floats(0.01, 0.9))
    thresholds = limits(
        unsure=unsure, suspect=draw(st.floats(unsure, 0.99)), tile_offset=draw(st.floats(-2, 6)),
        label=draw(st.floats(0.2, 0.95)), group=draw(st.floats(0.2, 0.95)),
    )  # fmt: skip
    return rows, {"labels": names, "boxes": boxes, "whole": Box(0, 0, width, height), "thresholds": thresholds}


@SOME
@given(photographs(), st.sampled_from([GOOD, BAD]))
def test_what_always_holds(photograph, quality):
    rows, rest = photograph
    verdict, score, findings = decide(chances=rows, quality=quality, **rest)
    limit, whole = rest["thresholds"], rest["whole"]
    assert 0 <= score <= 1
    assert [f.probability for f in findings] == sorted((f.probability for f in findings), reverse=True)
    for finding in findings:
        chances = [chance for _, chance in finding.candidates]
        assert chances == sorted(chances, reverse=True)
        assert len(chances) == len({label for label, _ in finding.candidates}) == module.CANDIDATES
        assert 0 <= finding.probability <= 1
        assert limit.unsure <= finding.evidence <= score + 1e-4
        assert finding.box.area > 0
        assert finding.box.union(whole) == whole
        assert finding.label in {*names, *Group, module.UNSURE}
        assert finding.group == (LABELS[finding.label].group if finding.label in LABELS else finding.label)
    if verdict is Verdict.SUSPECT:
        assert findings
        assert max(f.evidence for f in findings) >= limit.unsure
    elif quality is BAD:
        assert verdict is Verdict.UNUSABLE
    else:
        assert verdict is (Verdict.UNSURE if findings else Verdict.NOTHING_FOUND)
    assert bool(findings) == (score >= limit.unsure) or abs(score - limit.unsure) < 1e-4


@SOME
@given(photographs(), st.integers(0, 40), st.sampled_from([label for label in names if LABELS[label].contaminant]), st.floats(0, 1))
def test_more_contamination_in_a_view_never_lowers_the_score(photograph, number, label, share):
    """A share of the clean surfaces' probability is given to a contaminant; the verdict cannot fall behind, either."""
    rows, rest = photograph
    number %= len(rows)
    clean = [k for k, other in enumerate(names) if not LABELS[other].contaminant]
    more = rows.copy()
    more[number, names.index(label)] += share * rows[number, clean].sum()
    more[number, clean] *= 1 - share
    before, after = (decide(chances=chances, quality=GOOD, **rest) for chances in (rows, more))
    assert after[1] >= before[1]
    order = [Verdict.NOTHING_FOUND, Verdict.UNSURE, Verdict.SUSPECT]
    assert order.index(after[0]) >= order.index(before[0])


def test_the_result_does_not_depend_on_the_order_of_tiles_within_reason():
    """The same tiles listed backwards give the same findings."""
    tiles = [(LEFT, HIGH), (FAR, SNAIL), ((300, 0, 500, 200), view(hornet=0.75)), (RIGHT, view(hornet=0.7)), ((0, 0, 400, 400), HIGH)]
    assert decided(CLEAN, *tiles) == decided(CLEAN, *reversed(tiles))


@pytest.mark.parametrize(
    ("tiles", "box", "label"),
    [
        ([(LEFT, LOW), (RIGHT, HIGH)], RIGHT, "hornet"),  # suspect by itself, were it the only view
        ([(LEFT, view(snail=0.85)), (RIGHT, HIGH)], RIGHT, "hornet"),  # the most suspect of two
        ([(LEFT, LOW), (RIGHT, MIDDLE)], WHOLE, "soil"),  # no tile shows where
        ([], WHOLE, "soil"),
    ],
)
def test_where_only_the_whole_is_flagged_the_most_suspect_tile_shows_the_place(tiles, box, label):
    verdict, score, findings = decided(view(soil=0.95), *tiles, tile_offset=6.0)
    assert (verdict, score) == (Verdict.SUSPECT, 0.95)
    assert [(finding.box, finding.label, finding.evidence) for finding in findings] == [(box, label, pytest.approx(0.95))]
