import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.verification.similarity import similarity
from tests.support import naive
from tests.support.examples import examples
from tests.support.hash_strategies import seeds
from tests.support.thumbnails import related


def moved(seed):
    """A picture and it moved, enlarged, turned, covered in a corner or framed: thumbnails."""
    rng = np.random.default_rng(seed)
    wide = naive.blurred(rng.normal(0, 1, (32, 32)), rng.choice([0.5, 1, 2]))
    wide = np.kron(wide / wide.std(), np.ones((2, 2))) * rng.choice([1, 10, 50]) + 120
    y, x = rng.integers(0, 9, 2)
    a, b = wide[4:36, 4:36], wide[y : y + 32, x : x + 32]
    if rng.random() < 0.3:
        b = naive.enlarged(a, rng.choice([1.04, 1.1, 1.2]))
    if rng.random() < 0.3:
        side = rng.integers(2, 12)
        a, b = a.copy(), b.copy()
        for plane in (a, b):
            plane[:side] = plane[:, :side] = 250
    if rng.random() < 0.3:
        b = b.copy()
        for turn in range(4):
            np.rot90(b, turn)[: rng.integers(0, 12)] = rng.choice([0, 120])
    b = naive.TURNS[rng.integers(0, 8)](b)
    b = b * rng.choice([1, 0.5]) + rng.normal(0, rng.choice([0, 2]), b.shape)
    return [np.clip(plane, 0, 255).round().astype(np.uint8).reshape(-1) for plane in (a, b)]


@examples(25)
@given(st.lists(st.tuples(seeds, st.integers(1, 255), st.booleans()), max_size=4))
@example([])
@example([(0, 255, True)])
def test_similarity_is_its_twin(cases):
    pairs = [(moved if is_moved else related)(seed) for seed, _, is_moved in cases]
    left = np.array([a for a, _ in pairs], np.uint8).reshape(-1, 1024)
    right = np.array([b for _, b in reversed(pairs)], np.uint8).reshape(-1, 1024)
    bits = np.array([bits for _, bits, _ in cases], np.uint8)
    rows = np.arange(len(cases))
    score = similarity(left, rows, right, rows[::-1].copy(), bits).score
    assert score.dtype == np.float32
    for i, (a, b) in enumerate(pairs):
        # details are rounded to whole numbers, from float32 here and from float64 there
        assert score[i] == pytest.approx(naive.similarity(a, b, bits[i])[1], abs=5e-3)


def test_pictures_with_and_without_a_ground_are_among_those_compared():
    grounds = [naive.subject(moved(seed)[0].reshape(32, 32)).min() == 0 for seed in range(60)]
    assert 5 < sum(grounds) < 55
