"""The charts of a page: copies by kind and distance, groups by size."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastphash.base.vocabulary import DISTANCE_STEPS, KINDS, NEAR
from fastphash.report.groups import GroupTable

# the last value of each bar
_SIZES = (2, 3, 4, 5, 9, 99, 999, 9999, 10**12)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart: a row of a table.

    Attributes
    ----------
    label : str
    within, across : int
        Copies in the split of their keeper and in others; or groups of one split and of several.
    within_end, across_end : str
        Where the two parts of the bar end, in percent of the longest bar.
    """

    label: str
    within: int
    across: int
    within_end: str
    across_end: str

    @property
    def total(self) -> int:
        """Both parts."""
        return self.within + self.across


def by_kind(groups: GroupTable) -> list[Bar]:
    """Copies by kind; near copies and collisions only if there are any."""
    counts = [_count(groups.across[groups.kind == code]) for code in range(len(KINDS))]
    shown = [code for code in range(len(KINDS)) if code < NEAR or any(counts[code])]
    return _bars([KINDS[code] for code in shown], [counts[code] for code in shown])


def by_distance(groups: GroupTable, bits: int) -> list[Bar]:
    """Copies by distance of their hashes of so many bits from their keeper's, up to the largest."""
    distances = groups.distance[groups.is_copy]
    furthest = int(distances.max(initial=0))
    return _binned(distances, groups.across[groups.is_copy], DISTANCE_STEPS[bits], 0, furthest)


def by_size(groups: GroupTable) -> list[Bar]:
    """Groups by number of images."""
    largest = int(groups.sizes.max(initial=2))
    return _binned(groups.sizes, groups.leaks, _SIZES, 2, largest)


def _binned(
    values: NDArray[Any],
    across: NDArray[np.bool_],
    lasts: tuple[int, ...],
    first: int,
    furthest: int,
) -> list[Bar]:
    """Bars of the values from `first` to `furthest`, each up to one of `lasts`."""
    labels, counts = [], []
    for last in lasts:
        if first > furthest:
            break
        most = min(last, furthest)
        labels.append(f"{first:,}" if first == most else f"{first:,} to {most:,}")
        counts.append(_count(across[(values >= first) & (values <= most)]))
        first = last + 1
    return _bars(labels, counts)


def _count(across: NDArray[np.bool_]) -> tuple[int, int]:
    """How many are within a split, and how many across splits."""
    number = int(across.sum())
    return across.size - number, number


def _bars(labels: list[str], counts: list[tuple[int, int]]) -> list[Bar]:
    longest = max([sum(pair) for pair in counts] + [1])

    def percent(number: int) -> str:
        return f"{100 * number / longest:.2f}"

    return [
        Bar(label, within, across, percent(within), percent(within + across))
        for label, (within, across) in zip(labels, counts, strict=True)
    ]
