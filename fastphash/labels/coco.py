"""COCO files: their images, which paths these are, and the annotations of some images."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.files.json_arrays import Piece, pieces

#: Ids of images; the COCO format has whole numbers, some files don't.
ImageId = int | float | str

_NO_ROW = -1
# raised by json for numbers of thousands of digits, and for that many levels
_UNREADABLE = (ValueError, RecursionError)


class Images(NamedTuple):
    """The images of a COCO file, in its order."""

    path: Path
    ids: list[ImageId]
    names: list[str]


class ImageMatching(NamedTuple):
    """Which images of a COCO file are which paths of a split.

    Attributes
    ----------
    rows : int64 (n,)
        For each image of the file the index of its path, or -1.
    ambiguous : dict of int to list of int
        Paths that an image could be, if they are several, or one that another image could be too.
    unlisted : int
        Paths that no image is for certain.
    """

    rows: NDArray[np.int64]
    ambiguous: dict[int, list[int]]
    unlisted: int

    @property
    def unknown(self) -> int:
        """Number of images in the file that aren't in the split."""
        return int((self.rows < 0).sum()) - len(self.ambiguous)


def read_images(path: Path) -> Images:
    """The images of a COCO file.

    Raises
    ------
    StoreError
        No COCO file, an image without id or file_name, or two images with one id.
    """
    ids: list[ImageId] = []
    names: list[str] = []
    first: dict[ImageId, int] = {}
    in_images = False
    for piece in pieces(path, {"images": "id"}):
        if in_images and not piece.array:
            return Images(path, ids, names)  # the rest needn't be read
        in_images = in_images or piece.array == "images"
        for i, key in enumerate(id_list(path, piece) if piece.array else ()):
            name = _element(path, piece, i).get("file_name")
            if not isinstance(name, str) or not name:
                raise _bad_element(path, piece, i, f"has no file_name: {name!r}")
            if first.setdefault(key, piece.number + i) != piece.number + i:
                raise _bad_element(path, piece, i, f"has the id {key!r} of images[{first[key]}]")
            ids.append(key)
            names.append(name)
    raise StoreError(f"{path}: no COCO file: it has no array 'images'")


def match_images(names: Sequence[str], paths: Sequence[bytes]) -> ImageMatching:
    r"""Find the path that each file name of a COCO file means.

    It is the same path, if there is one. Else it is the path that ends in the whole name: "1.jpg"
    means "cat/1.jpg". Else it is the longest path that the name ends in: "images/cat/1.jpg" means
    "cat/1.jpg", too. A name is ambiguous if it fits several paths, or a path that another name
    fits. Backslashes count as slashes, unless a path is spelled with them.

    Parameters
    ----------
    names : sequence of str
        `file_name` of each image.
    paths : sequence of bytes
        Relative to the root of the split, as stores have them; all different.

    Examples
    --------
    >>> paths = [b"cat/1.jpg", b"dog/1.jpg", b"dog/2.jpg"]
    >>> matched = match_images(["cat/1.jpg", "2.jpg", "1.jpg", "pets/dog/1.jpg"], paths)
    >>> matched.rows.tolist(), matched.ambiguous
    ([0, 2, -1, 1], {2: [0, 1]})
    """
    row_of = {path: row for row, path in enumerate(paths)}
    exact = [_exact_name(name) for name in names]
    tidied = [b"/".join(_parts(name)) for name in exact]
    rows = np.full(len(names), _NO_ROW, np.int64)
    unmatched = []
    for i, (name, tidy) in enumerate(zip(exact, tidied, strict=True)):
        row = row_of.get(name, row_of.get(tidy, _NO_ROW))
        rows[i] = row
        if row == _NO_ROW:
            unmatched.append(i)
    named = set(rows.tolist())
    ending = _paths_ending_in({tidied[i] for i in unmatched}, paths)
    fits = {i: ending.get(tidied[i]) or _longest_tail(tidied[i], row_of) for i in unmatched}
    # counted by name, because two images may have one file
    claims = Counter(row for _, row in {(tidied[i], *fits[i]) for i in fits if len(fits[i]) == 1})
    ambiguous = {}
    for i, fit in fits.items():
        if len(fit) > 1 or any(row in named or claims[row] > 1 for row in fit):
            ambiguous[i] = fit
        elif fit:
            rows[i] = fit[0]
    unlisted = len(paths) - np.unique(rows[rows >= 0]).size
    return ImageMatching(rows, ambiguous, unlisted)


class Annotations:
    """The annotations of some images of a COCO file, each read on demand: a context.

    Parameters
    ----------
    path : Path
    images : collection of ids
        The images.

    Attributes
    ----------
    categories : dict
        Names of categories by id.

    Raises
    ------
    StoreError
        No COCO file.
    """

    def __init__(self, path: Path, images: Collection[ImageId]) -> None:
        self.path = path
        self.categories: dict[Any, str] = {}
        self._number = {key: i for i, key in enumerate(images)}
        # number of the image, offset and size of each annotation
        located = [np.empty((0, 3), np.int64)]
        for piece in pieces(path, {"annotations": "image_id", "categories": "id"}):
            if piece.array == "annotations":
                located.append(self._locate(piece))
            elif piece.array == "categories":
                for i, key in enumerate(id_list(path, piece)):
                    self.categories[key] = str(_element(path, piece, i).get("name", key))
        table = np.concatenate(located)
        table = table[np.argsort(table[:, 0], kind="stable")]
        self._bounds = np.searchsorted(table[:, 0], np.arange(len(self._number) + 1))
        self._spans = table[:, 1:]
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

    def _locate(self, piece: Piece) -> NDArray[np.int64]:
        """Number of the image, offset and size of the wanted annotations in a piece."""
        numbers = np.array([self._number.get(k, -1) for k in id_list(self.path, piece)], np.int64)
        wanted = numbers >= 0
        starts = piece.starts[wanted]
        sizes = piece.ends[wanted] - starts
        return np.stack([numbers[wanted], starts + piece.offset, sizes], axis=1)


def id_list(path: Path, piece: Piece) -> list[ImageId]:
    """The ids of a piece's elements; StoreError if one has none."""
    try:
        ids: list[ImageId] = piece.values()
    except _UNREADABLE as error:
        first = piece.number
        where = f"{piece.array}[{first}] to [{first + len(piece.starts) - 1}]"
        raise StoreError(f"{path}: some {piece.key} in {where} can't be read: {error}") from error
    if not set(map(type, ids)) <= {int, str, float}:
        i = next(i for i, key in enumerate(ids) if type(key) not in {int, str, float})
        raise _bad_element(path, piece, i, f"has no {piece.key} (a number or a text): {ids[i]!r}")
    return ids


def _element(path: Path, piece: Piece, i: int) -> dict[str, Any]:
    try:
        return piece.element(i)
    except _UNREADABLE as error:
        raise _bad_element(path, piece, i, f"can't be read: {error}") from error


def _bad_element(path: Path, piece: Piece, i: int, what: str) -> StoreError:
    at = piece.offset + int(piece.starts[i])
    return StoreError(f"{path}: {piece.array}[{piece.number + i}] {what} (byte {at:,})")


def _exact_name(name: str) -> bytes:
    """The bytes of a name; Python writes bytes that aren't UTF-8 as lone surrogates."""
    try:
        return name.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return name.encode(errors="surrogatepass")


def _parts(name: bytes) -> list[bytes]:
    return [part for part in name.replace(b"\\", b"/").split(b"/") if part not in {b"", b"."}]


def _paths_ending_in(names: set[bytes], paths: Sequence[bytes]) -> dict[bytes, list[int]]:
    """Rows of the paths that end in each name, part by part."""
    rows: dict[bytes, list[int]] = {}
    if not names:
        return rows
    for row, path in enumerate(paths):
        tail = path
        while tail:
            if tail in names:
                rows.setdefault(tail, []).append(row)
            tail = tail.partition(b"/")[2]
    return rows


def _longest_tail(name: bytes, row_of: dict[bytes, int]) -> list[int]:
    """The row of the longest path that a name ends in, in a list; empty without one."""
    while name:
        if name in row_of:
            return [row_of[name]]
        name = name.partition(b"/")[2]
    return []
