"""The watch list is whole, in every language, and a site's own file adds to it or is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pestcheck.addons.species import lineage
from pestcheck.i18n import LANGUAGES
from pestcheck.inspection import watchlist
from pestcheck.inspection.watchlist import Entry, watch_list, words

ENTRY = """
entries:
  my_snail:
    name: Garden snail
    kind: snail
    scientific: [Cornu aspersum]
    evidence: {en: Shell of 3 cm, es: Concha de 3 cm}
    look_alikes: others
    season: spring
    status: none
    do: [gloves, "Tell Ana."]
    source: our own
    sure: low
"""


def test_every_row_of_the_table_has_an_entry() -> None:
    assert [*watchlist.shipped().entries] == [
        "khapra_beetle", "flighted_spongy_moth", "spotted_lanternfly", "brown_marmorated_stink_bug", "asian_longhorned_beetles",
        "emerald_ash_borer", "wood_borers", "giant_african_snail", "small_land_snails", "noxious_weed_seed", "soil", "plant_debris",
        "animal_material", "imported_fire_ant", "little_fire_ant", "bees_wasps_termites", "fungi_and_water",
    ]  # fmt: skip


@pytest.mark.parametrize("key", watchlist.shipped().entries)
def test_an_entry_speaks_every_language(key: str) -> None:
    one: Entry = watchlist.shipped().entries[key]
    for text in (one.name, one.evidence, one.look_alikes, one.season, one.status, *one.do):
        assert isinstance(text, dict), text
        assert text.keys() == LANGUAGES.keys()
        assert len(set(text.values())) == len(LANGUAGES)


def test_the_list_never_says_what_only_the_authority_may_say() -> None:
    for one in watchlist.shipped().entries.values():
        said = " ".join(words(text, "en") for text in (one.name, one.evidence, one.status, *one.do)).lower()
        assert "actionable" not in said
        assert "quarantine" not in said
        assert "usda approved" not in said


def test_taxa_that_hints_are_compared_with_are_known() -> None:
    for key, taxa in watchlist.shipped().watched.items():
        assert all(lineage(name) for name in taxa), key


def test_codes_have_the_form_of_eppo_and_how_sure_they_are() -> None:
    codes = {code: sure for one in watchlist.shipped().entries.values() for code, sure in one.eppo.items()}
    assert codes["LYMADI"] == "checked"
    assert {code for code, sure in codes.items() if sure == "low"} == {"THEBPI", "SACSP", "WASMAU"}


def test_a_file_of_the_site_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / watchlist.FILE).write_text(ENTRY + ENTRY.partition("my_snail")[2].join(["  khapra_beetle", ""]), "utf-8")
    found = watch_list(tmp_path)
    assert found.faults == ()
    assert len(found.entries) == len(watchlist.shipped().entries) + 1
    assert words(found.entries["khapra_beetle"].name, "es") == "Garden snail"  # one text for all languages
    mine = found.entries["my_snail"]
    assert words(mine.evidence, "es") == "Concha de 3 cm"
    assert words(mine.do[0], "en") == "Never touch it with bare hands."
    assert words(mine.do[1], "es") == "Tell Ana."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("entries: [", "line 2"),
        ("", "it is empty"),
        ("entries:\n  My Snail: {}\n", "line 2"),
        (ENTRY.replace("kind: snail", "kind: fish"), "kind"),
        (ENTRY.replace("    sure: low\n", ""), "this field is missing"),
        (ENTRY.replace("kind: snail", "kind: snail\n    sting: yes"), "there is no such field"),
        (ENTRY.replace('[gloves, "Tell Ana."]', "[]"), "do"),
        (ENTRY.replace("Cornu aspersum", "=cmd()"), "scientific"),
    ],
)
def test_a_broken_file_is_named_and_the_rest_stays(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / watchlist.FILE).write_text(text, "utf-8")
    found = watch_list(tmp_path)
    assert found.entries == watchlist.shipped().entries
    assert found.faults
    assert says in str(found.faults[0])
    assert str(tmp_path / watchlist.FILE) in str(found.faults[0])


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / watchlist.FILE).mkdir()
    assert "it cannot be read" in str(watch_list(tmp_path).faults[0])
