"""What a model may name: the labels, their groups, and the contaminant class of each in the CTPAT criteria.

A group without a contaminant class is a clean surface. Classes follow the definition of pest contamination before
Minimum Security Criterion 8.1 (after the IMO/ILO/UNECE CTU Code); the hints on what to look for are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Labels that call for the same action, and the answer where the single label is not sure."""

    INSECT = "insect"
    SPIDER = "spider"
    SNAIL_SLUG = "snail_slug"
    OTHER_INVERTEBRATE = "other_invertebrate"
    EGG_MASS = "egg_mass"
    PLANT = "plant"
    SOIL = "soil"
    ANIMAL_MATERIAL = "animal_material"
    SURFACE = "surface"


CTPAT_CLASS: dict[Group, str] = {
    Group.INSECT: "visible insects or other invertebrates, alive or dead, in any life stage",
    Group.SPIDER: "visible insects or other invertebrates, alive or dead, in any life stage",
    Group.SNAIL_SLUG: "visible insects or other invertebrates, alive or dead, in any life stage",
    Group.OTHER_INVERTEBRATE: "visible insects or other invertebrates, alive or dead, in any life stage",
    Group.EGG_MASS: "egg casings or rafts",
    Group.PLANT: "plants or plant products, viable or not",
    Group.SOIL: "soil",
    Group.ANIMAL_MATERIAL: "organic material of animal origin",
}
"""Contaminant class by group, in the words of the criteria; ``Group.SURFACE`` has none."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label: its id (as in a manifest), its name for people, its group, what to look for, and what looks alike."""

    id: str
    name: str
    group: Group
    look_for: str = ""
    look_alikes: str = ""

    @property
    def contaminant(self) -> bool:
        """Whether the label is contamination (and not a clean surface)."""
        return self.group in CTPAT_CLASS


def _table(*labels: Label) -> dict[str, Label]:
    return {label.id: label for label in labels}


LABELS: dict[str, Label] = _table(
    Label("ant", "Ant", Group.INSECT, "narrow waist, bent feelers; trails and nests in seams", "small wasps, termites"),
    Label("bee", "Bee", Group.INSECT, "hairy body, pollen on the legs; swarms in corners (sting)", "hoverflies, wasps"),
    Label("beetle", "Beetle", Group.INSECT, "hard wing covers that meet in a straight line", "true bugs, cockroaches"),
    Label("caterpillar", "Caterpillar", Group.INSECT, "soft body with stumpy legs behind; silk or droppings near it", "earthworms, fly larvae"),
    Label("cockroach", "Cockroach", Group.INSECT, "flat oval body, long feelers, spiny legs", "beetles, crickets"),
    Label("earwig", "Earwig", Group.INSECT, "pincers at the tail", "rove beetles"),
    Label("fly", "Fly", Group.INSECT, "one pair of wings, large eyes", "bees, small wasps"),
    Label("grasshopper", "Grasshopper or cricket", Group.INSECT, "long jumping hind legs", "mantises, stick insects"),
    Label("hornet", "Hornet", Group.INSECT, "large wasp; paper nest (sting)", "wasps, hoverflies"),
    Label("moth", "Moth or butterfly", Group.INSECT, "scaled wings at rest on walls, often near lights", "dry leaves, flaking paint"),
    Label("planthopper", "Planthopper", Group.INSECT, "wings folded like a roof, jumps when touched", "small moths, leafhoppers"),
    Label("spotted_lanternfly", "Spotted lanternfly", Group.INSECT, "grey spotted wings with red below; nymphs black or red with white spots", "moths, leafhoppers"),
    Label("true_bug", "True bug", Group.INSECT, "shield on the back, sucking beak below; masses in cavities", "beetles"),
    Label("wasp", "Wasp", Group.INSECT, "narrow waist, yellow and black; paper or mud comb (sting)", "hoverflies, bees"),
    Label("weevil", "Weevil", Group.INSECT, "beetle with a snout; in grain residue and seams", "other small beetles"),
    Label("spider", "Spider", Group.SPIDER, "eight legs", "harvestmen, ants"),
    Label("spider_web", "Spider web", Group.SPIDER, "threads in corners and grilles; what hangs in it", "scratches, frayed strapping"),
    Label("snail", "Snail", Group.SNAIL_SLUG, "shell sealed to metal, in recesses and on the underside; do not touch bare-handed", "rust blisters, pebbles"),
    Label("slug", "Slug", Group.SNAIL_SLUG, "slime trail, soft body on damp surfaces; do not touch bare-handed", "leaves, sealant"),
    Label("other_invertebrate", "Other invertebrate", Group.OTHER_INVERTEBRATE, "many or no legs: woodlice, scorpions, ticks, worms", "insect larvae"),
    Label("lanternfly_egg_mass", "Lanternfly egg mass", Group.EGG_MASS, "grey smear like dried mud, about 25 mm; old ones show rows of seeds", "mud, sealant, cement"),
    Label("plant_matter", "Plant matter", Group.PLANT, "leaves, straw, twigs, moss; in gaskets, grilles, twist-lock holes", "paint flakes, rope"),
    Label("seed", "Seed", Group.PLANT, "in floor seams and corrugations, on grilles", "gravel, plastic pellets"),
    Label("bark", "Bark", Group.PLANT, "on wood packaging: narrower than 3 cm, or each piece under 50 cm², is tolerated", "dirty or weathered wood"),
    Label("soil", "Soil", Group.SOIL, "clods, films, tyre prints; most of it underneath", "rust, cement dust"),
    Label("animal_droppings", "Animal droppings", Group.ANIMAL_MATERIAL, "bird, rodent or livestock droppings", "sealant, paint"),
    Label("container", "Container", Group.SURFACE),
    Label("clean_wood", "Wood", Group.SURFACE),
    Label("clean_concrete", "Concrete", Group.SURFACE),
    Label("clean_metal", "Metal", Group.SURFACE),
    Label("rust", "Rust", Group.SURFACE),
    Label("vehicle", "Vehicle", Group.SURFACE),
    Label("warehouse", "Warehouse", Group.SURFACE),
    Label("clean_other", "Other surface", Group.SURFACE),
)  # fmt: skip
"""Every label that a model may carry, by id; the order is that of lists shown to people."""

TAXA: dict[str, tuple[str, ...]] = {
    "ant": ("Formicidae",),
    "bee": ("Apidae", "Megachilidae"),
    "beetle": ("Coleoptera",),
    "caterpillar": ("Lepidoptera", "Tenthredinidae", "Cimbicidae"),
    "cockroach": ("Blattodea",),
    "earwig": ("Dermaptera",),
    "fly": ("Diptera",),
    "grasshopper": ("Orthoptera",),
    "hornet": ("Vespidae",),
    "moth": ("Lepidoptera",),
    "planthopper": ("Acanaloniidae", "Cercopidae", "Cicadellidae", "Flatidae", "Ricaniidae"),
    "spotted_lanternfly": ("Lycorma delicatula",),
    "true_bug": ("Hemiptera",),
    "wasp": ("Vespidae", "Sphecidae", "Crabronidae", "Scoliidae", "Mutillidae", "Pelecinidae", "Siricidae"),
    "weevil": ("Curculionidae",),
}
"""What the labels of insects cover, as orders and families of zoology (caterpillars: sawflies' larvae too)."""
