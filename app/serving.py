"""The model in use: loaded, and followed when another one is put in use or rolled back, without a restart."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from pestcheck.records import Records
from pestcheck.store.model_tables import Promotion
from pestcheck.vision.bundle import Bundle, BundleError
from pestcheck.vision.scan import Scanner

log = logging.getLogger(__name__)

RETRY_SECONDS = 30.0
"""Until a model that could not be loaded is tried again."""
FOLDER = "models"
"""In the data folder: the models that were put in use, as this server fetched them."""


class Serving:
    """The scanner in use. ``problem``: why the model that should be in use is not, or ""; then the one before goes on."""

    def __init__(self, records: Records, data: Path, shipped: Path | None) -> None:
        """
        Args:
            data: the data folder. shipped: the model that is used where none was promoted; None: the newest one shipped.

        Raises:
            pestcheck.vision.bundle.BundleError: neither the promoted model nor that one can be used.
        """
        self._records, self._folder, self._shipped = records, data / FOLDER, shipped
        self._loaded: str | None = None
        self._tried, self._at, self._lock = "", 0.0, threading.Lock()
        self.problem = ""
        try:
            promoted = records.promoted()
            self.scanner, self._loaded = self._open(promoted), promoted.id if promoted else None
        except (BundleError, OSError) as error:
            self.scanner = Scanner(shipped)
            self._failed(promoted.id if promoted else "", error)

    @property
    def bundle(self) -> Bundle:
        """The model in use."""
        return self.scanner.bundle

    def follow(self) -> None:
        """Take up what is in use now. A model that cannot be used is refused, and the one before goes on.

        Raises:
            OSError: the database cannot be read now.
        """
        with self._lock:
            self._follow(self._records.promoted())

    def _follow(self, promoted: Promotion | None) -> None:
        key = promoted.id if promoted else None
        if key == self._loaded and not self.problem:
            return
        if (key or "") == self._tried and time.monotonic() - self._at < RETRY_SECONDS:
            return
        try:
            scanner = self._open(promoted)
        except (BundleError, OSError) as error:
            self._failed(key or "", error)
            return
        before, self.scanner, self._loaded, self._tried, self.problem = self.bundle.id, scanner, key, "", ""
        log.info("model %s is in use, after %s", scanner.bundle.id, before)

    def _open(self, promoted: Promotion | None) -> Scanner:
        return Scanner(self._records.model_folder(promoted, self._folder) if promoted else self._shipped)

    def _failed(self, key: str, error: Exception) -> None:
        self._tried, self._at, self.problem = key, time.monotonic(), str(error)
        log.error("%s; %s goes on", error, self.bundle.id)
