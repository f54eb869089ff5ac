"""Images of rows as people see them: small, turned, and never of any other file."""

import threading
from collections import OrderedDict
from typing import Literal, NamedTuple

import numpy as np
import xxhash

from fastphash.base.machine import core_count
from fastphash.base.orientations import orient_pixels
from fastphash.base.vocabulary import THUMBNAIL_SIDE
from fastphash.errors import ImageError
from fastphash.images.preview import encode, make_preview
from fastphash.inspector.catalog import Catalog, Row
from fastphash.sources.base import OutsideError
from fastphash.sources.local import read_regular

#: The sides, in pixels, at which images are shown.
SIDES = (160, 320, 1024)

Found = Literal["there", "changed", "gone", "outside"]
#: What to say of a file that isn't there as it was.
TROUBLES: dict[Found, str] = {
    "changed": "the file has changed since the audit: this is the stored thumbnail",
    "gone": "the file is gone or can't be read: this is the stored thumbnail",
    "outside": "the file lies outside of its split's folder: this is the stored thumbnail",
}

_CACHED_BYTES = 64 << 20
_KEPT_DIGESTS = 10_000
_MOST_DECODING = 4
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


class Pictures:
    """Previews of the files of a catalog's rows, the last of them remembered.

    Only bytes that were audited are shown: of a file that has changed since, the thumbnail is.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        store = catalog.audited.store
        self._readers = {name: catalog.audited.reader(name) for name in store.roots}
        self._exif = store.definition.exif
        self._cache: OrderedDict[tuple[object, ...], Picture] = OrderedDict()
        self._cached_bytes = 0
        self._same: OrderedDict[tuple[object, ...], bool] = OrderedDict()
        self._lock = threading.Lock()
        # decoded images are large: only so many at once
        self._decoding = threading.BoundedSemaphore(min(core_count(), _MOST_DECODING))

    def preview(self, row: Row, side: int, turn: int) -> Picture:
        """A row's image, or its stored thumbnail with the reason.

        Raises
        ------
        OutsideError
            The file lies outside of its split's folder.
        """
        path = self._path(row)
        try:
            seen = self._readers[row.image.split].stamp(path)
        except OSError:
            return self.thumbnail(row, turn, TROUBLES["gone"])
        key = row.number, side, turn, seen
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        picture = self._made(row, path, side, turn)
        self._remember(key, picture)
        return picture

    def etag(self, row: Row, side: int, turn: int) -> str:
        """What changes when the picture does; OutsideError as of `preview`."""
        path = self._path(row)
        try:
            seen: object = self._readers[row.image.split].stamp(path)
        except OSError:
            seen = None
        text = repr((row.image.digest, side, turn, seen, self._catalog.audited.store.digest))
        return f'"{xxhash.xxh3_64_hexdigest(text.encode())}"'

    def thumbnail(self, row: Row, turn: int, trouble: str = "") -> Picture:
        """The stored thumbnail of a row, turned; grey paper where none is stored."""
        pixels = self._catalog.thumbnail(row.number)
        if pixels is None:
            trouble = trouble.replace("stored thumbnail", "place of it") or "no thumbnail is stored"
            pixels = np.full(THUMBNAIL_SIDE * THUMBNAIL_SIDE, _PAPER, np.uint8)
        square = orient_pixels(pixels.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE), turn)
        return Picture(encode(square, "PNG"), "image/png", trouble)

    def state(self, row: Row, *, thoroughly: bool = False) -> Found:
        """Whether a file is there as it was audited.

        One of the same size but of another time is believed, or, `thoroughly`, read.
        """
        try:
            path = self._path(row)
            seen = self._readers[row.image.split].stamp(path)
        except OutsideError:
            return "outside"
        except OSError:
            return "gone"
        if seen.size != row.size:
            return "changed"
        if seen.mtime_ns == row.mtime_ns or not thoroughly:
            return "there"
        key = row.number, seen
        with self._lock:
            same = self._same.get(key)
        if same is None:
            try:
                same = _digest(_read(path, row.size)) == row.image.digest
            except OSError:
                return "gone"
            with self._lock:
                self._same[key] = same
                if len(self._same) > _KEPT_DIGESTS:
                    self._same.popitem(last=False)
        return "there" if same else "changed"

    def _path(self, row: Row) -> bytes:
        """The file of a row with all links followed; OutsideError as of `preview`."""
        return self._readers[row.image.split].resolve(row.image.path)

    def _made(self, row: Row, path: bytes, side: int, turn: int) -> Picture:
        try:
            data = _read(path, row.size)
        except OSError:
            return self.thumbnail(row, turn, TROUBLES["gone"])
        if _digest(data) != row.image.digest:
            return self.thumbnail(row, turn, TROUBLES["changed"])
        try:
            with self._decoding:
                data = make_preview(data, side, turn, exif=self._exif)
            return Picture(data, "image/jpeg")
        except ImageError as error:
            reason = f"it can't be shown ({error}): this is the stored thumbnail"
            return self.thumbnail(row, turn, reason)

    def _remember(self, key: tuple[object, ...], picture: Picture) -> None:
        with self._lock:
            if key not in self._cache:
                self._cache[key] = picture
                self._cached_bytes += len(picture.data)
            while self._cached_bytes > _CACHED_BYTES:
                _, old = self._cache.popitem(last=False)
                self._cached_bytes -= len(old.data)


def _read(path: bytes, size: int) -> bytes:
    # a path whose links were followed: whoever puts a link there now means another file
    return read_regular(path, size, follow_links=False)


def _digest(data: bytes) -> bytes:
    return xxhash.xxh3_128_digest(data)
