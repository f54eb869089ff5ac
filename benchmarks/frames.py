"""Are pictures taken for copies because they are framed alike, and copies that were framed found?

Different pictures are put in frames of one kind and compared with one another, and then with the
same pictures as they were. Pairs are those within the largest radius that an audit proposes.
"""

from collections.abc import Callable

import common
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pool import build, load

from fastphash.chance import MOST_RADIUS
from fastphash.hashing import hash_orientations
from fastphash.joins import Index, Matches, concatenated, matches
from fastphash.likeness import similarity
from fastphash.thumbnail import both_thumbnails
from fastphash.words import MIN_SCORE

Frame = Callable[[Image.Image], Image.Image]
Hashed = tuple[NDArray[np.uint8], Index]

_SIDE = 200


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    made = build(arguments.photos, arguments.count, 0)
    pictures = [
        window.cut(load(made.sources[source])).convert("L").resize((_SIDE, _SIDE))
        for source, window in made.originals
    ]
    plain = hashed(pictures)
    rows = []
    for name, frame in frames().items():
        framed = hashed([frame(picture) for picture in pictures])
        found, score = looked_at(framed, framed)
        apart = found.left < found.right
        back, again = looked_at(framed, plain)
        own = back.left == back.right
        rows.append(
            (
                name,
                f"{apart.sum():,}",
                f"{(score[apart] >= MIN_SCORE).sum():,}",
                f"{own.sum():,}",
                f"{(again[own] >= MIN_SCORE).sum():,}",
            )
        )
    header = f"{len(pictures):,} different pictures"
    common.table((header, "pairs", "called copies", "framed copies", "found"), rows)


def frames() -> dict[str, Frame]:
    return {
        "as they are": lambda picture: picture,
        "white border, 5 %": bordered(10, 10, 255),
        "black border, 5 %": bordered(10, 10, 0),
        "white border, 10 %": bordered(20, 20, 255),
        "grey border, 10 %": bordered(20, 20, 128),
        "bars above and below, 8 %": bordered(0, 16, 0),
        "bars above and below, 12 %": bordered(0, 24, 0),
        "bars left and right, 10 %": bordered(20, 0, 0),
    }


def bordered(across: int, down: int, level: int) -> Frame:
    def frame(picture: Image.Image) -> Image.Image:
        return ImageOps.expand(picture, (across, down), level)

    return frame


def hashed(pictures: list[Image.Image]) -> Hashed:
    both = np.stack([both_thumbnails(np.asarray(picture)) for picture in pictures])
    return both[:, 0].reshape(len(both), -1).copy(), Index(hash_orientations(both))


def looked_at(one: Hashed, other: Hashed) -> tuple[Matches, NDArray[np.float32]]:
    """All pairs within the radius, and their scores."""
    found = concatenated([*matches(one[1], other[1], MOST_RADIUS)])
    return found, similarity(one[0], found.left, other[0], found.right, found.mask).score


if __name__ == "__main__":
    main()
