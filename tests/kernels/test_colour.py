import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.base.vocabulary import INVERSE
from fastphash.joins.matches import Matches
from fastphash.store.content import Content
from fastphash.verification.comparison import compare_images
from tests.support import naive
from tests.support.hash_strategies import seeds


@given(seeds, st.integers(0, 7), st.sampled_from([0, 1, 5, 20, 60]))
@example(36005, 0, 60)
def test_colours_are_compared_as_their_twin_does(seed, t, strength):
    rng = np.random.default_rng(seed)
    a, other = np.clip(rng.normal(0, strength, (2, 128)), -127, 127)
    turned = np.stack([naive.TURNS[t](plane) for plane in a.reshape(2, 8, 8)]).reshape(-1)
    b = rng.choice([0, 0.3, 0.69, 1, 1.5]) * turned + rng.choice([0, 0.2, 1]) * other
    b += np.repeat(rng.choice([-30, -8, 0, 8, 16], 2), 64)
    planes = np.array([a, np.clip(b, -127, 127)]).round().astype(np.int8)
    one, two = np.zeros(1, np.int64), np.ones(1, np.int64)
    match = Matches(one, two, np.array([9], np.uint8), np.array([1 << t], np.uint8))
    content = Content(np.zeros((2, 1024), np.uint8), planes)
    comparison = compare_images(match, content, content, score_near=False)
    colour, distance = naive.colours(*planes, t)
    assert comparison.colour_distance[0] == pytest.approx(distance, abs=1e-3)
    assert comparison.colour[0] == colour
    back = Matches(two, one, match.distance, np.array([1 << INVERSE[t]], np.uint8))
    assert compare_images(back, content, content).colour[0] == colour
