"""How fast are all pairs within a radius found, against FAISS, numpy, the paper's loop and
imagededup?

The pairs are those among n hashes, or (--across) between n needles and a haystack of n. Rivals:

- FAISS, every pair: IndexBinaryFlat.
- FAISS, hash tables: IndexBinaryMultiHash, with tables that find all pairs by the pigeonhole
  principle; of several shapes the fastest on a slice of the needles.
- a numpy loop over the needles, and the paper's loop over ImageHash objects.
- imagededup, where installed, in one process; its BK-tree up to 100,000 hashes.

All but numpy know only needles and a haystack, and find each pair among n hashes twice; with
--across all do the same work. Building an index counts. fastphash and FAISS use all cores, the
others one. A rival that would take longer than --limit gets a slice of the needles, and its time is
extrapolated.

--data uniform: random bits. --data skewed: bits have the means and correlations of those of --count
crops of photos or drawn scenes (a Gaussian copula). No copies are planted, so all pairs are chance.
--bits 256: hashes of 256 bits, of four words; imagededup and the paper's loop have no part in it.
"""

import argparse
import importlib.util
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.support.command_line import make_parser, positive_number
from benchmarks.support.join_rivals import (
    FAISS_FLAT,
    FAISS_TABLES,
    TABLE_SHAPES,
    Rival,
    Search,
    Task,
    faiss_flat,
    faiss_tables,
    is_affordable,
    join_rivals,
    numpy_loop,
    seconds_per_needle,
)
from benchmarks.support.markdown import print_table
from benchmarks.support.pictures import load_pictures, random_crops, random_size
from benchmarks.support.plots import load_pyplot, save_figure
from benchmarks.support.random_hashes import DrawHashes, Hashes, skewed_hashes, uniform_hashes
from benchmarks.support.timing import SECONDS, SPREAD, spread, time_in_turn
from fastphash import TooManyPairsError, join, self_join
from fastphash.base.machine import core_count
from fastphash.defaults import MAX_PAIRS
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.joins.search_plan import SearchPlan

_FASTPHASH = "fastphash"
_SIDES = (128, 640)
# slopes are fitted from this size on: below, start-up outweighs the search
_LARGE = 1_000_000
# radii by default, by the bits of a hash
_RADII = {64: [0, 2, 4, 6, 8, 10, 12], 256: [0, 2, 8, 16, 31]}


class Timed(NamedTuple):
    """The times of a rival.

    Attributes
    ----------
    seconds : list of float
        Of each round; extrapolated where `needles` isn't 0.
    pairs : int
        0 where extrapolated.
    needles, hashes : int
        Size of the slice that was timed: needles, and hashes in the index.
    note : str
    """

    seconds: list[float]
    pairs: int
    needles: int = 0
    hashes: int = 0
    note: str = ""


def main() -> None:
    arguments = parse_arguments()
    plt = load_pyplot() if arguments.plot else None
    draw_hashes = hash_source(arguments)
    rows: list[tuple[str, ...]] = []
    lines: dict[str, list[tuple[int, Timed]]] = {}
    for size in arguments.sizes:
        haystack = draw_hashes(size)
        needles = draw_hashes(size) if arguments.across else haystack
        for radius in arguments.radii:
            task = Task(needles, haystack, radius, arguments.across)
            timed = measure(task, arguments.limit, arguments.rounds)
            rows += table_rows(task, timed)
            if radius == arguments.plot_radius:
                for name, own in timed.items():
                    lines.setdefault(name, []).append((size, own))
    if arguments.bits == 64 and importlib.util.find_spec("imagededup") is None:
        rows.append(("", "", "imagededup", "not installed", "", ""))
    hashes = f"{arguments.data} hashes" + (", needles in as many" if arguments.across else "")
    print_table((hashes, "radius", "rival", SECONDS, "times fastphash's", "pairs"), rows)
    print(f"\nComparing every pair, with all {core_count()} cores:\n")
    compare_every_pair(draw_hashes(min(max(arguments.sizes), 100_000)), arguments.rounds)
    print("\nShare of planted pairs found:\n")
    print_recall(draw_hashes(2_000), arguments.radii, arguments.bits)
    if plt:
        save_figure(draw_lines(plt, lines, arguments.plot_radius), arguments.plot)


def parse_arguments() -> argparse.Namespace:
    parser = make_parser(__doc__, count=4000, rounds=3, warmed=True)
    parser.add_argument("--data", choices=("uniform", "skewed"), default="uniform")
    parser.add_argument("--bits", type=int, choices=tuple(_RADII), default=64)
    parser.add_argument("--across", action="store_true", help="join needles with a haystack")
    parser.add_argument(
        "--sizes", type=positive_number, nargs="+", default=[10_000, 100_000, 1_000_000]
    )
    parser.add_argument("--radii", type=int, nargs="+", help="default: several, by --bits")
    parser.add_argument(
        "--limit",
        type=float,
        default=20,
        help="seconds from which on a rival is timed on a slice (default: %(default)s)",
    )
    parser.add_argument("--plot", type=Path, metavar="PATH", help="draw PATH.png and PATH.svg")
    parser.add_argument("--plot-radius", type=int, default=4, help="default: %(default)s")
    arguments = parser.parse_args()
    arguments.radii = arguments.radii or _RADII[arguments.bits]
    if arguments.plot and arguments.plot_radius not in arguments.radii:
        parser.error(f"--plot-radius {arguments.plot_radius} isn't one of --radii")
    return arguments


def hash_source(arguments: argparse.Namespace) -> DrawHashes:
    if arguments.data == "uniform":
        return uniform_hashes(arguments.bits)
    pictures = load_pictures(arguments.photos)
    return skewed_hashes(
        random_crops(pictures, arguments.count, random_size(_SIDES, _SIDES)), arguments.bits
    )


def measure(task: Task, limit: float, rounds: int) -> dict[str, Timed]:
    """Times of all rivals, in turn; none where there are too many pairs."""
    total = len(task.needles)
    found: dict[str, int] = {}
    try:
        found[_FASTPHASH] = run_fastphash(task)
    except TooManyPairsError:
        return {}

    def run_rival(name: str, rival: Rival) -> None:
        found[name] = rival.build()(total)

    runs: dict[str, partial[Any]] = {_FASTPHASH: partial(run_fastphash, task)}
    rivals = join_rivals(task)
    build_seconds: dict[str, float] = {}
    slices: dict[str, int] = {}
    for name, rival in rivals.items():
        search, build_seconds[name] = timed_build(rival)
        each = seconds_per_needle(search, total)
        whole = build_seconds[name] + each * total
        if rival.hashes == len(task.haystack) and whole <= limit:
            runs[name] = partial(run_rival, name, rival)
        else:
            slices[name] = min(max(int(limit / 10 / each), 1), total)
            runs[name] = partial(search, slices[name])
    seconds = time_in_turn(runs, rounds)
    timed = {_FASTPHASH: Timed(seconds[_FASTPHASH], found[_FASTPHASH])}
    for name, rival in rivals.items():
        needles = slices.get(name, 0)
        own = seconds[name]
        if needles:
            factor = len(task.haystack) / rival.hashes
            own = [(build_seconds[name] + took * total / needles) * factor for took in own]
        timed[name] = Timed(own, found.get(name, 0), needles, rival.hashes, rival.note)
    # all are exact
    assert set(found.values()) == {found[_FASTPHASH]}, found
    return timed


def timed_build(rival: Rival) -> tuple[Search, float]:
    start = time.perf_counter()
    search = rival.build()
    return search, time.perf_counter() - start


def run_fastphash(task: Task) -> int:
    if task.across:
        return int(join(task.needles, task.haystack, task.radius).left.size)
    return int(self_join(task.haystack, task.radius).left.size)


def table_rows(task: Task, timed: dict[str, Timed]) -> list[tuple[str, ...]]:
    first = (f"{len(task.haystack):,}", str(task.radius))
    if not timed:
        return [(*first, _FASTPHASH, "", "", f"more than {MAX_PAIRS:,}")]
    rows: list[tuple[str, ...]] = []
    for name, own in timed.items():
        took = three_figures(own.seconds)
        if own.needles:
            took += f", extrapolated from {own.needles:,} needle" + "s" * (own.needles > 1)
            took += f" in {own.hashes:,}" if own.hashes < len(task.haystack) else ""
        ratios = [a / b for a, b in zip(own.seconds, timed[_FASTPHASH].seconds, strict=True)]
        rows.append(
            (
                *first,
                f"{name}: {own.note}" if own.note else name,
                took,
                "1" if name == _FASTPHASH else three_figures(ratios),
                "" if own.needles else f"{own.pairs:,}",
            )
        )
    return rows


def three_figures(values: list[float]) -> str:
    return spread(values, ",.3g" if max(values) < 999 else ",.0f")


def compare_every_pair(hashes: Hashes, rounds: int) -> None:
    """Comparisons per second of FAISS, and of fastphash with a plan that compares every pair."""
    task = Task(hashes[: max(len(hashes) // 5, 1)], hashes, 4, across=True)
    # an estimate of a second makes the search use threads
    options = JoinOptions(plan=lambda plan: SearchPlan(plan.radius, (), 0, 0, (), 1.0, 0.0))
    sides = Index(task.needles), Index(task.haystack)
    search = faiss_flat(task)
    seconds = time_in_turn(
        {
            _FASTPHASH: lambda: list(find_matches(*sides, task.radius, options=options)),
            FAISS_FLAT: lambda: search(len(task.needles)),
        },
        rounds,
    )
    compared = len(task.needles) * len(task.haystack)
    rows = [
        (name, spread([compared / second / 1e9 for second in own], ".2f"))
        for name, own in seconds.items()
    ]
    header = f"{len(task.needles):,} needles in {len(task.haystack):,}, radius {task.radius}"
    print_table((header, f"1e9 comparisons per second: {SPREAD}"), rows)


def print_recall(hashes: Hashes, radii: list[int], bits: int) -> None:
    """Recall of needles that are the hashes with `radius` random bits flipped."""
    rng = np.random.default_rng(0)
    rows = []
    for radius in radii:
        order = rng.permuted(np.tile(np.arange(bits), (len(hashes), 1)), axis=1)
        flips = np.packbits(order < radius, axis=1).view(np.uint64)
        task = Task(hashes ^ flips.reshape(hashes.shape), hashes, radius, across=True)
        total = numpy_loop(task)(len(hashes))
        found = [run_fastphash(task), faiss_flat(task)(len(hashes))]
        found += [
            faiss_tables(task, *shape)(len(hashes)) if is_affordable(radius, *shape) else 0
            for shape in TABLE_SHAPES[bits]
        ]
        cells = (f"{pairs / total:.2%}" if pairs else "takes too long" for pairs in found)
        rows.append((str(radius), *cells))
    shapes = [f"{FAISS_TABLES}: {count} of {width} bits" for count, width in TABLE_SHAPES[bits]]
    print_table(("radius", _FASTPHASH, FAISS_FLAT, *shapes), rows)


def draw_lines(plt: Any, lines: dict[str, list[tuple[int, Timed]]], radius: int) -> Any:
    """Seconds against size, one line per rival; hollow points are extrapolated."""
    figure, axes = plt.subplots(figsize=(9, 5.2), layout="constrained")
    for i, (name, own) in enumerate(lines.items()):
        sizes = [size for size, _ in own]
        medians = [statistics.median(timed.seconds) for _, timed in own]
        label = f"{name}{slope(sizes, medians)}"
        color = f"C{i}"
        axes.loglog(sizes, medians, color=color, label=label, linewidth=2.5 if i == 0 else 1.5)
        for size, median, (_, timed) in zip(sizes, medians, own, strict=True):
            inside = "white" if timed.needles else color
            axes.plot(size, median, "o", color=color, markerfacecolor=inside)
    axes.plot([], [], "o", color="grey", markerfacecolor="white", label="extrapolated")
    axes.set(xlabel="hashes", ylabel="seconds")
    axes.set_title(f"Time to find all pairs within {radius} bits")
    title = f"slopes from {_LARGE:,} hashes on"
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9, title=title)
    return figure


def slope(sizes: list[int], seconds: list[float]) -> str:
    """The exponent of the time's growth, fitted to the large sizes if there are two."""
    large = [i for i, size in enumerate(sizes) if size >= _LARGE]
    chosen = large if len(large) > 1 else range(len(sizes))
    if len(chosen) < 2:
        return ""
    fitted = np.polyfit(np.log([sizes[i] for i in chosen]), np.log([seconds[i] for i in chosen]), 1)
    return f" (slope {fitted[0]:.2f})"


if __name__ == "__main__":
    main()
