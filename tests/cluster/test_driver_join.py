from itertools import product

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fastphash.cluster.driver_join import FoundPairs, ValueRows

VALUES = st.integers(0, 5)


def rows_with(values):
    """Each row has one value here; its hash is the value."""
    table = pa.table(
        {
            "value": pa.array(values, pa.int64()),
            "row": pa.array(range(len(values)), pa.int64()),
            "hashes": pa.array([np.uint64(v).tobytes() for v in values], pa.binary()),
        }
    )
    return ValueRows.of(table, 1)


def found(pairs, left, right, *, within):
    pairs = np.array(sorted(pairs), np.uint64).reshape(-1, 2)
    one = rows_with(left)
    return FoundPairs(pairs, one, one if within else rows_with(right), within)


def expand(one):
    left, right = one.expand()
    return sorted(zip(one.left.rows[left].tolist(), one.right.rows[right].tolist(), strict=True))


@given(st.lists(VALUES, max_size=9), st.lists(VALUES, max_size=9), st.data())
def test_pairs_of_two_sides(left, right, data):
    possible = sorted(product(set(left), set(right)))
    pairs = data.draw(st.sets(st.sampled_from(possible))) if possible else set()
    # only found values have rows
    left = [v for v in left if v in {a for a, _ in pairs}]
    right = [v for v in right if v in {b for _, b in pairs}]
    expected = [
        (i, j)
        for i, j in product(range(len(left)), range(len(right)))
        if (left[i], right[j]) in pairs
    ]
    one = found(pairs, left, right, within=False)
    assert expand(one) == expected
    assert one.expanded == one.row_pairs == len(expected)
    np.testing.assert_array_equal(one.left.hashes[:, 0], one.left.values)
    partnered = sorted(
        [i for i in range(len(left)) if any(a == i != b for a, b in expected)]
        + [j for j in range(len(right)) if any(b == j != a for a, b in expected)]
    )
    assert sorted(one.partnered().tolist()) == partnered


@given(st.lists(VALUES, max_size=12), st.data())
def test_pairs_within_one_side(values, data):
    several = {v for v in values if values.count(v) > 1}
    possible = [(a, b) for a, b in product(sorted(set(values)), repeat=2) if a < b]
    pairs = data.draw(st.sets(st.sampled_from(possible))) if possible else set()
    pairs |= {(v, v) for v in several}
    values = [v for v in values if any(v in pair for pair in pairs)]
    one = found(pairs, values, None, within=True)
    rows = range(len(values))
    expected = [(i, j) for i, j in product(rows, rows) if (values[i], values[j]) in pairs]
    assert expand(one) == expected
    assert one.expanded == len(expected)
    assert one.row_pairs == len({(min(p), max(p)) for p in expected if p[0] != p[1]})
    assert sorted(one.partnered().tolist()) == sorted(rows)
