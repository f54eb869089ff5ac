"""What the store knows of the images of a page."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.report.groups import ImageName
from fastphash.store.schema import exact_paths
from fastphash.store.store import Store

_COLUMNS = ["split", "path", "path_bytes", "digest", "size", "format", "width", "height"]


class StoredImage(NamedTuple):
    """One image in the store.

    Attributes
    ----------
    part, row : int
        Where it lies: number of the part, and row of the part.
    digest : bytes
        XXH3-128 of the file.
    size : int
        Bytes of the file.
    format : str
    width, height : int
    """

    part: int
    row: int
    digest: bytes
    size: int
    format: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


def find_images(store: Store, names: set[ImageName]) -> dict[ImageName, StoredImage]:
    """What the store knows of images, by name; images that it lacks are left out."""
    paths = pa.array(sorted({name.path for name in names}), pa.binary())
    splits = {name.split for name in names}
    images = {}
    for number, part in enumerate(store.parts):
        if not splits.intersection(part.splits):
            continue
        table = store.read_part(part, _COLUMNS)
        exact = exact_paths(table)
        rows = np.flatnonzero(pc.is_in(exact, paths).to_numpy())
        candidates = zip(
            rows.tolist(),
            exact.take(pa.array(rows)).to_pylist(),
            table.take(rows).to_pylist(),
            strict=True,
        )
        for row, path, image in candidates:
            name = ImageName(image["split"], path)
            if name in names:
                images[name] = StoredImage(
                    number,
                    row,
                    image["digest"],
                    image["size"],
                    image["format"],
                    image["width"],
                    image["height"],
                )
    return images


def read_thumbnails(
    store: Store, images: dict[ImageName, StoredImage]
) -> dict[ImageName, NDArray[np.uint8]]:
    """Thumbnails of images, each uint8 (1024,); none if the store keeps none."""
    if not store.layout.thumbnails:
        return {}
    names_of_part: dict[int, list[ImageName]] = defaultdict(list)
    for name, image in images.items():
        names_of_part[image.part].append(name)
    thumbnails = {}
    for number, names in names_of_part.items():
        column = store.read_part(store.parts[number], ["thumbnail"])["thumbnail"]
        rows = pa.array([images[name].row for name in names])
        for name, data in zip(names, column.take(rows).to_pylist(), strict=True):
            thumbnails[name] = np.frombuffer(data, np.uint8)
    return thumbnails
