import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.external import row_set
from fastphash.external.row_set import RowSet


@given(st.lists(st.integers(0, 299), max_size=90), st.integers(1, 40))
@example([], 1)
@example([0, 63, 64, 127, 299], 2)
@example([*range(128)], 40)
def test_rows_are_numbered_as_they_ascend(added, at_once):
    rows = RowSet(300)
    for start in range(0, len(added), 7):
        rows.add(np.array(added[start : start + 7], np.int64))
    expected = sorted({*added})
    assert len(rows) == len(expected)
    assert rows.numbers(np.array(added, np.int64)).tolist() == [expected.index(i) for i in added]
    batches = [*rows.batches(at_once)]
    assert [row for batch in batches for row in batch.tolist()] == expected
    assert all(batch.size == at_once for batch in batches[:-1])


@pytest.mark.parametrize("words", [1, 3])
def test_words_that_are_looked_through_in_parts_give_the_same(monkeypatch, words):
    monkeypatch.setattr(row_set, "_WORDS_AT_ONCE", words)
    rows, some = RowSet(1000), np.unique(np.random.default_rng(0).integers(0, 1000, 300))
    rows.add(some)
    assert np.concatenate([*rows.batches(17)]).tolist() == some.tolist()
