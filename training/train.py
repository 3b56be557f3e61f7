"""Fine-tune a pretrained network on a manifest: one readable loop, resumable after every epoch."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch.utils.data import DataLoader, WeightedRandomSampler

from pestcheck import taxonomy
from pestcheck.vision import bundle
from training import composite, data, network, segment, tasks
from training.network import BACKBONE
from training.onnx_file import write_onnx

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
TASKS = ("finder", "classifier")


@dataclass(frozen=True)
class Config:
    """All that a run depends on besides its data. Sides are in pixels; ``pictures`` are drawn per epoch."""

    backbone: str = BACKBONE
    """Of the classifier: see ``network.classifier``."""
    frozen_stages: int = 3
    epochs: int = 10
    pictures: int = 4000
    batch: int = 32
    looks: float = 0.5
    """Share of closer looks at places on composites among what the classifier is trained on."""
    proposed: float = 0.4
    """Share of closer looks at what the finder proposes on clean photographs; the others go to things and to plain ground."""
    searched: int = 120
    """Clean photographs that are searched for them."""
    mosaics: float = 0.0
    """Share of mosaics of whole pictures among what the finder is trained on; the rest are composites."""
    segmented: int = 1
    """Whether things are also cut from close-ups (``training/segment.py``); 0: only the cutouts that come with the manifest."""
    harmless: float = composite.HARMLESS
    """Harmless things on composites; 0: none, and whatever was pasted is harmful."""
    hardest: float = 0.05
    """Share of the clean cells, those that look most like contamination, which count again in the finder's loss: a photograph has
    thousands of clean cells, and a handful of them decides whether it is flagged."""
    learning_rate: float = 8e-4
    backbone_rate: float = 0.4
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    warmup_steps: int = 100
    ema_decay: float = 0.995
    train_side: int = 192
    """Of the classifier's pictures. Smaller than at inference: random crops make subjects look larger in training (Touvron et al.
    2019, FixRes)."""
    side: int = 224
    surface_area: float = 0.06
    subject_area: float = 0.25
    workers: int = 1
    seed: int = 20261124


FINDER = {
    "frozen_stages": 2, "epochs": 4, "pictures": 2400, "batch": 4, "learning_rate": 1.5e-3, "backbone_rate": 0.5,
    "segmented": 0,
}  # fmt: skip
"""Where the finder's settings differ."""
BEFORE = {"mosaics": 1.0}
"""Settings of a finder that never saw a composite, only whole pictures: what composites give is measured against it."""


def configured(task: str, settings: Sequence[str] = ()) -> Config:
    """The settings of a task, some of them changed by "NAME=VALUE".

    Raises:
        SystemExit: there is no such task or setting, or the value is none for it.
    """
    if task not in TASKS:
        raise SystemExit(f"{task!r} is no task; there are {' and '.join(TASKS)}")
    config = replace(Config(), **FINDER) if task == "finder" else Config()
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in asdict(config):
            raise SystemExit(f"{setting!r}: there is no setting {name!r}; there are {', '.join(asdict(config))}")
        try:
            if not value:
                raise ValueError
            config = replace(config, **{name: type(getattr(config, name))(value)})
        except ValueError as error:
            raise SystemExit(f"{setting!r}: {value!r} is no value for {name}, which is {getattr(config, name)!r} by default") from error
    return config


def _seed_worker(_: int) -> None:
    """Give each worker, in each epoch, a random stream of its own."""
    info = torch.utils.data.get_worker_info()
    assert info is not None
    info.dataset.seed(info.seed)


def fit(
    folder: Path,
    pictures: list[data.Picture],
    fold: str | None,
    run: Path,
    name: str,
    config: Config,
    kept: Path | None = None,
    finder: Path | None = None,
) -> None:
    """Train the classifier or the finder on all sources but the fold's and write a network for each epoch, and a log, to ``run``.

    Goes on where an earlier call stopped. Uses a GPU where there is one, in mixed precision; under ``torchrun`` all processes share
    each batch. The networks written are moving averages of the weights. With a fold, the log says how good each was on its sources
    (see ``best_epoch``).

    Args:
        folder: of the manifest, for its cutouts. kept: where what several runs need is written once (see ``segment`` and
            ``proposals``); None: ``run/../..``.
        finder: for the classifier, a model folder whose finders propose places; None: that in ``kept/finder`` for the same fold.

    Raises:
        SystemExit: ``run`` holds a checkpoint of other settings, or there is no finder for the classifier.
    """
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    gpu = torch.cuda.is_available()
    device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if gpu else "cpu"
    if world > 1 and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if gpu else "gloo")
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    parts = data.split(pictures, fold)
    carried = {p.label for p in parts.train}
    labels = [label for label in taxonomy.LABELS if label in carried]
    kept = kept or run.parents[1]
    if config.segmented:
        segment.write(folder, data.split(pictures, None).train, kept / "cutouts")
    proposing = name == "classifier" and config.looks and config.proposed
    proposer = _proposer(kept, fold, finder) if proposing else None
    task = tasks.make(name, folder, parts, labels, config, kept, proposer)

    net = task.network().to(device, memory_format=torch.channels_last)
    frozen = network.freeze(net, config.frozen_stages)
    ema = timm.utils.ModelEmaV3(net, decay=config.ema_decay, use_warmup=True)
    head = list((net.head if name == "finder" else net.get_classifier()).parameters())
    others = [p for p in net.parameters() if p.requires_grad and not any(p is q for q in head)]
    optimiser = torch.optim.AdamW([
        {"params": others, "lr": config.learning_rate * config.backbone_rate},
        {"params": head, "lr": config.learning_rate},  # in an order that is the same when the run is resumed
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

    shared = torch.nn.parallel.DistributedDataParallel(net) if world > 1 else net
    members = task.examples()
    weights = torch.from_numpy(data.sampling_weights(parts.train))
    for epoch in range(first, config.epochs):
        # Anew for each epoch and process, so that a resumed run goes the same way as one that was never stopped.
        seed = config.seed + epoch + 1000 * rank
        torch.manual_seed(seed)
        members.seed(seed)
        generator = torch.Generator().manual_seed(seed)
        sampler = WeightedRandomSampler(weights, config.pictures // world, replacement=True, generator=generator)  # type: ignore[arg-type]
        loader = DataLoader(
            members, config.batch // world, sampler=sampler, num_workers=config.workers, drop_last=True,
            worker_init_fn=_seed_worker, generator=generator,
        )  # fmt: skip
        started, losses = time.monotonic(), []
        net.train()
        for part in frozen:
            part.eval()
        for step, (pixels, target) in enumerate(loader):
            with torch.autocast("cuda", torch.bfloat16, enabled=gpu):
                loss = task.loss(shared, pixels.to(device), target.to(device))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            ema.update(net, step=epoch * steps + step)
            losses.append(loss.item())
        if rank:
            continue
        line: dict[str, Any] = {"epoch": epoch, "loss": round(float(np.mean(losses)), 4), "seconds": round(time.monotonic() - started)}
        if parts.test:
            line |= task.held_out(ema.module, device)
        with (run / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(name, fold or "all", line, flush=True)
        _save({"net": ema.module.state_dict(), "labels": labels, "config": asdict(config)}, run / f"epoch-{epoch}.pt")
        _save({
            "net": net.state_dict(), "ema": ema.module.state_dict(), "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(), "labels": labels, "config": asdict(config), "epoch": epoch,
        }, run / CHECKPOINT)  # fmt: skip
    if world > 1:
        torch.distributed.barrier()  # the classifier needs the finder, which only the first process writes


def _proposer(kept: Path, fold: str | None, finder: Path | None) -> Path:
    """The ONNX file of the finder that never saw the fold."""
    if finder:
        path = finder / (f"folds/{fold}" if fold else "") / bundle.FINDER
        if not path.is_file():
            raise SystemExit(f"{path} is not there; name a model folder with its folds")
        return path
    run = kept / "finder" / (fold or "all")
    try:
        net, labels, _ = load(run, "finder", last_epoch(run))
    except SystemExit as error:
        raise SystemExit(
            f"the classifier learns from what the finder proposes: {error}, name a model with --finder, or say --setting proposed=0"
        ) from error
    path = kept / "proposed" / f"{run.name}.onnx"
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")  # of several processes
    write_onnx(net, labels, part)
    os.replace(part, path)
    return path


def _save(state: dict[str, Any], path: Path) -> None:
    """Replace ``path`` at once, so that a killed run leaves a whole checkpoint."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def best_epoch(runs: Sequence[Path]) -> int:
    """The epoch whose networks were best on the held-out sources of the given runs, on average: where training should have stopped.

    A network is judged only by an epoch that was chosen on the sources of other folds.

    Raises:
        SystemExit: a run has no log, or is not finished.
    """
    scores = []
    for run in runs:
        try:
            lines = [json.loads(line) for line in (run / LOG).read_text("utf-8").splitlines()]
        except FileNotFoundError as error:
            raise SystemExit(f"{run / LOG} is not there. {_how(run)}") from error
        scores.append({line["epoch"]: line["score"] for line in lines})
    common = set.intersection(*(set(score) for score in scores))
    return max(sorted(common), key=lambda epoch: sum(score[epoch] for score in scores))


def last_epoch(run: Path) -> int:
    """The last epoch that a run has finished.

    Raises:
        SystemExit: it has none.
    """
    epochs = [int(path.stem.partition("-")[2]) for path in run.glob("epoch-*.pt")]
    if not epochs:
        raise SystemExit(f"{run} holds no network. {_how(run)}")
    return max(epochs)


def load(run: Path, name: str, epoch: int) -> tuple[Any, list[str], Config]:
    """The network of a run after an epoch, ready for inference, with its labels and settings.

    Raises:
        SystemExit: there is none.
    """
    path = run / f"epoch-{epoch}.pt"
    if not path.exists():
        raise SystemExit(f"{path} is not there. {_how(run)}")
    state = torch.load(path, map_location="cpu", weights_only=True)
    config = Config(**state["config"])
    if name == "finder":
        net = network.Finder(pretrained=False)
    else:
        net = network.classifier(len(state["labels"]), config.backbone, pretrained=False)
    net.load_state_dict(state["net"])
    return net.eval(), state["labels"], config


def _how(run: Path) -> str:
    return f"Train first: python -m training fit --data DATA --out {run.parents[2]}"
