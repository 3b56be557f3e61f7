"""Every text that the app may show: of its own code, of the data files, of the choice lists, and sentences that the library makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from app import admin, auditor, forms, guide, insight, signin, trainer, training
from app.inspector import amend, flow, journey, photographs, points, questions, seals, start, wood
from app.pages import hint, picture, ways
from pestcheck.export import annex
from pestcheck.inspection import checklist, knowledge, wpm_mark
from pestcheck.inspection import seals as seal_rules
from pestcheck.inspection.criteria import NEWEST, criteria
from pestcheck.inspection.guidance import rules
from pestcheck.people import Role
from pestcheck.priority import PARTS
from pestcheck.records import CONTAMINANTS, DECISIONS, DISPOSITIONS, RESULTS, STATES, evidence, exports, watch
from pestcheck.records import insight as insight_figures
from pestcheck.records import training as records_training
from pestcheck.records.filter import OUTCOMES
from pestcheck.records.findings import CHANNELS, CONDITIONS, LIFE_STAGES, METHODS
from pestcheck.records.inspections import MEANINGS, SELECTIONS
from pestcheck.records.journeys import ROLES
from pestcheck.records.measures import MEASURES
from pestcheck.records.wood import KINDS
from pestcheck.taxonomy import CTPAT_CLASS, LABELS

ROOT = Path(__file__).parents[2]
SENTENCES = (
    "pestcheck/records/common.py", "pestcheck/records/findings.py", "pestcheck/records/inspections.py", "pestcheck/records/photographs.py",
    "pestcheck/records/seals.py", "pestcheck/records/view.py", "pestcheck/records/reviews.py", "pestcheck/records/queue.py", "pestcheck/records/wood.py", "pestcheck/inspection/progress.py",
    "pestcheck/inspection/seals.py", "pestcheck/inspection/wpm_mark.py", "pestcheck/inspection/identifiers.py", "pestcheck/photo.py",
    "pestcheck/vision/decide.py", "pestcheck/accounts/book.py", "pestcheck/accounts/passwords.py", "pestcheck/accounts/sessions.py",
    "pestcheck/accounts/attempts.py", "pestcheck/records/draws.py", "pestcheck/records/period.py", "app/forms.py", "app/signin.py", "app/oidc.py",
    "pestcheck/records/training.py", "pestcheck/records/quizzes.py", "app/training.py", "app/training_desk.py",
    "pestcheck/records/journeys.py", "pestcheck/inspection/journey.py", "app/registers.py", "pestcheck/records/filter.py",
)  # fmt: skip
"""Where the library makes sentences that a person on the page may meet."""

SHORT = (
    "too dark",
    "or",
    "{}: no answer",
    "{} failed: {}",
    "{} ({})",
    "depart",
    "arrive",
    "an unknown place",
    *wpm_mark.TREATMENTS.values(),
)
"""Sentences of the library too short to be told from other words by their length."""
NOT_SHOWN = (
    "Raw profile type exif",
    "position is not a number",
    "{}, {} on {}, attempt {}",
    "{} is all digits, as before 1995, and not read here; look at the container: a reefer takes the 8-point inspection",
    "{} in {} is no {} of ISO 6346; read the code again",
    "{} ends in a letter: stacking or racking strength is reduced (ISO 6346:1995/Amd 3:2012)",
    "{} is not assigned in ISO 6346:1995; the owner may use it for a detail of its own",
)
"""What the page has no place for: it takes size-type codes as they are."""


TO_THE_LOG = re.compile(r"%[sr]|PESTCHECK_|^Line \{\}|CSV|^The first line|^The file ")
"""What is said to whoever runs the server."""


def of_the_code() -> Iterator[str]:
    """The first argument of each call of ``t``."""
    for path in (*(ROOT / "app").rglob("*.py"), *(ROOT / "pestcheck" / "export").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "t":
                yield from _constants(node.args[0] if node.args else node)


def of_the_pages() -> Iterator[str]:
    """The same in the templates of pages."""
    for path in (ROOT / "app/templates").rglob("*.html"):
        for call in Environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                yield from (node.value for node in call.find_all(nodes.Const) if isinstance(node.value, str) and node is call.args[0])


def _constants(node: ast.AST) -> Iterator[str]:
    """The texts that an argument may be: itself, or those of a conditional or of a dictionary in place."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _constants(node.body)
            yield from _constants(node.orelse)
        case ast.Subscript(value=ast.Dict(values=values)):
            for value in values:
                yield from _constants(value)


def of_the_choices() -> Iterator[str]:
    """What is shown of lists of choices."""
    for table in (
        CONTAMINANTS, DECISIONS, DISPOSITIONS, RESULTS, STATES, LIFE_STAGES, METHODS, MEANINGS, SELECTIONS, KINDS, CTPAT_CLASS,
        CONDITIONS, questions.WORDS, photographs.STATES, points.SAYS, seals.ACTS, seals.CLASSES, seals.TYPES, seals.LOOKS,
        seals.ANSWERS, wood.MADE_OF, wood.BARK, wood.SEEN, flow.ROLES, wpm_mark.CONDITIONS, seal_rules.QUESTIONS, forms.THEMES,
        admin.WORDS, signin.DONE, records_training.TOPICS, records_training.SHORT, records_training.STATES, training.PARTS,
        annex.VERDICTS, annex.YES_NO, CHANNELS, OUTCOMES, auditor.NAMES, auditor.PARTS, auditor.FORMATS, exports.KINDS, amend.KINDS,
        amend.FIELDS, amend.DECIDED, journey.WHEN, journey.HANDS, journey.HAPPENED, start.TRAINING, ROLES, trainer.OUTCOMES,
        trainer.SAYS, trainer.ANSWERS, trainer.GRADES, picture.REVIEW, picture.OUTCOMES, hint.RANKS, guide.KINDS, guide.SURE,
    ):  # fmt: skip
        yield from table.values()  # type: ignore[attr-defined]
    yield from (part.says for part in PARTS.values())
    yield from (seals.MAKER_HINT, auditor.NOT_NOW, auditor.NO_KEY)
    for table in (insight_figures.BY, watch.BY, watch.MEASURES, evidence.ENTITIES, evidence.SHOWS, insight.WORDS, start.WAY):
        yield from table.values()
    for measure in MEASURES.values():
        yield from filter(None, (measure.says, measure.gap))
    yield from (name for _, name, _ in ways.WAYS)
    yield from (role.value.capitalize() for role in Role)


def of_the_data() -> Iterator[str]:
    """Templates, all versions; guidance; the taxonomy."""
    for template in checklist.shipped().versions.values():
        yield template.title
        for point in template.points:
            yield from (point.title, point.look, *point.hot_spots)
        for check in template.all_checks():
            yield from (check.ask, *check.choices, *check.photographs)
    yield from (criteria(NEWEST).note, *(one.gist for one in criteria(NEWEST).criteria))
    by = rules()
    yield from (by.notice, by.scale, *by.severities.values(), *by.actions.values(), *by.roles.values())
    yield from (step.do for step in by.manifested_cargo.steps)
    for stage in by.stages.values():
        yield from (stage.title, *(step.do for step in stage.steps))
    for matter in by.matters.values():
        yield from (*([matter.name] if matter.name else []), *(step.do for step in matter.steps))
    known = knowledge.knowledge()
    yield from known.sections.values()
    for question in known.questions:
        yield from (question.ask, *question.options, question.because)
    for label in LABELS.values():
        if label.contaminant:
            yield from (label.name, label.look_for, label.look_alikes)


def of_the_library() -> Iterator[str]:
    """Sentences with gaps for names and numbers, written as ``{}``: refusals and warnings. Docstrings and single words are left out."""
    yield from SHORT
    for name in SENTENCES:
        tree = ast.parse((ROOT / name).read_text("utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node) if part is not node}
        sizes = {id(part) for table in _tables(tree, name) for part in ast.walk(table)}
        for node in ast.walk(tree):
            if id(node) in docs or id(node) in inner or id(node) in sizes:
                continue
            if isinstance(node, ast.JoinedStr):
                text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            if text.replace("{}", "").count(" ") >= 3 and text not in NOT_SHOWN and not TO_THE_LOG.search(text):
                yield text


def _tables(tree: ast.Module, name: str) -> list[ast.AST]:
    """The tables of size-type codes, which the page does not show."""
    if not name.endswith("identifiers.py"):
        return []
    return [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]


def all_texts() -> set[str]:
    """All of them, each once."""
    return {*of_the_code(), *of_the_pages(), *of_the_choices(), *of_the_data()}
