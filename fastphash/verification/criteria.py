"""Which pairs count as copies: the radius, the least score, and what the join may use."""

from dataclasses import dataclass, field

from fastphash.defaults import MIN_SCORE
from fastphash.errors import UsageError
from fastphash.joins.index import check_radius
from fastphash.joins.options import JoinOptions


@dataclass(frozen=True, slots=True)
class CopyCriteria:
    """Which pairs count as copies, and how they are searched.

    Attributes
    ----------
    radius : int
        The largest Hamming distance of two copies, 0 to 64 bits.
    min_score : float or None
        The least score of two copies that are not exact, 0 to 1; None if nobody compares their
        thumbnails, and the distance alone decides.
    options : JoinOptions
        What the join may use, and whom it tells.

    Raises
    ------
    UsageError
        The radius or the score is out of range.
    """

    radius: int
    min_score: float | None = MIN_SCORE
    options: JoinOptions = field(default_factory=JoinOptions)

    def __post_init__(self) -> None:
        check_radius(self.radius)
        check_score(self.min_score)

    @property
    def score_near(self) -> bool:
        """Whether pairs at a distance are compared by their thumbnails."""
        return self.min_score is not None


def check_score(min_score: float | None) -> None:
    """Raise UsageError if a least score is out of range."""
    if min_score is not None and not 0 <= min_score <= 1:
        raise UsageError(f"a least score is a number from 0 to 1, not {min_score!r}")
