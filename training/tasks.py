"""What the two networks are trained on, and how: pictures and closer looks for the classifier, composites for the finder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from pestcheck import taxonomy
from pestcheck.vision import decide
from pestcheck.vision.score import to_input
from pestcheck.vision.tiles import Box
from training import composite, data, evaluate, proposals
from training.augment import Augment
from training.network import Finder, classifier, normalise

Batch = tuple[torch.Tensor, torch.Tensor]
FLAGGED_CELLS = 0.001
"""Share of the clean cells of composites that are flagged where things are counted as found."""
GROUND_SHARE = 0.25
"""Share of closer looks at a place where nothing was pasted on purpose: what the finder proposes on a clean photograph is a part of it."""
HELD_OUT_COMPOSITES, HELD_OUT_BANDS, HELD_OUT_EVERY = 400, ((12, 24), (24, 48), (48, 96)), 3
"""After each epoch the finder is judged on so many composites, by lengths in pixels; the classifier on every third picture, and on
closer looks at all that lies on as many composites, and at plain ground."""
LOOKS_FALSE_FLAGS = 0.10
"""Share of closer looks at clean places that are flagged where those at things are counted."""


class Examples(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Training examples, drawn from one random stream: (pixels, target)."""

    augments: list[Augment]

    def seed(self, seed: int) -> None:
        """Start the random streams anew."""
        self.rng = np.random.default_rng(seed)
        for k, augment in enumerate(self.augments):
            augment.seed((seed + k) % 2**32)


class Task(Protocol):
    """One network to train."""

    name: str

    def network(self) -> Any:
        """The network before training."""

    def examples(self) -> Examples:
        """What it is trained on."""

    def loss(self, net: Any, pixels: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Of a batch: uint8 pixels and targets as the examples have them."""

    def held_out(self, net: Any, device: str) -> dict[str, float]:
        """How good the network is on sources that it never saw; "score" is what epochs are chosen by."""


class Classifier:
    """Which label a picture, or a closer look at a place, shows."""

    name = "classifier"

    def __init__(
        self,
        config: Any,
        parts: data.Split,
        materials: composite.Materials,
        tested: composite.Materials | None,
        proposed: Sequence[proposals.Look] = (),
    ) -> None:
        self.config, self.parts, self.materials, self.tested, self.proposed = config, parts, materials, tested, proposed
        self.labels = list(materials.index)

    def network(self) -> Any:
        return classifier(len(self.labels), self.config.backbone)

    def examples(self) -> Examples:
        return Pictures(self.parts.train, self.materials, self.config, self.proposed)

    def loss(self, net: Any, pixels: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logits = net(normalise(pixels).contiguous(memory_format=torch.channels_last)).float()
        return functional.cross_entropy(logits, target, label_smoothing=self.config.label_smoothing)

    def held_out(self, net: Any, device: str) -> dict[str, float]:
        some = self.parts.test[::HELD_OUT_EVERY]
        chances = decide.probabilities(outputs(net, some, self.config, device), 1.0)
        outcome, every = evaluate.Outcome.of(chances, self.labels, some, np.zeros(len(some), bool)), np.arange(len(some))
        result = {"top1": outcome.top1(every), "recall_at_5pct": outcome.recall_at_5pct(every)}
        if self.config.looks:
            result["looks_at_10pct"] = self._looks(net, device)
        result["score"] = float(np.mean(list(result.values())))
        return {name: round(value, 4) for name, value in result.items()}

    @torch.inference_mode()
    def _looks(self, net: Any, device: str) -> float:
        """Share of closer looks at things of the held-out sources that are told from looks at clean places there."""
        assert self.tested is not None
        drawn = Pictures(self.parts.test, self.tested, self.config)
        made = [drawn.compose() for _ in range(HELD_OUT_COMPOSITES)]
        looks = [drawn.look_at(one, thing) for one in made for thing in (*one.pasted, None)]
        pixels = torch.from_numpy(np.stack([to_input(image, self.config.side) for image, _ in looks]))
        net.eval()
        logits = torch.cat([
            net(normalise(part.to(device)).contiguous(memory_format=torch.channels_last)).float().cpu() for part in pixels.split(32)
        ])  # fmt: skip
        chance = decide.contamination(decide.probabilities(logits.numpy(), 1.0), self.labels)
        harmful = np.array([taxonomy.LABELS[self.labels[label]].contaminant for _, label in looks])
        if harmful.all() or not harmful.any():
            return 0.0
        return float((chance[harmful] > np.quantile(chance[~harmful], 1 - LOOKS_FALSE_FLAGS)).mean())


class Pictures(Examples):
    """Augmented pictures, and closer looks at places on composites, harmful or not: (side, side, 3) and the index of the label."""

    side = 256
    """Of a composite."""

    def __init__(
        self, pictures: list[data.Picture], materials: composite.Materials, config: Any, proposed: Sequence[proposals.Look] = ()
    ) -> None:
        """
        Args:
            proposed: closer looks on clean photographs, a share ``config.proposed`` of all closer looks; without any, none are.
        """
        self.pictures, self.materials, self.config, self.proposed = pictures, materials, config, proposed
        self.surface = Augment(config.train_side, least_area=config.surface_area)
        self.subject = Augment(config.train_side, least_area=config.subject_area)
        self.look = Augment(config.train_side)
        self.augments = [self.surface, self.subject, self.look]
        self.seed(config.seed)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        if self.rng.random() < self.config.looks:
            proposed = self.proposed and self.rng.random() < self.config.proposed
            image, label = self._proposed() if proposed else self.look_somewhere(self.compose())
            return self.look(to_input(image, self.config.train_side).copy()), np.asarray(label)
        picture = self.pictures[i]
        augment = self.subject if taxonomy.LABELS[picture.label].contaminant else self.surface
        return augment(data.load(picture)), np.asarray(self.materials.index[picture.label])

    def _proposed(self) -> tuple[Image.Image, int]:
        path, label = self.proposed[int(self.rng.integers(len(self.proposed)))]
        with Image.open(path) as image:
            return image.convert("RGB"), self.materials.index[label]

    def compose(self) -> composite.Composite:
        """What is looked at."""
        return composite.compose(self.materials, self.rng, self.side, harmless=self.config.harmless)

    def look_somewhere(self, made: composite.Composite) -> tuple[Image.Image, int]:
        """A closer look at something pasted, harmful or not, or at plain ground; and the index of the label of what is there."""
        some = made.pasted and self.rng.random() >= GROUND_SHARE
        return self.look_at(made, made.pasted[int(self.rng.integers(len(made.pasted)))] if some else None)

    def look_at(self, made: composite.Composite, thing: composite.Pasted | None) -> tuple[Image.Image, int]:
        """The same at a given thing; None: at plain ground."""
        if thing:
            box, label = thing.box, self.materials.index[thing.label or made.surface]
        else:
            size = composite.length(self.rng, composite.LENGTHS)
            x, y = (int(v) for v in self.rng.integers(0, self.side - size, 2))
            box, label = Box(x, y, x + size, y + size), self.materials.index[made.surface]
        # Another surface may be there, or something harmful on a harmless thing.
        there = int(made.cells[(box.y0 + box.y1) // 2 // composite.STRIDE, (box.x0 + box.x1) // 2 // composite.STRIDE])
        label = label if there == composite.IGNORED else there
        # The finder's cells place a thing roughly.
        grown = [edge + int(self.rng.integers(0, composite.STRIDE)) * sign for edge, sign in zip(box, (-1, -1, 1, 1), strict=True)]
        part = decide.closer(Box(*grown), self.side, self.side)
        beside = [thing for thing in made.pasted if thing.label and thing.box.overlap(part) > thing.box.area / 2]
        if beside and not taxonomy.LABELS[list(self.materials.index)[label]].contaminant:
            label = self.materials.index[str(max(beside, key=lambda thing: thing.box.overlap(part)).label)]
        return Image.fromarray(made.pixels[part.y0 : part.y1, part.x0 : part.x1]), label


class Places:
    """Which cells of a photograph show contamination."""

    name = "finder"

    def __init__(self, config: Any, parts: data.Split, materials: composite.Materials, tested: composite.Materials | None) -> None:
        self.config, self.parts, self.materials, self.tested = config, parts, materials, tested

    def network(self) -> Finder:
        return Finder()

    def examples(self) -> Examples:
        return Composites(self.parts.train, self.materials, self.config)

    def loss(self, net: Any, pixels: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        # Quarters of composites: several small pictures are faster than a large one.
        n, side = pixels.shape[0], pixels.shape[1] // 2
        pixels = pixels.reshape(n, 2, side, 2, side, 3).transpose(2, 3).reshape(4 * n, side, side, 3)
        cells = side // composite.STRIDE
        target = target.reshape(n, 2, cells, 2, cells).transpose(2, 3).reshape(4 * n, cells, cells)
        logits = net(normalise(pixels).contiguous(memory_format=torch.channels_last)).float()
        harmful, clean = logits[target == 1], logits[target == 0]
        total = logits.sum() * 0
        if len(harmful):
            total = total + functional.softplus(-harmful).mean()
        if len(clean):
            alarms = functional.softplus(clean)
            total = total + alarms.mean() + alarms.topk(max(1, int(len(alarms) * self.config.hardest))).values.mean()
        return total

    def held_out(self, net: Any, device: str) -> dict[str, float]:
        """Share of things that are found, by length, on composites of the held-out sources."""
        assert self.tested is not None
        limit, scores, things = held_out_things(net, self.tested, self.config.seed, device)
        lengths, result = np.array([thing.length for _, thing in things]), {}
        for low, high in HELD_OUT_BANDS:
            if (inside := (lengths >= low) & (lengths < high)).any():
                result[f"found_{low}_{high}"] = round(float((scores[inside] > limit).mean()), 4)
        return result | {"score": round(float(np.mean(list(result.values()))), 4) if result else 0.0}


def held_out_things(
    net: Any, tested: composite.Materials, seed: int, device: str = "cpu"
) -> tuple[float, np.ndarray, list[tuple[int, composite.Pasted]]]:
    """What a finder says of things on composites of sources that it never saw.

    Returns:
        The logit that a share FLAGGED_CELLS of the clean cells exceeds; the highest logit at each harmful thing, shape (n,); and which
        composite each thing is on, and the thing.
    """
    made = [composite.compose(tested, np.random.default_rng((seed, k)), 256, across=composite.ACROSS) for k in range(HELD_OUT_COMPOSITES)]
    net.eval()
    logits = []
    with torch.inference_mode():
        for k in range(0, len(made), 8):
            pixels = torch.from_numpy(np.stack([c.pixels for c in made[k : k + 8]])).to(device)
            logits.append(net(normalise(pixels).contiguous(memory_format=torch.channels_last)).float().cpu().numpy())
    found = np.concatenate(logits)
    clean = found[np.stack([harm(c.cells, tested) for c in made]) == 0]
    things = [(k, thing) for k, c in enumerate(made) for thing in c.pasted if thing.label]
    scores = [found[k, t.box.y0 // 16 : -(-t.box.y1 // 16), t.box.x0 // 16 : -(-t.box.x1 // 16)].max() for k, t in things]
    return float(np.quantile(clean, 1 - FLAGGED_CELLS)), np.array(scores), things


def harm(cells: np.ndarray, materials: composite.Materials) -> np.ndarray:
    """1 where a cell's label is a contaminant, 0 where it is a surface, IGNORED where it has none."""
    harmful = np.array([int(taxonomy.LABELS[label].contaminant) for label in materials.index])
    result: np.ndarray = np.where(cells == composite.IGNORED, composite.IGNORED, harmful[np.maximum(cells, 0)])
    return result


class Composites(Examples):
    """Composites and mosaics: (256, 256, 3) and, for each cell, whether it shows contamination."""

    side = 256

    def __init__(self, pictures: list[data.Picture], materials: composite.Materials, config: Any) -> None:
        self.pictures, self.materials, self.config = pictures, materials, config
        self.drawn = data.sampling_weights(pictures).cumsum()
        self.camera = Augment(self.side)
        self.augments = [self.camera]
        self.seed(config.seed)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        if self.rng.random() < self.config.mosaics:
            others = np.searchsorted(self.drawn, self.rng.random(16) * self.drawn[-1])
            across = int(self.rng.choice((2, 4)))
            pictures = [self.pictures[k] for k in others[: across**2]]
            pixels, cells = composite.mosaic(pictures, self.materials.index, self.rng, self.side, across)
        else:
            made = composite.compose(self.materials, self.rng, self.side, harmless=self.config.harmless, across=composite.ACROSS)
            pixels, cells = made.pixels, made.cells
        return self.camera(pixels), harm(cells, self.materials)


class Inputs(Dataset[np.ndarray]):
    """Pictures as the shipped model sees them: uint8 arrays of shape (side, side, 3)."""

    def __init__(self, pictures: list[data.Picture], side: int) -> None:
        self.pictures, self.side = pictures, side

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_input(Image.fromarray(data.load(self.pictures[i])), self.side).copy()


@torch.inference_mode()
def outputs(net: Any, pictures: list[data.Picture], config: Any, device: str = "cpu") -> np.ndarray:
    """What ``net`` puts out for pictures as the shipped model sees them: float32, one row a picture."""
    net.eval()
    loader = DataLoader(Inputs(pictures, config.side), batch_size=32, num_workers=config.workers)
    rows = [net(normalise(batch.to(device)).contiguous(memory_format=torch.channels_last)).float().cpu() for batch in loader]
    return torch.cat(rows).numpy()


def make(
    name: str, folder: Path, parts: data.Split, labels: list[str], config: Any, kept: Path | None = None, finder: Path | None = None
) -> Task:
    """The task "classifier" or "finder", on a split of the manifest in ``folder``.

    Args:
        kept: where ``segment`` wrote more cutouts, if the settings ask for them, and where ``proposals`` writes.
        finder: for the classifier, ONNX file of what proposes places; None: none are.
    """
    more = composite.read_cutouts(folder, parts.train, kept / "cutouts") if kept and config.segmented else []
    materials = composite.Materials(parts.train, composite.read_cutouts(folder, parts.train), labels, more)
    tested = composite.Materials(parts.test, composite.read_cutouts(folder, parts.test), labels) if parts.test else None
    if name == "finder":
        return Places(config, parts, materials, tested)
    looks = proposals.write(finder, materials, kept / "proposed", config.seed, config.searched) if kept and finder else []
    return Classifier(config, parts, materials, tested, looks)
