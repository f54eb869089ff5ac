"""Which groups a page shows, and what is in them; a million groups stay arrays."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import KINDS, ORIENTATIONS
from fastphash.store.schema import exact_paths
from fastphash.store.store import Store

#: Copies of one group that are shown beside their keeper.
COPIES = 12


class Place(NamedTuple):
    """An image by its exact name."""

    split: str
    path: bytes


class Stored(NamedTuple):
    """What the store knows of an image that a page needs."""

    part: int
    row: int
    digest: bytes
    size: int
    format: str
    pixels: int


class Member(NamedTuple):
    """One image of a group; the relation of a copy to its keeper, None where it is the keeper."""

    place: Place
    kind: str | None
    distance: int | None
    orientation: int
    score: float | None
    colour: str | None


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
        Numbers of the splits that its images are of.
    relations : list of (str, int)
        Kinds and distances of its copies, each once.
    members : list of Member
        Keeper first; the first COPIES copies, or the keeper alone.
    """

    number: int
    images: int
    splits: list[int]
    relations: list[tuple[str, int]]
    members: list[Member]

    @property
    def pictures(self) -> int:
        """How many pictures show it, turned ones as well."""
        return sum(2 if member.orientation else 1 for member in self.members)

    @property
    def width(self) -> str:
        """How many columns of a page it takes."""
        return "single" if self.pictures <= 3 else "double" if self.pictures <= 6 else "full"

    @property
    def kinds(self) -> list[str]:
        """Kinds of its copies, strongest first."""
        return list(dict.fromkeys(kind for kind, _ in self.relations))


class Groups:
    """The table of an audit's groups by columns.

    Parameters
    ----------
    table : pyarrow.Table
        Of `results.GROUPS_SCHEMA`.
    splits : list of str
        Of the audit: numbers of splits index it.
    """

    def __init__(self, table: pa.Table, splits: list[str]) -> None:
        self.table = table
        self.names = splits
        self.split = codes(table["split"], splits)
        self.kind = codes(table["kind"], KINDS)
        self.distance: NDArray[np.uint8] = table["distance"].fill_null(0).to_numpy()
        self.starts = np.flatnonzero(self.kind < 0)
        self.sizes = np.diff(np.append(self.starts, table.num_rows))

    def __len__(self) -> int:
        return int(self.starts.size)

    @cached_property
    def copies(self) -> NDArray[np.bool_]:
        """Whether each row is a copy."""
        return self.kind >= 0

    @cached_property
    def across(self) -> NDArray[np.bool_]:
        """Whether each row is of another split than its keeper."""
        other: NDArray[np.bool_] = self.split != np.repeat(self.split[self.starts], self.sizes)
        return other

    @cached_property
    def leaking(self) -> NDArray[np.bool_]:
        """Whether each group has images of several splits."""
        if not len(self):
            return np.zeros(0, np.bool_)
        found: NDArray[np.bool_] = np.logical_or.reduceat(self.across, self.starts)
        return found

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Groups, the most interesting first: of several splits, then by size, then by number."""
        return np.lexsort((np.arange(len(self)), -self.sizes, ~self.leaking))

    def take(self, groups: NDArray[np.int64], copies: int) -> list[Group]:
        """Some groups, with so many of their copies."""
        shown = [
            np.arange(start, start + min(size, copies + 1))
            for start, size in zip(self.starts[groups], self.sizes[groups], strict=True)
        ]
        rows = np.concatenate([np.zeros(0, np.int64), *shown])
        members = iter(self._members(rows))
        return [
            Group(
                int(self.table["group"][int(self.starts[group])].as_py()),
                int(self.sizes[group]),
                *self._sorts(int(group)),
                [next(members) for _ in part],
            )
            for group, part in zip(groups, shown, strict=True)
        ]

    def _sorts(self, group: int) -> tuple[list[int], list[tuple[str, int]]]:
        start = self.starts[group]
        rows = slice(start, start + self.sizes[group])
        copies = slice(start + 1, rows.stop)
        pairs = np.unique(self.kind[copies] * 256 + self.distance[copies])
        relations = [(KINDS[pair // 256], pair % 256) for pair in pairs.tolist()]
        return np.unique(self.split[rows]).tolist(), relations

    def _members(self, rows: NDArray[np.int64]) -> list[Member]:
        some = self.table.take(pa.array(rows))
        return [
            Member(
                Place(split, path),
                kind,
                distance,
                ORIENTATIONS.index(orientation) if orientation else 0,
                score,
                colour,
            )
            for split, path, kind, distance, orientation, score, colour in zip(
                some["split"].to_pylist(),
                exact_paths(some).to_pylist(),
                some["kind"].to_pylist(),
                some["distance"].to_pylist(),
                some["orientation"].to_pylist(),
                some["score"].to_pylist(),
                some["colour"].to_pylist(),
                strict=True,
            )
        ]


def codes(column: pa.ChunkedArray, names: Any) -> NDArray[np.int64]:
    """A column of names by their places in `names`; -1 for null."""
    places = pc.index_in(column.cast(pa.string()), pa.array(names, pa.string()))
    found: NDArray[np.int64] = places.cast(pa.int64()).fill_null(-1).to_numpy()
    return found


def locate(store: Store, wanted: set[Place]) -> dict[Place, Stored]:
    """What the store knows of some images; of other rows nothing is kept."""
    columns = ["split", "path", "path_bytes", "digest", "size", "format", "width", "height"]
    paths = pa.array(sorted({place.path for place in wanted}), pa.binary())
    splits = {place.split for place in wanted}
    found = {}
    for number, part in enumerate(store.parts):
        if not splits.intersection(part.splits):
            continue
        table = store.read_part(part, columns)
        exact = exact_paths(table)
        rows = np.flatnonzero(pc.is_in(exact, paths).to_numpy())
        there = exact.take(pa.array(rows)).to_pylist()
        for row, path, of in zip(rows.tolist(), there, table.take(rows).to_pylist(), strict=True):
            place = Place(of["split"], path)
            if place in wanted:
                pixels = of["width"] * of["height"]
                found[place] = Stored(number, row, of["digest"], of["size"], of["format"], pixels)
    return found
