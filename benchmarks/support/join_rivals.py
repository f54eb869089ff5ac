"""Rivals of joins: FAISS, a numpy loop, the paper's loop and imagededup."""

import importlib
import importlib.util
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import faiss
import imagehash
import numpy as np
from numpy.typing import NDArray

from benchmarks.support.random_hashes import Hashes
from fastphash import to_hex

Search = Callable[[int], int]
"""Searches so many needles, from the first on; returns the number of pairs found."""

FAISS_FLAT, FAISS_TABLES = "FAISS, every pair", "FAISS, hash tables"
# numbers of FAISS's hash tables, and bits of each, by the bits of a hash
TABLE_SHAPES = {
    64: ((3, 21), (4, 16), (5, 12), (6, 10)),
    256: ((3, 60), (4, 60), (8, 32), (16, 16), (21, 12)),
}
# entries of a table that a needle looks up, at most: more take minutes for one needle
_MOST_LOOKUPS = 100_000

# the paper's loop and the BK-tree hold Python objects of half a kilobyte per hash
_MOST_OBJECTS = 100_000
# a needle's time is taken from the first slice that takes this long
_PROBE_SECONDS = 0.2


class Task(NamedTuple):
    """The pairs to find: between needles and haystack, or among one set of hashes.

    Attributes
    ----------
    needles, haystack : uint64 (n,), (m,); of 256 bits (n, 4), (m, 4)
        The same array unless `across`.
    radius : int
    across : bool
    """

    needles: Hashes
    haystack: Hashes
    radius: int
    across: bool

    @property
    def bits(self) -> int:
        """Bits of a hash."""
        return 8 * int(as_bytes(self.haystack).shape[1])


class Rival(NamedTuple):
    """A way to build an index, and the number of hashes that it holds."""

    build: Callable[[], Search]
    hashes: int
    note: str = ""


def seconds_per_needle(search: Search, total: int) -> float:
    """Measured on slices, each four times as large as the one before."""
    count = 1
    while True:
        start = time.perf_counter()
        search(count)
        took = time.perf_counter() - start
        if took > _PROBE_SECONDS or count == total:
            return took / count
        count = min(4 * count, total)


def join_rivals(task: Task) -> dict[str, Rival]:
    size = len(task.haystack)
    some = task._replace(haystack=task.haystack[:_MOST_OBJECTS])
    found = {
        FAISS_FLAT: Rival(partial(faiss_flat, task), size),
        FAISS_TABLES: fastest_tables(task),
        "numpy loop": Rival(partial(numpy_loop, task), size),
    }
    if task.bits > 64:
        return found
    found["the paper's loop"] = Rival(partial(paper_loop, some), some.haystack.size)
    if importlib.util.find_spec("imagededup") is None:
        return found
    found["imagededup, every pair"] = Rival(partial(imagededup, task, "BruteForceCython"), size)
    if size <= _MOST_OBJECTS:
        found["imagededup, BK-tree"] = Rival(partial(imagededup, task, "BKTree"), size)
    return found


def faiss_flat(task: Task) -> Search:
    index = faiss.IndexBinaryFlat(task.bits)
    index.add(as_bytes(task.haystack))
    return partial(range_search, index, task)


def fastest_tables(task: Task) -> Rival:
    """The hash tables that would take the least time for all needles."""
    estimates: dict[tuple[int, int], float] = {}
    needles = len(task.needles)
    for shape in TABLE_SHAPES[task.bits]:
        if not is_affordable(task.radius, *shape):
            continue
        start = time.perf_counter()
        search = faiss_tables(task, *shape)
        built = time.perf_counter() - start
        estimates[shape] = built + seconds_per_needle(search, needles) * needles
    count, bits = min(estimates, key=lambda shape: estimates[shape])
    note = f"{count} of {bits} bits, up to {task.radius // count} flipped"
    return Rival(partial(faiss_tables, task, count, bits), len(task.haystack), note)


def is_affordable(radius: int, count: int, bits: int) -> bool:
    """Whether a needle looks up few enough entries of a table."""
    return sum(math.comb(bits, flips) for flips in range(radius // count + 1)) <= _MOST_LOOKUPS


def faiss_tables(task: Task, count: int, bits: int) -> Search:
    """Finds all pairs: hashes within r bits differ by at most r // count bits in some block."""
    index = faiss.IndexBinaryMultiHash(task.bits, count, bits)
    index.nflip = task.radius // count
    index.add(as_bytes(task.haystack))
    return partial(range_search, index, task)


def range_search(index: Any, task: Task, count: int) -> int:
    # faiss finds distances below the radius it is given
    limits, _, _ = index.range_search(as_bytes(task.needles[:count]), task.radius + 1)
    return count_once(task, int(limits[-1]), count)


def numpy_loop(task: Task) -> Search:
    def search(count: int) -> int:
        pairs = 0
        for k in range(count):
            # from both ends in turn, so that any slice has the same mean number of others
            i = k // 2 if k % 2 == 0 else len(task.needles) - 1 - k // 2
            others = task.haystack if task.across else task.haystack[i + 1 :]
            distance = np.bitwise_count(others ^ task.needles[i])
            if distance.ndim > 1:
                distance = distance.sum(axis=1, dtype=np.uint16)
            pairs += np.flatnonzero(distance <= task.radius).size
        return pairs

    return search


def paper_loop(task: Task) -> Search:
    """The work of the paper's compare_hashes_hamming_distance.py."""
    haystack = as_image_hashes(task.haystack)

    def search(count: int) -> int:
        needles = as_image_hashes(task.needles[:count])
        pairs = sum(np.flatnonzero((haystack - needle) <= task.radius).size for needle in needles)
        return count_once(task, pairs, count)

    return search


def as_image_hashes(hashes: Hashes) -> NDArray[np.object_]:
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8)).reshape(-1, 8, 8).astype(bool)
    found = np.empty(hashes.size, object)
    found[:] = [imagehash.ImageHash(own) for own in bits]
    return found


def imagededup(task: Task, method: str) -> Search:
    """In one process: imagededup's own pool sends the whole haystack with each needle."""
    name = {"BruteForceCython": "brute_force_cython", "BKTree": "bktree"}[method]
    searcher = getattr(importlib.import_module(f"imagededup.handlers.search.{name}"), method)
    distance = importlib.import_module("imagededup.methods").PHash.hamming_distance
    index = searcher({str(i): text for i, text in enumerate(to_hex(task.haystack))}, distance)

    def search(count: int) -> int:
        needles = to_hex(task.needles[:count])
        return count_once(task, sum(len(index.search(own, task.radius)) for own in needles), count)

    return search


def count_once(task: Task, found: int, count: int) -> int:
    """Pairs counted once: a rival finds each hash itself, and each pair in both orders."""
    return found if task.across else (found - count) // 2


def as_bytes(hashes: Hashes) -> NDArray[np.uint8]:
    return hashes.view(np.uint8).reshape(len(hashes), -1)
