"""``python -m tests.sizes``: how large an animal must be in a photograph to be found. Drawn surfaces, animals never trained on."""

from __future__ import annotations

from pestcheck.vision.decide import Verdict
from pestcheck.vision.scan import Scanner
from tests.pictures import scenes

LENGTHS = (25, 50, 75, 100, 150, 200, 300)
PLACES = ((0.35, 0.45), (0.7, 0.6))


def main() -> None:
    """Print a row a length: how many photographs of 1632 by 1224 pixels were called suspect, unsure, or nothing found."""
    scanner = Scanner()
    print(f"{'pixels':>6} {'suspect':>8} {'unsure':>8} {'missed':>8}   of {2 * len(PLACES) * len(scenes.ANIMALS)}")
    for length in LENGTHS:
        verdicts = []
        for animal in scenes.ANIMALS:
            for surface in (scenes.wall, scenes.floor):
                for x, y in PLACES:
                    picture = surface()
                    scenes.lay(picture, animal, x=x, y=y, length=length)
                    verdicts.append(scanner.scan(scenes.jpeg(picture))[0].verdict)
        counts = [verdicts.count(verdict) for verdict in (Verdict.SUSPECT, Verdict.UNSURE, Verdict.NOTHING_FOUND)]
        print(f"{length:>6} {counts[0]:>8} {counts[1]:>8} {counts[2]:>8}")


if __name__ == "__main__":
    main()
