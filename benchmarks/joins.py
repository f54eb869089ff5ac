"""How fast are all pairs within a Hamming radius found, among n hashes or (--across) n and n?

Rivals: FAISS, every pair (IndexBinaryFlat) and by hash tables (IndexBinaryMultiHash, of the tables
that are complete by the pigeonhole principle those that are fastest on a slice), a numpy loop, the
paper's loop over ImageHash objects, and imagededup where it is installed (its BK-tree up to 100,000
hashes, in one process). All but numpy know needles and a haystack only, so that among n hashes they
see each pair twice; --across gives all the same to do. Building an index counts. FAISS and
fastphash take all cores, the others one. A rival that would take longer than --limit gets a slice
of the needles, and its time is extrapolated.

--data uniform: random bits. --data skewed: hashes of --count crops of photos (or of drawn scenes)
give each bit's mean and the correlations of bits; hashes are drawn from a Gaussian copula with
both. No copies are planted in either, so that pairs are those that chance brings.
"""

import argparse
import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import common
import faiss
import imagehash
import numpy as np
import scipy.special
from numpy.typing import NDArray

from fastphash import TooManyPairsError, join, phash, self_join, to_hex
from fastphash.joins import Index, matches
from fastphash.near import Effort
from fastphash.plans import Plan
from fastphash.threads import core_count
from fastphash.words import MAX_PAIRS

Hashes = NDArray[np.uint64]
# pairs found for so many needles, from the first on
Search = Callable[[int], int]

_OURS, _FLAT, _MULTI = "fastphash", "FAISS, every pair", "FAISS, hash tables"
# FAISS's hash tables: how many, of how many bits
_SHAPES = ((3, 21), (4, 16), (5, 12), (6, 10))
# the paper's loop and the BK-tree hold Python objects, half a kilobyte for each hash
_MOST_OBJECTS = 100_000
# a rival's rate is taken from the first slice that takes so long
_PROBE_SECONDS = 0.2
# slopes are taken from here on: below, starting counts for more than searching
_LARGE = 1_000_000


class Task(NamedTuple):
    """What is to be found; where not `across`, needles are the haystack."""

    needles: Hashes
    haystack: Hashes
    radius: int
    across: bool


class Rival(NamedTuple):
    """How to make an index that can be searched, and how many of the hashes it holds."""

    build: Callable[[], Search]
    hashes: int
    note: str = ""


class Timed(NamedTuple):
    """Seconds of each turn and pairs found, extrapolated where `needles` is not 0."""

    seconds: list[float]
    pairs: int
    needles: int = 0
    hashes: int = 0
    note: str = ""


def main() -> None:
    parser = arguments_parser()
    arguments = parser.parse_args()
    if arguments.plot and arguments.plot_radius not in arguments.radii:
        parser.error(f"--plot-radius {arguments.plot_radius} is none of --radii")
    plt = common.pyplot() if arguments.plot else None
    draw_hashes = source(arguments)
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
    if importlib.util.find_spec("imagededup") is None:
        rows.append(("", "", "imagededup", "not installed", "", ""))
    hashes = f"{arguments.data} hashes" + (", needles in as many" if arguments.across else "")
    seconds = "seconds: median (least to most)"
    header = (hashes, "radius", "rival", seconds, "times fastphash's", "pairs")
    common.table(header, rows)
    print(f"\nAll {core_count()} cores, every pair compared (fastphash is told to):\n")
    every_pair(draw_hashes(min(max(arguments.sizes), 100_000)), arguments.rounds)
    print("\nShare of planted pairs found:\n")
    recall(draw_hashes(2_000), arguments.radii)
    if plt:
        common.save_figure(draw(plt, lines, arguments.plot_radius), arguments.plot)


def arguments_parser() -> argparse.ArgumentParser:
    parser = common.parser(__doc__)
    parser.set_defaults(count=4000, rounds=3)
    parser.add_argument("--data", choices=("uniform", "skewed"), default="uniform")
    parser.add_argument("--across", action="store_true", help="needles in a haystack of as many")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--radii", type=int, nargs="+", default=[0, 2, 4, 6, 8, 10, 12])
    parser.add_argument(
        "--limit", type=float, default=20, help="seconds a turn of a rival before it gets a slice"
    )
    parser.add_argument("--plot", type=Path, help="draw FILE.png and FILE.svg")
    parser.add_argument("--plot-radius", type=int, default=4)
    return parser


def source(arguments: argparse.Namespace) -> Callable[[int], Hashes]:
    """What draws so many hashes, others at each call."""
    rng = np.random.default_rng(0)
    if arguments.data == "uniform":
        return lambda size: rng.integers(0, 2**64, size, dtype=np.uint64)
    crops = common.crops(arguments.photos, arguments.count, sides)
    # each hash once: blank crops would count as often as there are any
    sample = np.unique(np.array([phash(crop) for crop in crops], np.uint64))
    return partial(skewed, rng, *copula(sample))


def sides(rng: np.random.Generator) -> tuple[int, int]:
    width, height = rng.integers(128, 641, 2).tolist()
    return width, height


def copula(sample: Hashes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor (64, 64) and thresholds (64,) of normals that give bits of these means, so correlated.

    sin(pi / 2 * correlation) is what normals need whose signs are so correlated, exact for means of
    one half; the next matrix without negative eigenvalues takes its place.
    """
    bits = np.unpackbits(sample[:, None].view(np.uint8), axis=1, bitorder="little").astype(float)
    mean = np.clip(bits.mean(axis=0), 0.5 / len(bits), 1 - 0.5 / len(bits))
    spread = np.maximum(bits.std(axis=0), 1e-6)
    centred = (bits - bits.mean(axis=0)) / spread
    latent = np.sin(np.pi / 2 * (centred.T @ centred / len(bits)))
    np.fill_diagonal(latent, 1)
    values, vectors = np.linalg.eigh(latent)
    factor = vectors * np.sqrt(np.maximum(values, 0))
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)
    return factor.astype(np.float32), scipy.special.ndtri(1 - mean).astype(np.float32)


def skewed(
    rng: np.random.Generator,
    factor: NDArray[np.float32],
    threshold: NDArray[np.float32],
    size: int,
) -> Hashes:
    out = np.empty(size, np.uint64)
    for start in range(0, size, 1 << 16):
        own = out[start : start + (1 << 16)]
        normal = rng.standard_normal((own.size, 64), np.float32) @ factor.T
        own[:] = np.packbits(normal > threshold, axis=1, bitorder="little").view(np.uint64)[:, 0]
    return out


def measure(task: Task, limit: float, rounds: int) -> dict[str, Timed]:
    """Every rival in turn, on all needles or on a slice; none where there are too many pairs."""
    total = task.needles.size
    found: dict[str, int] = {}
    try:
        found[_OURS] = ours(task)
    except TooManyPairsError:
        return {}
    runs: dict[str, Callable[[], object]] = {_OURS: partial(ours, task)}
    made = rivals(task)
    built: dict[str, float] = {}
    slices: dict[str, int] = {}
    for name, rival in made.items():
        start = time.perf_counter()
        search = rival.build()
        built[name] = time.perf_counter() - start
        each = seconds_each(search, total)
        whole = built[name] + each * total
        if rival.hashes == task.haystack.size and whole <= limit:
            runs[name] = partial(whole_run, found, name, rival, total)
        else:
            slices[name] = min(max(int(limit / 10 / each), 1), total)
            runs[name] = partial(search, slices[name])
    seconds = common.in_turn(runs, rounds)
    timed = {_OURS: Timed(seconds[_OURS], found[_OURS])}
    for name, rival in made.items():
        needles = slices.get(name, 0)
        own = seconds[name]
        if needles:
            more = task.haystack.size / rival.hashes
            own = [(built[name] + took * total / needles) * more for took in own]
        timed[name] = Timed(own, found.get(name, 0), needles, rival.hashes, rival.note)
    # all of them are exact
    assert set(found.values()) == {found[_OURS]}, found
    return timed


def ours(task: Task) -> int:
    if task.across:
        return int(join(task.needles, task.haystack, task.radius).left.size)
    return int(self_join(task.haystack, task.radius).left.size)


def whole_run(found: dict[str, int], name: str, rival: Rival, total: int) -> None:
    found[name] = rival.build()(total)


def seconds_each(search: Search, total: int) -> float:
    """Seconds that a needle takes, from slices each four times as large as the one before."""
    count = 1
    while True:
        start = time.perf_counter()
        search(count)
        took = time.perf_counter() - start
        if took > _PROBE_SECONDS or count == total:
            return took / count
        count = min(4 * count, total)


def rivals(task: Task) -> dict[str, Rival]:
    size = task.haystack.size
    some = task._replace(haystack=task.haystack[:_MOST_OBJECTS])
    made = {
        _FLAT: Rival(partial(flat, task), size),
        _MULTI: fastest_tables(task),
        "numpy loop": Rival(partial(numpy_loop, task), size),
        "the paper's loop": Rival(partial(paper_loop, some), some.haystack.size),
    }
    if importlib.util.find_spec("imagededup") is None:
        return made
    made["imagededup, every pair"] = Rival(partial(imagededup, task, "BruteForceCython"), size)
    if size <= _MOST_OBJECTS:
        made["imagededup, BK-tree"] = Rival(partial(imagededup, task, "BKTree"), size)
    return made


def flat(task: Task) -> Search:
    index = faiss.IndexBinaryFlat(64)
    index.add(as_bytes(task.haystack))
    return partial(range_search, index, task)


def fastest_tables(task: Task) -> Rival:
    """Of the shapes those hash tables that would find all pairs soonest."""
    estimates: dict[tuple[int, int], float] = {}
    for shape in _SHAPES:
        start = time.perf_counter()
        search = tables(task, *shape)
        built = time.perf_counter() - start
        estimates[shape] = built + seconds_each(search, task.needles.size) * task.needles.size
    count, bits = min(estimates, key=lambda shape: estimates[shape])
    note = f"{count} of {bits} bits, {task.radius // count} flipped"
    return Rival(partial(tables, task, count, bits), task.haystack.size, note)


def tables(task: Task, count: int, bits: int) -> Search:
    """Hashes within r bits differ in no more than r // count bits of one of the blocks."""
    index = faiss.IndexBinaryMultiHash(64, count, bits)
    index.nflip = task.radius // count
    index.add(as_bytes(task.haystack))
    return partial(range_search, index, task)


def range_search(index: Any, task: Task, count: int) -> int:
    # faiss finds what is nearer than the radius it is given
    limits, _, _ = index.range_search(as_bytes(task.needles[:count]), task.radius + 1)
    return once_each(task, int(limits[-1]), count)


def numpy_loop(task: Task) -> Search:
    def search(count: int) -> int:
        pairs = 0
        for k in range(count):
            # first and last in turn: among n hashes any slice has the same mean to do
            i = k // 2 if k % 2 == 0 else task.needles.size - 1 - k // 2
            others = task.haystack if task.across else task.haystack[i + 1 :]
            near = np.bitwise_count(others ^ task.needles[i]) <= task.radius
            pairs += np.flatnonzero(near).size
        return pairs

    return search


def paper_loop(task: Task) -> Search:
    """The work of the paper's compare_hashes_hamming_distance.py."""
    haystack = image_hashes(task.haystack)

    def search(count: int) -> int:
        needles = image_hashes(task.needles[:count])
        pairs = sum(np.flatnonzero((haystack - needle) <= task.radius).size for needle in needles)
        return once_each(task, pairs, count)

    return search


def image_hashes(hashes: Hashes) -> NDArray[np.object_]:
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8)).reshape(-1, 8, 8).astype(bool)
    made = np.empty(hashes.size, object)
    made[:] = [imagehash.ImageHash(own) for own in bits]
    return made


def imagededup(task: Task, method: str) -> Search:
    """Its searchers in one process: its pool sends the whole haystack along with each needle."""
    name = {"BruteForceCython": "brute_force_cython", "BKTree": "bktree"}[method]
    searcher = getattr(importlib.import_module(f"imagededup.handlers.search.{name}"), method)
    distance = importlib.import_module("imagededup.methods").PHash.hamming_distance
    index = searcher({str(i): text for i, text in enumerate(to_hex(task.haystack))}, distance)

    def search(count: int) -> int:
        needles = to_hex(task.needles[:count])
        return once_each(task, sum(len(index.search(own, task.radius)) for own in needles), count)

    return search


def once_each(task: Task, found: int, count: int) -> int:
    """Among n hashes all are found by themselves, and each pair twice."""
    return found if task.across else (found - count) // 2


def as_bytes(hashes: Hashes) -> NDArray[np.uint8]:
    return hashes.view(np.uint8).reshape(-1, 8)


def table_rows(task: Task, timed: dict[str, Timed]) -> list[tuple[str, ...]]:
    first = (f"{task.haystack.size:,}", str(task.radius))
    if not timed:
        return [(*first, _OURS, "", "", f"more than {MAX_PAIRS:,}")]
    rows: list[tuple[str, ...]] = []
    for name, own in timed.items():
        took = spread(own.seconds)
        if own.needles:
            took += f", extrapolated from {own.needles:,} needle" + "s" * (own.needles > 1)
            took += f" in {own.hashes:,}" if own.hashes < task.haystack.size else ""
        ratios = [a / b for a, b in zip(own.seconds, timed[_OURS].seconds, strict=True)]
        rows.append(
            (
                *first,
                f"{name}: {own.note}" if own.note else name,
                took,
                "1" if name == _OURS else spread(ratios),
                "" if own.needles else f"{own.pairs:,}",
            )
        )
    return rows


def spread(values: list[float]) -> str:
    """Median (least to most), to three figures."""
    median, least, most = (
        f"{value:,.3g}" if value < 999 else f"{value:,.0f}"
        for value in (statistics.median(values), min(values), max(values))
    )
    return f"{median} ({least} to {most})"


def every_pair(hashes: Hashes, rounds: int) -> None:
    """Comparisons a second of FAISS, and of fastphash if its planner may not plan."""
    task = Task(hashes[: max(hashes.size // 5, 1)], hashes, 4, across=True)
    # a plan that takes a second is worth threads
    effort = Effort(plan=lambda plan: Plan(plan.radius, (), 0, 0, (), 1.0, 0.0))
    sides = Index(task.needles), Index(task.haystack)
    search = flat(task)
    seconds = common.in_turn(
        {
            _OURS: lambda: list(matches(*sides, task.radius, effort=effort)),
            _FLAT: lambda: search(task.needles.size),
        },
        rounds,
    )
    compared = task.needles.size * task.haystack.size
    rows = []
    for name, own in seconds.items():
        median, least, most = (compared / f(own) / 1e9 for f in (statistics.median, max, min))
        rows.append((name, f"{median:.2f} ({least:.2f} to {most:.2f})"))
    header = f"{task.needles.size:,} needles in {task.haystack.size:,}, radius {task.radius}"
    common.table((header, "1e9 comparisons a second: median (least to most)"), rows)


def recall(hashes: Hashes, radii: list[int]) -> None:
    """Needles are the hashes with as many bits turned as the radius allows."""
    rng = np.random.default_rng(0)
    rows = []
    for radius in radii:
        order = rng.permuted(np.tile(np.arange(64, dtype=np.uint64), (hashes.size, 1)), axis=1)
        turned = np.bitwise_or.reduce(np.uint64(1) << order[:, :radius], axis=1)
        task = Task(hashes ^ turned, hashes, radius, across=True)
        total = numpy_loop(task)(hashes.size)
        shares = [ours(task), flat(task)(hashes.size)]
        shares += [tables(task, *shape)(hashes.size) for shape in _SHAPES]
        rows.append((str(radius), *(f"{share / total:.2%}" for share in shares)))
    shapes = [f"{_MULTI}: {count} of {bits} bits" for count, bits in _SHAPES]
    common.table(("radius", _OURS, _FLAT, *shapes), rows)


def draw(plt: Any, lines: dict[str, list[tuple[int, Timed]]], radius: int) -> Any:
    """Seconds against size, a line a rival with its slope; hollow where extrapolated."""
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
    """How time grows with size, on logarithmic scales; from a million on, if two sizes are."""
    large = [i for i, size in enumerate(sizes) if size >= _LARGE]
    chosen = large if len(large) > 1 else range(len(sizes))
    if len(chosen) < 2:
        return ""
    fitted = np.polyfit(np.log([sizes[i] for i in chosen]), np.log([seconds[i] for i in chosen]), 1)
    return f" (slope {fitted[0]:.2f})"


if __name__ == "__main__":
    main()
