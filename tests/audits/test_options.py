import pytest

from fastphash.audits.options import AuditOptions, CopyChoices
from fastphash.errors import UsageError


@pytest.mark.parametrize("radius", [-1, 256, 2.5])
def test_a_radius_out_of_range_is_refused(radius):
    with pytest.raises(UsageError, match=f"not {radius}"):
        AuditOptions(radius=radius)


@pytest.mark.parametrize("score", [-0.5, 1.5])
def test_a_score_out_of_range_is_refused(score):
    with pytest.raises(UsageError, match=f"not {score}"):
        AuditOptions(min_score=score)


@pytest.mark.parametrize("candidates", [0, -1, float("nan"), float("inf"), "10", True])
def test_candidates_that_are_no_number_above_0_are_refused(candidates):
    with pytest.raises(UsageError, match=f"`candidates` is a number .* not {candidates!r}"):
        AuditOptions(candidates=candidates)


def test_candidates_beside_a_radius_are_refused_unless_hashes_propose_pairs():
    with pytest.raises(UsageError, match="leave out `radius`"):
        CopyChoices(radius=4, candidates=5).options()
    chosen = CopyChoices(radius=4, candidates=5, propose=("dhash",)).options()
    assert (chosen.radius, chosen.candidates) == (4, 5)


def test_candidates_without_thumbnails_are_refused():
    with pytest.raises(UsageError, match="`candidates` needs thumbnails"):
        CopyChoices(candidates=5, verify=False).options()
