"""The groups that a page shows; a million groups stay arrays."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import KINDS, ORIENTATIONS
from fastphash.results.pair_parts import Outline, PairParts, outlines_on_keeper, read_parts
from fastphash.results.schemas import are_unlooked
from fastphash.store.schema import exact_paths

#: Copies of one group that are shown beside their keeper.
COPIES_SHOWN = 12


class ImageName(NamedTuple):
    """The exact name of an image."""

    split: str
    path: bytes


class Member(NamedTuple):
    """One image of a group, with its relation to the keeper; None and 0 for the keeper.

    `reason` says why the keeper stays rather than the image, if one of them goes; `parts` what to
    outline on the two. `unlooked` is true of a sure copy whose pixels nobody compared.
    """

    name: ImageName
    kind: str | None
    distance: int | None
    orientation: int
    score: float | None
    colour: str | None
    reason: str | None = None
    parts: PairParts | None = None
    unlooked: bool = False


@dataclass(frozen=True)
class Group:
    """A group as a page shows it.

    Attributes
    ----------
    number : int
        As in groups.parquet.
    images : int
        How many are in it.
    splits : list of int
        Indices of the splits of its images.
    relations : list of (str, int)
        Kinds and distances of its copies, each once.
    members : list of Member
        Keeper first; the first COPIES_SHOWN copies, or the keeper alone.
    """

    number: int
    images: int
    splits: list[int]
    relations: list[tuple[str, int]]
    members: list[Member]

    @property
    def pictures(self) -> int:
        """How many pictures show it: two for each turned copy."""
        return sum(2 if member.orientation else 1 for member in self.members)

    @property
    def width(self) -> str:
        """How many columns of a page it takes, as a class of the style."""
        return "single" if self.pictures <= 3 else "double" if self.pictures <= 6 else "full"

    @property
    def outlines(self) -> list[Outline]:
        """What to outline on the keeper."""
        return outlines_on_keeper([member.parts for member in self.members[1:]])

    @property
    def kinds(self) -> list[str]:
        """Kinds of its copies, strongest first."""
        return list(dict.fromkeys(kind for kind, _ in self.relations))


class GroupTable:
    """The groups of an audit as columns.

    Parameters
    ----------
    table : pyarrow.Table
        Of `results.GROUPS_SCHEMA`.
    splits : list of str
        Names of the audited splits.

    Attributes
    ----------
    split, kind : int64 (n,)
        Indices into the names of splits and KINDS; -1 for the kind of a keeper.
    distance : uint8 (n,)
        0 for keepers.
    starts, sizes : int64 (groups,)
        Row of each group's keeper, and number of its images.
    """

    def __init__(self, table: pa.Table, splits: list[str]) -> None:
        self._table = table
        self.split = _encode_names(table["split"], splits)
        self.kind = _encode_names(table["kind"], KINDS)
        self.distance: NDArray[np.uint8] = table["distance"].to_numpy()
        self.starts = np.flatnonzero(self.kind < 0)
        self.sizes = np.diff(np.append(self.starts, table.num_rows))

    def __len__(self) -> int:
        return int(self.starts.size)

    @cached_property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether each row is a copy, bool (n,)."""
        return self.kind >= 0

    @cached_property
    def across(self) -> NDArray[np.bool_]:
        """Whether each row is in another split than its keeper, bool (n,)."""
        across: NDArray[np.bool_] = self.split != np.repeat(self.split[self.starts], self.sizes)
        return across

    @cached_property
    def leaks(self) -> NDArray[np.bool_]:
        """Whether each group has images of several splits, bool (groups,)."""
        if not len(self):
            return np.zeros(0, np.bool_)
        leaks: NDArray[np.bool_] = np.logical_or.reduceat(self.across, self.starts)
        return leaks

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Groups in the order of a page: those across splits, then the largest, then by number."""
        return np.lexsort((np.arange(len(self)), -self.sizes, ~self.leaks))

    def take(self, groups: NDArray[np.int64], copies: int) -> list[Group]:
        """Some groups, each with its first copies."""
        rows_of = [
            np.arange(start, start + min(size, copies + 1))
            for start, size in zip(self.starts[groups], self.sizes[groups], strict=True)
        ]
        members = iter(self._members(np.concatenate([np.zeros(0, np.int64), *rows_of])))
        return [
            Group(
                int(self._table["group"][int(self.starts[group])].as_py()),
                int(self.sizes[group]),
                *self._splits_and_relations(int(group)),
                [next(members) for _ in rows],
            )
            for group, rows in zip(groups, rows_of, strict=True)
        ]

    def _splits_and_relations(self, group: int) -> tuple[list[int], list[tuple[str, int]]]:
        start = self.starts[group]
        rows = slice(start, start + self.sizes[group])
        copies = slice(start + 1, rows.stop)
        codes = np.unique(self.kind[copies] * 256 + self.distance[copies])
        relations = [(KINDS[code // 256], code % 256) for code in codes.tolist()]
        return np.unique(self.split[rows]).tolist(), relations

    def _members(self, rows: NDArray[np.int64]) -> list[Member]:
        table = self._table.take(pa.array(rows))
        orientation = table["orientation"].to_pylist()
        turns = [ORIENTATIONS.index(name or ORIENTATIONS[0]) for name in orientation]
        columns = zip(
            table["split"].to_pylist(),
            exact_paths(table).to_pylist(),
            table["kind"].to_pylist(),
            table["distance"].to_pylist(),
            turns,
            table["score"].to_pylist(),
            table["colour"].to_pylist(),
            table["keeper_reason"].to_pylist(),
            read_parts(table),
            are_unlooked(table).tolist(),
            strict=True,
        )
        return [Member(ImageName(split, path), *others) for split, path, *others in columns]


def _encode_names(column: pa.ChunkedArray, names: Any) -> NDArray[np.int64]:
    """Indices of a column of names into `names`; -1 for null."""
    indices = pc.index_in(column.cast(pa.string()), pa.array(names, pa.string()))
    codes: NDArray[np.int64] = indices.cast(pa.int64()).fill_null(-1).to_numpy()
    return codes
