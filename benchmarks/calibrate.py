"""How near is the estimated share of copies to the true one?

Photos are cut into tiles that don't overlap; some tiles are edited, so that it is known which pairs
are copies: two tiles of different places never are, however alike they look.
"""

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import common
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from fastphash.calibrate import estimate
from fastphash.chance import proposing_radius
from fastphash.hashing import hash_orientations
from fastphash.joins import Index, collapse, self_join
from fastphash.thumbnail import both_thumbnails

_SIDES = (64, 100, 128)
# the share of tiles that have copies, and how many these have
_COPIED = ((0.03, 2), (0.3, 1), (0.2, 3), (1.0, 5))
_SCORES = (0.25, 0.3, 0.4, 0.5, 0.6)
_DISTANCES = (0, 4, 8, 12, 16)

Edit = Callable[[Image.Image], Image.Image]


def main() -> None:
    parser = common.parser(__doc__)
    parser.set_defaults(count=3000)
    arguments = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    errors: dict[str, list[float]] = {}
    for side, (share, copies) in itertools.product(_SIDES, _COPIED):
        rng = np.random.default_rng(side)
        tiles = tiles_of(arguments.photos, side, arguments.count, rng)
        thumbnails, hashes, of = edited(tiles, round(share * len(tiles)), copies, rng)
        radius = proposing_radius(Index(hashes))
        found = estimate(thumbnails, hashes, radius)
        pairs = self_join(hashes, radius)
        copy = of[pairs.left] == of[pairs.right]
        name = f"{len(of):,} of {side} px, {round(share * len(tiles)) * copies:,} edited"
        for score in _SCORES:
            at = copy[found.pairs.score >= score]
            told = (found.precision_at(score), *found.at_score(score).bounds)
            rows += row(name, f"score from {score:.2f}", at, told, errors)
        for distance in (at for at in _DISTANCES if at <= radius):
            at = copy[pairs.distance <= distance]
            told = (found.precision_at_distance(distance), *found.at_distance(distance).bounds)
            rows += row(name, f"up to {distance} bits", at, told, errors)
    for kind in ("score", "up"):
        off = np.array([e for name, each in errors.items() if name.startswith(kind) for e in each])
        if off.size:
            what = "by score" if kind == "score" else "by distance"
            mean = f"{np.sqrt((off**2).mean()) * 100:.1f} (root of mean square)"
            rows.append(("all", what, "", "", mean, f"{(abs(off) < 0.05).mean():.0%} within 5"))
    common.table(("images", "pairs", "number", "copies %", "estimated %", "bounds %"), rows)


def row(
    name: str,
    what: str,
    copy: NDArray[np.bool_],
    told: tuple[float, float, float],
    errors: dict[str, list[float]],
) -> list[tuple[str, ...]]:
    if not copy.size:
        return []
    errors.setdefault(what, []).append(told[0] - float(copy.mean()))
    estimated, least, most = (f"{share * 100:.1f}" for share in told)
    true = f"{copy.mean() * 100:.1f}"
    return [(name, what, f"{copy.size:,}", true, estimated, f"{least} to {most}")]


def tiles_of(
    folders: list[Path], side: int, count: int, rng: np.random.Generator
) -> list[NDArray[np.uint8]]:
    """Squares that don't overlap, with something on them."""
    tiles = [
        picture[y : y + side, x : x + side]
        for picture in common.pictures(folders)
        for y in range(0, picture.shape[0] - side + 1, side)
        for x in range(0, picture.shape[1] - side + 1, side)
    ]
    tiles = [tile for tile in tiles if np.ptp(tile) > 20]
    return [tiles[i] for i in rng.permutation(len(tiles))[:count]]


def edited(
    tiles: list[NDArray[np.uint8]], many: int, copies: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint64], NDArray[np.int64]]:
    """Thumbnails and hashes of tiles and of edits of some, and of which tile each is."""
    found = [(i, Image.fromarray(tile)) for i, tile in enumerate(tiles)]
    possible = edits(rng)
    for i in range(many):
        for edit in rng.choice(len(possible), copies, replace=False):
            found.append((i, possible[edit](found[i][1])))
    grey = (np.asarray(image.convert("L")) for _, image in found)
    both = np.stack([both_thumbnails(np.ascontiguousarray(pixels)) for pixels in grey])
    thumbnails = np.ascontiguousarray(both[:, 0].reshape(len(both), -1))
    hashes = hash_orientations(both)
    first = collapse(hashes, thumbnails).first
    of = np.array([i for i, _ in found])
    return thumbnails[first], hashes[first], of[first]


def edits(rng: np.random.Generator) -> list[Edit]:
    def saved(quality: int) -> Edit:
        def edit(image: Image.Image) -> Image.Image:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality)
            return Image.open(buffer).convert("RGB")

        return edit

    def cut(share: float) -> Edit:
        def edit(image: Image.Image) -> Image.Image:
            less = max(round(image.width * share), 1)
            x, y = (int(at) for at in rng.integers(0, less + 1, 2))
            return image.crop((x, y, image.width - less + x, image.height - less + y))

        return edit

    def bordered(image: Image.Image) -> Image.Image:
        wide = max(round(image.width * 0.03), 1)
        made = Image.new("RGB", (image.width + 2 * wide, image.height + 2 * wide))
        made.paste(image, (wide, wide))
        return made

    def marked(image: Image.Image) -> Image.Image:
        made, side = image.copy(), image.width
        box = [round(side * at) for at in (0.7, 0.75, 0.97, 0.95)]
        made.paste((250, 40, 40), (box[0], box[1], box[2], box[3]))
        return made

    return [
        *(saved(quality) for quality in (75, 30, 10)),
        *(cut(share) for share in (0.04, 0.1, 0.2)),
        lambda image: image.resize((image.width // 2, image.height // 2)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.3),
        lambda image: ImageEnhance.Contrast(image).enhance(0.6),
        lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
        lambda image: image.transpose(Image.Transpose.ROTATE_90),
        lambda image: cut(0.06)(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        lambda image: image.rotate(2),
        lambda image: image.rotate(0, translate=(3, 2)),
        bordered,
        marked,
    ]


if __name__ == "__main__":
    main()
