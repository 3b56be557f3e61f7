"""The network that reads worn marks, as shipped, without the extra ``ocr``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pestcheck.vision import bundle, lines
from pestcheck.vision.text import characters_of
from tests.pictures import scenes, stencils


def painted(text: str, *, scratched: bool = False) -> Image.Image:
    """A line on wood; scratched: with a gap through all its letters, as a strap leaves one."""
    font = ImageFont.truetype(str(stencils.FOLDER / stencils.FONTS[4]), 40)
    image = scenes.floor(seed=3).crop((0, 0, int(font.getlength(text)) + 40, 64))
    ink = Image.new("L", image.size)
    ImageDraw.Draw(ink).text((20, 8), text, font=font, fill=235)
    if scratched:
        ImageDraw.Draw(ink).line((0, 36, image.width, 26), fill=0, width=3)
    image.paste((25, 25, 25), mask=ink)
    return image.filter(ImageFilter.GaussianBlur(1))


def said(view: Image.Image) -> str:
    read, _ = characters_of(lines.LineReader(lines.shipped(), 1).steps(view))
    return "".join(max(place, key=lambda letter: place[letter]) for place in read)


@pytest.mark.skipif(bool(stencils.missing_fonts()), reason="needs the fonts that make test installs")
@pytest.mark.parametrize("text", ["US-1234", "PL-68095", "DE-NB-4711", "HT", "VN-1100"])
@pytest.mark.parametrize("scratched", [False, True])
def test_it_reads_lines(text: str, scratched: bool) -> None:
    assert said(painted(text, scratched=scratched)) == text


@pytest.mark.parametrize("size", [(3, 200), (4000, 20), (1, 1)])
def test_a_view_of_any_shape_has_steps(size: tuple[int, int]) -> None:
    steps = lines.LineReader(lines.shipped(), 1).steps(Image.new("RGB", size, (120, 90, 60)))
    assert steps.shape[1] == 1 + len(lines.ALPHABET)
    assert np.allclose(steps.sum(axis=1), 1, atol=1e-4)


def test_an_installation_without_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "__file__", str(tmp_path / "pestcheck" / "vision" / "bundle.py"))
    with pytest.raises(FileNotFoundError, match="install pestcheck anew"):
        lines.shipped()
