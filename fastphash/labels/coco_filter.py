"""COCO files without some of their images."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.errors import StoreError
from fastphash.files import atomic
from fastphash.files.json_arrays import Piece, pieces
from fastphash.labels.coco import Images, read_images
from fastphash.labels.ids import Ids, ImageId, is_id

_MEGABYTE = 1_000_000


class Filtered(NamedTuple):
    """Counts of a filtered file.

    Attributes
    ----------
    images, annotations : int
        Kept.
    images_gone, annotations_gone : int
        Left out.
    orphans : int
        Kept annotations of images that the file never listed.
    """

    images: int
    images_gone: int
    annotations: int
    annotations_gone: int
    orphans: int


def filter_coco(
    source: Path,
    target: Path,
    removed: Collection[ImageId],
    progress: Progress = no_progress,
    *,
    places: Collection[int] = (),
) -> Filtered:
    """Write a COCO file without some images and their annotations.

    Everything else is copied byte for byte, in its order, but for a byte order mark. The file is
    read twice, block by block.

    Parameters
    ----------
    source : Path
    target : Path
        Replaced if it is there.
    removed : collection of ids
        Images to leave out. Their annotations may have the id as a text instead of a number, or
        the other way round.
    progress : Progress
    places : collection of int
        Further images to leave out by their places in the file: those without an id.

    Raises
    ------
    StoreError
        `source` is no COCO file; nothing is written then.
    """
    goes = _Goes(read_images(source), frozenset(removed), frozenset(places))
    total = source.stat().st_size // _MEGABYTE
    kept: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    orphans = 0
    with atomic.replacing(target) as temporary, open(temporary, "wb") as file:
        writer = _PieceWriter(file)
        for piece in pieces(source, {"images": "id", "annotations": "image_id"}):
            progress("filtering", piece.offset // _MEGABYTE, total)
            if not piece.array:
                writer.write(piece)
                continue
            keys = piece.values()
            if piece.array == "images":
                gone = [goes.image(piece.number + i, key) for i, key in enumerate(keys)]
            else:
                gone = [goes.annotation(key) for key in keys]
                orphans += sum(goes.ids.find(key) < 0 for key in keys)
            keep = ~np.array(gone, np.bool_)
            writer.write_elements(piece, keep)
            kept[piece.array] += int(keep.sum())
            left_out[piece.array] += int((~keep).sum())
    return Filtered(
        kept["images"],
        left_out["images"],
        kept["annotations"],
        left_out["annotations"],
        orphans,
    )


class _Goes:
    """Which images and annotations are left out."""

    def __init__(self, images: Images, removed: frozenset[ImageId], places: frozenset[int]) -> None:
        self.ids = Ids(images.ids)
        self._id_at = images.ids
        self._removed = removed
        self._places = places

    def image(self, place: int, key: Any) -> bool:
        return place in self._places or (is_id(key) and key in self._removed)

    def annotation(self, key: Any) -> bool:
        place = self.ids.find(key)
        known = self._id_at[place] if place >= 0 else key
        return is_id(known) and known in self._removed


def check_filtered(target: Path, images: Images, removed: Collection[int], orphans: int) -> None:
    """Check a filtered file: it has just the images that stay, and no annotation of another.

    Parameters
    ----------
    target : Path
    images : Images
        Those of the file that was filtered.
    removed : collection of int
        Places of those that were to be left out.
    orphans : int
        Annotations of no image that it had.

    Raises
    ------
    StoreError
        It holds something else.
    """
    gone = frozenset(removed)
    stay = [i for i in range(len(images.ids)) if i not in gone]
    written = read_images(target)
    expected = [images.ids[i] for i in stay], [images.names[i] for i in stay]
    ids = Ids(written.ids)
    lost = sum(
        ids.find(key) < 0
        for piece in pieces(target, {"annotations": "image_id"})
        if piece.array
        for key in piece.values()
    )
    if (written.ids, written.names) != expected or lost != orphans:
        raise StoreError(
            f"{target} was written with other images than those that stay: this is a fault of "
            "fastphash, please report it"
        )


class _PieceWriter:
    """Writes pieces of a JSON file, without some elements and the separators before them."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.array = ""
        # what stands before the first element of the array, and whether an element was written
        self.lead = b""
        self.begun = False

    def write(self, piece: Piece) -> None:
        """Write a piece outside of arrays."""
        self.file.write(piece.data)
        self.array = ""

    def write_elements(self, piece: Piece, keep: NDArray[np.bool_]) -> None:
        """Write the elements to keep, bool (n,), of a piece of an array."""
        if self.array != piece.array:
            self.array, self.lead, self.begun = piece.array, b"", False
        if not self.lead and piece.starts.size and not piece.number:
            self.lead = bytes(piece.data[: piece.starts[0]])
        # runs of elements to keep
        edges = np.flatnonzero(np.diff(keep, prepend=False, append=False))
        firsts, lasts = edges[::2], edges[1::2] - 1
        # a run starts where the element before ends, because a separator belongs to the second
        starts = np.concatenate(([0], piece.ends[:-1]))[firsts] if firsts.size else firsts
        for first, start, end in zip(
            firsts.tolist(), starts.tolist(), piece.ends[lasts].tolist(), strict=True
        ):
            if self.begun:
                self.file.write(piece.data[start:end])
            else:
                self.file.write(self.lead)
                self.file.write(piece.data[piece.starts[first] : end])
                self.begun = True
