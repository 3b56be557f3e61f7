"""From a photograph to the lines of writing in it. Needs the extra ``ocr``, which brings its two models; nothing is fetched.

The detector (PP-OCR, as packed by rapidocr) marks where writing is, whichever way it runs. Which way is up it does not say, and
letters painted one below the other its recogniser cannot read. So each mark is looked at with the photograph turned by every quarter:
wide marks are read as they are, tall ones are taken apart and their letters laid side by side.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pestcheck.vision.agree import Steps
from pestcheck.vision.lines import ALPHABET, LineReader, shipped
from pestcheck.vision.stack import laid_out

Points = NDArray[np.float64]
"""Four corners of a mark: left top, right top, right bottom, left bottom, in pixels; shape (4, 2)."""

LONG_SIDE = 2400
"""Larger photographs are made smaller to this."""
SIDES = (640, 1280, 960)
"""Longer sides at which the photograph is searched: the detector misses letters that are too large for it as well as too small ones."""
MOST_LARGER = 4.0
"""Small pictures are enlarged for the search, at most fourfold."""
HEIGHT = 48
"""Of the strips that the recogniser takes, in pixels."""
LEAST = 1e-4
"""Probability below which a character is not kept as one that it may be."""
Way = tuple[float, float, float]
"""How to look at a line: how much more of what is above and below it, how stretched, how blurred (in strip pixels)."""
LOOKS: tuple[Way, ...] = ((1.15, 1.0, 0.0), (0.95, 1.2, 0.7), (1.05, 0.85, 1.2))
"""More looks at a line of which a character is in doubt."""
WORN_LOOKS: tuple[Way, ...] = ((1.0, 1.0, 0.0), (1.15, 1.0, 0.0), (1.3, 1.0, 0.0))
"""Looks at a line that may be worn, each by the network that learned from such writing only, and the first by this reader, too."""
UNDER = ((0.05, 1.15, 1.2), (0.2, 1.45, 1.5))
"""Windows below a line: from where to where, and how far to each side of its middle, in heights of the line."""
THREADS = 2


class TextError(RuntimeError):
    """The extra is not installed; the message says how to install it."""


_Read = tuple[tuple[dict[str, float], ...], tuple[float, ...]]
"""The characters of a line, and where they stand, in shares of its width."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of writing as read.

    ``characters``: for each place what may stand there, with probabilities (from 1e-4 up, not adding up to 1).
    ``points``: its corners in pixels of the photograph as turned by ``quarters`` (counter-clockwise), in which it reads left to right
    or, where ``stacked``, from above down.
    """

    characters: tuple[Mapping[str, float], ...]
    points: Points
    quarters: int
    stacked: bool = False

    @property
    def text(self) -> str:
        """The likeliest reading."""
        return "".join(max(place, key=lambda character: place[character]) for place in self.characters)

    @property
    def confidence(self) -> float:
        """Geometric mean of the probabilities of that reading, 0 to 1; 0 for an empty line."""
        return _confidence(self.characters)


class TextReader:
    """Both models, loaded once. One object may be used by one thread at a time."""

    def __init__(self) -> None:
        if importlib.util.find_spec("rapidocr") is None:
            raise TextError("reading numbers needs more packages (rapidocr is missing): pip install 'pestcheck[ocr]'")
        import onnxruntime
        import rapidocr

        threads = {"EngineConfig.onnxruntime.intra_op_num_threads": THREADS}
        alone = {"Global.use_cls": False, "Global.use_rec": False, "Global.log_level": "critical"}
        search = {"Det.limit_type": "max", "Det.limit_side_len": 2000, "Det.thresh": 0.2, "Det.box_thresh": 0.3}
        self._detector: Any = rapidocr.RapidOCR(params={**threads, **alone, **search})
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work may need the cores
        model = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_rec_small.onnx"
        self._recogniser: Any = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._worn = LineReader(shipped(), THREADS)
        self._input = self._recogniser.get_inputs()[0].name
        listed = self._recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
        # The first output is "nothing here"; a letter has one output as capital and one as small letter.
        places = {character: place for place, character in enumerate(listed, 1)}
        self._outputs = [sorted({places[c] for c in (letter, letter.lower()) if c in places}) for letter in ALPHABET]

    def frames(self, image: Image.Image, *, marks: bool = True, clear: Image.Image | None = None) -> Iterator[list[Line]]:
        """The lines of an upright RGB image of any size, again for each size it is searched at and each quarter it may be turned by.

        Nearly everything in the wrong frames is nonsense of low confidence; stop when what was looked for is found.
        Points are in pixels of the image given, turned.

        Args:
            marks: whether to look, round what may be a mark's number, for its country and its treatment, which takes time.
            clear: the same image in which writing may be clearer, for all sizes but one.
        """
        smaller = min(1.0, LONG_SIDE / max(image.size))
        for side in SIDES:
            given = clear if clear and side != SIDES[1] else image
            seen = given if smaller == 1 else given.resize(_times(image.size, smaller), Image.Resampling.LANCZOS)
            even = _evened(seen)
            # The last time the letters too are read in the evened picture: another look at those that are faint.
            turned = [(even if side == SIDES[-1] else seen).rotate(90 * quarters, expand=True) for quarters in range(4)]
            found = self._marks(even, min(MOST_LARGER, side / max(seen.size)))
            for quarters in (0, 1, 3, 2):
                places = [_turned(mark, seen.size, quarters) for mark in found]
                lines = self._lines(turned[quarters], places, quarters, marks=marks)
                yield [replace(line, points=line.points / smaller) for line in lines if line.characters]

    def places(self, image: Image.Image) -> list[Points]:
        """Where writing is in an RGB image of any size, whatever it says, searched at two sizes; in its pixels."""
        return [mark for side in SIDES[:2] for mark in self._marks(image, min(MOST_LARGER, side / max(image.size)))]

    def again(self, image: Image.Image, line: Line) -> list[tuple[Line, Steps]]:
        """A line of ``frames`` of the same image as each look of ``WORN_LOOKS`` reads it, and the probabilities (steps, 1 + ``ALPHABET``)."""
        views = _looks(image.rotate(90 * line.quarters, expand=True), line.points, line.stacked, WORN_LOOKS)
        looks = [self._steps(views[:1])[0][0], *(self._worn.steps(view) for view in views)]
        return [(replace(line, characters=characters_of(steps)[0]), steps) for steps in looks]

    def _marks(self, image: Image.Image, larger: float) -> list[Points]:
        """Where writing is, found in the picture enlarged by a factor; in pixels of the picture."""
        size = _times(image.size, larger)
        rim = 32  # so that writing at the edge is found too, and a picture of any shape has a size that the detector takes
        padded = Image.new("RGB", (size[0] + 2 * rim, size[1] + 2 * rim), (128, 128, 128))
        padded.paste(image.resize(size, Image.Resampling.BICUBIC), (rim, rim))
        result = self._detector(np.asarray(padded)[:, :, ::-1])
        return [] if result.boxes is None else [(np.asarray(box, np.float64) - rim) / larger for box in result.boxes]

    def _lines(self, image: Image.Image, found: list[Points], quarters: int, *, marks: bool) -> list[Line]:
        """Wide marks and rows of them, then tall ones and columns of them. Where a number seems to lack its end, also with what follows."""
        rows = [row for row in _chains(found, along=0) if _width(row) > 0.6 * _height(row)]
        columns = [column for column in _chains(found, along=1) if _height(column) > 2.2 * _width(column)]
        lines = []
        for stacked, places in ((False, rows), (True, columns)):
            views = [_view(image, points, stacked) for points in places]
            read = self._read(views)
            again = [place for place, (characters, _) in enumerate(read) if 5 <= len(characters) <= 12 and _digits(characters) >= 4]
            around = [place for place, (characters, _) in enumerate(read) if 3 <= _digits(characters) <= len(characters) <= 14]
            places = places + [_longer(places[place], stacked) for place in again]
            if marks and not stacked:
                places += [look for place in around for look in (_earlier(places[place]), *_under(places[place]))]
            longer = [_view(image, points, stacked) for points in places[len(views) :]]
            views, read = views + longer, read + self._read(longer)
            read = self._agreed(image, places, stacked, read)
            for points, view, (characters, at) in zip(places, views, read, strict=True):
                lines.append(Line(characters, points, quarters, stacked))
                if len(characters) in (6, 10) and _digits(characters[-6:]) >= 5 and (last := self._last(view, at)):
                    lines.append(Line((*characters, last), points, quarters, stacked))
        return lines

    def _agreed(self, image: Image.Image, places: list[Points], stacked: bool, read: list[_Read]) -> list[_Read]:
        """What was read, and where a character of a likely number is in doubt, the mean of that and of more looks with as many."""
        again = [place for place, (characters, _) in enumerate(read) if _doubtful(characters)]
        looks = self._read([look for place in again for look in _looks(image, places[place], stacked, LOOKS)])
        agreed = list(read)
        for number, place in enumerate(again):
            characters, at = read[place]
            same = [look for look, _ in looks[number * len(LOOKS) :][: len(LOOKS)] if len(look) == len(characters)]
            agreed[place] = tuple(_mean(seen) for seen in zip(characters, *same, strict=True)), at
        return agreed

    def _last(self, view: Image.Image, at: tuple[float, ...]) -> dict[str, float]:
        """The character after those ``at`` these shares of the width, from looks through a window of the size of a letter.

        The recogniser passes over a check digit in a box, and the window leaves out most of the box.
        """
        pitch = float(np.median(np.diff(at))) * view.width
        middle, looks = view.height / 2, []
        for step in np.arange(0.9, 3.1, 0.2):
            centre = at[-1] * view.width + step * pitch
            for broad, high in ((1.0, 1.5), (1.2, 1.9)):
                window = (centre - broad * pitch / 2, middle - high * pitch / 2, centre + broad * pitch / 2, middle + high * pitch / 2)
                if window[2] < view.width:
                    looks.append(
                        view.resize((max(16, round(HEIGHT * broad / high)), HEIGHT), Image.Resampling.BICUBIC, _inside(window, view.size))
                    )
        return _mean([characters[0] for characters, _ in self._read(looks) if len(characters) == 1])

    def _read(self, views: list[Image.Image]) -> list[_Read]:
        """The characters of each line made straight, and where they stand, in shares of its width."""
        read = []
        for steps, share in self._steps(views):
            characters, at = characters_of(steps)
            read.append((characters, tuple((step + 0.5) / len(steps) * share for step in at)))
        return read

    def _steps(self, views: list[Image.Image]) -> list[tuple[Steps, float]]:
        """What the recogniser sees of each line, and how many of its widths the steps go over. Lines of about one length go together."""
        strips = [_strip(view) for view in views]
        seen: dict[int, tuple[Steps, float]] = {}
        order = sorted(range(len(strips)), key=lambda place: strips[place].width)
        for start in range(0, len(order), 8):
            batch = order[start : start + 8]
            width = max(64, strips[batch[-1]].width)
            pixels = np.zeros((len(batch), 3, HEIGHT, width), np.float32)
            for row, place in enumerate(batch):
                blue_first = np.asarray(strips[place], np.float32)[:, :, ::-1]
                pixels[row, :, :, : strips[place].width] = blue_first.transpose(2, 0, 1) / 127.5 - 1
            for place, outputs in zip(batch, self._recogniser.run(None, {self._input: pixels})[0], strict=True):
                letters = [outputs[:, of_letter].max(axis=1) for of_letter in self._outputs]
                steps = np.stack([outputs[:, 0], *letters], axis=1)
                # Of all that the model knows, only the alphabet and "nothing" count: what it takes for 口 goes to the likeliest of these.
                seen[place] = steps / steps.sum(axis=1, keepdims=True), width / strips[place].width
        return [seen[place] for place in range(len(strips))]


def characters_of(steps: Steps) -> tuple[tuple[dict[str, float], ...], tuple[int, ...]]:
    """From the probabilities of each step to characters and their steps: equal neighbours are one."""
    best, wanted = steps.argmax(axis=1) - 1, steps[:, 1:]
    edges = [0, *(place for place, (a, b) in enumerate(pairwise(best), 1) if a != b), len(best)]
    found, at = [], []
    for start, end in pairwise(edges):
        if best[start] >= 0:
            # A step between two characters holds a bit of each; the likeliest step of the run is the clearest view.
            at.append(start + int(wanted[start:end, best[start]].argmax()))
            found.append({ALPHABET[place]: float(p) for place, p in enumerate(wanted[at[-1]]) if p >= LEAST})
    return tuple(found), tuple(at)


def _confidence(characters: Sequence[Mapping[str, float]]) -> float:
    return math.exp(sum(math.log(max(place.values())) for place in characters) / len(characters)) if characters else 0.0


def _doubtful(characters: Sequence[Mapping[str, float]]) -> bool:
    """Whether more looks may help: some character of what may be a number, or the letters before one, is not clear, and most are."""
    likely = (len(characters) == 4 and _digits(characters) <= 1) or (len(characters) <= 14 and _digits(characters) >= 4)
    return likely and min(max(place.values()) for place in characters) < 0.9 and _confidence(characters) >= 0.55


def _mean(seen: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """One place in several looks; empty if there was none."""
    characters = {character: None for place in seen for character in place}  # in a fixed order
    mean = {character: sum(place.get(character, 0.0) for place in seen) / len(seen) for character in characters}
    return {character: probability for character, probability in mean.items() if probability >= LEAST}


def _looks(image: Image.Image, points: Points, stacked: bool, ways: Sequence[Way]) -> list[Image.Image]:
    """The line again in other ways, which fool the recogniser in others."""
    views = []
    for across, along, blur in ways:
        more = (across - 1) / 2
        beside = points[[1, 0, 3, 2]] if stacked else points[[3, 2, 1, 0]]
        view = _view(image, points + more * (points - beside), stacked)
        width = max(16, round(HEIGHT * along * view.width / view.height))
        views.append(view.resize((width, HEIGHT), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(blur)))
    return views


def _width(points: Points) -> float:
    return float(np.hypot(*(points[1] - points[0])) + np.hypot(*(points[2] - points[3]))) / 2


def _height(points: Points) -> float:
    return float(np.hypot(*(points[3] - points[0])) + np.hypot(*(points[2] - points[1]))) / 2


def _turned(points: Points, size: tuple[int, int], quarters: int) -> Points:
    """The corners in the picture turned counter-clockwise, in the order of ``Points`` there."""
    for _ in range(quarters):
        points = np.stack([points[:, 1], size[0] - points[:, 0]], axis=1)
        points, size = np.roll(points, -1, axis=0), (size[1], size[0])
    return points


def _evened(image: Image.Image) -> Image.Image:
    """Without colour, and as bright and as rich in contrast everywhere: the detector takes light and ribs for the edge of writing."""
    grey = image.convert("L")
    around = np.asarray(grey.filter(ImageFilter.BoxBlur(max(image.size) / 12)), np.float32)
    above = np.asarray(grey, np.float32) - around
    pixels = np.clip(128 + above * (40 / max(float(above.std()), 1.0)), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).convert("RGB")


def _times(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _chains(marks: list[Points], along: int) -> list[Points]:
    """The marks, and as one those that follow each other in a row (``along`` 0) or in a column (1)."""
    left = sorted(marks, key=lambda mark: float(mark[:, along].mean()))
    chains = []
    while left:
        chain = [left.pop(0)]
        while (place := next((place for place, mark in enumerate(left) if _goes_on(chain, mark, along)), None)) is not None:
            chain.append(left.pop(place))
        chains.append(chain)
    return [*marks, *(_union(chain, along) for chain in chains if len(chain) > 1)]


def _goes_on(chain: list[Points], mark: Points, along: int) -> bool:
    """Whether the mark, of about the size of the last one, stands less than three letters after it in line with the chain."""
    across = _height if along == 0 else _width
    last = chain[-1]
    size, other = max(across(part) for part in chain), across(mark)
    # A letter I is much narrower than the others of its column; in a row all are of one height.
    if not (0.6 if along == 0 else 0.2) * size < other < 1.7 * size:
        return False
    gap = float(mark[:, along].min() - last[:, along].max())
    before, after = last.mean(axis=0), mark.mean(axis=0)
    direction = _direction(chain, along)
    off = (after - before)[1 - along] * direction[along] - (after - before)[along] * direction[1 - along]
    return -0.5 * size < gap < 3.0 * size and abs(float(off)) < 0.5 * size


def _direction(chain: list[Points], along: int) -> NDArray[np.float64]:
    """Which way the writing runs, as a vector of length 1. Of single letters the shape does not tell."""
    first, last = chain[0], chain[-1]
    straight = np.array([1.0, 0.0] if along == 0 else [0.0, 1.0])
    if len(chain) > 1:
        way = last.mean(axis=0) - first.mean(axis=0)
    elif along == 0 and _width(first) > 2 * _height(first):
        way = first[1] - first[0] + first[2] - first[3]
    elif along == 1 and _height(first) > 2 * _width(first):
        way = first[3] - first[0] + first[2] - first[1]
    else:
        return straight
    length = float(np.hypot(*way))
    return way / length if length and way @ straight > 0.8 * length else straight


def _union(chain: list[Points], along: int) -> Points:
    """The smallest upright or slanting box round all marks of a chain."""
    way = _direction(chain, along)
    down = np.array([-way[1], way[0]]) if along == 0 else np.array([way[1], -way[0]])  # across it: downwards, or to the right
    points = np.concatenate(chain)
    on, off = points @ way, points @ down
    corners = ((on.min(), off.min()), (on.max(), off.min()), (on.max(), off.max()), (on.min(), off.max()))
    box = np.array([a * way + b * down for a, b in corners])
    return box if along == 0 else box[[0, 3, 2, 1]]


def _longer(points: Points, stacked: bool) -> Points:
    """With room for a check digit after it, which in its box is often not taken for writing."""
    left_top, right_top, right_bottom, left_bottom = points
    if stacked:
        more = 2.6 * _width(points) / max(_height(points), 1e-6)
        return np.stack(
            [left_top, right_top, right_bottom + more * (right_bottom - right_top), left_bottom + more * (left_bottom - left_top)]
        )
    more = 1.8 * _height(points) / max(_width(points), 1e-6)
    return np.stack([left_top, right_top + more * (right_top - left_top), right_bottom + more * (right_bottom - left_bottom), left_bottom])


def _earlier(points: Points) -> Points:
    """With room for two letters and a hyphen before it: of a mark's country the detector loses the trace on rough wood."""
    left_top, right_top, right_bottom, left_bottom = points
    more = 2.6 * _height(points) / max(_width(points), 1e-6)
    return np.stack([left_top + more * (left_top - right_top), right_top, right_bottom, left_bottom + more * (left_bottom - right_bottom)])


def _under(points: Points) -> list[Points]:
    """Below the middle of a line, where a mark has its treatment code, which is short and easily missed."""
    along, down = (points[1] - points[0]) / max(_width(points), 1e-6), points[3] - points[0]
    top = points[[3, 2]].mean(axis=0)
    return [
        np.stack([
            top + first * down - wide * _height(points) * along, top + first * down + wide * _height(points) * along,
            top + last * down + wide * _height(points) * along, top + last * down - wide * _height(points) * along,
        ])
        for first, last, wide in UNDER
    ]  # fmt: skip


def _digits(characters: Sequence[Mapping[str, float]]) -> int:
    return sum(max(place, key=lambda character: place[character]).isdigit() for place in characters)


def _inside(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    return max(0.0, box[0]), max(0.0, box[1]), min(float(size[0]), box[2]), min(float(size[1]), box[3])


def _view(image: Image.Image, points: Points, stacked: bool) -> Image.Image:
    """A line made straight, its letters side by side."""
    return laid_out(_cut(image, points)) if stacked else _cut(image, points)


def _cut(image: Image.Image, points: Points) -> Image.Image:
    """What is between the corners, made straight; at its own size."""
    size = max(4, round(_width(points))), max(4, round(_height(points)))
    left_top, right_top, right_bottom, left_bottom = (tuple(map(float, point)) for point in points)
    return image.transform(
        size,
        Image.Transform.QUAD,
        (*left_top, *left_bottom, *right_bottom, *right_top),
        Image.Resampling.BICUBIC,
        fillcolor=(114, 114, 114),
    )


def _strip(cut: Image.Image) -> Image.Image:
    """A line as the recogniser takes it, ``HEIGHT`` pixels high."""
    return cut.resize((min(1600, max(16, round(cut.width * HEIGHT / cut.height))), HEIGHT), Image.Resampling.BICUBIC)
