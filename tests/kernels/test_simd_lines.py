import numba
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastphash.kernels.simd_lines import WIDTH, slide_and_divide, slide_lines


@numba.njit
def slide(total, lines, added, taken, steps):
    slide_lines(total, lines, added, taken, steps)


@numba.njit
def divide(total, lines, added, taken, steps, count, out):
    slide_and_divide(total, lines, added, taken, steps, count, out)


def plain(total, lines, added, taken, steps):
    """The sums after each step, by float32 operations in their order."""
    sums = [total]
    for i in range(steps):
        sums.append(sums[-1] + lines[added + i] - lines[taken + i])
    return sums


numbers = st.floats(0, 255, width=32)


@given(
    hnp.arrays(np.float32, (12, WIDTH), elements=numbers),
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 5),
    st.integers(1, 300),
)
@example(np.arange(12 * WIDTH, dtype=np.float32).reshape(12, WIDTH) / 7, 3, 0, 5, 3)
def test_sums_slide_in_the_order_of_the_steps(lines, added, taken, steps, count):
    start = lines[11] / np.float32(3)
    sums = plain(start, lines, added, taken, steps)
    total = start.copy()
    slide(total, lines, added, taken, steps)
    assert np.array_equal(total, sums[-1])
    total, out = start.copy(), np.full((8, WIDTH), -1, np.float32)
    divide(total, lines, added, taken, steps, np.float32(count), out[2:])
    assert np.array_equal(total, sums[-1])
    wanted = np.full((8, WIDTH), -1, np.float32)
    for i, row in enumerate(sums[1:]):
        wanted[2 + i] = row / np.float32(count)
    assert np.array_equal(out, wanted)
