"""Which share of edited copies does each radius find, and how many pairs are there by chance?

The output has three parts: the number of pairs expected among uniform hashes, computed; the
distance between a crop of a photo and the edited crop, measured; and the distance between crops of
different photos. All edits are Pillow's. With --hashes a fourth table has all hashes, each at the
radius that an audit uses if no thumbnails are compared. With --chosen there is only one table: the
radius that an audit chooses for more and more images with hashes like those of the photos.
"""

import itertools
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import fastphash
from benchmarks.support.command_line import make_parser
from benchmarks.support.image_operations import (
    Operation,
    blur,
    change_brightness,
    change_contrast,
    change_gamma,
    resize,
    save,
)
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import load_pictures, random_crops, random_size
from benchmarks.support.plots import load_pyplot, save_figure
from fastphash import phash, phash_orientations
from fastphash.hashing.algorithms import ALGORITHMS, Algorithm
from fastphash.joins.chance import chance_neighbours, widest_radius
from fastphash.joins.index import Index
from fastphash.joins.radii import usual_radius

_COUNTS = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
_MOST_RADIUS = 16
# sets whose radius is chosen, by the candidates that an image may have
_CHOSEN_COUNTS = (*_COUNTS, 1_000_000_000)
_CANDIDATES = (1, 10, 100)
_SIDES = (300, 768)
# crops drawn for each that is kept, since small pictures give the same crop again
_TRIES = 40
# edits of the table of all hashes
_EDITS = ("JPEG, quality 30", "resized to 25 %", "brightness +30 %", "each side cut by 2 %")


def main() -> None:
    parser = make_parser(__doc__, count=500)
    parser.add_argument("--plot", type=Path, metavar="PATH", help="draw PATH.png and PATH.svg")
    parser.add_argument("--hashes", action="store_true", help="compare all hashes, too")
    parser.add_argument("--chosen", action="store_true", help="only which radius an audit chooses")
    arguments = parser.parse_args()
    if arguments.chosen:
        if not arguments.photos:
            parser.error("--chosen needs --photos, with some hundred pictures")
        header = ("images", *(f"{n:,} candidate{'s' * (n > 1)}" for n in _CANDIDATES))
        print_table(header, chosen_radii(load_pictures(arguments.photos)))
        return
    plt = load_pyplot() if arguments.plot else None
    radii = range(_MOST_RADIUS + 1)
    by_chance = [[chance_pairs(count, radius) for count in _COUNTS] for radius in radii]
    print_table(
        ("radius", *(f"{count:,} hashes" for count in _COUNTS)),
        [
            (str(radius), *map(pairs_text, row))
            for radius, row in zip(radii, by_chance, strict=True)
        ],
    )
    crops, photo = cut_crops(arguments.photos, arguments.count)
    hashes = np.array([phash(crop) for crop in crops], np.uint64)
    distances = {
        name: np.bitwise_count(np.array([phash(edit(crop)) for crop in crops], np.uint64) ^ hashes)
        for name, edit in all_edits().items()
    }
    pictures = photo.max() + 1
    print(
        f"\nDistance between copy and original, bits: {len(crops)} crops of {pictures} pictures\n"
    )
    header = ("edit", "median", "90 %", "99 %", "largest", "within 4", "within 8")
    print_table(header, [(name, *quantiles(bits)) for name, bits in distances.items()])
    print(f"\n{describe_different(hashes, photo)}")
    if arguments.hashes:
        print("\nAll hashes, at their usual radius\n")
        header = ("hash", "radius", *_EDITS, "different pictures within")
        rows = [compare_hash(algorithm, crops, photo) for algorithm in ALGORITHMS.values()]
        print_table(header, rows)
    if plt:
        save_figure(draw(plt, np.array(by_chance), distances), arguments.plot)


def chosen_radii(pictures: list[NDArray[np.uint8]]) -> list[tuple[str, ...]]:
    """The radius chosen among so many images with hashes like these, in eight orientations."""
    hashes = np.array([phash_orientations(Image.fromarray(one)) for one in pictures], np.uint64)
    expected = chance_neighbours(Index(hashes)) / (len(hashes) - 1)
    return [
        (
            f"{count:,}",
            *(str(widest_radius(expected * (count - 1), count, most)) for most in _CANDIDATES),
        )
        for count in _CHOSEN_COUNTS
    ]


def chance_pairs(count: int, radius: int) -> float:
    """Expected number of pairs within the radius among uniform 64-bit hashes."""
    within = sum(math.comb(64, bits) for bits in range(radius + 1))
    return count * (count - 1) // 2 * within / 2**64


def pairs_text(pairs: float) -> str:
    return f"{pairs:.1e}" if pairs < 0.01 else f"{pairs:,.2f}" if pairs < 10 else f"{pairs:,.0f}"


def cut_crops(folders: list[Path], count: int) -> tuple[list[Image.Image], NDArray[np.int64]]:
    """Different crops, and the number of the picture of each."""
    pictures = load_pictures(folders)
    kept: dict[bytes, tuple[Image.Image, int]] = {}
    for i, crop in enumerate(random_crops(pictures, _TRIES * count, random_size(_SIDES, _SIDES))):
        kept.setdefault(crop.tobytes(), (Image.fromarray(crop), i % len(pictures)))
        if len(kept) == count:
            break
    crops, photo = zip(*kept.values(), strict=True)
    return list(crops), np.array(photo)


def all_edits() -> dict[str, Operation]:
    edits: dict[str, Operation] = {}
    for quality in (95, 75, 50, 30):
        edits[f"JPEG, quality {quality}"] = save(quality)
    for percent in (75, 50, 25):
        edits[f"resized to {percent} %"] = resize(percent / 100)
    for percent in (1, 2, 5):
        edits[f"each side cut by {percent} %"] = partial(cut_sides, share=percent / 100)
    for percent in (10, -10, 30, -30):
        edits[f"brightness {percent:+} %"] = change_brightness(1 + percent / 100)
    for percent in (30, -30):
        edits[f"contrast {percent:+} %"] = change_contrast(1 + percent / 100)
    for power in (0.8, 1.25):
        edits[f"gamma {power}"] = change_gamma(power)
    edits["blur, radius 1"] = blur(1)
    return edits


def cut_sides(image: Image.Image, share: float) -> Image.Image:
    x, y = round(image.width * share), round(image.height * share)
    return image.crop((x, y, image.width - x, image.height - y))


def quantiles(bits: NDArray[np.uint8]) -> tuple[str, ...]:
    """Median, 90 %, 99 % and maximum, not interpolated; shares within 4 and 8 bits."""
    bits_at = np.quantile(bits, (0.5, 0.9, 0.99, 1), method="higher").astype(int)
    return (*map(str, bits_at), *(f"{np.mean(bits <= radius):.1%}" for radius in (4, 8)))


def describe_different(hashes: NDArray[np.uint64], photo: NDArray[np.int64]) -> str:
    """A sentence on the distances between crops of different pictures."""
    left, right = np.triu_indices(hashes.size, 1)
    different = photo[left] != photo[right]
    bits = np.bitwise_count(hashes[left[different]] ^ hashes[right[different]])
    if not bits.size:
        return "All crops are from one picture."
    rare, median = np.quantile(bits, (1e-4, 0.5), method="higher").astype(int)
    return (
        f"Crops of different pictures, {bits.size:,} pairs: median {median} bits apart, "
        f"1 in 10,000 within {rare}, the minimum {bits.min()}; {np.sum(bits <= 8):,} within 8."
    )


def compare_hash(
    algorithm: Algorithm, crops: list[Image.Image], photo: NDArray[np.int64]
) -> tuple[str, ...]:
    """Shares of copies within the usual radius for some edits, and of pairs that are none."""
    radius, edits = usual_radius(algorithm, len(crops)), all_edits()
    hashes = hash_all(algorithm, crops)
    shares = []
    for name in _EDITS:
        edited = hash_all(algorithm, [edits[name](crop) for crop in crops])
        shares.append(np.mean(bits_apart(hashes, edited) <= radius))
    left, right = np.triu_indices(len(crops), 1)
    different = photo[left] != photo[right]
    near = bits_apart(hashes[left[different]], hashes[right[different]]) <= radius
    chance = f"1 in {near.size / near.sum():,.0f}" if near.any() else f"none of {near.size:,}"
    return (algorithm.name, str(radius), *(f"{share:.1%}" for share in shares), chance)


def hash_all(algorithm: Algorithm, images: list[Image.Image]) -> NDArray[np.uint64]:
    """Upright hashes, uint64 (n, words)."""
    if algorithm.name == "pdq":
        return np.stack([fastphash.pdq(image).hash for image in images])
    hash_image = getattr(fastphash, algorithm.name.removesuffix("_256"))
    hashes = [np.atleast_1d(hash_image(image, bits=algorithm.bits)) for image in images]
    return np.stack(hashes)


def bits_apart(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_count(left ^ right).sum(axis=1, dtype=np.int64))


def draw(plt: Any, by_chance: NDArray[np.float64], distances: dict[str, NDArray[np.uint8]]) -> Any:
    """Pairs by chance on the left, copies found on the right."""
    figure, (chance, kept) = plt.subplots(1, 2, figsize=(13, 5.2), layout="constrained")
    radii = np.arange(_MOST_RADIUS + 1)
    for i, count in enumerate(_COUNTS):
        chance.semilogy(radii, by_chance[:, i], color=plt.cm.viridis(i / 5), label=f"{count:,}")
    chance.axhline(1, color="black", linewidth=0.8, linestyle="--")
    chance.set(xlabel="radius (bits)", ylabel="pairs expected", xlim=(0, _MOST_RADIUS))
    chance.set_title("Pairs found by chance among uniform hashes")
    chance.legend(title="hashes", loc="upper left", fontsize=9)
    kinds = itertools.groupby(distances, key=lambda name: name.rstrip("0123456789.%+- "))
    for kind, (_, names) in enumerate(kinds):
        for line, name in zip(("-", "--", "-.", ":"), names, strict=False):
            # nearly every hash has the same number of bits set, so distances are even
            share = [np.mean(distances[name] <= radius) * 100 for radius in radii[::2]]
            kept.plot(radii[::2], share, line, marker=".", color=f"C{kind}", label=name)
    kept.set(xlabel="radius (bits)", ylabel="edited copies found (%)", xlim=(0, _MOST_RADIUS))
    kept.set_title("Copies found after an edit")
    kept.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)
    for axes in (chance, kept):
        axes.set_xticks(radii[::2])
    return figure


if __name__ == "__main__":
    main()
