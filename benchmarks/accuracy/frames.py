"""Are different pictures in the same frame taken for copies, and are framed copies found?

Different pictures get the same frame. They are compared with one another, and each with itself
without the frame. Only pairs within the largest radius of an audit are verified.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from benchmarks.support.command_line import make_parser
from benchmarks.support.dataset import build_dataset
from benchmarks.support.image_operations import Operation, Picture
from benchmarks.support.markdown import print_table
from fastphash.defaults import MIN_SCORE
from fastphash.hashing.phash import hash_orientations
from fastphash.images.thumbnail import both_thumbnails
from fastphash.joins.batches import find_matches
from fastphash.joins.chance import MAX_RADIUS
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches, concatenate_matches
from fastphash.verification.similarity import similarity

_SIDE = 200


class Hashed(NamedTuple):
    """Thumbnails, uint8 (n, 1024), and hashes."""

    thumbnails: NDArray[np.uint8]
    hashes: Index


def main() -> None:
    arguments = make_parser(__doc__, count=500).parse_args()
    dataset = build_dataset(arguments.photos, arguments.count, 0)
    pictures = [
        dataset.picture(place).convert("L").resize((_SIDE, _SIDE)) for place in dataset.originals
    ]
    plain = hash_all(pictures)
    rows = []
    for name, frame in frames().items():
        framed = hash_all([frame(picture) for picture in pictures])
        pairs, score = verify(framed, framed)
        different = pairs.left < pairs.right
        copies, copy_score = verify(framed, plain)
        own = copies.left == copies.right
        rows.append(
            (
                name,
                f"{different.sum():,}",
                f"{(score[different] >= MIN_SCORE).sum():,}",
                f"{own.sum():,}",
                f"{(copy_score[own] >= MIN_SCORE).sum():,}",
            )
        )
    header = f"{len(pictures):,} different pictures"
    print_table((header, "pairs", "called copies", "framed copies", "found"), rows)


def frames() -> dict[str, Operation]:
    return {
        "no frame": lambda picture: picture,
        "white border, 5 %": add_border(10, 10, 255),
        "black border, 5 %": add_border(10, 10, 0),
        "white border, 10 %": add_border(20, 20, 255),
        "grey border, 10 %": add_border(20, 20, 128),
        "bars above and below, 8 %": add_border(0, 16, 0),
        "bars above and below, 12 %": add_border(0, 24, 0),
        "bars left and right, 10 %": add_border(20, 0, 0),
    }


def add_border(across: int, down: int, level: int) -> Operation:
    def operate(picture: Picture) -> Picture:
        return ImageOps.expand(picture, (across, down), level)

    return operate


def hash_all(pictures: list[Picture]) -> Hashed:
    both = np.stack([both_thumbnails(np.asarray(picture)) for picture in pictures])
    return Hashed(both[:, 0].reshape(len(both), -1).copy(), Index(hash_orientations(both)))


def verify(left: Hashed, right: Hashed) -> tuple[Matches, NDArray[np.float32]]:
    """All pairs within the radius, and their scores."""
    found = concatenate_matches([*find_matches(left.hashes, right.hashes, MAX_RADIUS)])
    scores = similarity(left.thumbnails, found.left, right.thumbnails, found.right, found.mask)
    return found, scores.score


if __name__ == "__main__":
    main()
