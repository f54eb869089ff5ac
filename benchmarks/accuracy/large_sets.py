"""What does a radius find in a large set, and does a second signature beside the hash find more?

Edited copies of photos are sought among their originals and very many drawn pictures, each made of
two windows of the photos laid over each other. A pair is a candidate if its hashes are within a
radius in one orientation. With a second signature of 64 bits made from the thumbnail, both must be
within a limit of their own, or their distances together within one. Each row has the limits that
propose most copies with so many candidates by chance for each image.

Signatures: the signs of the 64 lowest frequencies that the hash leaves out; the signs of detail
(Laplacian) in 64 cells; differences of neighbouring cells, half across and half down.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import scipy.fft
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.dataset import build_dataset, load_source
from benchmarks.support.fingerprints import compute_fingerprints
from benchmarks.support.markdown import print_table
from fastphash.base.machine import core_count
from fastphash.base.orientations import orientation_indices
from fastphash.base.progress_screen import ProgressScreen
from fastphash.base.vocabulary import ORIENTATIONS, THUMBNAIL_SIDE
from fastphash.hashing.phash import hash_thumbnails
from fastphash.images.pixels import image_grey
from fastphash.images.thumbnail import thumbnail

Words = NDArray[np.uint64]
Thumbnails = NDArray[np.uint8]
Signature = Callable[[Thumbnails], Words]

# windows of photos that drawn pictures are made of, and how much the fainter one shows at least
_WINDOWS, _LEAST_SHARE = 20_000, 0.2
_LEAST_SIDE = 32
_DRAWN_AT_ONCE = 8192
# needles whose candidates by chance are counted
_CHANCE_NEEDLES = 400
# pairs are counted within this many bits of the hash; a signature has 64
_MOST = 24
_BITS = 64


def main() -> None:
    parser = make_parser(__doc__, count=120)
    parser.add_argument(
        "--sizes", type=positive_number, nargs="+", default=[100_000, 1_000_000], metavar="N"
    )
    parser.add_argument("--signatures", nargs="+", choices=SIGNATURES, default=[*SIGNATURES])
    parser.add_argument(
        "--candidates", type=positive_number, nargs="+", default=[1, 10, 100], metavar="N"
    )
    arguments = parser.parse_args()
    dataset = build_dataset(arguments.photos, arguments.count, seed=0)
    with ProgressScreen() as progress:
        needles, haystack = compute_fingerprints(dataset, progress, rivals=False, algorithms=[])
        copies = Pictures.of(_turned(needles.thumbnails))
        originals = Pictures.of(haystack.thumbnails[needles.original])
        windows = draw_windows(dataset.sources, np.random.default_rng(1))
        drawn = draw_pictures(windows, max(arguments.sizes), progress)
    some = copies.take(
        np.arange(0, len(copies.hashes), max(len(copies.hashes) // _CHANCE_NEEDLES, 1))
    )
    for name in arguments.signatures:
        found = count_copies(copies, originals, name)
        chance = count_chance(some, drawn, name)
        rows = [
            row_of(found, chance.times(size / max(arguments.sizes)), size, most)
            for size in arguments.sizes
            for most in arguments.candidates
        ]
        print_table((f"{name}, {len(copies.hashes):,} copies", *_HEADER), rows)
        print()


_HEADER = (
    *("candidates", "radius", "copies, %", "radius, within", "copies, % "),
    *("together", " copies, %"),
)


class Within(NamedTuple):
    """Pairs within limits, a share or a number for each image.

    Attributes
    ----------
    both : float64 (25, 65)
        By the distance of hashes, and that of signatures.
    together : float64 (90,)
        By the sum of the two.
    """

    both: NDArray[np.float64]
    together: NDArray[np.float64]

    def times(self, factor: float) -> "Within":
        return Within(self.both * factor, self.together * factor)


class Pictures(NamedTuple):
    """Hashes and signatures of pictures, uint64 (n, t), in t orientations."""

    hashes: Words
    signatures: dict[str, Words]

    @classmethod
    def of(cls, thumbnails: Thumbnails) -> "Pictures":
        """Of thumbnails (n, 1024), or (n, t, 1024)."""
        turns = thumbnails.reshape(len(thumbnails), -1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        return cls(hash_thumbnails(turns), {name: make(turns) for name, make in SIGNATURES.items()})

    def take(self, rows: NDArray[np.int64]) -> "Pictures":
        return Pictures(
            self.hashes[rows], {name: words[rows] for name, words in self.signatures.items()}
        )

    @classmethod
    def joined(cls, parts: "Sequence[Pictures]") -> "Pictures":
        return cls(
            np.concatenate([part.hashes for part in parts]),
            {
                name: np.concatenate([part.signatures[name] for part in parts])
                for name in SIGNATURES
            },
        )


def _turned(thumbnails: Thumbnails) -> Thumbnails:
    """Thumbnails (n, 1024) in all orientations, (n, 8, 1024)."""
    return np.ascontiguousarray(thumbnails[:, orientation_indices()])


def further_frequencies(turns: Thumbnails) -> Words:
    """Signs of the 64 lowest frequencies beyond the 8 x 8 of the hash: (n, t, 32, 32) to (n, t)."""
    values = scipy.fft.dctn(turns.astype(np.float32), axes=(-2, -1))
    down, across = np.indices((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    outside = np.maximum(down, across) >= 8
    order = np.argsort(np.where(outside, down**2 + across**2, np.inf), axis=None, kind="stable")
    chosen = values.reshape(*values.shape[:-2], -1)[..., order[:_BITS]]
    return _packed(chosen > 0)


def detail_signs(turns: Thumbnails) -> Words:
    """Signs of the Laplacian in 64 cells, against their median: (n, t, 32, 32) to (n, t)."""
    grey = turns.astype(np.float32)
    padded = np.pad(grey, [(0, 0), (0, 0), (2, 2), (2, 2)], mode="edge")
    around = padded[..., :-4, 2:-2] + padded[..., 4:, 2:-2]
    around += padded[..., 2:-2, :-4] + padded[..., 2:-2, 4:]
    cells = _cells(4 * grey - around, (8, 8))
    return _packed(cells > np.median(cells, axis=-1, keepdims=True))


def differences(turns: Thumbnails) -> Words:
    """Signs of differences of neighbouring cells, across and down: (n, t, 32, 32) to (n, t)."""
    grey = turns.astype(np.float32)
    across = _cells(grey, (4, 8)).reshape(*grey.shape[:-2], 4, 8)
    down = _cells(grey, (8, 4)).reshape(*grey.shape[:-2], 8, 4)
    # the last differs from the first
    bits = [
        (across > np.roll(across, -1, axis=-1)).reshape(*grey.shape[:-2], -1),
        (down > np.roll(down, -1, axis=-2)).reshape(*grey.shape[:-2], -1),
    ]
    return _packed(np.concatenate(bits, axis=-1))


def _cells(values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    rows, columns = (THUMBNAIL_SIDE // n for n in shape)
    cells = values.reshape(*values.shape[:-2], shape[0], rows, shape[1], columns)
    return np.asarray(cells.mean(axis=(-3, -1))).reshape(*values.shape[:-2], -1)


def _packed(bits: NDArray[np.bool_]) -> Words:
    return np.ascontiguousarray(np.packbits(bits, axis=-1)).view(np.uint64)[..., 0]


SIGNATURES: dict[str, Signature] = {
    "further frequencies": further_frequencies,
    "signs of detail": detail_signs,
    "differences": differences,
}


def draw_windows(sources: Sequence[Path | int], rng: Generator) -> Thumbnails:
    """Thumbnails (n, 32, 32) of random windows of the sources."""
    each = -(-_WINDOWS // len(sources))
    drawn = []
    for source in sources:
        grey = image_grey(load_source(source))
        for _ in range(each):
            height, width = (
                int(rng.integers(min(_LEAST_SIDE, side), side + 1)) for side in grey.shape
            )
            top = int(rng.integers(0, grey.shape[0] - height + 1))
            left = int(rng.integers(0, grey.shape[1] - width + 1))
            window = np.ascontiguousarray(grey[top : top + height, left : left + width])
            drawn.append(thumbnail(window))
    return np.stack(drawn)


def draw_pictures(
    windows: Thumbnails, size: int, progress: Callable[[str, int, int], None]
) -> Pictures:
    """So many pictures of two windows each, by all cores."""
    starts = range(0, size, _DRAWN_AT_ONCE)

    def draw(start: int) -> Pictures:
        rng = np.random.default_rng([2, start])
        number = min(_DRAWN_AT_ONCE, size - start)
        both = windows.reshape(len(windows), -1)[rng.integers(0, len(windows), (2, number))]
        turns = orientation_indices()[rng.integers(0, len(ORIENTATIONS), (2, number))]
        one, other = np.take_along_axis(both, turns.astype(np.int64), axis=2).astype(np.float32)
        share = rng.uniform(_LEAST_SHARE, 1 - _LEAST_SHARE, (number, 1)).astype(np.float32)
        return Pictures.of(np.rint(share * one + (1 - share) * other).astype(np.uint8))

    parts = []
    with ThreadPoolExecutor(core_count()) as pool:
        for part in pool.map(draw, starts):
            parts.append(part)
            progress("drawing", len(parts) * _DRAWN_AT_ONCE, size)
    return Pictures.joined(parts)


def count_copies(copies: Pictures, originals: Pictures, name: str) -> Within:
    """The share of copies within limits, in one orientation."""
    near = np.zeros((_MOST + 1, _BITS + 1))
    apart = np.bitwise_count(copies.hashes ^ originals.hashes).astype(int)
    differ = np.bitwise_count(copies.signatures[name] ^ originals.signatures[name]).astype(int)
    for radius in range(_MOST + 1):
        least = np.where(apart <= radius, differ, _BITS + 1).min(axis=1)
        near[radius] = (least[:, None] <= np.arange(_BITS + 1)).mean(axis=0)
    least = (apart + differ).min(axis=1)
    return Within(near, (least[:, None] <= np.arange(_MOST + _BITS + 2)).mean(axis=0))


def count_chance(needles: Pictures, drawn: Pictures, name: str) -> Within:
    """Candidates that a needle has within limits."""
    with ThreadPoolExecutor(core_count()) as pool:
        counts = pool.map(
            lambda part: _count_pairs(
                part.hashes, part.signatures[name], drawn.hashes[:, 0], drawn.signatures[name][:, 0]
            ),
            _parts(needles, 4 * core_count()),
        )
        both, together = (np.sum(part, axis=0) for part in zip(*counts, strict=True))
    each = len(needles.hashes)
    return Within(both.cumsum(axis=0).cumsum(axis=1) / each, together.cumsum() / each)


def _parts(pictures: Pictures, number: int) -> Iterator[Pictures]:
    for rows in np.array_split(np.arange(len(pictures.hashes)), number):
        yield pictures.take(rows)


@numba.njit(nogil=True)
def _count_pairs(
    hashes: Words, signatures: Words, other_hashes: Words, other_signatures: Words
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs by the distances of hashes, up to 24, and of signatures: (25, 65); and by their sum.

    Each counts in the orientation with the nearest hashes, by the nearest signatures there, and in
    that with the least sum.
    """
    counts = np.zeros((_MOST + 1, _BITS + 1), np.int64)
    sums = np.zeros(_MOST + _BITS + 2, np.int64)
    for needle in range(hashes.shape[0]):
        for other in range(other_hashes.size):
            nearest, within, least = np.int64(_MOST + 1), np.int64(_BITS), np.int64(sums.size - 1)
            for turn in range(hashes.shape[1]):
                apart = _ones(hashes[needle, turn] ^ other_hashes[other])
                if apart <= _MOST:
                    differ = _ones(signatures[needle, turn] ^ other_signatures[other])
                    least = min(least, apart + differ)
                    if apart <= nearest:
                        within = differ if apart < nearest else min(within, differ)
                        nearest = apart
            sums[least] += 1
            if nearest <= _MOST:
                counts[nearest, within] += 1
    return counts, sums


@numba.njit(inline="always")
def _ones(word: np.uint64) -> np.int64:
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


def row_of(found: Within, chance: Within, size: int, most: int) -> tuple[str, ...]:
    """The limits that find most copies with so many candidates: a radius, both, their sum."""
    alone = int((chance.both[:, -1] <= most).sum()) - 1
    best = np.where(chance.both <= most, found.both, -1)
    radius, within = np.unravel_index(best.argmax(), best.shape)
    together = int((chance.together[:-1] <= most).sum()) - 1
    return (
        f"{size:,}",
        f"{most:,}",
        *_limit(alone, found.both[alone, -1]),
        f"{radius}, {within}",
        f"{100 * best.max():.1f}",
        *_limit(together, found.together[together]),
    )


def _limit(limit: int, share: float) -> tuple[str, str]:
    return (f"{limit}", f"{100 * share:.1f}") if limit >= 0 else ("none", "0.0")


if __name__ == "__main__":
    main()
