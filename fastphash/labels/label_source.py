"""What the labels of a split come from, whatever their format."""

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastphash.labels.coco import ImageMatching
from fastphash.labels.shapes import Shape
from fastphash.store.rows import HashTable


class ImageShapes(NamedTuple):
    """The annotations of an image of this width and height, in pixels."""

    shapes: list[Shape]
    size: tuple[int, int]


class ImageLabels(Protocol):
    """The annotations of some images of a split.

    Attributes
    ----------
    matched : ImageMatching, optional
        Which images of a file are which paths, if it names them.
    """

    matched: ImageMatching | None

    def lists(self, path: bytes) -> bool:
        """Whether there is anything about an image, if only that it has no annotations."""

    def shapes(self, path: bytes) -> ImageShapes | None:
        """The annotations of an image; None if there is nothing about it."""


class Categories(NamedTuple):
    """The categories of a split's images.

    Attributes
    ----------
    names : list of str
        Of those that some annotation has; categories of one name are one.
    row, category : int64 (n,)
        An image and one of its categories; a pair occurs once for each such annotation.
    """

    names: list[str]
    row: NDArray[np.int64]
    category: NDArray[np.int64]

    def emptied(self, removed: NDArray[np.bool_]) -> dict[str, int]:
        """Categories whose images are all removed, each with the number of its images."""
        # as one number each, because np.unique is slow for pairs
        category, row = np.divmod(np.unique(self.category * removed.size + self.row), removed.size)
        images = np.bincount(category, minlength=len(self.names))
        gone = np.bincount(category[removed[row]], minlength=len(self.names))
        lost = np.flatnonzero((images > 0) & (images == gone))
        return {self.names[i]: int(images[i]) for i in lost}


class LabelSource(Protocol):
    """The labels of a split. `rows` are always those of the split."""

    @property
    def form(self) -> str:
        """The format: "coco", "yolo", "voc", "labelme", "cls" or "table"."""

    @property
    def has_names(self) -> bool:
        """Whether categories have names, rather than numbers."""

    def annotated_rows(self, rows: HashTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows that it says something of, and the row of each annotation; -1 for no row."""

    def categories(self, rows: HashTable) -> Categories:
        """The categories of the images."""

    def open(self, rows: HashTable, wanted: set[bytes]) -> AbstractContextManager[ImageLabels]:
        """The annotations of some images; StoreError if rows lack the sizes that they need."""
