"""Train the reader of marks' lines on made-up ones (``training.stencils``), and write it as a folder of ``models/``.

A small fully convolutional network that says for each four pixels of a strip what stands there. The reader of the extra ``ocr`` knows clean
print; this one knows what wear, scratches and blur make of a stencil, and is one more look beside that one's.
"""

from __future__ import annotations

import copy
import json
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pestcheck.vision.lines import ALPHABET, HEIGHT, STEP
from pestcheck.vision.score import session
from training import data, stencils

CHANNELS = (24, 48, 96, 128)
BATCH = 64
RATE = 2e-3
SEQUENCES = 0.15
"""Share of the steps after which whole lines count (CTC, Graves et al. 2006), not only single steps: letters learn where they stand first."""
EMA = 0.998
EVERY = 100
"""Steps from checkpoint to checkpoint; at each fifth the network is tested on ``TESTED`` / 4 lines."""
PARITY = 1e-3
TESTED = 2048
"""Lines, in fonts of which none was trained on, that tell how often a whole line is right."""
TESTS_PAINT_ON = "thisissophiawang/Grass-vs-Wood-Texture-Detection"
"""The wood that ``tests.reading_rates`` paints marks on; nothing is written on it here."""


def surfaces(pictures: list[data.Picture]) -> list[Path]:
    """Pictures to write on: of clean surfaces, but for those that the tests paint marks on."""
    return [one.path for one in pictures if one.label.startswith("clean_") and one.source != TESTS_PAINT_ON]


class Network(nn.Module):
    """From strips (n, 1, HEIGHT, width) to logits (n, width / STEP, 1 + letters)."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = CHANNELS
        self.body = nn.Sequential(
            *_layer(1, a), nn.MaxPool2d(2), *_layer(a, b), nn.MaxPool2d(2), *_layer(b, c), *_layer(c, c), nn.MaxPool2d((2, 1)),
            *_layer(c, d), *_layer(d, d), *_layer(d, d, (HEIGHT // 8, 1), (0, 0)), *_layer(d, d, (1, 5), (0, 2)),
            nn.Dropout2d(0.1), *_layer(d, d, (1, 5), (0, 2)), nn.Conv2d(d, 1 + len(ALPHABET), 1),
        )  # fmt: skip

    def forward(self, strips: Tensor) -> Tensor:
        return self.body((strips - 0.5) * 4)[:, :, 0].transpose(1, 2)


def _layer(before: int, after: int, size: tuple[int, int] = (3, 3), padding: tuple[int, int] = (1, 1)) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, size, padding=padding, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)


def loss_of(logits: Tensor, steps: Tensor, *, whole: bool) -> Tensor:
    """Cross-entropy of the steps, and with ``whole`` the mean over letters of what whole lines cost."""
    single = functional.cross_entropy(logits.flatten(0, 1), steps.flatten(), ignore_index=stencils.NONE)
    if not whole:
        return single
    letters = steps > 0
    chances = logits.log_softmax(2).transpose(0, 1)
    lengths = torch.full((len(steps),), logits.shape[1])
    lines = functional.ctc_loss(chances, steps[letters], lengths, letters.sum(1), zero_infinity=True)
    return 0.2 * single + lines


def read(logits: Tensor) -> list[str]:
    """The likeliest letter of each step, those that repeat as one."""
    best = logits.argmax(2).tolist()
    return ["".join(ALPHABET[b - 1] for a, b in zip([0, *row], row, strict=False) if b and b != a) for row in best]


def written(steps: Tensor) -> list[str]:
    """What stands in lines, from their steps."""
    return ["".join(ALPHABET[step - 1] for step in row if step > 0) for row in steps.tolist()]


def train(backs: list[Path], folder: Path, out: Path, steps: int, workers: int, seed: int = 0) -> Network:
    """Train for some batches; goes on where ``out/checkpoint.pt`` stands.

    Args:
        backs: pictures to write on. folder: of fonts; each tenth is kept for the test.

    Returns:
        The mean of the last weights (EMA), in evaluation mode.

    Raises:
        FileNotFoundError: no fonts. SystemExit: the checkpoint is of a longer or shorter run.
    """
    every = stencils.fonts(folder)
    out.mkdir(parents=True, exist_ok=True)
    train_fonts, test_fonts = tuple(font for k, font in enumerate(every) if k % 10), every[::10]
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = Network().to(device, memory_format=torch.channels_last)
    mean = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1, pct_start=0.1)
    parts = {"network": network, "mean": mean, "optimiser": optimiser, "schedule": schedule}
    first, checkpoint = 0, out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        if state["steps"] != steps:
            raise SystemExit(
                f"{checkpoint} is of a run of {state['steps']} steps; go on with --steps {state['steps']}, or begin in another folder"
            )
        for name, part in parts.items():
            part.load_state_dict(state[name])
        first = state["step"]
    lines = stencils.Lines(backs, train_fonts, BATCH, seed + first)  # a run that goes on makes other lines
    batches = iter(torch.utils.data.DataLoader(lines, batch_size=None, num_workers=workers))
    started, losses = time.monotonic(), []
    for step in range(first, steps):
        strips, targets = (part.to(device) for part in next(batches))
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()):
            logits = network(strips.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), targets, whole=step >= SEQUENCES * steps)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        with torch.no_grad():  # while it learns most, the mean would lag behind: it begins after 200 steps
            for one, other in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
                one.copy_(one * EMA + other * (1 - EMA) if one.is_floating_point() and step > 200 else other)
        if (step + 1) % EVERY == 0:
            state = {name: part.state_dict() for name, part in parts.items()}
            torch.save(state | {"step": step + 1, "steps": steps}, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)  # a run that is killed while it writes keeps the one before
            entry = {"step": step + 1, "loss": round(float(np.mean(losses)), 4), "seconds": round(time.monotonic() - started)}
            if (step + 1) % (5 * EVERY) == 0:
                entry["lines right"] = round(share_right(mean, backs, test_fonts, TESTED // 4), 4)
            losses = []
            with (out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(entry) + "\n")
            print(entry, flush=True)
    return mean.cpu()


@torch.inference_mode()
def share_right(network: Network, backs: list[Path], test_fonts: tuple[Path, ...], count: int = TESTED) -> float:
    """Share of made-up lines that are read without a fault."""
    right = of = 0
    for strips, steps in stencils.Lines(backs, test_fonts, 32, 999):
        said = read(network(strips.to(next(network.parameters()).device)))
        right += sum(one == other for one, other in zip(said, written(steps), strict=True))
        of += len(said)
        if of >= count:
            return right / of
    raise AssertionError("lines end")


def export(network: Network, path: Path) -> float:
    """Write the network as ``pestcheck.vision.lines`` takes it: strips (1, 1, HEIGHT, width), 0 to 1, to probabilities.

    Returns:
        Largest difference of a probability between torch and ONNX Runtime.

    Raises:
        SystemExit: it is above 1e-3.
    """
    whole = nn.Sequential(network, nn.Softmax(2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole, (torch.zeros(1, 1, HEIGHT, 64),), str(path), dynamo=False, opset_version=18, input_names=["strips"],
            output_names=["steps"], dynamic_axes={"strips": {3: "width"}, "steps": {1: "steps"}},
        )  # fmt: skip
    strips = torch.rand(1, 1, HEIGHT, 300 // STEP * STEP, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = float(np.abs(whole(strips).numpy() - session(path, 1).run(None, {"strips": strips.numpy()})[0]).max())
    if not difference <= PARITY:  # also where it is NaN
        path.unlink()
        raise SystemExit(f"torch and ONNX Runtime differ by {difference:.2g}; the limit is {PARITY}. Nothing was written.")
    return difference
