"""Hypothesis strategies for hashes."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

TOP = 2**64 - 1
seeds = st.integers(0, 2**32 - 1)
# few enough values for many to be equal, all of uint64 besides
words = st.sampled_from([0, 1, 2**63, TOP]) | st.integers(0, TOP)
columns = hnp.arrays(np.uint64, st.integers(0, 30), elements=words)


def hash_rows(rows, width):
    return hnp.arrays(np.uint64, st.tuples(rows, st.just(width)), elements=words)
