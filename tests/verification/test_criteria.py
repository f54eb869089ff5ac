import numpy as np
import pytest

from fastphash.errors import UsageError
from fastphash.verification.criteria import CopyCriteria


@pytest.mark.parametrize("score", [-0.1, 1.5, np.nan])
def test_a_score_out_of_range_is_refused(score):
    with pytest.raises(UsageError, match=f"from 0 to 1, not {score}"):
        CopyCriteria(1, score)


@pytest.mark.parametrize("radius", [-1, 256, 1.5, True])
def test_a_radius_out_of_range_is_refused(radius):
    with pytest.raises(UsageError, match=str(radius)):
        CopyCriteria(radius)


def test_near_pairs_are_scored_by_default():
    assert CopyCriteria(1).score_near
    assert CopyCriteria(1, 0).score_near
    assert not CopyCriteria(1, None).score_near
