"""Scores of pairs that were compared before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastphash.store.pair_scores import PairScores

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(2**28 - 2, 2**28), st.integers(1, 3)))


def columns(pairs):
    left, right, mask = np.array(pairs, np.int64).reshape(-1, 3).T.copy()
    return left, right, mask.astype(np.uint8)


def test_rows_beyond_what_a_number_holds_are_not_taken_for_others():
    scores = PairScores()
    scores.add(columns([(1, 0, 1)]), np.ones(1, np.uint8), np.ones(1, np.float32))
    known, *_ = scores.find(*columns([(1, 0, 1), (1, 2**28, 1), (0, 2**28, 1), (2**28 + 1, 0, 1)]))
    assert known.tolist() == [True, False, False, False]


@given(st.lists(PAIRS, max_size=5), PAIRS, st.integers(0, 12))
def test_what_was_added_is_found(batches, asked, most):
    scores, twin = PairScores(most), {}
    for number, batch in enumerate(batches):
        new = list(dict.fromkeys(pair for pair in batch if pair not in twin))
        # rows beyond what a number holds are forgotten, with their batch
        kept = sorted(new) if all(right < 2**28 for _, right, _ in new) else []
        twin |= dict.fromkeys(kept[: most - len(twin)], number)
        values = np.full(len(new), number)
        scores.add(columns(new), values.astype(np.uint8), values.astype(np.float32))
    known, orientation, score = scores.find(*columns(asked))
    assert known.tolist() == [pair in twin for pair in asked]
    expected = [twin.get(pair, 0) for pair in asked]
    assert orientation.tolist() == score.tolist() == expected
