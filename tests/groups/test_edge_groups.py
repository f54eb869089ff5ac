import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.errors import UsageError
from fastphash.groups import edge_groups
from fastphash.groups.edge_groups import EDGES, KEEPERS, group_edges
from fastphash.groups.grouping import GROUPINGS
from tests.support import naive

TWINS = {"star": naive.stars, "components": naive.components}

edges_of_rows = st.integers(2, 200).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=80),
    )
)


def batch_of(pairs):
    columns = np.array(pairs, np.int64).reshape(-1, 2).T
    return pa.record_batch([np.ascontiguousarray(column) for column in columns], schema=EDGES)


def in_batches(pairs, size):
    return [batch_of(pairs[start : start + size]) for start in range(0, len(pairs), size)]


def keepers(batches, rows):
    """The keeper of each row, and the copies in the order in which they came."""
    keeper, copies = [*range(rows)], []
    for batch in batches:
        assert batch.schema == KEEPERS
        assert batch.num_rows
        for row, of in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            keeper[row] = of
            copies.append((of, row))
    return keeper, copies


@pytest.mark.parametrize("grouping", GROUPINGS)
@given(edges_of_rows, st.integers(1, 9), st.booleans())
@example((130, {(i, i + 1) for i in range(129)}), 3, True)
@example((2, set()), 1, False)
@example((65, {(0, 64), (63, 64)}), 1, True)
def test_streamed_groups_are_those_of_the_twin(grouping, case, size, again):
    rows, drawn = case
    pairs = sorted((i, j) for i, j in drawn if i < j)
    if again:
        pairs = [pair for pair in pairs for _ in range(2)]
    keeper, copies = keepers(group_edges(in_batches(pairs, size), rows, grouping), rows)
    assert keeper == TWINS[grouping](rows, {*pairs} | {(j, i) for i, j in pairs})
    assert len({row for _, row in copies}) == len(copies)
    assert copies == sorted(copies, key=None if grouping == "star" else lambda copy: copy[1])


@pytest.mark.parametrize("size", [1, 3, 64])
def test_roots_that_are_looked_up_in_pieces_are_the_same(monkeypatch, size):
    monkeypatch.setattr(edge_groups, "_ROWS_AT_ONCE", size)
    rng = np.random.default_rng(size)
    pairs = sorted({tuple(sorted(pair)) for pair in rng.integers(0, 300, (200, 2)).tolist()})
    pairs = [pair for pair in pairs if pair[0] < pair[1]]
    keeper, _ = keepers(group_edges(in_batches(pairs, 7), 300, "components"), 300)
    assert keeper == naive.components(300, {*pairs} | {(j, i) for i, j in pairs})


def test_components_take_edges_in_any_order():
    batches = in_batches([(3, 4), (0, 1), (1, 4)], 2)
    assert keepers(group_edges(batches, 6, "components"), 6)[0] == [0, 0, 2, 0, 0, 5]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([(1, 1)], "two of 4 rows, the lower one first"),
        ([(2, 1)], "the lower one first"),
        ([(0, 4)], "two of 4 rows"),
        ([(-1, 1)], "two of 4 rows"),
        ([(1, 2), (0, 3)], "must ascend by left"),
    ],
)
@pytest.mark.parametrize("size", [1, 2])
def test_wrong_edges_are_refused(pairs, said, size):
    with pytest.raises(UsageError, match=said):
        list(group_edges(in_batches(pairs, size), 4))


def test_other_columns_are_refused():
    narrow = pa.record_batch([pa.array([0], pa.int32()), pa.array([1])], ["left", "right"])
    for batch in (narrow, batch_of([(0, 1)]).rename_columns(["left", "other"])):
        with pytest.raises(UsageError, match="left, right of int64"):
            list(group_edges([batch], 2))
    missing = pa.record_batch([pa.array([0]), pa.array([None], pa.int64())], schema=EDGES)
    with pytest.raises(UsageError, match="no right"):
        list(group_edges([missing], 2))


def test_an_unknown_grouping_is_refused_at_once():
    with pytest.raises(UsageError, match="no grouping 'rings'"):
        group_edges([], 2, "rings")


def test_components_of_too_many_rows_are_refused():
    with pytest.raises(UsageError, match="4,294,967,296 rows at most, not 4,294,967,297"):
        group_edges([], (1 << 32) + 1, "components")
