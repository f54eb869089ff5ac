"""Images that Python reads, from any iterable: hashed in memory, or into a store."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, Unpack, overload

import numpy as np
import xxhash

from fastphash.base.arguments import quoted
from fastphash.base.paths import given_path
from fastphash.base.progress import Progress, shown
from fastphash.errors import ImageError, UsageError
from fastphash.images.lossless import Pixels, encode_lossless, is_pixels
from fastphash.ingest.api import Hashed, collect_hashed, hash_into
from fastphash.ingest.executor import hash_given
from fastphash.ingest.options import Hashing, hashing_options
from fastphash.ingest.pool import start_workers
from fastphash.ingest.tally import Tally
from fastphash.sources.items import ItemSource
from fastphash.sources.protocol import Item
from fastphash.sources.splits import check_split

Key: TypeAlias = "str | bytes | int | os.PathLike[str]"
Given: TypeAlias = bytes | bytearray | memoryview | Pixels | None

_NOT_PAIRS = "hash_items takes an iterable of (key, image)"


@overload
def hash_items(
    items: Iterable[tuple[Key, Given]],
    *,
    store: None = None,
    progress: bool | Progress = False,
    **hashing: Unpack[Hashing],
) -> Hashed: ...


@overload
def hash_items(
    items: Iterable[tuple[Key, Given]],
    *,
    store: "str | os.PathLike[str]",
    split: str = "items",
    progress: bool | Progress = False,
    **hashing: Unpack[Hashing],
) -> Tally: ...


def hash_items(
    items: Iterable[tuple[Key, Given]],
    *,
    store: "str | os.PathLike[str] | None" = None,
    split: str = "items",
    progress: bool | Progress = False,
    **hashing: Unpack[Hashing],
) -> Hashed | Tally:
    """Hash images that Python can read, wherever they come from.

    They are hashed in worker processes, some megabytes at a time, and none is kept.

    Parameters
    ----------
    items : iterable of (key, image)
        A key is a str, bytes or a whole number, and becomes the `path` of its row; a second item of
        one key is rejected. An image is the bytes of an image file; or a PIL image, or an array of
        uint8 (h, w), RGB (h, w, 3) or RGBA (h, w, 4), bool, uint16 or float (h, w): these are
        hashed as the PNG, or TIFF, that has their pixels. None is rejected.
    store : path, optional
        A store, made if it isn't there. Without it, the hashes stay in memory.
    split : str
        Name of the split in the store. Rows that it has are replaced when all items were hashed; if
        `items` raises, they stay.
    progress : bool or callable
        True for a bar in a notebook or on a terminal, and a line now and then elsewhere; or what is
        called as ``progress("hashing", done, 0)``.
    **hashing
        workers, definition, orientations, thumbnails, timeout and max_pixels, as for `hash_images`.

    Returns
    -------
    Hashed or Tally
        The hashes, as of `hash_images`; with a store, counts of what became of the items.

    Raises
    ------
    UsageError
        An argument has another type or is out of range, or an item is no pair of a key and an
        image.
    StoreError
        The store can't be written, or another process writes it.
    DefinitionError
        The store has another definition, or other columns.
    WorkerError
        Worker processes can't be started.

    Examples
    --------
    >>> import numpy as np
    >>> import fastphash as fp
    >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    >>> hashed = fp.hash_items([("ramp", ramp), ("text", b"no image")], workers=0)
    >>> hashed.table["path"].to_pylist(), hashed.rejected["path"].to_pylist()
    (['ramp'], ['text'])
    """
    options = hashing_options(**hashing)
    given = _check_items(items)
    with shown(progress) as report:
        if store is not None:
            source = ItemSource(check_split(split), given)
            return hash_into(given_path(store), [source], options, progress=report)[split]
        with start_workers(options) as executor:
            return collect_hashed(hash_given(executor, given), options, report)


def _check_items(items: Iterable[tuple[Key, Given]]) -> Iterator[Item]:
    """The items as bytes, one after the other, with keys that are all different."""
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise UsageError(f"{_NOT_PAIRS}, not {quoted(items)}")
    return _encoded(items)


def _encoded(items: Iterable[Any]) -> Iterator[Item]:
    seen: set[int] = set()
    for item in items:
        if isinstance(item, str | bytes) or not _is_pair(item):
            raise UsageError(f"{_NOT_PAIRS}, not of {quoted(item)}")
        path = _path_of(item[0])
        digest = xxhash.xxh3_64_intdigest(path)
        if digest in seen:
            yield Item(path, b"", "a second item of this key")
            continue
        seen.add(digest)
        try:
            yield Item(path, _bytes_of(item[0], item[1]))
        except ImageError as error:
            yield Item(path, b"", error.reason)


def _is_pair(item: Any) -> bool:
    try:
        return len(item) == 2
    except TypeError:
        return False


def _path_of(key: Any) -> bytes:
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return b"%d" % int(key)
    try:
        path = os.fsencode(key)
    except TypeError:
        path = b""
    if not path or b"\0" in path:
        raise UsageError(
            f"a key is a str, bytes or a whole number, and not empty: not {quoted(key)}"
        )
    return path


def _bytes_of(key: Any, image: Any) -> bytes:
    if image is None:
        raise ImageError("read", "None instead of an image")
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if is_pixels(image):
        return encode_lossless(image)
    raise UsageError(
        f"the image of {quoted(key)} is {type(image).__name__}: give bytes, a PIL image or an array"
    )
