"""Are pictures that agree but for a place told from copies that are saved again or recoloured?

Sets of pages, forms, cards, captions, counters and frames are drawn: their pictures differ in one
place, and have to be called altered. Copies of photos and of these pictures are edited, and must
not be. Thresholds were chosen by the first draw; the second one is to be reported.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.accuracy.colours import colour_edits
from benchmarks.support.command_line import make_parser
from benchmarks.support.edits import Edit, all_edits
from benchmarks.support.image_operations import Picture
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import Pixels, load_pictures
from benchmarks.support.small_differences import ALL_SETS, PER_SET, draw_photos, draw_set
from fastphash.hashing.api import phash
from fastphash.images.encode import encode
from fastphash.looks.local_change import CHANGED, find_local_change
from fastphash.looks.pictures import decode_picture, match_sizes

_DRAWS = ("to choose on", "to report")
_SEEDS = (0, 3)
_SETS_HEADER = ("set", *(f"{what}, {draw}" for draw in _DRAWS for what in ("pairs", "altered, %")))
_SETS_HEADER += tuple(f"equal hash, not altered, {draw}" for draw in _DRAWS)
_EDITS_HEADER = (
    "edit",
    *(f"{what}, {draw}" for draw in _DRAWS for what in ("pairs", "altered, %")),
)
_SCENES = 12
# what must not be called altered: nothing is cut, covered, blurred or made tiny
_KEPT = {
    "JPEG": ("95", "75", "50"),
    "WebP": ("80", "50"),
    "resize": ("x 0.5", "x 0.75", "x 1.5", "x 2"),
    "brightness": ("x 0.5", "x 0.8", "x 1.25", "x 1.6"),
    "contrast": ("x 0.7", "x 1.5"),
    "gamma": ("0.5", "0.75", "1.5", "2.2"),
    "grey": ("",),
    "combined": ("light + contrast + JPEG",),
}


def main() -> None:
    arguments = make_parser(__doc__, count=48).parse_args()
    draws = [load_draw(arguments.photos, number) for number in range(len(_DRAWS))]
    per_set = min(arguments.count, PER_SET)
    print_table(_SETS_HEADER, set_rows(draws, per_set))
    print()
    print_table(_EDITS_HEADER, edit_rows(draws, arguments.count))


def load_draw(folders: Sequence[Path], number: int) -> list[Pixels]:
    """The pictures of a draw in a random order: scenes, and its share of the photos."""
    rng = np.random.default_rng(_SEEDS[number])
    pictures = draw_photos(_SCENES, _SEEDS[number])
    if folders:
        photos = load_pictures(folders)
        # the draws share no photo
        pictures += photos[number :: len(_DRAWS)]
    return [pictures[i] for i in rng.permutation(len(pictures))]


def reduce(picture: Picture) -> Pixels:
    """As a look decodes it."""
    return decode_picture(encode(np.asarray(picture), "PNG"))


def is_altered(left: Pixels, right: Pixels) -> bool:
    return find_local_change(*match_sizes(left, right)).strength >= CHANGED


def set_rows(draws: list[list[Pixels]], per_set: int) -> list[tuple[str, ...]]:
    """One row per set: all its pairs, and those of equal hashes that are not called altered."""
    rows = []
    for one in ALL_SETS:
        shares, exact = [], []
        for seed, photos in zip(_SEEDS, draws, strict=True):
            pictures = draw_set(one, photos, seed, per_set)
            hashes = [phash(picture) for picture in pictures]
            pairs = list(combinations(range(per_set), 2))
            reduced = [reduce(picture) for picture in pictures]
            altered = np.array([is_altered(reduced[i], reduced[j]) for i, j in pairs])
            equal = np.array([hashes[i] == hashes[j] for i, j in pairs])
            shares += [f"{len(pairs):,}", f"{100 * altered.mean():.1f}"]
            exact.append(f"{(equal & ~altered).sum():,} of {equal.sum():,}")
        rows.append((one.name, *shares, *exact))
    return rows


def edit_rows(draws: list[list[Pixels]], count: int) -> list[tuple[str, ...]]:
    """One row per edit, and one for all of them: how many copies are called altered."""
    edits = kept_edits()
    altered = [
        edited(photos, seed, count, edits) for seed, photos in zip(_SEEDS, draws, strict=True)
    ]
    rows = []
    for number, edit in enumerate(edits):
        calls = [one[:, number] for one in altered]
        rows.append((edit.name, *described(calls)))
    return [*rows, ("all", *described([one.reshape(-1) for one in altered]))]


def described(calls: list[NDArray[np.bool_]]) -> list[str]:
    return [text for one in calls for text in (f"{one.size:,}", f"{100 * one.mean():.1f}")]


def kept_edits() -> list[Edit]:
    edits = [edit for edit in all_edits() if edit.grade in _KEPT.get(edit.kind, ())]
    return [*edits, *colour_edits()]


def edited(photos: list[Pixels], seed: int, count: int, edits: Sequence[Edit]) -> NDArray[np.bool_]:
    """Whether each of the edits of each of `count` pictures is called altered: bool (n, edits).

    Half of the pictures are photos, the others from the drawn sets.
    """
    rng = np.random.default_rng(seed)
    pictures = [Image.fromarray(photos[i % len(photos)]) for i in range(count - count // 2)]
    for i in range(count // 2):
        one = ALL_SETS[i % len(ALL_SETS)]
        pictures.append(draw_set(one, photos, seed, 1 + i // len(ALL_SETS))[-1])
    altered = []
    for picture in pictures:
        original = reduce(picture)
        copies = (reduce(edit.operate(picture, rng)) for edit in edits)
        altered.append([is_altered(original, copy) for copy in copies])
    return np.array(altered)


if __name__ == "__main__":
    main()
