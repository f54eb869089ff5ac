"""Previews of audited files: small, turned, and never of other bytes than those audited."""

import threading
import weakref
from collections import OrderedDict
from typing import Literal, NamedTuple

import numpy as np
import xxhash

from fastphash.base.orientations import orient_pixels
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.images.encode import encode
from fastphash.inspector.catalog import Catalog, Row
from fastphash.results.preview_workers import CHANGED, PreviewPool, PreviewTask, StoredFile
from fastphash.sources.protocol import OutsideError, Stamp

#: The sides of previews, in pixels.
SIDES = (160, 320, 1024)

FileState = Literal["unchanged", "changed", "gone", "outside"]
#: Why a page shows the thumbnail and not the file, by the state of the file.
TROUBLES: dict[FileState, str] = {
    "changed": "the file has changed since the audit: this is the stored thumbnail",
    "gone": "the file is gone or can't be read: this is the stored thumbnail",
    "outside": "the file lies outside of its split's folder: this is the stored thumbnail",
}

_CACHED_BYTES = 64 << 20
_CACHED_COMPARISONS = 10_000
# the grey in place of a missing thumbnail
_PAPER = 235


class Picture(NamedTuple):
    """An encoded image.

    Attributes
    ----------
    data : bytes
    media_type : str
    trouble : str
        Why it isn't the image itself; empty if it is.
    """

    data: bytes
    media_type: str
    trouble: str = ""


class Previews:
    """Previews of the files of a catalog's rows; remembers the last ones.

    A file that has changed since the audit is never shown: its stored thumbnail is.

    Parameters
    ----------
    catalog : Catalog
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        store = catalog.audited.store
        self._readers = {name: catalog.audited.reader(name) for name in store.roots}
        self._definition = store.definition
        self._cache: OrderedDict[tuple[object, ...], Picture] = OrderedDict()
        self._cached_bytes = 0
        self._is_unchanged: OrderedDict[tuple[int, Stamp], bool] = OrderedDict()
        self._lock = threading.Lock()
        self._workers = PreviewPool()
        weakref.finalize(self, self._workers.close)

    def preview(self, row: Row, side: int, turn: int) -> Picture:
        """A row's image, or its stored thumbnail with the reason.

        Parameters
        ----------
        row : Row
        side : int
            The longer side at most, in pixels.
        turn : int
            Orientation to turn it by.

        Raises
        ------
        OutsideError
            The file lies outside of its split's folder.
        """
        path = self._path(row)
        try:
            stamp = self._stamp(row, path)
        except OSError:
            return self.thumbnail(row, turn, TROUBLES["gone"])
        key = row.number, side, turn, stamp
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        picture = self._draw(row, path, side, turn)
        self._remember(key, picture)
        return picture

    def etag(self, row: Row, side: int, turn: int) -> str:
        """A text that changes when the picture does; OutsideError as of `preview`."""
        path = self._path(row)
        try:
            stamp: object = self._stamp(row, path)
        except OSError:
            stamp = None
        text = repr((row.image.digest, side, turn, stamp, self._catalog.audited.store.digest))
        return f'"{xxhash.xxh3_64_hexdigest(text.encode())}"'

    def thumbnail(self, row: Row, turn: int, trouble: str = "") -> Picture:
        """The stored thumbnail of a row, turned; grey where none is stored."""
        pixels = self._catalog.thumbnail(row.number)
        if pixels is None:
            missing = "no thumbnail is stored"
            trouble = trouble.replace("this is the stored thumbnail", missing) or missing
            pixels = np.full(THUMBNAIL_SIDE * THUMBNAIL_SIDE, _PAPER, np.uint8)
        square = orient_pixels(pixels.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE), turn)
        return Picture(encode(square, "PNG"), "image/png", trouble)

    def file_state(self, row: Row, *, compare_bytes: bool = False) -> FileState:
        """Whether the file of a row is the one that was audited.

        A file of the same size with another stamp is read with `compare_bytes` only; else it
        counts as unchanged.
        """
        try:
            path = self._path(row)
            stamp = self._stamp(row, path)
        except OutsideError:
            return "outside"
        except OSError:
            return "gone"
        if not stamp.has_size(row.size):
            return "changed"
        if not compare_bytes or self._catalog.stamp(row.number).compare(stamp) == "same":
            return "unchanged"
        key = row.number, stamp
        with self._lock:
            unchanged = self._is_unchanged.get(key)
        if unchanged is None:
            try:
                unchanged = _digest(self._read(row, path)) == row.image.digest
            except OSError:
                return "gone"
            with self._lock:
                self._is_unchanged[key] = unchanged
                if len(self._is_unchanged) > _CACHED_COMPARISONS:
                    self._is_unchanged.popitem(last=False)
        return "unchanged" if unchanged else "changed"

    def _path(self, row: Row) -> bytes:
        """The file of a row with all links followed; OutsideError as of `preview`."""
        return self._readers[row.image.split].resolve(row.image.path)

    def _stamp(self, row: Row, path: bytes) -> Stamp:
        return self._readers[row.image.split].stamp(path)

    def _read(self, row: Row, path: bytes) -> bytes:
        # links were followed once; a link that appears there now leads to another file
        reader = self._readers[row.image.split]
        return reader.read_hashed(path, row.size, follow_links=False)

    def _draw(self, row: Row, path: bytes, side: int, turn: int) -> Picture:
        image = row.image
        preview = self._workers.make(
            PreviewTask(
                [StoredFile(self._readers[image.split], path)],
                row.size,
                image.digest,
                row.width * row.height,
                side,
                turn,
                exif=self._definition.exif,
                rendering=self._definition.rendering,
                # links were followed once; a link that appears there now leads to another file
                follow_links=False,
            )
        )
        if preview.jpeg:
            return Picture(preview.jpeg, "image/jpeg")
        if preview.undecodable:
            reason = f"it can't be shown ({preview.reason}): this is the stored thumbnail"
            return self.thumbnail(row, turn, reason)
        state: FileState = "changed" if preview.reason == CHANGED else "gone"
        return self.thumbnail(row, turn, TROUBLES[state])

    def _remember(self, key: tuple[object, ...], picture: Picture) -> None:
        with self._lock:
            if key not in self._cache:
                self._cache[key] = picture
                self._cached_bytes += len(picture.data)
            while self._cached_bytes > _CACHED_BYTES:
                _, oldest = self._cache.popitem(last=False)
                self._cached_bytes -= len(oldest.data)


def _digest(data: bytes) -> bytes:
    digest: bytes = xxhash.xxh3_128_digest(data)
    return digest
