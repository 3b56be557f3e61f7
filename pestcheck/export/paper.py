"""Paper to draw a record on: letter size, one family of fonts, tags for those who have it read to them.

fpdf2 tags pictures by itself. Headings and lines of text are tagged here in the same tree, in the order in which they are drawn; lines, boxes and
what stands on every page are marked as decoration. A character that the font lacks is printed as its number, so that nothing is lost silently.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont
from fpdf.prefs import ViewerPreferences

MARGIN, WIDTH, BOTTOM = 12.0, 191.9, 266.0
"""Millimetres: the margin at each side, what is between, and where a page ends."""
FACES = {"": "DejaVuSansCondensed.ttf", "B": "DejaVuSansCondensed-Bold.ttf"}
"""By style, plain and bold, in the folder ``fonts``."""
GREY, BLACK, WHITE = 90, 0, 255
COMMON = (*range(0x20, 0x250), *range(0x2010, 0x2040), *range(0x20A0, 0x20C0), *range(0x2190, 0x21A0))
"""Characters that most records do with: Latin, punctuation, currencies, arrows."""
LINE = 0.4
"""Height of a line of text, as a share of its size in points: 1.13 of it in millimetres."""


def _face(style: str) -> Path:
    return Path(__file__).with_name("fonts") / FACES[style]


@cache
def _read(style: str) -> TTFFont:
    """A face, read once: that takes longer than to print a page."""
    return TTFFont(FPDF(), _face(style), f"sans{style}", style)


def _font(style: str, number: int) -> TTFFont:
    """A face for one paper: what it tells of its characters is shared, which of them are used is not."""
    font = copy(_read(style))
    font.i, font.desc, font.missing_glyphs, font.subset = number, copy(font.desc), [], SubsetMap(font)
    return font


@cache
def _common(style: str) -> tuple[bytes, frozenset[str]]:
    """A face with no more than ``COMMON``, and the names of its glyphs: what a paper uses is cut out of it ten times faster."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    font = TTFont(_face(style), recalcTimestamp=False)
    options = Options(notdef_outline=True, recommended_glyphs=True, drop_tables=["FFTM", "GDEF", "GPOS", "GSUB", "MATH"])
    cutter = Subsetter(options)
    cutter.populate(unicodes=COMMON)
    cutter.subset(font)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue(), frozenset(font.getGlyphOrder())


def _to_cut(font: TTFFont, style: str) -> Any:
    """What the characters that a paper uses are cut out of; the cutting changes it."""
    from fontTools.ttLib import TTFont

    data, names = _common(style)
    file = io.BytesIO(data) if names.issuperset(font.subset.get_all_glyph_names()) else _face(style)
    return TTFont(file, recalcTimestamp=False, recalcBBoxes=False, lazy=True)  # else it would draw each character again to measure it


@cache
def _has() -> frozenset[str]:
    """The characters that can be shown, plain and bold."""
    return frozenset.intersection(*(frozenset(map(chr, _read(style).cmap)) for style in FACES)) | {"\n"}


class Paper(FPDF):
    """See the module. Positions are millimetres from the upper left corner."""

    def __init__(self, *, title: str, language: str, made: datetime, foot: str, page: str) -> None:
        """
        Args:
            made: the time that the file says it was made at; the same gives the same bytes.
            foot: at the foot of every page. page: beside it, with gaps {n} and {of}.
        """
        super().__init__(format="letter")
        self._foot, self._page = foot, page
        self.set_title(title)
        self.set_lang(language)
        self.set_creator("pestcheck")
        self.set_creation_date(made)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.set_margins(MARGIN, 10, MARGIN)
        self.set_auto_page_break(False)
        self.c_margin = 0
        self._faces = {style: _font(style, number) for number, style in enumerate(FACES, 1)}
        self.fonts.update({f"sans{style}": font for style, font in self._faces.items()})

    def finished(self) -> bytes:
        """The file, with the foot of each page, which says how many there are."""
        of = self.pages_count
        for number in range(1, of + 1):
            self.page = number
            self.set_font("sans", "", 6)  # of this page: fpdf2 remembers what it set on the last one
            with self.decoration():
                self._set(7, bold=False, grey=GREY)
                self._line(MARGIN, 270, WIDTH - 40, 4, self._printable(self._foot))
                self._line(MARGIN, 270, WIDTH, 4, self._page.format(n=number, of=of), align="R")
        return bytes(self.output())

    def output(self, *given: Any, **how: Any) -> Any:
        """See ``FPDF.output``, which cuts the fonts: this paper's own, never those that all share."""
        for style, font in self._faces.items():
            font.ttfont = _to_cut(font, style)
        return super().output(*given, **how)

    @contextmanager
    def tagged(self, kind: str, alt: str | None = None) -> Iterator[None]:
        """What is drawn within is one element of the text: H1, H2, P or Figure (ISO 32000-1, 14.8.4)."""
        number = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{kind}", mcid=number, alt_text=alt)
        self._out(f"/{kind} <</MCID {number}>> BDC")
        yield
        self._out("EMC")

    @contextmanager
    def decoration(self) -> Iterator[None]:
        """What is drawn within is not read out."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")

    def say(
        self, x: float, y: float, text: str, *, size: float = 8, bold: bool = False, grey: int = BLACK, width: float = WIDTH, lines: int = 1,
        align: str = "L", tag: str = "P",
    ) -> float:  # fmt: skip
        """Write text in at most so many lines of a width; what does not fit ends in "…".

        Returns:
            Where the next line would begin.
        """
        if not text:
            return y
        self._set(size, bold=bold, grey=grey)
        high, shown = size * LINE, self.wrapped(text, width)
        if len(shown) > lines:
            shown = [*shown[: lines - 1], self._cut(f"{shown[lines - 1]} {shown[lines]}", width)]
        with self.tagged(tag):
            for line in shown:
                self._line(x, y, width, high, line, align=align)
                y += high
        return y

    def height(self, text: str, width: float, size: float = 8, *, bold: bool = False) -> float:
        """How high a text will be."""
        self._set(size, bold=bold, grey=BLACK)
        return len(self.wrapped(text, width)) * size * LINE if text else 0.0

    def wrapped(self, text: str, width: float) -> list[str]:
        """A text as lines of a width, in the present font. Words that are longer than a line are broken."""
        made: list[str] = []
        for paragraph in self._printable(text).split("\n"):
            line = ""
            for word in paragraph.split():
                longer = f"{line} {word}" if line else word
                if self._wide(longer) <= width:
                    line = longer
                    continue
                if line:
                    made.append(line)
                while self._wide(word) > width and len(word) > 1:
                    fits = self._fits(word, width)
                    made.append(word[:fits])
                    word = word[fits:]
                line = word
            made.append(line)
        return made

    def rule(self, y: float, *, x: float = MARGIN, width: float = WIDTH, weight: float = 0.2) -> None:
        """A line across."""
        with self.decoration():
            self.set_draw_color(BLACK)
            self.set_line_width(weight)
            self.line(x, y, x + width, y)

    def frame(self, x: float, y: float, width: float, height: float, *, weight: float = 0.3, fill: int | None = None) -> None:
        """A box."""
        with self.decoration():
            self.set_draw_color(BLACK)
            self.set_line_width(weight)
            if fill is not None:
                self.set_fill_color(fill)
            self.rect(x, y, width, height, style="D" if fill is None else "DF")

    def picture(self, data: bytes, x: float, y: float, width: float, height: float, alt: str) -> None:
        """A JPEG picture."""
        self.image(io.BytesIO(data), x, y, width, height, alt_text=alt)

    def outline(self, x: float, y: float, width: float, height: float, number: str, *, dashed: bool = False) -> None:
        """A box upon a picture with its number, to be seen on light and dark, in colour or not."""
        with self.decoration():
            for colour, weight in ((WHITE, 0.9), (BLACK, 0.35)):
                self.set_draw_color(colour)
                self.set_line_width(weight)
                if dashed and colour == BLACK:
                    self.set_dash_pattern(1.2, 0.8)
                self.rect(x, y, width, height)
            self.set_dash_pattern()
            self._set(6.5, bold=True, grey=WHITE)
            wide = self._wide(number) + 1.2
            self.set_fill_color(BLACK)
            self.rect(x, y, wide, 3, style="F")
            self._line(x + 0.6, y, wide, 3, number)

    def code(self, text: str, x: float, y: float, side: float, alt: str) -> None:
        """A QR code (ISO/IEC 18004), level M."""
        import segno

        made: Any = segno
        rows = made.make(text, error="m", micro=False).matrix
        drawn = [f"{run.start()} {line} {len(run[0])} 1 re" for line, row in enumerate(rows) for run in re.finditer(b"\x01+", row)]
        one = side / len(rows) * self.k
        with self.tagged("Figure", alt):
            self.set_fill_color(BLACK)
            self._out(f"q {one:.5f} 0 0 {-one:.5f} {x * self.k:.2f} {(self.h - y) * self.k:.2f} cm {' '.join(drawn)} f Q")

    def _set(self, size: float, *, bold: bool, grey: int) -> None:
        self.set_font("sans", "B" if bold else "", size)
        self.set_text_color(grey)

    def _wide(self, text: str) -> float:
        """Width of a text in the present font: fpdf2's own copies all its state for each question."""
        widths = self._faces[self.font_style].cw
        return sum([widths[ord(sign)] for sign in text]) * self.font_size_pt * 0.001 / self.k

    def _line(self, x: float, y: float, width: float, height: float, text: str, *, align: str = "L") -> None:
        """A line of text in a box, in the present font."""
        if align != "L":
            x += (width - self._wide(text)) / (2 if align == "C" else 1)
        self.text(x, y + 0.5 * height + 0.3 * self.font_size, text)

    def _fits(self, text: str, width: float) -> int:
        """How many characters of a text go into a width, at least one."""
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._wide(text[:middle]) <= width else (low, middle - 1)
        return low

    def _cut(self, text: str, width: float) -> str:
        if self._wide(text) <= width:
            return text
        return text[: self._fits(text, width - self._wide("…"))].rstrip() + "…"

    def _printable(self, text: str) -> str:
        """The text, with the number of each character that the font lacks."""
        known = _has()
        if known.issuperset(text):
            return text
        return "".join(sign if sign in known else f"[U+{ord(sign):04X}]" for sign in text.replace("\t", " "))
