"""How long do hashes of windows take, and the joins of windows with the frames of other images?

Times are those of all cores: divide them by the number of cores. Hashes for joins are drawn at
random, so that there are only candidates by chance.
"""

from functools import partial
from itertools import chain

import numpy as np

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import load_pictures, random_crops, square
from benchmarks.support.random_hashes import DrawHashes, skewed_hashes, uniform_hashes
from benchmarks.support.timing import (
    CPU_SECONDS,
    SPREAD,
    cpu_seconds,
    microseconds_each,
    spread,
    time_in_turn,
)
from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.hashing.views import ViewHashes, make_views
from fastphash.hashing.window_hashes import OwnWindows
from fastphash.hashing.windows import TURNS, windows_like_frames, windows_like_middles
from fastphash.images.pixels import array_grey
from fastphash.images.thumbnail import thumbnail
from fastphash.joins.index import Index
from fastphash.joins.views import ViewedRows, choose_view_radius, find_view_batches

_SIDE = 300


def main() -> None:
    parser = make_parser(__doc__, count=5000, rounds=7, warmed=True)
    parser.add_argument(
        "--rows",
        type=positive_number,
        default=100_000,
        help="number of images that are joined (default: %(default)s)",
    )
    parser.add_argument(
        "--radii",
        type=int,
        nargs="*",
        default=[],
        help="radii of joins (default: the one that an audit chooses)",
    )
    arguments = parser.parse_args()
    crops = random_crops(load_pictures(arguments.photos), arguments.count, square(_SIDE))
    thumbnails = np.stack([thumbnail(array_grey(crop)).reshape(-1) for crop in crops])
    sets = {views: partial(make_views, thumbnails, views) for views in ("centre", "all")}
    seconds = time_in_turn(sets, arguments.rounds, cpu_seconds)
    size = len(thumbnails)
    table = [(name, microseconds_each(times, size)) for name, times in seconds.items()]
    print_table((f"hashes of windows of {size:,} images", f"us an image: {SPREAD}"), table)
    print()
    crops = random_crops(load_pictures(arguments.photos), arguments.count, square(_SIDE))
    draws = {"uniform": uniform_hashes(), "like photos": skewed_hashes(crops)}
    rows = chain.from_iterable(
        time_joins(name, draw, arguments.rows, arguments.radii, arguments.rounds)
        for name, draw in draws.items()
    )
    header = f"joins of windows of {arguments.rows:,} images", "radius", "candidates", CPU_SECONDS
    print_table(header, list(rows))


def time_joins(
    name: str, draw: DrawHashes, size: int, radii: list[int], rounds: int
) -> list[tuple[str, ...]]:
    viewed = draw_views(draw, size)
    runs = {
        radius: partial(count_candidates, viewed, radius)
        for radius in radii or [choose_view_radius(viewed)]
    }
    seconds = time_in_turn({str(radius): run for radius, run in runs.items()}, rounds, cpu_seconds)
    return [
        (f"{name} hashes", str(radius), f"{run():,}", spread(seconds[str(radius)]))
        for radius, run in runs.items()
    ]


def draw_views(draw: DrawHashes, size: int) -> ViewedRows:
    """Rows without bars whose hashes have nothing to do with one another."""
    frames, middles = windows_like_frames("all"), windows_like_middles("all")
    turns = len(ORIENTATIONS)
    views = ViewHashes(
        (*frames, *middles),
        draw(size * len(frames)).reshape(size, -1),
        draw(size * len(middles)).reshape(size, -1),
        draw(size * turns).reshape(size, -1),
        np.empty(0, np.int64),
        np.empty((0, 4)),
        np.empty((0, turns), np.uint64),
        draw(size * len(TURNS)).reshape(size, -1),
        OwnWindows.none(),
    )
    return ViewedRows(Index(draw(size * turns).reshape(size, -1)), views)


def count_candidates(viewed: ViewedRows, radius: int) -> int:
    return sum(batch.left.size for batch in find_view_batches(viewed, None, radius))


if __name__ == "__main__":
    main()
