"""How fast are equal hashes joined, against `numpy.isin` and the paper's loop?

The sizes are those of the paper's data set: 60,317 needles, of which 93 % have copies, and a
haystack of 280,741 hashes, of which 89 % have. The paper's loop (compare_hashes.py) is timed on
some of the needles and extrapolated.
"""

import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.command_line import make_parser
from benchmarks.support.markdown import print_table
from benchmarks.support.timing import SPREAD, spread, time_in_turn
from fastphash.external.api import join
from fastphash.hashing.hexadecimal import to_hex

_NEEDLES, _HAYSTACK = 60_317, 280_741
_LOOP_NEEDLES = 300


def main() -> None:
    arguments = make_parser(__doc__, rounds=7, warmed=True).parse_args()
    needles, haystack = random_hashes()
    found = join(needles, haystack)
    rivals = {
        "fastphash.join, radius 0": lambda: join(needles, haystack),
        "numpy.isin (which needles, not where)": lambda: np.isin(needles, haystack),
    }
    seconds = time_in_turn(rivals, arguments.rounds)
    some = needles[:_LOOP_NEEDLES]
    loop_seconds, matched = paper_loop(to_hex(some), np.array(to_hex(haystack)))
    assert matched == np.isin(some, haystack).sum()
    loop = loop_seconds / _LOOP_NEEDLES * _NEEDLES
    rows = [
        (name, spread([second * 1e3 for second in times]) + " ms")
        for name, times in seconds.items()
    ]
    rows.append(("the paper's loop", f"{loop:,.0f} s (extrapolated from {_LOOP_NEEDLES} needles)"))
    title = f"{_NEEDLES:,} in {_HAYSTACK:,}: {found.left.size:,} pairs"
    print_table((title, f"time: {SPREAD}"), rows)


def random_hashes() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Needles and haystack with the paper's shares of copies."""
    rng = np.random.default_rng(0)
    scenes = rng.integers(0, 2**64, _HAYSTACK, dtype=np.uint64)
    originals = scenes[:90_000]
    haystack = np.concatenate(
        [originals, originals[rng.integers(0, originals.size, _HAYSTACK - originals.size)]]
    )
    shared = int(_NEEDLES * 0.93)
    needles = np.concatenate(
        [originals[rng.integers(0, originals.size, shared)], scenes[-(_NEEDLES - shared) :]]
    )
    return rng.permutation(needles), rng.permutation(haystack)


def paper_loop(needles: list[str], haystack: NDArray[np.str_]) -> tuple[float, int]:
    """Compare each needle, as hex, with an array of the haystack's; returns seconds and matches."""
    start = time.perf_counter()
    matched = sum(bool(np.flatnonzero(haystack == needle).size) for needle in needles)
    return time.perf_counter() - start, matched


if __name__ == "__main__":
    main()
