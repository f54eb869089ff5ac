"""Hashes that are not uniform, and what is measured of them."""

import numpy as np

from fastphash.joins.bit_statistics import measure_bits
from tests.support import naive
from tests.support.hash_strategies import TOP

EMPTY = np.empty(0, np.uint64)


def uniform(size, seed=0):
    return np.random.default_rng(seed).integers(0, TOP, size, np.uint64, endpoint=True)


SKEWED = {
    "ball": naive.ball(20_000, 4),
    "few bits": uniform(20_000) & np.uint64(0xFFFFFFFF),
    "pairs of bits": (uniform(20_000) & np.uint64(TOP // 3)) * np.uint64(3),
    "upper bits rare": uniform(20_000) & uniform(20_000, 1) & uniform(20_000, 2),
    "two balls": naive.ball(20_000, 4) ^ (uniform(20_000) % np.uint64(2) * np.uint64(TOP // 5)),
    "one bit": np.uint64(1) << uniform(20_000) % np.uint64(64),
    "few": uniform(20_000) % np.uint64(3),
}
UNIFORM = measure_bits(EMPTY, EMPTY)
MEASURED = {None: UNIFORM, **{kind: measure_bits(rows, rows) for kind, rows in SKEWED.items()}}
