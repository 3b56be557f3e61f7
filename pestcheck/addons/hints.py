"""Hints for the findings of a photograph, by the add-on that is in the data folder now: added or removed while the server runs."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pestcheck.addons import install
from pestcheck.addons.species import Hint, Species
from pestcheck.inspection.watchlist import WatchList
from pestcheck.taxonomy import Group

if TYPE_CHECKING:
    from PIL import Image

    from pestcheck.vision.scan import Report

log = logging.getLogger(__name__)


class Hints:
    """The add-on in use, loaded when it is first needed and again when the folder of add-ons changed. For one thread."""

    def __init__(self, data: Path, watch_list: WatchList, threads: int | None = None) -> None:
        self.data, self.watch_list, self.threads = data, watch_list, threads
        self.seen: tuple[tuple[str, int], ...] = ()
        self.species: Species | None = None

    def current(self) -> Species | None:
        """The add-on, or None if there is none that can be used; what is wrong with one is logged once."""
        folders = sorted((self.data / install.FOLDER).glob(f"[a-z0-9]*@*/{install.DESCRIPTION}"))
        now = tuple((str(path), path.stat().st_mtime_ns) for path in folders)
        if now != self.seen:
            self.seen, self.species = now, None
            for one in install.added(self.data):
                if isinstance(one, install.AddonError):
                    log.error("add-on not usable: %s", one)
                    continue
                self.species = Species(one, install.known(one.description.name).thresholds, self.threads)
                log.info("add-on in use: %s", self.species.id)
        return self.species

    def added_to(self, report: Report, image: Image.Image) -> Report:
        """The report with what its findings of insects resemble. Whatever goes wrong with an add-on, the report is kept."""
        places = [(k, one) for k, one in enumerate(report.findings) if one.group == Group.INSECT]
        if not places:
            return report
        try:
            asked = self.current()
            if asked is None:
                return report
            size = report.photo.width, report.photo.height
            said = asked.of(image, [(one.box, one.label) for _, one in places], *size, self.watch_list.watched)
        except Exception:  # hints are an extra: the suggestions of the model itself must not wait for them
            log.exception("no hints for photograph %s", report.photo.sha256)
            return report
        hints: list[Hint | None] = [None] * len(report.findings)
        for (k, _), hint in zip(places, said, strict=True):
            hints[k] = hint
        return replace(report, hints=tuple(hints))
