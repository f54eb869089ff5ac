"""Stored rows compared with the inputs that are there now."""

import logging
import os
from collections.abc import Callable, Collection, Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.text import count
from fastphash.errors import StoreError
from fastphash.ingest.stored_rows import StoredRows
from fastphash.ingest.tally import Tally
from fastphash.sources.protocol import UNKNOWN_SIZE, Entry, Reader, Source

_log = logging.getLogger(__name__)

#: What a run does with a stored row: drop it, leave it, hash its input again, or hash it again if
#: its bytes have another digest.
GONE, KEPT, CHANGED, UNSURE = range(4)


class Changes:
    """Decides for every stored row whether a run keeps it.

    Parameters
    ----------
    stored : StoredRows
    splits : collection of str
        Splits to compare; rows of all others are kept.
    keep_missing : bool
        Keep the rows of inputs that are gone, unless their split has moved.
    rehash : bool
        Believe no stamp.

    Attributes
    ----------
    marks : uint8 (n,)
        GONE, KEPT, CHANGED or UNSURE for each stored row.
    """

    def __init__(
        self, stored: StoredRows, splits: Collection[str], *, keep_missing: bool, rehash: bool
    ) -> None:
        self._stored = stored
        self._keep_missing = keep_missing
        self._rehash = rehash
        compared = np.isin(stored.splits, list(splits))
        self.marks = np.where(compared, np.uint8(GONE), np.uint8(KEPT))

    def find(self, split: str, entry: Entry) -> int:
        """The stored row of an input, or -1."""
        no_row = entry.special or entry.problem or entry.hidden
        return -1 if no_row else self._stored.find(split, entry.path)

    def keep(self, rows: NDArray[np.int64], tally: Tally) -> None:
        """Mark and count rows whose containers haven't changed."""
        self.marks[rows] = KEPT
        tally.inputs += rows.size
        tally.kept += rows.size

    def compare(
        self,
        source: Source,
        entries: Iterable[Entry],
        tally: Tally,
        is_doubted: Callable[[bytes], bool] = lambda path: False,  # noqa: ARG005 - no container
    ) -> int:
        """Mark and count the rows of a split, of which these are all entries that are not kept.

        UNSURE ones are counted when their bytes have been read: among them all for whose paths
        `is_doubted`, called after each entry, says that their container is another one.

        Returns
        -------
        int
            How many entries are new.

        Raises
        ------
        StoreError
            Nothing is left of the split.
        """
        new, found = 0, tally.kept
        unlisted: list[bytes] = []
        left_out: set[bytes] = set()
        excluded: set[bytes] = set()
        for entry in entries:
            if entry.hidden:
                _count_hidden(source.split, entry, tally)
                (excluded if entry.excluded or entry.mask else left_out).add(entry.path)
                continue
            if entry.problem:
                unlisted.append(b"" if entry.path == b"." else entry.path + entry.below)
            row = self.find(source.split, entry)
            if row < 0:
                new += 1
            else:
                found += 1
                self._mark(row, source.reader, entry, tally, believe=not is_doubted(entry.path))
        dropped = self._mark_rest(source.split, unlisted, left_out, excluded, tally)
        if tally.gone and not (new or found or tally.missing):
            if tally.excluded:
                raise StoreError(
                    f"all {tally.gone:,} images that were hashed of split {source.split!r} are "
                    "gone, or left out by `include` and `exclude`: change these, or delete the "
                    "store"
                )
            if tally.hidden:
                raise StoreError(
                    f"all {tally.gone:,} images that were hashed of split {source.split!r} are "
                    "hidden or gone: `hidden` takes hidden files; else delete the store"
                )
            raise StoreError(
                f"all files of split {source.split!r} ({tally.gone:,}) are gone from "
                f"{os.fsdecode(source.root)}: if that is meant, delete the store or name "
                "`keep_missing`"
            )
        if dropped:
            _warn_of_dropped(source.split, dropped)
        return new

    def _mark(self, row: int, reader: Reader, entry: Entry, tally: Tally, *, believe: bool) -> None:
        """Mark a row whose input is listed; `believe` its stamp if it is as it was."""
        now = None
        before = self._stored.stamp(row)
        try:
            now = entry.stamp or reader.stamp(entry.path)
        except OSError as error:
            if self._keep_missing and isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self.marks[row] = KEPT
                tally.missing += 1
                return
        if now is not None and entry.member is not None:
            # the container's size: that of the member is known when it is read
            now = now._replace(size=UNKNOWN_SIZE)
        change = "changed" if now is None else before.compare(now)
        # under another root, equal names, sizes and times prove nothing
        is_current = not self._stored.is_moved(row) and not self._stored.is_outdated(row)
        if change == "changed" or not is_current:
            self.marks[row] = CHANGED
            tally.changed += 1
        elif change == "unsure" or self._rehash or not believe:
            self.marks[row] = UNSURE
        else:
            self.marks[row] = KEPT
            tally.inputs += 1
            tally.kept += 1

    def _mark_rest(
        self,
        split: str,
        unlisted: list[bytes],
        left_out: set[bytes],
        excluded: set[bytes],
        tally: Tally,
    ) -> int:
        """Mark rows whose inputs aren't listed: they are gone, or in a folder that can't be.

        Rows of what the source leaves out go even if those of missing files stay. Returns
        how many are of `excluded` files.
        """
        rows = np.flatnonzero((self._stored.splits == split) & (self.marks == GONE))
        paths = self._stored.paths.take(pa.array(rows)).to_pylist()
        dropped = 0
        for row, path in zip(rows.tolist(), paths, strict=True):
            if _lies_in(path, excluded):
                tally.gone += 1
                dropped += 1
                continue
            keep = self._keep_missing or any(path.startswith(folder) for folder in unlisted)
            if keep and not _lies_in(path, left_out) and not self._stored.is_moved(row):
                self.marks[row] = KEPT
                tally.missing += 1
            else:
                tally.gone += 1
        return dropped


def _warn_of_dropped(split: str, images: int) -> None:
    _log.warning(
        "%s of %r that the store has %s left out by name now, and not gone: their hashes are "
        "dropped, and made again if such names are taken again",
        count(images, "image"),
        split,
        "is" if images == 1 else "are",
    )


def _count_hidden(split: str, entry: Entry, tally: Tally) -> None:
    if entry.excluded:
        tally.excluded += 1
        return
    if entry.mask:
        tally.masks += 1
        tally.mask_folders[entry.mask] = tally.mask_folders.get(entry.mask, 0) + 1
        return
    if not entry.unfinished:
        tally.hidden += 1
        return
    if not tally.unfinished:
        name = f"{split}/{entry.path.decode(errors='replace')}"
        _log.warning(
            "%r is an image whose move was interrupted, and is left out: undo that move or make it "
            "again, and then look again",
            name,
        )
    tally.unfinished += 1


def _lies_in(path: bytes, names: set[bytes]) -> bool:
    """Whether a path is one of these files, or in one of these folders."""
    while path and path not in names:
        path = path.rpartition(b"/")[0]
    return bool(path)
