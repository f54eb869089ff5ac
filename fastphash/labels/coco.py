"""COCO files: whose image is which, and the annotations of some images."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.files.json_arrays import Piece, pieces

#: What COCO files name images by; the standard has whole numbers.
ImageId = int | float | str

MEGABYTE = 1_000_000
LISTED = 3
_NOWHERE = -1
# what Python makes of JSON with numbers of thousands of digits, or nested as deep
_UNREADABLE = (ValueError, RecursionError)


class Images(NamedTuple):
    """The images of a COCO file, in its order."""

    path: Path
    ids: list[ImageId]
    names: list[str]


class Matched(NamedTuple):
    """Which images of a COCO file are which of a split.

    Attributes
    ----------
    rows : int64 (n,)
        For each image of the file the index of its path, or -1.
    ambiguous : dict of int to list of int
        Images of the file that could be any of several paths, or one that another is as well.
    unlisted : int
        Paths that the file doesn't name for certain.
    """

    rows: NDArray[np.int64]
    ambiguous: dict[int, list[int]]
    unlisted: int

    @property
    def unknown(self) -> int:
        """Images of the file that are certainly none of the split."""
        return int((self.rows < 0).sum()) - len(self.ambiguous)


def read_images(path: Path) -> Images:
    """The images of a COCO file.

    Raises
    ------
    StoreError
        No COCO file, an image without id or file_name, or two of one id.
    """
    ids: list[ImageId] = []
    names: list[str] = []
    first: dict[ImageId, int] = {}
    found = False
    for piece in pieces(path, {"images": "id"}):
        if found and not piece.array:
            return Images(path, ids, names)  # the rest is not asked for
        found = found or piece.array == "images"
        for i, key in enumerate(id_list(path, piece) if piece.array else ()):
            name = _element(path, piece, i).get("file_name")
            if not isinstance(name, str) or not name:
                raise _bad(path, piece, i, f"has no file_name: {name!r}")
            if first.setdefault(key, piece.number + i) != piece.number + i:
                raise _bad(path, piece, i, f"has the id {key!r} of images[{first[key]}]")
            ids.append(key)
            names.append(name)
    raise StoreError(f"{path}: no COCO file: it has no array 'images'")


def match_images(names: Sequence[str], paths: Sequence[bytes]) -> Matched:
    r"""Find the path that each file name of a COCO file means.

    The same path, before all. Else the one path that ends in the whole name ("1.jpg" means
    "cat/1.jpg"). Else the longest path that the name ends in ("images/cat/1.jpg" means it, too).
    A name that fits several paths that way, or a path that another name fits as well, is
    ambiguous. Backslashes part names as slashes do, unless a path is spelled so.

    Parameters
    ----------
    names : sequence of str
        `file_name` of each image.
    paths : sequence of bytes
        Below the root of the split, as stores have them; all different.

    Examples
    --------
    >>> paths = [b"cat/1.jpg", b"dog/1.jpg", b"dog/2.jpg"]
    >>> found = match_images(["cat/1.jpg", "2.jpg", "1.jpg", "pets/dog/1.jpg"], paths)
    >>> found.rows.tolist(), found.ambiguous
    ([0, 2, -1, 1], {2: [0, 1]})
    """
    row_of = {path: row for row, path in enumerate(paths)}
    exact = [_exact_name(name) for name in names]
    plain = [b"/".join(_parts(name)) for name in exact]
    rows = np.full(len(names), _NOWHERE, np.int64)
    open_names = []
    for i, (name, tidy) in enumerate(zip(exact, plain, strict=True)):
        row = row_of.get(name, row_of.get(tidy, _NOWHERE))
        rows[i] = row
        if row == _NOWHERE:
            open_names.append(i)
    taken = set(rows.tolist())
    ending = _paths_ending_in({plain[i] for i in open_names}, paths)
    fits = {i: ending.get(plain[i]) or _longest_tail(plain[i], row_of) for i in open_names}
    # by name, for two images may be of one file
    claims = Counter(row for _, row in {(plain[i], *fits[i]) for i in fits if len(fits[i]) == 1})
    ambiguous = {}
    for i, several in fits.items():
        if len(several) > 1 or any(row in taken or claims[row] > 1 for row in several):
            ambiguous[i] = several
        elif several:
            rows[i] = several[0]
    unlisted = len(paths) - np.unique(rows[rows >= 0]).size
    return Matched(rows, ambiguous, unlisted)


class Annotations:
    """The annotations of some images of a COCO file, read when they are asked for: a context.

    Parameters
    ----------
    path : Path
    images : collection of ids
        Of those that will be asked for.

    Attributes
    ----------
    categories : dict
        Name of each category, by id.

    Raises
    ------
    StoreError
        No COCO file.
    """

    def __init__(self, path: Path, images: Collection[ImageId]) -> None:
        self.path = path
        self.categories: dict[Any, str] = {}
        self._number = {key: i for i, key in enumerate(images)}
        self._lie: list[NDArray[np.int64]] = [np.empty((0, 3), np.int64)]
        for piece in pieces(path, {"annotations": "image_id", "categories": "id"}):
            if piece.array == "annotations":
                self._find(piece)
            elif piece.array == "categories":
                for i, key in enumerate(id_list(path, piece)):
                    self.categories[key] = str(_element(path, piece, i).get("name", key))
        lie = np.concatenate(self._lie)
        lie = lie[np.argsort(lie[:, 0], kind="stable")]
        self._bounds = np.searchsorted(lie[:, 0], np.arange(len(self._number) + 1))
        self._spans = lie[:, 1:]
        self._lie = []
        self._file = open(path, "rb")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def of(self, image: ImageId) -> Iterator[dict[str, Any]]:
        """The annotations of an image, in the order of the file."""
        number = self._number[image]
        for offset, size in self._spans[self._bounds[number] : self._bounds[number + 1]].tolist():
            self._file.seek(offset)
            try:
                yield json.loads(self._file.read(size))
            except _UNREADABLE as error:
                raise StoreError(
                    f"{self.path}: the annotation at byte {offset:,} can't be read, or the file "
                    f"has changed meanwhile: {error}"
                ) from error

    def _find(self, piece: Piece) -> None:
        numbers = np.array([self._number.get(k, -1) for k in id_list(self.path, piece)], np.int64)
        some = numbers >= 0
        starts = piece.starts[some]
        self._lie.append(
            np.stack([numbers[some], starts + piece.offset, piece.ends[some] - starts], axis=1)
        )


def id_list(path: Path, piece: Piece) -> list[ImageId]:
    """The ids that a piece was asked for; StoreError where there is none."""
    try:
        ids: list[ImageId] = piece.values()
    except _UNREADABLE as error:
        first = piece.number
        where = f"{piece.array}[{first}] to [{first + len(piece.starts) - 1}]"
        raise StoreError(f"{path}: some {piece.key} in {where} can't be read: {error}") from error
    if not set(map(type, ids)) <= {int, str, float}:
        i = next(i for i, key in enumerate(ids) if type(key) not in {int, str, float})
        raise _bad(path, piece, i, f"has no {piece.key} (a number or a text): {ids[i]!r}")
    return ids


def _element(path: Path, piece: Piece, i: int) -> dict[str, Any]:
    try:
        return piece.element(i)
    except _UNREADABLE as error:
        raise _bad(path, piece, i, f"can't be read: {error}") from error


def _bad(path: Path, piece: Piece, i: int, what: str) -> StoreError:
    at = piece.offset + int(piece.starts[i])
    return StoreError(f"{path}: {piece.array}[{piece.number + i}] {what} (byte {at:,})")


def _exact_name(name: str) -> bytes:
    """The bytes of a name; Python writes those that aren't UTF-8 as lone surrogates."""
    try:
        return name.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return name.encode(errors="surrogatepass")


def _parts(name: bytes) -> list[bytes]:
    return [part for part in name.replace(b"\\", b"/").split(b"/") if part not in {b"", b"."}]


def _paths_ending_in(names: set[bytes], paths: Sequence[bytes]) -> dict[bytes, list[int]]:
    """Rows of the paths that end in each name, part by part."""
    found: dict[bytes, list[int]] = {}
    if not names:
        return found
    for row, path in enumerate(paths):
        tail = path
        while tail:
            if tail in names:
                found.setdefault(tail, []).append(row)
            tail = tail.partition(b"/")[2]
    return found


def _longest_tail(name: bytes, row_of: dict[bytes, int]) -> list[int]:
    """The row of the longest path that a name ends in."""
    while name:
        if name in row_of:
            return [row_of[name]]
        name = name.partition(b"/")[2]
    return []
