"""The labels of a split in a COCO file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fastphash.labels.categories import read_categories
from fastphash.labels.coco import Annotations, ImageMatching, match_images, read_images
from fastphash.labels.ids import ImageId
from fastphash.labels.image_sizes import sizes_of
from fastphash.labels.label_source import Categories, ImageShapes
from fastphash.labels.levels import annotated_rows
from fastphash.labels.shapes import Shape, shapes_of
from fastphash.store.rows import HashTable


@dataclass(frozen=True, slots=True)
class CocoLabels:
    """A COCO file, as `LabelSource`."""

    path: Path

    @property
    def form(self) -> str:
        """The format."""
        return "coco"

    @property
    def has_names(self) -> bool:
        """True: categories have names."""
        return True

    def annotated_rows(self, rows: HashTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows that the file lists, and the row of each annotation, in its order."""
        return annotated_rows(rows, self.path)

    def categories(self, rows: HashTable) -> Categories:
        """The categories of the images."""
        return read_categories(rows, self.path)

    def open(self, rows: HashTable, wanted: set[bytes]) -> "CocoImageLabels":
        """The annotations of some images."""
        return CocoImageLabels(rows, self.path, wanted)


class CocoImageLabels:
    """The annotations of some images of a split, by path: a context; as `ImageLabels`."""

    def __init__(self, rows: HashTable, path: Path, wanted: set[bytes]) -> None:
        paths = rows.paths.to_pylist()
        images = read_images(path)
        matched = match_images(images.names, paths)
        self.matched: ImageMatching | None = matched
        self.ids: dict[bytes, list[ImageId]] = {}
        seen: set[ImageId] = set()
        for key, row in zip(images.ids, matched.rows.tolist(), strict=True):
            # of two images with one id, the annotations are the first one's
            if key is None or key in seen:
                continue
            seen.add(key)
            if row >= 0 and paths[row] in wanted:
                self.ids.setdefault(paths[row], []).append(key)
        self.sizes = sizes_of(rows, self.ids, str(path))
        found = [key for keys in self.ids.values() for key in keys]
        self.annotations = Annotations(path, found, images.ids)

    def __enter__(self) -> Self:
        self.annotations.__enter__()
        return self

    def __exit__(self, *of_error: object) -> None:
        self.annotations.__exit__(*of_error)

    def lists(self, path: bytes) -> bool:
        """Whether the file lists an image."""
        return path in self.ids

    def shapes(self, path: bytes) -> ImageShapes | None:
        """The shapes of an image, or None if the file doesn't list it."""
        if path not in self.ids:
            return None
        shapes: list[Shape] = []
        for key in self.ids[path]:
            for annotation in self.annotations.of(key):
                shapes += shapes_of(annotation, self.annotations.categories).shapes
        return ImageShapes(shapes, self.sizes[path])
