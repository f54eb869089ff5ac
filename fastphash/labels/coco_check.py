"""COCO files read whole before anything is done with them, and the entries that can't be used."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from fastphash.base.progress import Progress, no_progress
from fastphash.base.text import visible
from fastphash.files.json_arrays import Piece, Unreadable, pieces
from fastphash.files.parquet import NAME_TYPE
from fastphash.labels.category_names import CategoryNames
from fastphash.labels.coco import ImageMatching, Images, read_images
from fastphash.labels.coco_removal import unknown_images
from fastphash.labels.ids import Ids, ImageId, is_id
from fastphash.labels.shapes import is_ordinary, shapes_of

REJECTED_ANNOTATIONS_SCHEMA = pa.schema(
    [
        ("split", NAME_TYPE),
        ("array", NAME_TYPE),
        ("position", pa.int64()),
        ("id", pa.string()),
        ("image_id", pa.string()),
        ("file_name", pa.string()),
        ("reason", pa.string()),
    ]
)

_MEGABYTE = 1_000_000
# characters of a value from the file
_SHOWN = 240


class RejectedEntry(NamedTuple):
    """An image, annotation or category of a COCO file that can't be used as it is.

    Attributes
    ----------
    array : {"images", "annotations", "categories"}
    position : int
        Its place in the array, from 0; -1 if the array is missing.
    id, image_id, file_name : str or None
        As the file has them.
    reason : str
        What is wrong, in one line.
    """

    array: str
    position: int
    id: str | None
    image_id: str | None
    file_name: str | None
    reason: str

    def __str__(self) -> str:
        about = {"id": self.id, "image_id": self.image_id, "file_name": self.file_name}
        known = ", ".join(f"{key} {value}" for key, value in about.items() if value is not None)
        place = f"{self.array}[{self.position}]" if self.position >= 0 else self.array
        return f"{place}{f' ({known})' if known else ''}: {self.reason}"


class CheckedCoco(NamedTuple):
    """What a COCO file is like as a whole.

    Attributes
    ----------
    images : Images
    rejected : list of RejectedEntry
        Images first, then categories and annotations in the order of the file.
    other_ids : int
        Annotations whose image has the same id, written as a text here and as a number there.
    """

    images: Images
    rejected: list[RejectedEntry]
    other_ids: int


def check_coco(path: Path, progress: Progress = no_progress) -> CheckedCoco:
    """Read a whole COCO file and find the entries that can't be used.

    Raises
    ------
    StoreError
        No COCO file: it can't be read, is no JSON, or has no images.
    """
    images = read_images(path)
    ids = Ids(images.ids)
    rejected: list[RejectedEntry] = []
    categories: list[Any] = []
    used: set[ImageId] = set()
    other_ids = annotations = 0
    total = path.stat().st_size // _MEGABYTE
    wanted = {"images": "id", "annotations": "image_id", "categories": "id"}
    for piece in pieces(path, wanted):
        progress("reading labels", piece.offset // _MEGABYTE, total)
        if piece.array == "images":
            rejected += _odd_images(piece, images, ids)
        elif piece.array == "categories":
            rejected += _odd_categories(piece)
            categories += piece.values()
        elif piece.array == "annotations":
            annotations += 1
            elements = piece.elements()
            rejected += _odd_annotations(piece, elements, ids)
            used.update(key for element in elements for key in _categories_of(element))
            other_ids += sum(key not in ids and ids.find(key) >= 0 for key in piece.values())
    rejected += _of_unknown_categories(path, used, Ids(categories))
    if not annotations:
        reason = "the file has none, so that every image counts as one without objects"
        rejected.append(RejectedEntry("annotations", -1, None, None, None, reason))
    order = ("images", "categories", "annotations")
    rejected.sort(key=lambda entry: (order.index(entry.array), entry.position))
    return CheckedCoco(images, rejected, other_ids)


def unmatched_images(images: Images, matched: ImageMatching) -> list[RejectedEntry]:
    """Images with a name that is that of no path for certain."""
    named = [i for i in unknown_images(matched) if images.names[i]]
    unknown = dict.fromkeys(named, "no hashed image has this name")
    doubt = "several hashed images may have this name, or one that another name fits, too"
    return [
        RejectedEntry("images", i, _text(images.ids[i]), None, _text(images.names[i]), why)
        for i, why in sorted((unknown | dict.fromkeys(matched.ambiguous, doubt)).items())
    ]


def rejected_table(entries: Mapping[str, list[RejectedEntry]]) -> pa.Table:
    """Rejected entries of the COCO file of each split: REJECTED_ANNOTATIONS_SCHEMA."""
    rows = [
        {"split": split, **entry._asdict()}
        for split, of_split in entries.items()
        for entry in of_split
    ]
    columns = {
        field.name: pa.array([row[field.name] for row in rows], pa.string()).dictionary_encode()
        if field.type == NAME_TYPE
        else pa.array([row[field.name] for row in rows], field.type)
        for field in REJECTED_ANNOTATIONS_SCHEMA
    }
    return pa.table(columns).cast(REJECTED_ANNOTATIONS_SCHEMA)


def _odd_images(piece: Piece, images: Images, ids: Ids) -> Iterator[RejectedEntry]:
    for i, element in enumerate(piece.elements()):
        place = piece.number + i
        if why := _no_object(element):
            yield _rejected(piece, i, element, why)
        elif images.ids[place] is None:
            yield _rejected(piece, i, element, f"no id (a number or a text): {_id_of(element)}")
        elif not images.names[place]:
            yield _rejected(piece, i, element, f"no file_name: {element.get('file_name')!r:.80}")
        elif (first := ids.find(images.ids[place])) != place:
            yield _rejected(piece, i, element, f"it has the id of images[{first}]")


def _odd_categories(piece: Piece) -> Iterator[RejectedEntry]:
    for i, element in enumerate(piece.elements()):
        if why := _no_object(element):
            yield _rejected(piece, i, element, why)
        elif not is_id(element.get("id")):
            yield _rejected(piece, i, element, f"no id (a number or a text): {_id_of(element)}")


def _categories_of(annotation: Any) -> list[ImageId]:
    """Ids of the categories of an annotation, or of the segments of a panoptic one."""
    segments = annotation.get("segments_info") if isinstance(annotation, dict) else None
    items = segments if isinstance(segments, list) else [annotation]
    keys = [item.get("category_id") for item in items if isinstance(item, dict)]
    return [key for key in keys if is_id(key)]


def _of_unknown_categories(
    path: Path, used: set[ImageId], categories: Ids
) -> Iterator[RejectedEntry]:
    """Annotations of categories that the file lacks, unless it lists none at all.

    Categories may stand behind the annotations: only a file with such annotations is read again.
    """
    unknown = {key for key in used if categories.find(key) < 0}
    if not unknown or not categories:
        return
    for piece in pieces(path, {"annotations": "image_id"}):
        for i, element in enumerate(piece.elements() if piece.array else ()):
            if lacking := [key for key in _categories_of(element) if key in unknown]:
                yield _rejected(piece, i, element, f"no category has the id {lacking[0]!r:.80}")


def _odd_annotations(piece: Piece, elements: Sequence[Any], ids: Ids) -> Iterator[RejectedEntry]:
    for i, element in enumerate(elements):
        if why := _no_object(element):
            yield _rejected(piece, i, element, why)
            continue
        key = element.get("image_id")
        if not is_id(key):
            reason = f"no image_id (a number or a text): {key!r:.80}"
        elif ids.find(key) < 0:
            reason = f"no image has the id {key!r:.80}"
        elif is_ordinary(element):
            continue
        else:
            reason = "; ".join(shapes_of(element, CategoryNames()).problems)
        if reason:
            yield _rejected(piece, i, element, reason)


def _no_object(element: Any) -> str:
    if isinstance(element, Unreadable):
        return element.why
    return "" if isinstance(element, dict) else f"no object: {element!r:.80}"


def _id_of(element: dict[str, Any]) -> str:
    return f"{element.get('id')!r:.80}"


def _rejected(piece: Piece, i: int, element: Any, reason: str) -> RejectedEntry:
    entry = element if isinstance(element, dict) else {}
    id_, image_id, file_name = (_text(entry.get(key)) for key in ("id", "image_id", "file_name"))
    return RejectedEntry(piece.array, piece.number + i, id_, image_id, file_name, reason)


def _text(value: Any) -> str | None:
    return None if value is None else visible(str(value))[:_SHOWN]
