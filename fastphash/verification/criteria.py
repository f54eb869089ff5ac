"""Which pairs count as copies: the radius, the least score, and what the join may use."""

from dataclasses import dataclass, field

from fastphash.base.arguments import is_number, quoted
from fastphash.defaults import MIN_SCORE
from fastphash.errors import UsageError
from fastphash.joins.index import MOST_BITS, check_radius
from fastphash.joins.options import JoinOptions


@dataclass(frozen=True, slots=True)
class CopyCriteria:
    """Which pairs count as copies, and how they are searched.

    Attributes
    ----------
    radius : int
        The largest Hamming distance of two copies, in bits.
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
        check_radius(self.radius, MOST_BITS)
        check_score(self.min_score)

    @property
    def score_near(self) -> bool:
        """Whether pairs at a distance are compared by their thumbnails."""
        return self.min_score is not None


def least_score(
    min_score: float | None, *, verify: bool = True, thumbnails: bool = True
) -> float | None:
    """The least score of near copies that is meant: None if nobody compares their thumbnails.

    Parameters
    ----------
    min_score : float or None
        What was asked for; None for `MIN_SCORE`.
    verify : bool
        Whether thumbnails of near pairs are to be compared.
    thumbnails : bool
        Whether there are to be any.

    Raises
    ------
    UsageError
        A score was asked for, and nobody compares thumbnails; or it is out of range.
    """
    for name, given in (("verify", verify), ("thumbnails", thumbnails)):
        if min_score is not None and not given:
            raise UsageError(
                f"`min_score` needs thumbnails to compare: leave it out, or leave out `{name}`"
            )
    check_score(min_score)
    if not (verify and thumbnails):
        return None
    return MIN_SCORE if min_score is None else min_score


def check_score(min_score: float | None) -> None:
    """Raise UsageError if a least score is out of range."""
    if min_score is not None and not (is_number(min_score) and 0 <= min_score <= 1):
        raise UsageError(f"`min_score` is a number from 0 to 1, not {quoted(min_score)}")
