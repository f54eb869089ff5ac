"""COCO files: their images, which paths these are, and the annotations of some images."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastphash.errors import StoreError
from fastphash.files.json_arrays import Piece, Unreadable, pieces
from fastphash.labels.category_names import CategoryNames
from fastphash.labels.ids import Ids, ImageId, is_id
from fastphash.labels.member_names import container_as_folder, without_container
from fastphash.labels.spellings import SPELLINGS, parts_of

_NO_ROW = -1
# keys of an image that name its file, the first that is there; LVIS has only the second
_NAMES = ("file_name", "coco_url")


class Images(NamedTuple):
    """The images of a COCO file, in its order, those that can't be used among them.

    Attributes
    ----------
    path : Path
    ids : list of ids or None
        None for an image without one. An id may come twice; annotations are the first one's.
    names : list of str
        Empty for an image without a name.
    """

    path: Path
    ids: list[ImageId | None]
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
    inexact : dict of int to str
        Images whose names are spelled otherwise than their paths, and by what they differ.
    """

    rows: NDArray[np.int64]
    ambiguous: dict[int, list[int]]
    unlisted: int
    inexact: dict[int, str]

    @property
    def unknown(self) -> int:
        """Number of images in the file that aren't in the split."""
        return int((self.rows < 0).sum()) - len(self.ambiguous)


def read_images(path: Path) -> Images:
    """The images of a COCO file.

    An image's name is its `file_name`; without one, its `coco_url`.

    Raises
    ------
    StoreError
        No COCO file.
    """
    ids: list[ImageId | None] = []
    names: list[str] = []
    in_images = False
    for piece in pieces(path, {"images": "id"}):
        if in_images and not piece.array:
            return Images(path, ids, names)  # the rest needn't be read
        in_images = in_images or piece.array == "images"
        for element in piece.elements() if piece.array else ():
            image = element if isinstance(element, dict) else {}
            key = image.get("id")
            ids.append(key if is_id(key) else None)
            found = (image.get(name) for name in _NAMES)
            names.append(next((name for name in found if name and isinstance(name, str)), ""))
    raise StoreError(f"{path}: no COCO file: it has no array 'images'")


def match_images(names: Sequence[str], paths: Sequence[bytes]) -> ImageMatching:
    r"""Find the path that each file name of a COCO file means.

    It is the same path, if there is one. Else it is the path that ends in the whole name: "1.jpg"
    means "cat/1.jpg", and "x.tar::1.jpg". Else it is the longest path that the name ends in:
    "images/cat/1.jpg" means "cat/1.jpg", too. Backslashes count as slashes, unless a path is
    spelled with them.

    A name that no path fits is looked up again: without the query and the percent signs of a URL,
    then in one Unicode form, then without differences of case.

    A name is ambiguous if it fits several paths, or a path that another name fits.

    Parameters
    ----------
    names : sequence of str
        Name of each image's file; an empty one fits no path.
    paths : sequence of bytes
        Relative to the root of the split, as stores have them; all different.

    Examples
    --------
    >>> paths = [b"cat/1.jpg", b"dog/1.jpg", b"dog/2.jpg"]
    >>> matched = match_images(["cat/1.jpg", "2.JPG?x=1", "1.jpg", "pets/dog/1.jpg"], paths)
    >>> matched.rows.tolist(), matched.ambiguous, matched.inexact
    ([0, 2, -1, 1], {2: [0, 1]}, {1: 'case'})
    """
    members = [without_container(path) for path in paths]
    paths = [container_as_folder(path) for path in paths]
    row_of = {path: row for row, path in enumerate(paths)}
    exact = [container_as_folder(_exact_name(name)) for name in names]
    tidied = [b"/".join(parts_of(name)) for name in exact]
    rows = np.full(len(names), _NO_ROW, np.int64)
    for i, (name, tidy) in enumerate(zip(exact, tidied, strict=True)):
        rows[i] = row_of.get(name, row_of.get(tidy, _NO_ROW))
    ambiguous: dict[int, list[int]] = {}
    inexact: dict[int, str] = {}
    for what, spell in (("", None), *SPELLINGS):
        # a name that is empty fits nothing
        left = [i for i, name in enumerate(tidied) if name and rows[i] < 0 and i not in ambiguous]
        if not left:
            break
        spelled = {i: spell(tidied[i]) if spell else tidied[i] for i in left}
        known = [list(map(spell, names)) if spell else names for names in (paths, members)]
        fits = _fitting_paths(spelled, *known)
        found = _settle(fits, tidied, set(rows.tolist()))
        ambiguous |= {i: fits[i] for i in fits if i not in found}
        for i in found:
            rows[i] = fits[i][0]
            if what:
                inexact[i] = what
    unlisted = len(paths) - np.unique(rows[rows >= 0]).size
    in_order = dict(sorted(inexact.items()))
    return ImageMatching(rows, dict(sorted(ambiguous.items())), unlisted, in_order)


class Annotations:
    """The annotations of some images of a COCO file, each read on demand: a context.

    Parameters
    ----------
    path : Path
    wanted : collection of ids
        The images.
    known : sequence of ids
        All images of the file; None for one without an id.

    Attributes
    ----------
    categories : CategoryNames

    Raises
    ------
    StoreError
        No COCO file.
    """

    def __init__(
        self,
        path: Path,
        wanted: Collection[ImageId],
        known: Sequence[ImageId | None],
    ) -> None:
        self.path = path
        self.categories = CategoryNames()
        self._number = {key: i for i, key in enumerate(wanted)}
        ids = Ids(known)
        numbers = [-1 if key is None else self._number.get(key, -1) for key in known]
        # an annotation of no image has the place -1: the last
        number_of_place = np.array([*numbers, -1], np.int64)
        # number of the image, offset and size of each annotation
        located = [np.empty((0, 3), np.int64)]
        for piece in pieces(path, {"annotations": "image_id", "categories": "id"}):
            if piece.array == "annotations":
                places = np.array([ids.find(key) for key in piece.values()], np.int64)
                located.append(_locate(piece, number_of_place[places]))
            elif piece.array == "categories":
                self.categories.add(piece.elements())
        table = np.concatenate(located)
        table = table[np.argsort(table[:, 0], kind="stable")]
        self._bounds = np.searchsorted(table[:, 0], np.arange(len(self._number) + 1))
        self._spans = table[:, 1:]
        self._file = open(path, "rb")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def of(self, image: ImageId) -> Iterator[Any]:
        """The annotations of an image, in the order of the file.

        `Unreadable` for one that Python can't hold.
        """
        number = self._number[image]
        for offset, size in self._spans[self._bounds[number] : self._bounds[number + 1]].tolist():
            self._file.seek(offset)
            try:
                yield json.loads(self._file.read(size))
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise StoreError(
                    f"{self.path}: the annotation at byte {offset:,} can't be read: the file has "
                    f"changed meanwhile ({error})"
                ) from error
            except (ValueError, RecursionError) as error:
                yield Unreadable(str(error))


def _locate(piece: Piece, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the image, offset and size of the wanted annotations in a piece."""
    wanted = numbers >= 0
    starts = piece.starts[wanted]
    return np.stack([numbers[wanted], starts + piece.offset, piece.ends[wanted] - starts], axis=1)


def _exact_name(name: str) -> bytes:
    """The bytes of a name; Python writes bytes that aren't UTF-8 as lone surrogates."""
    try:
        return name.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return name.encode(errors="surrogatepass")


def _fitting_paths(
    names: dict[int, bytes], paths: Sequence[bytes], members: Sequence[bytes]
) -> dict[int, list[int]]:
    """The paths that each name fits, if there are any: the same, else by the end of one.

    `members` are the paths without their containers.
    """
    rows_of: dict[bytes, list[int]] = {}
    rows_in: dict[bytes, list[int]] = {}
    for row, (path, member) in enumerate(zip(paths, members, strict=True)):
        rows_of.setdefault(path, []).append(row)
        rows_in.setdefault(member, []).append(row)
    ending = _paths_ending_in({name for name in names.values() if name not in rows_of}, paths)
    fits = {
        i: rows_of.get(name) or ending.get(name) or _longest_tail(name, rows_in)
        for i, name in names.items()
    }
    return {i: rows for i, rows in fits.items() if rows}


def _settle(fits: dict[int, list[int]], names: Sequence[bytes], named: set[int]) -> set[int]:
    """The names that fit one path, which no other name fits and which isn't `named` already."""
    # counted by name, because two images may have one file
    claims = Counter(row for _, row in {(names[i], *fits[i]) for i in fits if len(fits[i]) == 1})
    return {
        i
        for i, rows in fits.items()
        if len(rows) == 1 and rows[0] not in named and claims[rows[0]] == 1
    }


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


def _longest_tail(name: bytes, rows_of: dict[bytes, list[int]]) -> list[int]:
    """The rows of the longest path that a name ends in; empty without one."""
    while name:
        if name in rows_of:
            return rows_of[name]
        name = name.partition(b"/")[2]
    return []
