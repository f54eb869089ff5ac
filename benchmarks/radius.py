"""Which radius finds edited copies, and how many pairs are then found by chance?

Three answers: the pairs expected among so many uniform hashes, computed; how far an edit moves the
hash of a crop of a photo, measured; and how far apart hashes of crops of different photos are.
Brightness, contrast and blur are Pillow's, and so is the resize (Lanczos).
"""

import itertools
import math
from functools import partial
from pathlib import Path
from typing import Any

import common
import numpy as np
from edits import Plain, blurred, brightness, contrast, gamma, resized, saved
from numpy.typing import NDArray
from PIL import Image

from fastphash import phash

_COUNTS = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
_MOST = 16
_LEAST_SIDE, _MOST_SIDE = 300, 768
# crops that are drawn for one that is kept: small pictures give the same crop again
_TRIES = 40


def main() -> None:
    parser = common.parser(__doc__)
    parser.set_defaults(rounds=1)
    parser.add_argument("--plot", type=Path, help="draw FILE.png and FILE.svg")
    arguments = parser.parse_args()
    plt = common.pyplot() if arguments.plot else None
    radii = range(_MOST + 1)
    by_chance = [[chance_pairs(count, radius) for count in _COUNTS] for radius in radii]
    common.table(
        ("radius", *(f"{count:,} hashes" for count in _COUNTS)),
        [(str(radius), *map(amount, row)) for radius, row in zip(radii, by_chance, strict=True)],
    )
    crops, photo = originals(arguments.photos, arguments.count)
    hashes = np.array([phash(crop) for crop in crops], np.uint64)
    moved = {
        name: np.bitwise_count(np.array([phash(edit(crop)) for crop in crops], np.uint64) ^ hashes)
        for name, edit in edits().items()
    }
    print(
        f"\nBits that an edit moves the hash by: {len(crops)} crops of {photo.max() + 1} pictures\n"
    )
    header = ("edit", "median", "90 %", "99 %", "largest", "within 4", "within 8")
    common.table(header, [(name, *spread(bits)) for name, bits in moved.items()])
    print(f"\n{apart(hashes, photo)}")
    if plt:
        common.save_figure(draw(plt, np.array(by_chance), moved), arguments.plot)


def chance_pairs(count: int, radius: int) -> float:
    """Pairs expected within the radius among uniform 64-bit hashes."""
    within = sum(math.comb(64, bits) for bits in range(radius + 1))
    return count * (count - 1) // 2 * within / 2**64


def amount(pairs: float) -> str:
    return f"{pairs:.1e}" if pairs < 0.01 else f"{pairs:,.2f}" if pairs < 10 else f"{pairs:,.0f}"


def originals(folders: list[Path], count: int) -> tuple[list[Image.Image], NDArray[np.int64]]:
    """Different crops, and which picture each was cut from."""
    pictures = len(common.pictures(folders))

    def sides(rng: np.random.Generator) -> tuple[int, int]:
        width, height = rng.integers(_LEAST_SIDE, _MOST_SIDE + 1, 2).tolist()
        return width, height

    kept: dict[bytes, tuple[Image.Image, int]] = {}
    for i, crop in enumerate(common.crops(folders, _TRIES * count, sides)):
        kept.setdefault(crop.tobytes(), (Image.fromarray(crop), i % pictures))
        if len(kept) == count:
            break
    crops, photo = zip(*kept.values(), strict=True)
    return list(crops), np.array(photo)


def edits() -> dict[str, Plain]:
    made: dict[str, Plain] = {}
    for quality in (95, 75, 50, 30):
        made[f"JPEG, quality {quality}"] = saved(quality)
    for percent in (75, 50, 25):
        made[f"resized to {percent} %"] = resized(percent / 100)
    for percent in (1, 2, 5):
        made[f"each side cut by {percent} %"] = partial(cut, share=percent / 100)
    for percent in (10, -10, 30, -30):
        made[f"brightness {percent:+} %"] = brightness(1 + percent / 100)
    for percent in (30, -30):
        made[f"contrast {percent:+} %"] = contrast(1 + percent / 100)
    for power in (0.8, 1.25):
        made[f"gamma {power}"] = gamma(power)
    made["blur, radius 1"] = blurred(1)
    return made


def cut(image: Image.Image, share: float) -> Image.Image:
    x, y = round(image.width * share), round(image.height * share)
    return image.crop((x, y, image.width - x, image.height - y))


def spread(bits: NDArray[np.uint8]) -> tuple[str, ...]:
    """Quantiles that were measured, not interpolated, and shares within two radii."""
    quantiles = np.quantile(bits, (0.5, 0.9, 0.99, 1), method="higher").astype(int)
    return (*map(str, quantiles), *(f"{np.mean(bits <= radius):.1%}" for radius in (4, 8)))


def apart(hashes: NDArray[np.uint64], photo: NDArray[np.int64]) -> str:
    """How near crops of different pictures come."""
    left, right = np.triu_indices(hashes.size, 1)
    different = photo[left] != photo[right]
    bits = np.bitwise_count(hashes[left[different]] ^ hashes[right[different]])
    if not bits.size:
        return "All crops are of one picture."
    rare, median = np.quantile(bits, (1e-4, 0.5), method="higher").astype(int)
    return (
        f"Crops of different pictures, {bits.size:,} pairs: median {median} bits apart, "
        f"1 in 10,000 within {rare}, the nearest {bits.min()}; {np.sum(bits <= 8):,} within 8."
    )


def draw(plt: Any, by_chance: NDArray[np.float64], moved: dict[str, NDArray[np.uint8]]) -> Any:
    """Left what chance brings, right what edits need."""
    figure, (chance, kept) = plt.subplots(1, 2, figsize=(13, 5.2), layout="constrained")
    radii = np.arange(_MOST + 1)
    for i, count in enumerate(_COUNTS):
        chance.semilogy(radii, by_chance[:, i], color=plt.cm.viridis(i / 5), label=f"{count:,}")
    chance.axhline(1, color="black", linewidth=0.8, linestyle="--")
    chance.set(xlabel="radius (bits)", ylabel="pairs expected", xlim=(0, _MOST))
    chance.set_title("Pairs found by chance among uniform hashes")
    chance.legend(title="hashes", loc="upper left", fontsize=9)
    kinds = itertools.groupby(moved, key=lambda name: name.rstrip("0123456789.%+- "))
    for kind, (_, names) in enumerate(kinds):
        for line, name in zip(("-", "--", "-.", ":"), names, strict=False):
            # as many bits are set in nearly every hash, so that distances are even
            share = [np.mean(moved[name] <= radius) * 100 for radius in radii[::2]]
            kept.plot(radii[::2], share, line, marker=".", color=f"C{kind}", label=name)
    kept.set(xlabel="radius (bits)", ylabel="edited copies found (%)", xlim=(0, _MOST))
    kept.set_title("Copies found after an edit")
    kept.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)
    for axes in (chance, kept):
        axes.set_xticks(radii[::2])
    return figure


if __name__ == "__main__":
    main()
