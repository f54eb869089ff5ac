"""COCO files without some of their images."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.errors import StoreError
from fastphash.files import atomic
from fastphash.files.json_arrays import Piece, pieces
from fastphash.labels.coco import ImageId, ImageMatching, Images, id_list, read_images

_MEGABYTE = 1_000_000
# paths named in a message
_NAMED_PATHS = 3


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
    source: Path, target: Path, removed: Collection[ImageId], progress: Progress = no_progress
) -> Filtered:
    """Write a COCO file without some images and their annotations.

    Everything else is copied byte for byte, in its order. The file is read twice, block by block.

    Parameters
    ----------
    source : Path
    target : Path
        Replaced if it is there.
    removed : collection of ids
        Images to leave out.

    Raises
    ------
    StoreError
        `source` is no COCO file; nothing is written then.
    """
    removed = frozenset(removed)
    listed = frozenset(read_images(source).ids)
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
            ids = id_list(source, piece)
            keep = np.array([key not in removed for key in ids], np.bool_)
            writer.write_elements(piece, keep)
            kept[piece.array] += int(keep.sum())
            left_out[piece.array] += int((~keep).sum())
            if piece.array == "annotations":
                orphans += sum(key not in listed for key in ids)
    return Filtered(
        kept["images"],
        left_out["images"],
        kept["annotations"],
        left_out["annotations"],
        orphans,
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


def removed_images(
    images: Images, matched: ImageMatching, paths: Sequence[bytes], removed: NDArray[np.bool_]
) -> set[ImageId]:
    """Ids of the images of a COCO file whose files are removed.

    Parameters
    ----------
    images, matched, paths
        Images of a COCO file, matched with these paths.
    removed : bool (n,)
        For each path.

    Raises
    ------
    StoreError
        An ambiguous image could be one of those.
    """
    doubtful = [i for i, rows in matched.ambiguous.items() if removed[rows].any()]
    if doubtful:
        i = doubtful[0]
        fits = matched.ambiguous[i]
        shown = ", ".join(repr(paths[row].decode(errors="replace")) for row in fits[:_NAMED_PATHS])
        unnamed = len(fits) - _NAMED_PATHS
        more = f" and {unnamed:,} more" if unnamed > 0 else ""
        others = f" ({len(doubtful) - 1:,} more such)" if len(doubtful) > 1 else ""
        raise StoreError(
            f"{images.path}: can't tell whether {images.names[i]!r} goes: it may be {shown}{more}"
            f"{others}. Write file names in it as they are below the split's folder"
        )
    listed = np.flatnonzero(matched.rows >= 0)
    return {images.ids[i] for i in listed[removed[matched.rows[listed]]].tolist()}
