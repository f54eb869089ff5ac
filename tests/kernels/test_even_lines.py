import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastphash.kernels.even_lines import is_even


@given(
    arrays.arrays(np.uint8, st.integers(1, 70), elements=st.integers(0, 255)),
    st.integers(0, 60),
    st.sampled_from([0.5, 0.9, 0.97, 1.0]),
)
@example(np.array([0, 21], np.uint8), 10, 1.0)
@example(np.array([0, 20], np.uint8), 10, 1.0)
def test_a_line_is_even_by_its_median(line, spread, share):
    near = np.abs(line - np.median(line)) <= spread
    assert is_even(line, spread, share) == (near.mean() >= share)
