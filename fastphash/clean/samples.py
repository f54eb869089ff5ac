"""Which samples of containers stay: a sample does as long as one of its images does."""

from collections import Counter
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
    """

    def __init__(self, plan: CheckedPlan, split: str, keep: NDArray[np.bool_]) -> None:
        rejected = plan.rejected_paths(split)
        self._stays = dict.fromkeys(rejected, not plan.drop_rejected)
        self._touched = {split_path(path)[0] for path in rejected if plan.drop_rejected}
        # how many images with a hash stay, of each container that has some
        self._left: Counter[bytes] = Counter()
        for row in np.flatnonzero(plan.splits == split).tolist():
            path, stays = plan.paths[row], bool(keep[row])
            container, _ = split_path(path)
            self._stays[path] = stays
            self._left[container] += stays
            if not stays:
                self._touched.add(container)

    def loses_any(self, container: bytes) -> bool:
        """Whether an image of a container goes."""
        return container in self._touched

    def images_left(self, container: bytes) -> int:
        """How many images of a container stay, of those with a hash."""
        return self._left[container]

    def has_hashes(self, container: bytes) -> bool:
        """Whether an image of a container has a hash."""
        return container in self._left

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
