"""What a finding resembles: the finest rank that is sure enough, what is on the watch list, and whether it fits the model's label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pestcheck.addons import species
from pestcheck.addons.registry import Limits
from pestcheck.addons.species import Names, Rank, resembles
from pestcheck.inspection import watchlist
from pestcheck.taxonomy import LABELS, TAXA, Group

CLASSES = (
    "Apis mellifera (Honey Bee)", "Vespa crabro (European Hornet)", "Halyomorpha halys (Brown Marmorated Stink Bug)", "Nezara viridula ()",
    "Monochamus scutellatus (White-spotted Sawyer)", "Megacyllene robiniae (Locust Borer)", "Danaus gilippus (Queen)",
    "Danaus plexippus (Monarch)", "Lymantria dispar (Gypsy Moth)", "background",
)  # fmt: skip
NAMES = Names("x@1.1", CLASSES)
LIMITS = Limits(version="x-1", resembles=0.8, listed=0.4)
WATCHED = {"bug": ("Halyomorpha halys",), "borers": ("Cerambycidae", "Siricidae"), "moth": ("Lymantria",)}


def chances(**given: float) -> np.ndarray:
    """Probabilities of classes by the beginning of their names; the rest is background."""
    made = np.zeros(len(CLASSES))
    for name, value in given.items():
        (place,) = [k for k, label in enumerate(CLASSES) if label.startswith(name.replace("_", " "))]
        made[place] = value
    made[-1] += 1 - made.sum()
    return made


def test_the_finest_rank_that_is_sure_enough_is_named() -> None:
    said = resembles(chances(Apis=0.9), NAMES, LIMITS)
    assert said is not None
    assert (said.taxon, said.rank, said.probability) == ("Apis mellifera", Rank.species, 0.9)
    assert said.species[0] == ("Apis mellifera", "Honey Bee", 0.9)
    assert (said.addon, said.thresholds) == ("x@1.1", "x-1")
    genus = resembles(chances(Danaus_g=0.45, Danaus_p=0.45), NAMES, LIMITS)
    family = resembles(chances(Monochamus=0.45, Megacyllene=0.45), NAMES, LIMITS)
    assert genus is not None
    assert family is not None
    assert [(one.taxon, one.rank) for one in (genus, family)] == [("Danaus", Rank.genus), ("Cerambycidae", Rank.family)]


def test_what_is_not_sure_is_not_said() -> None:
    assert resembles(chances(Apis=0.79), NAMES, LIMITS) is None
    assert resembles(chances(Danaus_g=0.5, Lymantria=0.5), NAMES, LIMITS) is None  # an order would be
    assert resembles(chances(), NAMES, LIMITS) is None  # all background


def test_what_is_listed_is_warned_of_sooner() -> None:
    said = resembles(chances(Halyomorpha=0.4, Nezara=0.3), NAMES, LIMITS, watched=WATCHED)
    assert said is not None
    assert (said.listed, said.taxon, said.rank, said.probability) == ("bug", "Halyomorpha halys", Rank.species, 0.4)
    assert resembles(chances(Halyomorpha=0.39, Nezara=0.3), NAMES, LIMITS, watched=WATCHED) is None
    family = resembles(chances(Monochamus=0.25, Megacyllene=0.2), NAMES, LIMITS, watched=WATCHED)
    assert family is not None
    assert (family.listed, family.taxon, family.rank) == ("borers", "Cerambycidae", Rank.family)


def test_of_two_entries_the_one_with_the_finer_taxon_is_shown() -> None:
    watched = {"family": ("Cerambycidae",), "species": ("Monochamus scutellatus",)}
    said = resembles(chances(Monochamus=0.9), NAMES, LIMITS, watched=watched)
    assert said is not None
    assert said.listed == "species"


@pytest.mark.parametrize(
    ("label", "given", "agrees"),
    [
        ("bee", {"Apis": 0.9}, True), ("beetle", {"Apis": 0.9}, False), ("hornet", {"Vespa": 0.9}, True), ("wasp", {"Vespa": 0.9}, True),
        ("beetle", {"Monochamus": 0.45, "Megacyllene": 0.45}, True), ("true_bug", {"Halyomorpha": 0.9}, True), ("moth", {"Halyomorpha": 0.9}, False),
        ("insect", {"Apis": 0.9}, None), ("caterpillar", {"Danaus_g": 0.5, "Danaus_p": 0.4}, True), ("moth", {"Danaus_p": 0.9}, True),
    ],
)  # fmt: skip
def test_whether_both_models_agree(label: str, given: dict[str, float], agrees: bool | None) -> None:
    said = resembles(chances(**given), NAMES, LIMITS, named=TAXA.get(label, ()))
    assert said is not None
    assert said.agrees is agrees


def test_where_the_label_names_what_the_addon_cannot_know_it_says_nothing() -> None:
    assert resembles(chances(Apis=0.99), NAMES, LIMITS, watched=WATCHED, named=TAXA["spotted_lanternfly"]) is None
    assert resembles(chances(Apis=0.99), NAMES, LIMITS, named=TAXA["earwig"]) is None


def test_every_label_of_an_insect_has_taxa_that_are_known() -> None:
    assert TAXA.keys() == {label.id for label in LABELS.values() if label.group is Group.INSECT}
    for names in TAXA.values():
        assert all(species.lineage(name) for name in names)


def test_names_that_fit_each_other() -> None:
    assert species.fits("Apis mellifera", ["Apidae"])
    assert species.fits("Apidae", ["Apis mellifera"])
    assert not species.fits("Apis mellifera", ["Vespidae", "Coleoptera"])
    assert species.lineage("Nonsense") == {}


def test_all_classes_of_the_insect_model_have_a_place_in_the_table(insect_files: Path) -> None:
    labels = (insect_files / "inat_insect_labels.txt").read_text("utf-8").splitlines()
    names = Names("inat-insect@1.1", labels)
    assert [name for name in names.labels if not species.lineage(name)] == ["background"]
    assert {rank: len(found) for rank, (found, _) in names.groups.items()} == {
        Rank.species: 1021, Rank.genus: 671, Rank.family: len(names.groups[Rank.family][0]), Rank.order: 14,
    }  # fmt: skip
    table = species.taxa()
    assert len(names.groups[Rank.family][0]) == len({table[name.split()[0]][0] for name in names.labels if name != "background"})
    known = {key for key, taxa in watchlist.shipped().watched.items() if any(names.knows(name) for name in taxa)}
    assert known == {
        "khapra_beetle",
        "flighted_spongy_moth",
        "brown_marmorated_stink_bug",
        "emerald_ash_borer",
        "wood_borers",
        "imported_fire_ant",
    }
