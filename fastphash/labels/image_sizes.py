"""Sizes of images, which boxes and polygons are scaled by."""

from collections.abc import Collection

from fastphash.errors import StoreError
from fastphash.store.rows import HashTable


def sizes_of(
    rows: HashTable, wanted: Collection[bytes], labels: str
) -> dict[bytes, tuple[int, int]]:
    """Width and height of the images at some paths.

    Raises
    ------
    StoreError
        The rows don't say some; `labels` is named.
    """
    widths, heights = rows.numbers("width").tolist(), rows.numbers("height").tolist()
    sizes = {
        path: (width, height)
        for path, width, height in zip(rows.paths.to_pylist(), widths, heights, strict=True)
        if path in wanted
    }
    if any(min(size) <= 0 for size in sizes.values()):
        raise StoreError(f"{labels}: can't compare its boxes: the hashes don't say image sizes")
    return sizes
