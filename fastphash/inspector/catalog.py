"""The groups of an audit as columns: a million of them without a Python object for any."""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from fastphash.base.machine import core_count
from fastphash.base.threads import run_all
from fastphash.base.vocabulary import COLOURS, KINDS, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.inspector.page_state import Filter, Order
from fastphash.results.audit_folder import GROUPS, AuditFolder
from fastphash.results.decisions import Image
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths
from fastphash.store.store import Part

#: Told of a stage, and how much of it is done of how much.
Progress = Callable[[str, int, int], None]
#: The kind and the distance of a keeper, which has neither.
NONE = 255

_DETAILS = ["split", "path", "path_bytes", "size", "mtime_ns", "digest", "width", "height"]
_KEPT_RESULTS = 4
# where a score isn't known: above all others, that come first
_NO_SCORE = 2.0
# names that are Python objects at once
_AT_ONCE = 1 << 16
# names that a thread searches at once
_SEARCHED = 1 << 17
# of so many paths one is searched faster by itself
_FEW = 4
# makes keys of equal paths in different splits differ
_SPLIT_SALT = np.uint64(0x9E3779B97F4A7C15)


class Details(NamedTuple):
    """What the store knows of the rows of groups.

    Attributes
    ----------
    size, mtime_ns : int64 (n,)
    width, height : int32 (n,)
    digest : uint64 (n, 2)
    stored : int32 (n,)
        Where the row lies in the store, counted through all parts; -1 where it wasn't found.
    """

    size: NDArray[np.int64]
    mtime_ns: NDArray[np.int64]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    digest: NDArray[np.uint64]
    stored: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Row:
    """One image of a group.

    Attributes
    ----------
    number : int
        Row of groups.parquet.
    group, keeper : int
        Number of its group, and row of the group's keeper.
    image : Image
    name : str
        Its path, as text.
    kind : str
        Against the keeper, as all that follows; empty for the keeper.
    distance, orientation : int
    score : float or None
    colour : str
        Empty where it isn't known.
    size, mtime_ns, width, height : int
        Of the file that was audited; width and height are 0 where they aren't known.
    """

    number: int
    group: int
    keeper: int
    image: Image
    name: str
    kind: str
    distance: int
    orientation: int
    score: float | None
    colour: str
    size: int
    mtime_ns: int
    width: int
    height: int

    @property
    def is_keeper(self) -> bool:
        """Whether the audit keeps this image."""
        return self.number == self.keeper

    @property
    def turn(self) -> str:
        """Name of the orientation that turns the image into the keeper's frame."""
        return ORIENTATIONS[self.orientation]


class Catalog:
    """The groups of an audit, to be filtered, ordered and looked at.

    Parameters
    ----------
    audited : AuditFolder
    progress : callable, optional
        Told how much of the store has been read.

    Raises
    ------
    StoreError
        The groups are damaged, or aren't those of the store.

    Attributes
    ----------
    starts : int64 (groups + 1,)
        The first row of each group, its keeper's.
    kind, distance, orientation : uint8 (n,)
    score : float32 (n,)
    colour : uint8 (n,)
    split : uint8 or uint16 (n,)
        Index into `splits`.
    paths : pyarrow.ChunkedArray of string (n,)
    details : Details
    """

    def __init__(self, audited: AuditFolder, progress: Progress | None = None) -> None:
        self.audited = audited
        self.splits = audited.splits
        # column by column: of a whole table in memory nothing would be given back
        self.starts = _starts(self._column("group").to_numpy(), audited)
        self.split = _codes(self._column("split"), self.splits)
        self.kind = _codes(self._column("kind"), KINDS)
        self.distance = self._column("distance").fill_null(NONE).to_numpy()
        self.orientation = _codes(self._column("orientation"), ORIENTATIONS)
        self.orientation[self.starts[:-1]] = 0
        self.score = self._column("score").to_numpy().astype(np.float32, copy=False)
        self.colour = _codes(self._column("colour"), COLOURS)
        self.paths = self._column("path")
        exact = self._column("path_bytes")
        self._exact = None if exact.null_count == len(exact) else exact
        self._keys = self._sorted_keys()
        self.details = self._read_details(progress)
        _give_back()
        self._results: OrderedDict[Filter, NDArray[np.int32]] = OrderedDict()
        self._lock = threading.Lock()
        # worked out now, so that the first page that needs them doesn't wait
        _ = self.across, self._by_size, self._by_distance, self._by_score

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self.starts) - 1

    @property
    def rows(self) -> int:
        """How many images are in groups."""
        return int(self.starts[-1])

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """Images of each group, int32 (groups,)."""
        return np.diff(self.starts).astype(np.int32)

    @cached_property
    def is_copy(self) -> NDArray[np.bool_]:
        """Whether a row is no keeper, bool (n,)."""
        copies = np.ones(self.rows, np.bool_)
        copies[self.starts[:-1]] = False
        return copies

    @cached_property
    def across(self) -> NDArray[np.bool_]:
        """Whether a group has images of several splits, bool (groups,)."""
        across: NDArray[np.bool_] = np.not_equal(
            self._reduced(np.minimum, self.split), self._reduced(np.maximum, self.split)
        )
        return across

    @cached_property
    def furthest(self) -> NDArray[np.uint8]:
        """The largest distance of a copy in each group, uint8 (groups,)."""
        return self._reduced(np.maximum, np.where(self.is_copy, self.distance, 0))

    def select(self, wanted: Filter, extra: NDArray[np.bool_] | None = None) -> NDArray[np.int32]:
        """Numbers of the groups that pass a filter, in its order; int32.

        Parameters
        ----------
        wanted : Filter
            What it says of decisions and labels is not looked at.
        extra : bool (groups,), optional
            Other groups are left out; the rest is remembered from one call to the next.
        """
        key = wanted.without_decisions()
        with self._lock:
            found = self._results.get(key)
            if found is None:
                found = self._results[key] = self._select(key)
                if len(self._results) > _KEPT_RESULTS:
                    self._results.popitem(last=False)
            self._results.move_to_end(key)
        return found if extra is None else found[extra[found]]

    def row(self, number: int) -> Row:
        """One image."""
        group = self.group_of(number)
        kind = int(self.kind[number])
        score, colour = float(self.score[number]), int(self.colour[number])
        stored, details = self._exact_name(number), self.details
        return Row(
            number,
            group,
            int(self.starts[group]),
            Image(self.splits[self.split[number]], stored, details.digest[number].tobytes()),
            self.paths[number].as_py(),
            "" if kind == NONE else KINDS[kind],
            0 if kind == NONE else int(self.distance[number]),
            int(self.orientation[number]),
            None if np.isnan(score) else score,
            "" if colour == NONE else COLOURS[colour],
            int(details.size[number]),
            int(details.mtime_ns[number]),
            int(details.width[number]),
            int(details.height[number]),
        )

    def group_of(self, row: int) -> int:
        """Number of the group that a row is in."""
        return int(np.searchsorted(self.starts, row, "right")) - 1

    def images(self, group: int) -> range:
        """Rows of a group, the keeper first."""
        return range(int(self.starts[group]), int(self.starts[group + 1]))

    def find(self, images: list[Image]) -> NDArray[np.int64]:
        """Rows of images, -1 where no group has them as they were."""
        codes = {name: code for code, name in enumerate(self.splits)}
        split = np.array([codes.get(image.split, len(codes)) for image in images], np.int64)
        rows = self._look_up(_salted(_hashed([image.path for image in images]), split))
        if not self.rows:
            return rows
        digests = b"".join(image.digest[:16].ljust(16, b"\0") for image in images)
        wanted = np.frombuffer(digests, np.uint64).reshape(-1, 2)
        return np.where((self.details.digest[rows] == wanted).all(axis=1), rows, -1)

    def find_names(self, split: list[str], paths: list[bytes]) -> NDArray[np.int64]:
        """Rows of images by split and exact path; -1 where no group has one."""
        codes = {name: code for code, name in enumerate(self.splits)}
        of_split = np.array([codes.get(name, len(codes)) for name in split], np.int64)
        return self._look_up(_salted(_hashed(paths), of_split))

    def thumbnail(self, row: int) -> NDArray[np.uint8] | None:
        """The stored thumbnail, uint8 (1024,), or None if the store keeps none."""
        store = self.audited.store
        if not store.layout.thumbnails:
            return None
        at = int(self.details.stored[row])
        for part in store.parts:
            if at < part.rows:
                pixels = store.read_part(part, ["thumbnail"])["thumbnail"][at].as_py()
                return None if pixels is None else np.frombuffer(pixels, np.uint8)
            at -= part.rows
        return None

    def elsewhere(self, images: set[Image]) -> set[Image]:
        """Those of some images that the audited splits hold, in whatever group or none."""
        paths = pa.array(sorted({image.path for image in images}), pa.binary())
        found: set[Image] = set()
        for part in self.audited.store.parts if images else ():
            table = self.audited.store.read_part(part, ["split", "path", "path_bytes", "digest"])
            exact = exact_paths(table)
            some = pc.is_in(exact, paths)
            split, digest = (table[name].filter(some).to_pylist() for name in ("split", "digest"))
            there = map(Image, split, exact.filter(some).to_pylist(), digest)
            found.update(images.intersection(there))
        _give_back()
        return {image for image in found if image.split in self.splits}

    def _column(self, name: str) -> pa.ChunkedArray:
        return parquet.read_table(self.audited.folder / GROUPS, [name])[name]

    def _exact_name(self, row: int) -> bytes:
        exact = None if self._exact is None else self._exact[row].as_py()
        name: bytes = self.paths[row].as_py().encode() if exact is None else exact
        return name

    def _reduced(self, how: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """One value of each group, of those of its rows."""
        if not len(self):
            return values[:0]
        reduced: NDArray[Any] = how.reduceat(values, self.starts[:-1])
        return reduced

    def _select(self, wanted: Filter) -> NDArray[np.int32]:
        kept = np.ones(len(self), np.bool_)
        copies = self._wanted_copies(wanted)
        if copies is not None:
            kept &= self._reduced(np.logical_or, copies)
        if wanted.split:
            code = self.splits.index(wanted.split)
            kept &= self._reduced(np.logical_or, self.split == code)
        if wanted.leaks:
            kept &= self.across
        if wanted.name:
            kept &= self._reduced(np.logical_or, self._named(wanted.name, kept))
            _give_back()
        order = self._order(wanted.order)
        return order[kept[order]]

    def _named(self, text: str, groups: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether paths of some groups have a text in them, in whatever case."""
        found = np.zeros(self.rows, np.bool_)
        wanted = np.repeat(groups, self.sizes)
        if np.count_nonzero(wanted) * _FEW < self.rows:
            rows = np.flatnonzero(wanted)
            some = self.paths.take(pa.array(rows))
            found[rows] = pc.match_substring(some, text, ignore_case=True).to_numpy()
            return found

        def search(start: int) -> None:
            some = self.paths.slice(start, _SEARCHED)
            matched = pc.match_substring(some, text, ignore_case=True)
            found[start : start + _SEARCHED] = matched.to_numpy()

        starts = range(0, self.rows, _SEARCHED)
        run_all(core_count(), (functools.partial(search, start) for start in starts))
        return found

    def _wanted_copies(self, wanted: Filter) -> NDArray[np.bool_] | None:
        """Copies of a kind and at a distance, or None where it doesn't matter."""
        if not wanted.kind and wanted.least is None and wanted.most is None:
            return None
        copies = self.is_copy.copy()
        if wanted.kind:
            copies &= self.kind == KINDS.index(wanted.kind)
        if wanted.least is not None:
            copies &= self.distance >= wanted.least
        if wanted.most is not None:
            copies &= self.distance <= wanted.most
        return copies

    def _order(self, order: Order) -> NDArray[np.int32]:
        if order == "size":
            return self._by_size
        if order == "distance":
            return self._by_distance
        if order == "score":
            return self._by_score
        return np.arange(len(self), dtype=np.int32)

    @cached_property
    def _by_size(self) -> NDArray[np.int32]:
        return np.argsort(-self.sizes, kind="stable").astype(np.int32)

    @cached_property
    def _by_distance(self) -> NDArray[np.int32]:
        return np.argsort(-self.furthest.astype(np.int16), kind="stable").astype(np.int32)

    @cached_property
    def _by_score(self) -> NDArray[np.int32]:
        least = self._reduced(np.minimum, np.nan_to_num(self.score, nan=_NO_SCORE))
        return np.argsort(least, kind="stable").astype(np.int32)

    def _sorted_keys(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """Keys of all names in order, and their rows."""
        keys = np.empty(self.rows, np.uint64)
        for start in range(0, self.rows, _AT_ONCE):
            names = self.paths.slice(start, _AT_ONCE).cast(pa.binary())
            if self._exact is not None:
                names = pc.coalesce(self._exact.slice(start, _AT_ONCE), names)
            some = slice(start, start + _AT_ONCE)
            keys[some] = _salted(_hashed(names.to_pylist()), self.split[some])
        order = np.argsort(keys).astype(np.int32)
        return keys[order], order

    def _look_up(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Rows of these keys, -1 where there is none."""
        known, rows = self._keys
        if not known.size:
            return np.full(keys.size, -1, np.int64)
        # sought in order they are found four times as fast
        order = np.argsort(keys)
        at = np.empty(keys.size, np.int64)
        at[order] = np.minimum(np.searchsorted(known, keys[order]), known.size - 1)
        return np.where(known[at] == keys, rows[at].astype(np.int64), -1)

    def _read_details(self, progress: Progress | None) -> Details:
        n = self.rows
        details = Details(
            np.zeros(n, np.int64),
            np.zeros(n, np.int64),
            np.zeros(n, np.int32),
            np.zeros(n, np.int32),
            np.zeros((n, 2), np.uint64),
            np.full(n, -1, np.int32),
        )
        start = 0
        parts = self.audited.store.parts
        for i, part in enumerate(parts):
            self._read_part(part, start, details)
            start += part.rows
            if progress:
                progress("reading", i + 1, len(parts))
        if (details.stored < 0).any():
            raise StoreError(
                f"{self.audited.folder / GROUPS} names images that the hashes beside it don't: "
                "run the audit again"
            )
        return details

    def _read_part(self, part: Part, start: int, details: Details) -> None:
        """Fill in what one part knows of rows of groups."""
        if part.splits and not set(part.splits).intersection(self.splits):
            return
        table = self.audited.store.read_part(part, _DETAILS)
        exact = exact_paths(table).combine_chunks()
        split = _codes(table["split"], self.splits)
        rows = self._look_up(_salted(_hashed(exact.to_pylist()), split))
        here = np.flatnonzero(rows >= 0)
        rows = rows[here]
        some = table.take(pa.array(here))
        for name in ("size", "mtime_ns", "width", "height"):
            getattr(details, name)[rows] = some[name].fill_null(0).to_numpy()
        digests = HashTable(some, self.audited.store.definition).digests
        if digests is not None:
            details.digest[rows] = digests
        details.stored[rows] = start + here


def _give_back() -> None:
    """Return what columns took meanwhile: pyarrow keeps it, 30 MB of a million groups."""
    pa.default_memory_pool().release_unused()


def _starts(group: NDArray[np.int64], audited: AuditFolder) -> NDArray[np.int64]:
    """The first row of each group, and the number of rows."""
    firsts = np.flatnonzero(np.concatenate(([group.size > 0], group[1:] != group[:-1])))
    if not np.array_equal(group[firsts], np.arange(firsts.size)):
        raise StoreError(f"{audited.folder / GROUPS} is damaged: run the audit again")
    return np.append(firsts, group.size).astype(np.int64)


def _codes(column: pa.ChunkedArray, names: list[str] | tuple[str, ...]) -> NDArray[Any]:
    """Indices into `names`, uint8 or uint16; the largest number for null and for other names."""
    small = len(names) < NONE
    codes = np.empty(len(column), np.uint8 if small else np.uint16)
    at = 0
    for chunk in column.chunks:
        index = pc.index_in(chunk.dictionary, pa.array(names, pa.string()))
        known = np.append(index.fill_null(-1).to_numpy().astype(np.int64), -1)
        of_row = chunk.indices.fill_null(len(chunk.dictionary)).to_numpy()
        codes[at : at + len(chunk)] = known[of_row].astype(codes.dtype)
        at += len(chunk)
    return codes


def _hashed(names: list[bytes]) -> NDArray[np.uint64]:
    return np.fromiter(map(xxhash.xxh3_64_intdigest, names), np.uint64, len(names))


def _salted(keys: NDArray[np.uint64], split: NDArray[Any]) -> NDArray[np.uint64]:
    return keys ^ ((split.astype(np.uint64) + np.uint64(1)) * _SPLIT_SALT)
