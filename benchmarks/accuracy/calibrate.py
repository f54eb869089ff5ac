"""How close to the true share of copies is the share that `fastphash calibrate` estimates?

Photos are cut into tiles that don't overlap, and some tiles are edited. Tiles from different places
are never copies, however similar they look.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from benchmarks.support.calibration import CheckedEstimate, LabelledImages, check_thresholds
from benchmarks.support.command_line import make_parser
from benchmarks.support.image_operations import (
    Operation,
    Picture,
    change_brightness,
    change_contrast,
    save,
    transpose,
)
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import Pixels, load_pictures
from fastphash.hashing.phash import hash_orientations
from fastphash.images.thumbnail import both_thumbnails
from fastphash.joins.chance import choose_radius
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index

_SIDES = (64, 100, 128)
# the share of tiles with copies, and copies of each
_COPIED = ((0.03, 2), (0.3, 1), (0.2, 3), (1.0, 5))
_SCORES = (0.25, 0.3, 0.4, 0.5, 0.6)
_DISTANCES = (0, 4, 8, 12, 16)
# tiles with a smaller range of levels are left out
_LEAST_RANGE = 20


def main() -> None:
    arguments = make_parser(__doc__, count=3000).parse_args()
    pictures = load_pictures(arguments.photos)
    rows: list[tuple[str, ...]] = []
    checked: dict[str, list[CheckedEstimate]] = {"by score": [], "by distance": []}
    for side, (share, copies) in itertools.product(_SIDES, _COPIED):
        rng = np.random.default_rng(side)
        tiles = cut_tiles(pictures, side, arguments.count, rng)
        copied = round(share * len(tiles))
        images = edit_tiles(tiles, copied, copies, rng)
        name = f"{len(images.original):,} of {side} px, {copied * copies:,} edited"
        radius = choose_radius(Index(images.hashes))
        estimates = check_thresholds(images, radius, _SCORES, _DISTANCES)
        for kept, found in zip(checked.values(), estimates, strict=True):
            some = [one for one in found if one.pairs]
            kept.extend(some)
            rows += [(name, *cells(one)) for one in some]
    rows += [error_row(name, kept) for name, kept in checked.items() if kept]
    print_table(("images", "threshold", "pairs", "copies, %", "estimated, %", "bounds, %"), rows)


def cut_tiles(pictures: Sequence[Pixels], side: int, count: int, rng: Generator) -> list[Pixels]:
    """Random squares that don't overlap, plain ones left out."""
    tiles = [
        picture[y : y + side, x : x + side]
        for picture in pictures
        for y in range(0, picture.shape[0] - side + 1, side)
        for x in range(0, picture.shape[1] - side + 1, side)
    ]
    tiles = [tile for tile in tiles if np.ptp(tile) > _LEAST_RANGE]
    return [tiles[i] for i in rng.permutation(len(tiles))[:count]]


def edit_tiles(tiles: list[Pixels], copied: int, copies: int, rng: Generator) -> LabelledImages:
    """All tiles, and edited copies of the first ones."""
    found = [(i, Image.fromarray(tile)) for i, tile in enumerate(tiles)]
    edits = all_edits(rng)
    for i in range(copied):
        for edit in rng.choice(len(edits), copies, replace=False):
            found.append((i, edits[edit](found[i][1])))
    grey = (np.asarray(image.convert("L")) for _, image in found)
    both = np.stack([both_thumbnails(np.ascontiguousarray(pixels)) for pixels in grey])
    thumbnails = np.ascontiguousarray(both[:, 0].reshape(len(both), -1))
    hashes = hash_orientations(both)
    first = find_distinct_rows(hashes, thumbnails).first
    tile = np.array([i for i, _ in found])
    return LabelledImages(hashes[first], thumbnails[first], tile[first])


def all_edits(rng: Generator) -> list[Operation]:
    def crop(share: float) -> Operation:
        def operate(picture: Picture) -> Picture:
            cut = max(round(picture.width * share), 1)
            x, y = (int(offset) for offset in rng.integers(0, cut + 1, 2))
            return picture.crop((x, y, picture.width - cut + x, picture.height - cut + y))

        return operate

    mirror = transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return [
        *(save(quality) for quality in (75, 30, 10)),
        *(crop(share) for share in (0.04, 0.1, 0.2)),
        lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
        change_brightness(1.3),
        change_contrast(0.6),
        lambda picture: picture.filter(ImageFilter.GaussianBlur(1.5)),
        transpose(Image.Transpose.ROTATE_90),
        lambda picture: crop(0.06)(mirror(picture)),
        lambda picture: picture.rotate(2),
        lambda picture: picture.rotate(0, translate=(3, 2)),
        add_black_border,
        add_red_bar,
    ]


def add_black_border(picture: Picture) -> Picture:
    width = max(round(picture.width * 0.03), 1)
    framed = Image.new("RGB", (picture.width + 2 * width, picture.height + 2 * width))
    framed.paste(picture, (width, width))
    return framed


def add_red_bar(picture: Picture) -> Picture:
    marked = picture.copy()
    left, top, right, bottom = (round(picture.width * at) for at in (0.7, 0.75, 0.97, 0.95))
    marked.paste((250, 40, 40), (left, top, right, bottom))
    return marked


def cells(one: CheckedEstimate) -> tuple[str, str, str, str, str]:
    true, estimated, low, high = (
        f"{share * 100:.1f}" for share in (one.true, one.estimated, *one.bounds)
    )
    return one.threshold, f"{one.pairs:,}", true, estimated, f"{low} to {high}"


def error_row(name: str, checked: list[CheckedEstimate]) -> tuple[str, ...]:
    """The errors of all estimates."""
    errors = np.array([one.estimated - one.true for one in checked])
    rms = f"{np.sqrt((errors**2).mean()) * 100:.1f} (root mean square error)"
    return "all", name, "", "", rms, f"{(abs(errors) < 0.05).mean():.0%} within 5"


if __name__ == "__main__":
    main()
