"""Wood packaging: whether it needs a mark, the mark, bark and holes, one question a view."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from app.inspector.ask import Ask, answered
from app.inspector.ask import show as ask_page
from app.inspector.place import Desk, Outcome, Place, Told
from app.pages.html import link, page
from pestcheck.inspection.wpm_mark import CONDITIONS, Bark, Wood
from pestcheck.records import InspectionView, Refused
from pestcheck.records.wood import KINDS

MADE_OF = {
    Wood.SOLID: "Solid wood", Wood.PROCESSED: "Plywood, board or veneer", Wood.LOOSE: "Sawdust, shavings or wood wool", Wood.BARREL: "Barrel",
    Wood.GIFT_BOX: "Gift box", Wood.FIXED: "Fixed to the vehicle or container",
}  # fmt: skip
BARK = {Bark.WITHIN: "Bark within the tolerance", Bark.OVER: "More bark than tolerated", Bark.MEASURE: "Measure the bark"}
SEEN = {
    "symbol": "Is the IPPC symbol, the ear of wheat, there?",
    "border": "Is there a border around symbol and codes?",
    "legible": "Can you read all of it?",
    "hand_drawn": "Is it drawn by hand?",
    "red_or_orange": "Is it red or orange?",
    "tag_or_sticker": "Is it on a tag or sticker, not on the wood itself?",
    "two_opposite_sides": "Is it on two opposite sides?",
}


def show(desk: Desk, place: Place) -> str:
    """What is on record of wood packaging."""
    view = desk.view(place)
    t = desk.t
    lines = "".join(
        f"<li><b>{escape(t(KINDS[one.kind]))}</b> × {one.pieces} · {escape(t(MADE_OF[Wood(one.wood)]))}"
        f"{' · ' + escape(one.mark) if one.mark else ''}{' · ' + escape(t(BARK[Bark(one.bark)])) if one.bark else ''}"
        f"<small>{escape(one.recorded_by)}, {escape(desk.when(one.recorded_at))}</small>"
        + "".join(f'<p class="warn">⚠ {escape(_capital(desk.said(warning)))}</p>' for warning in one.warnings)
        + "</li>"
        for one in view.wood
    )
    new = link(t("Record wood packaging"), place.to("wood_new"), kind="b primary huge") if desk.open(place, view) else ""
    return page(
        t("Wood packaging"),
        f'<div class="acts">{new}</div><p class="quiet">{escape(t("A good mark clears nothing: look for holes, bark and insects all the same."))}</p>',
        f'<ul class="lines">{lines}</ul>' if lines else f'<p class="quiet">{escape(t("Nothing yet"))}</p>',
        name="wood",
        quiet=escape(view.inspection.container_number),
        back=(t("Points"), place.to("points")),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _asks(desk: Desk, view: InspectionView, draft: Mapping[str, str]) -> list[Ask]:
    t = desk.t
    yes_no = (("yes", t("Yes")), ("no", t("No")))
    wood = Wood(draft["wood"]) if draft.get("wood") in [*Wood] else Wood.SOLID

    def marked(given: Mapping[str, str]) -> bool:
        return given.get("has_mark") == "yes"

    def barked(given: Mapping[str, str]) -> bool:
        return given.get("bark") == "yes"

    return [
        Ask("area", t("At which point?"), tuple((point.area, t(point.title)) for point in view.template.points)),
        Ask("kind", t("What is it?"), tuple((key, t(text)) for key, text in KINDS.items())),
        Ask("pieces", t("How many pieces?"), kind="number", value="1"),
        Ask("wood", t("What is it made of?"), tuple((one.value, t(text)) for one, text in MADE_OF.items())),
        Ask("condition", t(CONDITIONS[wood]) if wood in CONDITIONS else "", yes_no, when=lambda given: given.get("wood") != "solid"),
        Ask("solid_parts", t("Is there solid wood in it besides?"), yes_no, when=lambda given: given.get("wood") != "solid"),
        Ask("thickness", t("How thick is the thickest solid piece, in mm?"), kind="number", needed=False),
        Ask("us_canada", t("Is it of US or Canadian wood, and goes only between the two?"), yes_no),
        Ask("has_mark", t("Is there an ISPM 15 mark?"), yes_no),
        Ask("mark", t("What does the mark say?"), hint=t("Country, producer, treatment: like US-1234 HT."), read="mark", when=marked),
        *(Ask(key, t(text), yes_no, needed=False, when=marked) for key, text in SEEN.items()),
        Ask("bark", t("Is there bark on it?"), yes_no),
        Ask("bark_width", t("How wide is the largest piece of bark, in cm?"), kind="number", needed=False, when=barked),
        Ask("bark_area", t("How large is it, in cm²?"), kind="number", needed=False, when=barked),
        Ask("holes", t("Are there holes or fresh sawdust?"), yes_no),
    ]


def new(desk: Desk, place: Place) -> str:
    """One question a view."""
    asks = _asks(desk, desk.view(place), place.draft)
    return ask_page(desk, place, asks, title=desk.t("Wood packaging"), back=(desk.t("Back"), place.to("wood")))


def _number(desk: Desk, text: str) -> float | None:
    """A number as people type it, with a comma or a point.

    Raises:
        Refused: it is none.
    """
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise Refused(desk.t("{typed} is no number.", typed=text[:40])) from error


def ask(desk: Desk, place: Place, given: dict[str, str]) -> Outcome:
    """Take an answer; after the last one, record it."""
    if given.get("key") in ("pieces", "thickness", "bark_width", "bark_area"):
        _number(desk, given.get("value", "").strip())

    def finish(draft: Mapping[str, str]) -> Outcome:
        said = {key: draft[key] == "yes" for key in SEEN if draft.get(key)}
        desk.records.wood_packaging(
            place.inspection, draft["area"], actor=desk.actor(place), kind=draft["kind"], pieces=int(_number(desk, draft["pieces"]) or 0),
            wood=draft["wood"], mark=draft.get("mark", ""), seen=said, condition=_yes(draft.get("condition")),
            thickness_mm=_number(desk, draft.get("thickness", "")), solid_parts=draft.get("solid_parts") == "yes",
            us_canada=draft["us_canada"] == "yes", bark_width_cm=_number(desk, draft.get("bark_width", "")),
            bark_area_cm2=_number(desk, draft.get("bark_area", "")), holes=draft["holes"] == "yes", wood_id=desk.key, amends=place.amends,
        )  # fmt: skip
        return place.to("wood", area=""), Told(desk.t("Saved"))

    draft = {**place.draft, given.get("key", ""): given.get("value", "")}
    return answered(desk, place, _asks(desk, desk.view(place), draft), given, finish)


def _yes(answer: str | None) -> bool | None:
    return {"yes": True, "no": False}.get(answer or "")
