"""What aligned detail settles about pairs in doubt."""

import numpy as np
import pytest

from fastphash.looks.judgement import IS_COPY, IS_NO_COPY, UNSETTLED, judge_doubts
from fastphash.looks.run import Looks


@pytest.mark.parametrize(
    ("accused", "correlation", "keypoints", "verdict"),
    [
        (True, 0.39, 100, IS_NO_COPY),
        (True, 0.41, 100, UNSETTLED),
        (True, 0.0, 99, UNSETTLED),
        (False, 0.5, 6, IS_COPY),
        (False, 0.49, 600, UNSETTLED),
        (False, 0.0, 600, UNSETTLED),
    ],
)
def test_judge_doubts(accused: bool, correlation: float, keypoints: int, verdict: int) -> None:
    looks = Looks.none(1)
    looks.looked[:], looks.correlation[:], looks.keypoints[:] = True, correlation, keypoints
    assert judge_doubts(looks, np.array([accused])).tolist() == [verdict]


@pytest.mark.parametrize("accused", [True, False])
def test_a_pair_that_nobody_could_look_at_stays_in_doubt(accused: bool) -> None:
    looks = Looks.none(1)
    looks.correlation[:], looks.keypoints[:] = -1.0 if accused else 1.0, 600
    assert judge_doubts(looks, np.array([accused])).tolist() == [UNSETTLED]
