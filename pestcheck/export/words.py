"""What a printed record calls things, in a language."""

from __future__ import annotations

from pestcheck import i18n
from pestcheck.inspection.guidance import rules
from pestcheck.inspection.seals import ACTS, ANSWERS, LOOKS, Act, Answer
from pestcheck.records import CONTAMINANTS, DECISIONS, DISPOSITIONS, RESULTS, STATES, InspectionView
from pestcheck.records.findings import CONDITIONS, LIFE_STAGES, METHODS
from pestcheck.records.inspections import MEANINGS, SELECTIONS
from pestcheck.records.wood import KINDS
from pestcheck.store.tables import Action, Finding, SealCheck, SealLine, Signature, WoodPackaging
from pestcheck.store.tables import Answer as PointAnswer


class Words:
    """All of them as plain text."""

    def __init__(self, language: str) -> None:
        self.language = language

    def t(self, text: str, **values: object) -> str:
        """A text in the language."""
        return i18n.t(self.language, text, **values)

    def said(self, sentence: str) -> str:
        """A sentence that the library made."""
        return i18n.said(self.language, sentence)

    def at(self, moment: str | None) -> str:
        """A time of the records."""
        return i18n.moment(self.language, moment)

    def label(self, name: str | None) -> str:
        """A label, a group, or what only people name."""
        return self.t(CONTAMINANTS.get(name or "unsure", (name or "").replace("_", " ").capitalize()))

    def stage(self, stage: str | None) -> str:
        """Where a conveyance is on its way."""
        return next((self.t(rule.title) for key, rule in rules().stages.items() if key == stage), stage or "")

    def selection(self, selection: str | None) -> str:
        """Why it was inspected."""
        return self.t(SELECTIONS[selection]) if selection in SELECTIONS else selection or ""

    def disposition(self, disposition: str | None) -> str:
        """What becomes of it."""
        return self.t(DISPOSITIONS[disposition]) if disposition in DISPOSITIONS else disposition or ""

    def details(self, view: InspectionView) -> list[tuple[str, str]]:
        """What is said of an inspection as a whole: names and values of those that are set."""
        t, row = self.t, view.inspection
        trained = {None: "", True: f" ({t('trained')})", False: f" ({t('no valid certificate')})"}[row.trained]
        said = [
            (t("Inspector"), f"{row.inspector}{trained}"), (t("Opened"), self.at(row.opened_at)), (t("Site"), row.site),
            (t("Selected"), self.selection(row.selection)), (t("Carrier (SCAC)"), row.carrier_scac), (t("Shipment"), row.shipment),
            (t("Origin"), row.origin), (t("Destination"), row.destination), (t("Size and type code"), row.size_type),
            (t("Procedure"), row.procedure), (t("Supervisor"), row.supervisor), (t("Tablet's clock"), self.at(row.device_time)),
            (t("Time zone"), row.time_zone), (t("About the number"), self.said(row.number_problem or "")),
            (t("Why it was taken all the same"), row.override_reason),
        ]  # fmt: skip
        return [(name, value) for name, value in said if value]

    def result(self, answer: PointAnswer | None) -> str:
        """What was said of a point."""
        if answer is None:
            return self.t("No answer yet")
        return self.t(RESULTS[answer.result] if answer.result in RESULTS else STATES.get(answer.state, answer.state))

    def title(self, view: InspectionView, area: str) -> str:
        """The name of a point."""
        point = view.template.point(area)
        return self.t(point.title) if point else area

    def finding(self, finding: Finding) -> list[str]:
        """What a person said of a finding, a line each: the decision, then what it is like."""
        t = self.t
        match finding.state:
            case "suggested":
                lines = [t("Suggested by the model; nobody decided yet")]
            case "missed":
                lines = [t("Seen by {name}; the model did not find it.", name=finding.decided_by or "").rstrip(".")]
            case _:
                lines = [f"{t(DECISIONS.get(finding.state, finding.state))}: {finding.decided_by}, {self.at(finding.decided_at)}"]
        if finding.cargo:
            lines.append(f"{t('manifested cargo: {cargo}', cargo=finding.cargo)} ({finding.cargo_reason})")
        like = [t(CONDITIONS[finding.condition])] if finding.condition in CONDITIONS and finding.state != "rejected" else []
        like += [t(LIFE_STAGES[finding.life_stage])] if finding.life_stage in LIFE_STAGES else []
        like += [t("{n} counted", n=finding.count)] if finding.count else []
        like += [finding.extent] if finding.extent else []
        like += [f"{t('Severity')} {finding.severity}"] if finding.severity else []
        return [*lines, *([", ".join(like)] if like else []), *([finding.note] if finding.note else [])]

    def suggestion(self, finding: Finding) -> str:
        """What the model said of it."""
        if finding.label is None:
            return ""
        return f"{self.t('Model')}: {self.label(finding.label)} {i18n.percent(self.language, finding.probability or 0)}. {self.said(finding.reason)}."

    def action(self, action: Action) -> str:
        """What was done, and what a second inspection saw."""
        t = self.t
        done = f"{t(METHODS.get(action.method, action.method))}: {action.done_by}, {self.at(action.done_at)}"
        found = {None: t("not looked at again yet"), True: t("found clean"), False: t("found not clean")}[action.clean]
        again = f" ({action.reinspected_by}, {self.at(action.reinspected_at)})" if action.reinspected_by else ""
        return f"{done}; {found}{again}{f'. {action.note}' if action.note else ''}"

    def seal(self, line: SealLine) -> str:
        """A line of the seal register."""
        act = self.t(ACTS[Act(line.act)]) if line.act in list(Act) else line.act
        more = [line.seal_class or "", f"{self.t('Documents')}: {line.document_number}" if line.document_number else "", line.reason]
        return f"{line.number}: {act}, {self.at(line.happened_at)}{''.join(f', {one}' for one in more if one)}"

    def seal_check(self, check: SealCheck) -> str:
        """View, Verify, Tug, Twist."""
        looks = ", ".join(
            f"{self.t(LOOKS.get(name, name))}: {self.t(ANSWERS[Answer(answer)])}{f' ({note})' if note else ''}"
            for name, (answer, note) in sorted(check.looks.items(), key=lambda pair: [*LOOKS].index(pair[0]))
        )
        return f"{check.number or '–'}: {looks}"

    def wood(self, wood: WoodPackaging) -> str:
        """Wood packaging, with its mark as it was read."""
        kind = self.t(KINDS[wood.kind]) if wood.kind in KINDS else wood.kind
        return f"{wood.pieces} × {kind}: {wood.mark or self.t('no mark')}{f' ({wood.treatment})' if wood.treatment else ''}"

    def signature(self, one: Signature, *, valid: bool) -> list[str]:
        """Who signed, as what, when, and whether the record is still what they signed."""
        changed = [] if valid else [self.t("the record was changed since")]
        return [f"{self.t(MEANINGS.get(one.meaning, one.meaning))}", "; ".join([self.at(one.signed_at), *changed])]
