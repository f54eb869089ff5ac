import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.base.orientations import orientation_indices
from fastphash.kernels import agreement
from tests.support import naive
from tests.support.hash_strategies import seeds
from tests.support.thumbnails import related


@given(st.lists(st.tuples(seeds, st.integers(1, 255)), max_size=8))
@example([])
@example([(0, 255)])
def test_agreement_is_its_twin(cases):
    pairs = [related(seed) for seed, _ in cases]
    left = np.array([a for a, _ in pairs], np.uint8).reshape(-1, 1024)
    right = np.array([b for _, b in reversed(pairs)], np.uint8).reshape(-1, 1024)
    bits = np.array([bits for _, bits in cases], np.uint8)
    rows = np.arange(len(cases))
    agrees, orientation = np.empty(len(cases), bool), np.empty(len(cases), np.uint8)
    score = np.empty(len(cases), np.float32)
    agreement.compare_pairs(
        left,
        rows,
        right,
        rows[::-1].copy(),
        bits,
        orientation_indices(),
        agrees,
        orientation,
        score,
    )
    for i, (a, b) in enumerate(pairs):
        expected = naive.judge(a, b, bits[i])
        assert (agrees[i], orientation[i]) == expected[:2]
        assert score[i] == pytest.approx(expected[2], abs=1e-6)


def test_pairs_of_every_verdict_are_among_those_judged():
    verdicts = [naive.judge(*related(seed), 255) for seed in range(300)]
    agreeing = {t for agrees, t, _ in verdicts if agrees}
    assert agreeing == set(range(8))
    assert sum(not agrees for agrees, _, _ in verdicts) > 50
