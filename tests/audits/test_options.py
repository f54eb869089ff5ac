import pytest

from fastphash.audits.options import AuditOptions
from fastphash.errors import UsageError


@pytest.mark.parametrize("radius", [-1, 256, 2.5])
def test_a_radius_out_of_range_is_refused(radius):
    with pytest.raises(UsageError, match=f"not {radius}"):
        AuditOptions(radius=radius)


@pytest.mark.parametrize("score", [-0.5, 1.5])
def test_a_score_out_of_range_is_refused(score):
    with pytest.raises(UsageError, match=f"not {score}"):
        AuditOptions(min_score=score)
