"""Which samples of containers stay: a sample does as long as one of its images does."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.sources.containers.format import Member
from fastphash.sources.member_paths import member_path, split_path


class SplitSamples:
    """The samples of a split of containers.

    Parameters
    ----------
    plan : CheckedPlan
    split : str
    keep : bool (n,)
        Whether each image of the plan stays.

    Attributes
    ----------
    rows : dict of bytes to int
        Rows of the split's images, by path.
    """

    def __init__(self, plan: CheckedPlan, split: str, keep: NDArray[np.bool_]) -> None:
        self.rows = {plan.paths[row]: row for row in np.flatnonzero(plan.splits == split).tolist()}
        rejected = dict.fromkeys(plan.rejected_paths(split), not plan.drop_rejected)
        self._stays = rejected | {path: bool(keep[row]) for path, row in self.rows.items()}
        self._left: dict[bytes, int] = {}
        self._touched: set[bytes] = set()
        for path, stays in self._stays.items():
            container, _ = split_path(path)
            if not stays:
                self._touched.add(container)
            elif path in self.rows:
                self._left[container] = self._left.get(container, 0) + 1

    def loses_any(self, container: bytes) -> bool:
        """Whether an image of a container goes."""
        return container in self._touched

    def images_left(self, container: bytes) -> int:
        """How many images of a container stay, of those with a hash."""
        return self._left.get(container, 0)

    def image_stays(self, path: bytes) -> bool | None:
        """Whether an image stays; None if the path is of no image."""
        return self._stays.get(path)

    def samples(self, container: bytes, members: Iterable[Member]) -> dict[bytes, bool]:
        """The samples of a container that have an image, and whether each stays.

        Names are those of `sample_of`, in the order of the members.
        """
        found: dict[bytes, bool] = {}
        for member in members:
            stays = self.image_stays(member_path(container, member.name))
            if stays is not None:
                sample = sample_of(container, member)
                found[sample] = found.get(sample, False) or stays
        return found


def sample_of(container: bytes, member: Member) -> bytes:
    """Name of a member's sample: its key; of Parquet, where each row is one, its number."""
    by_row = container.lower().endswith(b".parquet")
    return member.name if by_row else member.key or member.name
