"""How fast are equal hashes joined, at the size of the paper's data set?

60,317 needles in a haystack of 280,741 hashes, of which 93 % and 89 % have copies, against the
loop of the paper's compare_hashes.py, timed on a slice of the needles and extrapolated.
"""

import time

import common
import numpy as np
from numpy.typing import NDArray

from fastphash.hashing import to_hex
from fastphash.joins import join

_NEEDLES, _HAYSTACK = 60_317, 280_741
_SLICE = 300


def main() -> None:
    arguments = common.parser(__doc__).parse_args()
    needles, haystack = hashes()
    found = join(needles, haystack)
    rivals = {
        "fastphash.join, radius 0": lambda: join(needles, haystack),
        "numpy.isin (which needles, not where)": lambda: np.isin(needles, haystack),
    }
    seconds = common.in_turn(rivals, arguments.rounds)
    slice_seconds, matched = paper_loop(to_hex(needles[:_SLICE]), np.array(to_hex(haystack)))
    assert matched == np.isin(needles[:_SLICE], haystack).sum()
    loop = slice_seconds / _SLICE * _NEEDLES
    rows = [
        (name, common.each([second / 1e3 for second in times], 1) + " ms")
        for name, times in seconds.items()
    ]
    rows.append(("the paper's loop", f"{loop:,.0f} s (extrapolated from {_SLICE} needles)"))
    common.table((f"{_NEEDLES:,} in {_HAYSTACK:,}: {found.left.size:,} pairs", "time"), rows)


def hashes() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Shares of copies as the paper found them: 89 % of training, 93 % of validation images."""
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
    """Each needle's hex string against an array of all the haystack's."""
    start = time.perf_counter()
    matched = sum(bool(np.flatnonzero(haystack == needle).size) for needle in needles)
    return time.perf_counter() - start, matched


if __name__ == "__main__":
    main()
