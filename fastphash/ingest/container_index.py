"""What is in the containers of a split: listed by workers, unless they are as they were."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.ingest.batch import Batch
from fastphash.ingest.executor import Executor, ListTask
from fastphash.ingest.stored_rows import StoredRows
from fastphash.sources.containers.keys import key_rule
from fastphash.sources.member_paths import split_path
from fastphash.sources.origins import NOT_WHOLE, ContainerRecord, Origin
from fastphash.sources.protocol import Containers, Entry, Listing

# containers that are listed before the first of them is hashed: enough to keep all workers busy
_LISTED_AT_ONCE = 16
# members whose listings stay in memory, some 200 bytes each; others are listed again when needed
_REMEMBERED = 500_000


class ContainerIndex:
    """The containers of one split in a run.

    Parameters
    ----------
    source : Containers
    before : Origin or None
        What the store remembers of them.
    stored : StoredRows
    start : callable
        Starts the executor, or returns the one that runs.
    trust : bool
        Whether a container is unchanged if its size, times and inode are.

    Attributes
    ----------
    kept_rows : int64 (n,)
        Stored rows of containers that are unchanged.
    """

    def __init__(
        self,
        source: Containers,
        before: Origin | None,
        stored: StoredRows,
        start: Callable[[], Executor],
        *,
        trust: bool,
    ) -> None:
        self._source = source
        self._start = start
        rows, containers = stored.in_containers(source.split)
        self._unchanged = _find_unchanged(source, before, containers) if trust else {}
        names = pa.array([*self._unchanged], pa.binary())
        self.kept_rows: NDArray[np.int64] = rows[pc.is_in(containers, names).to_numpy(False)]
        self._changed = [name for name in source.containers if name not in self._unchanged]
        self._listings: OrderedDict[bytes, Listing] = OrderedDict()
        self._remembered = 0
        self._counts: dict[bytes, Counter[str]] = {}
        self._before = before
        self._doubted: set[bytes] = set()
        self._listed: dict[bytes, ContainerRecord] = {}

    def count_kept(self, what: str) -> int:
        """How many members of unchanged containers were ``skipped``, ``hidden`` or ``excluded``."""
        return sum(getattr(record, what) for record in self._unchanged.values())

    def entries(self) -> Iterator[Entry]:
        """The members of containers that are new or have changed."""
        for start in range(0, len(self._changed), _LISTED_AT_ONCE):
            names = self._changed[start : start + _LISTED_AT_ONCE]
            for name, listing in zip(names, self._list(names), strict=True):
                self._doubt(name, listing)
                hidden = excluded = 0
                for entry in self._source.entries_of(name, listing):
                    hidden += entry.hidden
                    excluded += entry.excluded
                    yield entry
                self._note(name, listing, hidden - excluded, excluded)

    def is_doubted(self, path: bytes) -> bool:
        """Whether a member is listed in a container that has another size, or other keys, now.

        Times prove nothing about another size: file systems without changing times may say the old
        ones. Keys are written with what is read.
        """
        return split_path(path)[0] in self._doubted

    def locate(self, paths: Iterable[bytes]) -> Iterator[Entry]:
        """Where these members are, in this order."""
        for name, some in groupby(paths, key=lambda path: split_path(path)[0]):
            listing = self._list([name])[0]
            found = {entry.path: entry for entry in self._source.entries_of(name, listing)}
            for path in some:
                # one that is gone by now is rejected by its reader
                yield found.get(path, Entry(path, container=name, stamp=listing.stamp))

    def count_batch(self, batch: Batch) -> None:
        """Count what became of members, by container."""
        outcomes = {
            "rejected": [rejection.path for rejection in batch.rejected],
            "skipped": batch.skipped,
        }
        for what, paths in outcomes.items():
            for path in paths:
                self._counts.setdefault(split_path(path)[0], Counter())[what] += 1

    def origin(self) -> Origin:
        """What the store remembers for the next run."""
        records = dict(self._unchanged)
        for name, record in self._listed.items():
            counts = self._counts.get(name, Counter())
            rejected, skipped = counts["rejected"], counts["skipped"]
            left_out = record.hidden + record.excluded
            images = record.members - left_out - rejected - skipped
            records[name] = record._replace(images=images, rejected=rejected, skipped=skipped)
        ordered = {name: records[name] for name in self._source.containers if name in records}
        source = self._source
        return Origin(source.image_column, source.hidden, ordered, source.key, source.patterns)

    def _doubt(self, name: bytes, listing: Listing) -> None:
        before, now = self._before, listing.stamp
        if before is None or name not in before.containers or now is None:
            return
        record = before.containers[name]
        is_resized = record.is_whole and now.size != record.size
        if is_resized or not _has_same_keys(self._source, before, name):
            self._doubted.add(name)

    def _note(self, name: bytes, listing: Listing, hidden: int, excluded: int) -> None:
        stamp = NOT_WHOLE if listing.problem or listing.stamp is None else listing.stamp
        before = self._listed.get(name)
        if before is not None and before.stamp != stamp:
            # rows were kept because of how it was when it was listed before
            stamp = NOT_WHOLE
        members = len(listing.members)
        counts = members, 0, 0, 0, hidden
        self._listed[name] = ContainerRecord(*stamp[:4], *counts, stamp.etag, excluded)

    def _list(self, names: list[bytes]) -> list[Listing]:
        """The listings of a few containers: remembered ones, or made by workers now."""
        missing = [name for name in names if name not in self._listings]
        if missing:
            source = self._source
            tasks = (
                ListTask(source.root, name, source.image_column, source.key) for name in missing
            )
            for name, listing in zip(missing, self._start().list(tasks), strict=True):
                self._listings[name] = listing
                self._remembered += len(listing.members)
        listings = [self._listings[name] for name in names]
        while self._remembered > _REMEMBERED and len(self._listings) > 1:
            self._remembered -= len(self._listings.popitem(last=False)[1].members)
        return listings


def _find_unchanged(
    source: Containers, before: Origin | None, containers: pa.Array
) -> dict[bytes, ContainerRecord]:
    """Containers that are as they were, all of whose images are in the store.

    Members that were rejected are tried again, as loose files are.
    """
    if before is None or (before.hidden, before.patterns) != (source.hidden, source.patterns):
        return {}
    counted = pc.value_counts(containers)
    names, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    stored = dict(zip(names, counts, strict=True))
    unchanged = {}
    for name in source.containers:
        record = before.containers.get(name)
        if record is None or record.rejected or record.images != stored.get(name, 0):
            continue
        if not _has_same_keys(source, before, name):
            continue
        try:
            is_same = record.is_whole and source.stamp(name) == record.stamp
        except OSError:  # listing it says why
            continue
        if is_same:
            unchanged[name] = record
    return unchanged


def _has_same_keys(source: Containers, before: Origin, container: bytes) -> bool:
    return key_rule(container, source.key) == key_rule(container, before.key)
