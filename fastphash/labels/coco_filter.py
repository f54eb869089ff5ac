"""A COCO file without the images that go."""

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
from fastphash.labels.coco import LISTED, MEGABYTE, ImageId, Images, Matched, id_list, read_images


class Filtered(NamedTuple):
    """What a filtered file has kept and what not.

    Attributes
    ----------
    images, images_gone, annotations, annotations_gone : int
    orphans : int
        Annotations of images that were not in the file to begin with; they are among those kept.
    """

    images: int
    images_gone: int
    annotations: int
    annotations_gone: int
    orphans: int


def filter_coco(
    source: Path, target: Path, goes: Collection[ImageId], progress: Progress = no_progress
) -> Filtered:
    """Write a COCO file without some images and their annotations.

    What stays is copied byte for byte, in its order, and so is everything else in the file. It is
    read twice, a block at a time.

    Parameters
    ----------
    source : Path
    target : Path
        Replaced if it is there.
    goes : collection of ids
        Of the images to leave out.

    Raises
    ------
    StoreError
        `source` is no COCO file: nothing is written then.
    """
    gone = frozenset(goes)
    listed = frozenset(read_images(source).ids)
    total = source.stat().st_size // MEGABYTE
    kept: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    orphans = 0
    with atomic.replacing(target) as temporary, open(temporary, "wb") as file:
        cut = _Cut(file)
        for piece in pieces(source, {"images": "id", "annotations": "image_id"}):
            progress("filtering", piece.offset // MEGABYTE, total)
            if not piece.array:
                cut.copy(piece)
                continue
            ids = id_list(source, piece)
            stays = np.array([key not in gone for key in ids], np.bool_)
            cut.keep(piece, stays)
            kept[piece.array] += int(stays.sum())
            left_out[piece.array] += int((~stays).sum())
            if piece.array == "annotations":
                orphans += sum(key not in listed for key in ids)
    return Filtered(
        kept["images"],
        left_out["images"],
        kept["annotations"],
        left_out["annotations"],
        orphans,
    )


class _Cut:
    """Writes pieces of a file with some elements left out, and what parts them."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.array = ""
        self.lead = b""
        self.begun = False

    def copy(self, piece: Piece) -> None:
        self.file.write(piece.data)
        self.array = ""

    def keep(self, piece: Piece, stays: NDArray[np.bool_]) -> None:
        if self.array != piece.array:
            self.array, self.lead, self.begun = piece.array, b"", False
        if not self.lead and piece.starts.size and not piece.number:
            self.lead = bytes(piece.data[: piece.starts[0]])
        edges = np.flatnonzero(np.diff(stays, prepend=False, append=False))
        firsts, lasts = edges[::2], edges[1::2] - 1
        # from the end of the one before: what parts two elements goes with the second
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


def images_that_go(
    images: Images, matched: Matched, paths: Sequence[bytes], goes: NDArray[np.bool_]
) -> set[ImageId]:
    """Ids of the images of a COCO file whose files go.

    Parameters
    ----------
    images, matched, paths
        A COCO file, and how it was matched with these paths.
    goes : bool (n,)
        Of each path.

    Raises
    ------
    StoreError
        An image could be one that goes, or another.
    """
    doubtful = [i for i, rows in matched.ambiguous.items() if goes[rows].any()]
    if doubtful:
        i = doubtful[0]
        fits = matched.ambiguous[i]
        shown = ", ".join(repr(paths[row].decode(errors="replace")) for row in fits[:LISTED])
        more = f" and {len(fits) - LISTED:,} more" if len(fits) > LISTED else ""
        others = f" ({len(doubtful) - 1:,} more such)" if len(doubtful) > 1 else ""
        raise StoreError(
            f"{images.path}: can't tell whether {images.names[i]!r} goes: it may be {shown}{more}"
            f"{others}. Write file names in it as they are below the split's folder"
        )
    listed = np.flatnonzero(matched.rows >= 0)
    return {images.ids[i] for i in listed[goes[matched.rows[listed]]].tolist()}
