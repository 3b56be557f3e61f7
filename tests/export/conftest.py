"""A store with three inspections, of which a pack was taken out; made once, and not to be changed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pestcheck.vision.scan import Report, Scanner
from tests.export.packs import Store
from tests.pictures import scenes


@dataclass(frozen=True, slots=True)
class Packed:
    """The store, its inspections, the first of which has something of everything, and a pack of all."""

    store: Store
    inspections: tuple[str, ...]
    pack: bytes


@pytest.fixture(scope="session")
def hornet(scanner: Scanner) -> Report:
    """What the model says of a photograph with a hornet."""
    picture = scenes.floor()
    scenes.lay(picture, "hornet")
    return scanner.scan(scenes.jpeg(picture))[0]


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory, hornet: Report) -> Packed:
    store = Store(tmp_path_factory.mktemp("packed") / "data")
    keys = [store.inspect(number, hornet, whole=number == 0) for number in range(2)]
    store.heads.sign()
    keys.append(store.inspect(2, hornet, site="Yard 2"))
    return Packed(store, tuple(keys), store.pack())
