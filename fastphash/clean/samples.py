"""Which samples of containers stay: a sample does as long as one of its images does."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastphash.labels.label_files import label_stems
from fastphash.sources.containers.format import Member
from fastphash.sources.containers.keys import FIRST_DOT, LAST_DOT
from fastphash.sources.member_paths import split_path

if TYPE_CHECKING:
    # it imports kernels, which workers do without
    from fastphash.clean.checked_plan import CheckedPlan


class SplitSamples:
    """The samples of a split of containers.

    Parameters
    ----------
    plan : CheckedPlan
    split : str
    keep : bool (n,)
        Whether each image of the plan stays.
    """

    def __init__(self, plan: "CheckedPlan", split: str, keep: NDArray[np.bool_]) -> None:
        # by container, then by name of the member
        self._stays: dict[bytes, dict[bytes, bool]] = {}
        for path in plan.rejected_paths(split):
            self._add(path, stays=not plan.drop_rejected)
        # how many images with a hash stay, of each container that has some
        self._left: Counter[bytes] = Counter()
        for row in np.flatnonzero(plan.splits == split).tolist():
            stays = bool(keep[row])
            self._left[self._add(plan.paths[row], stays=stays)] += stays

    def images(self, container: bytes) -> Mapping[bytes, bool]:
        """The images of a container by the names of their members, and whether each stays."""
        return self._stays.get(container, {})

    def images_left(self, container: bytes) -> int:
        """How many images of a container stay, of those with a hash."""
        return self._left[container]

    def has_hashes(self, container: bytes) -> bool:
        """Whether an image of a container has a hash."""
        return container in self._left

    def image_stays(self, path: bytes) -> bool | None:
        """Whether an image stays; None if the path is of no image."""
        container, name = split_path(path)
        return self.images(container).get(name)

    def _add(self, path: bytes, *, stays: bool) -> bytes:
        """Note whether an image stays; returns its container."""
        container, name = split_path(path)
        self._stays.setdefault(container, {})[name] = stays
        return container


def which_samples_stay(
    container: bytes, members: Iterable[Member], images: Mapping[bytes, bool]
) -> dict[bytes, bool]:
    """The samples of a container that have an image, and whether each stays.

    Names are those of `sample_of`, in the order of the members. `images` are those of
    `SplitSamples.images`.
    """
    found: dict[bytes, bool] = {}
    for member in members:
        stays = images.get(member.name)
        if stays is not None:
            sample = sample_of(container, member)
            found[sample] = found.get(sample, False) or stays
    return found


def which_go(stays: Mapping[bytes, bool], rule: str) -> frozenset[bytes]:
    """The samples that go, by what `which_samples_stay` says, and those that are their labels.

    `rule` is that of the keys, as of `key_rule`.

    >>> sorted(which_go({b"images/1": False, b"images/2": True}, "last-dot"))
    [b'images/1', b'labels/1']
    """
    going = {sample for sample, one_stays in stays.items() if not one_stays}
    if rule not in (FIRST_DOT, LAST_DOT):
        return frozenset(going)
    labels = {stem for sample in going for stem in label_stems(sample)}
    # a file of that name may be an image, which stays or goes by itself
    return frozenset(going | (labels - stays.keys()))


def sample_of(container: bytes, member: Member) -> bytes:
    """Name of a member's sample: its key; of Parquet, where each row is one, its number."""
    by_row = container.lower().endswith(b".parquet")
    return member.name if by_row else member.key or member.name
