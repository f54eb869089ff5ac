"""How long do all views of very many images take: their hashes, and the joins of these?

Thumbnails are drawn: with the spectrum of photos, or of rectangles, which are taken for pictures
inside of pictures. No two images have anything to do with one another. Times are those of all
cores: divide them by the number of cores.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.timing import cpu_seconds
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.hashing.phash import hash_orientations
from fastphash.hashing.views import make_views
from fastphash.joins.index import Index
from fastphash.joins.views import ViewedRows, choose_view_radius, find_view_batches

Planes = NDArray[np.float64]

_AT_ONCE = 10_000
_RECTANGLES = 6


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument(
        "--count",
        type=positive_number,
        default=300_000,
        help="number of images (default: %(default)s)",
    )
    arguments = parser.parse_args()
    draws = {"like photos": draw_like_photos, "rectangles": draw_rectangles}
    rows = [time_views(name, draw, arguments.count) for name, draw in draws.items()]
    header = (f"{arguments.count:,} images", "hashes: seconds", "joins: seconds")
    print_table((*header, "radius", "candidates"), rows)


def time_views(name: str, draw: Callable[[Generator, int], Planes], size: int) -> tuple[str, ...]:
    rng = np.random.default_rng(0)
    sizes = [min(_AT_ONCE, size - start) for start in range(0, size, _AT_ONCE)]
    # as planes of all images they would take 2.5 GB
    parts = [as_pixels(draw(rng, some)) for some in sizes]
    thumbnails = np.concatenate(parts)
    frames = Index(np.concatenate([hash_frames(part) for part in parts]))
    start = cpu_seconds()
    viewed = ViewedRows(frames, make_views(thumbnails))
    hashed = cpu_seconds()
    radius = choose_view_radius(viewed)
    candidates = sum(batch.left.size for batch in find_view_batches(viewed, None, radius))
    joined = cpu_seconds()
    seconds = f"{hashed - start:.1f}", f"{joined - hashed:.1f}"
    return name, *seconds, f"{radius}", f"{candidates:,}"


def hash_frames(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes of whole images in all orientations, uint64 (n, 8)."""
    square = thumbnails.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return hash_orientations(np.stack([square, square.swapaxes(1, 2)], axis=1))


def draw_like_photos(rng: Generator, size: int) -> Planes:
    """Noise whose amplitude falls with its frequency, as that of photos does."""
    side = THUMBNAIL_SIDE
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.normal(size=(size, side, side))) / frequency
    spectrum[:, 0, 0] = 0
    planes: Planes = np.fft.irfft2(spectrum, (side, side))
    return planes


def draw_rectangles(rng: Generator, size: int) -> Planes:
    """Rectangles of any grey, one over the other, with a little noise."""
    planes = rng.normal(0, 0.05, (size, THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    place = np.arange(THUMBNAIL_SIDE)
    for _ in range(_RECTANGLES):
        corners = np.sort(rng.integers(0, THUMBNAIL_SIDE + 1, (2, size, 2)), axis=2)
        down, across = ((ends[:, :1] <= place) & (place < ends[:, 1:]) for ends in corners)
        inside = down[:, :, None] & across[:, None]
        planes += inside * rng.normal(size=(size, 1, 1))
    return planes


def as_pixels(planes: Planes) -> NDArray[np.uint8]:
    """Levels about a middle grey, as uint8 (n, 1024)."""
    flat = planes.reshape(len(planes), -1)
    levels = 128 + 45 * flat / flat.std(axis=1, keepdims=True)
    pixels: NDArray[np.uint8] = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return pixels


if __name__ == "__main__":
    main()
