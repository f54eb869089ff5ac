"""Copies whose labels disagree with their keepers': the data set has an error there.

Boxes and polygons of COCO files are read in the frame of the stored width and height: that of the
pixels as they lie in the file or, where the store was made with `--exif`, as EXIF turns them.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import COPY_KINDS, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.files.parquet import NAME_TYPE
from fastphash.labels.coco import Annotations, Matched, match_images, read_images
from fastphash.labels.shapes import IOU, Shape, agreement, orient_shapes, shapes_of
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths

#: Label of an image that a COCO file lists without annotations.
NO_OBJECTS = "no objects"

# splits whose folders are this much the same have class folders
_SHARED_FOLDERS = 0.5

CONFLICTS_SCHEMA = pa.schema(
    [
        ("group", pa.int64()),
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("label", pa.string()),
        ("keeper_split", NAME_TYPE),
        ("keeper_path", pa.string()),
        ("keeper_label", pa.string()),
        ("kind", NAME_TYPE),
        ("distance", pa.uint8()),
        ("orientation", NAME_TYPE),
        ("source", NAME_TYPE),
        ("iou", pa.float32()),
        ("path_bytes", pa.binary()),
        ("keeper_path_bytes", pa.binary()),
    ]
)


class CocoConflicts(NamedTuple):
    """Copies whose annotations disagree with their keeper's.

    Attributes
    ----------
    table : pyarrow.Table
        CONFLICTS_SCHEMA.
    matched : dict of str to Matched
        By split, how its file's images were found among its paths.
    """

    table: pa.Table
    matched: dict[str, Matched]


def has_class_folders(rows: HashTable) -> bool:
    """Whether the first folder of each path looks like the name of a class.

    Every image is in a folder, there are two folders at least, and of each split at least half
    are also folders of the split that has the most.
    """
    folders = _folders(exact_paths(rows.table))
    if not len(folders) or folders.null_count:
        return False
    code = folders.dictionary_encode()
    splits, split = np.unique(rows.splits.astype(str), return_inverse=True)
    pairs = np.unique(np.stack([split, code.indices.to_numpy()]), axis=1)
    of_split = [set(pairs[1, pairs[0] == i].tolist()) for i in range(splits.size)]
    most = max(of_split, key=len)
    return len(most) > 1 and all(
        len(some & most) >= _SHARED_FOLDERS * len(some) for some in of_split
    )


def folder_conflicts(groups: pa.Table) -> pa.Table:
    """Copies that lie in another class folder than their keepers.

    The label of an image is the first part of its path; one in no folder has none, and is in no
    conflict.

    Parameters
    ----------
    groups : pyarrow.Table
        GROUPS_SCHEMA.

    Returns
    -------
    pyarrow.Table
        CONFLICTS_SCHEMA, in the order of groups.
    """
    copies, keepers = _copies(groups)
    folders = _folders(exact_paths(groups))
    differ = pc.not_equal(folders.take(pa.array(copies)), folders.take(pa.array(keepers)))
    chosen = np.flatnonzero(differ.fill_null(False).to_numpy(zero_copy_only=False))
    copies, keepers = copies[chosen], keepers[chosen]
    texts = _folders(groups["path"])
    none = pa.nulls(copies.size, pa.float32())
    label, keeper_label = texts.take(pa.array(copies)), texts.take(pa.array(keepers))
    return _table(groups, copies, keepers, label, keeper_label, "folder", none)


def coco_conflicts(
    groups: pa.Table,
    rows: HashTable,
    files: Mapping[str, Path],
    progress: Progress = no_progress,
) -> CocoConflicts:
    """Copies whose COCO annotations disagree with those of their keepers.

    The copy's boxes and polygons are turned and scaled into the keeper's frame. Annotations of one
    category are then matched one to one, by the assignment with the most pairs whose intersection
    over union is `IOU` (0.5) or more: of their polygons where both have some, else of their boxes.
    One without a partner, on either side, makes a conflict; its `iou` is the least of the pairs,
    or 0 where there are more annotations on one side. An image that its file doesn't list has no
    labels, and is in no conflict; one that is listed without annotations has "no objects".

    Parameters
    ----------
    groups : pyarrow.Table
        GROUPS_SCHEMA.
    rows : HashTable
        Of the images in groups: split, path, width and height are used.
    files : mapping of str to Path
        The COCO file of each split that has one.

    Raises
    ------
    StoreError
        No COCO file, or an annotation whose box or polygons are none.
    """
    copies, keepers = _copies(groups)
    split = np.asarray(groups["split"].to_numpy(zero_copy_only=False), object)
    labelled = np.isin(split, list(files))
    both = labelled[copies] & labelled[keepers]
    copies, keepers = copies[both], keepers[both]
    paths = exact_paths(groups).to_pylist()
    orientation = groups["orientation"].to_pylist()
    named: dict[str, set[bytes]] = {name: set() for name in files}
    for row in np.union1d(copies, keepers).tolist():
        named[split[row]].add(paths[row])

    found: list[tuple[int, int, str, str, float]] = []
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(_LabelledSplit(rows.where_split(name), path, named[name]))
            for name, path in files.items()
        }
        last, kept = -1, None
        for done, (row, keeper) in enumerate(zip(copies.tolist(), keepers.tolist(), strict=True)):
            progress("comparing labels", done, copies.size)
            if keeper != last:
                last, kept = keeper, sides[split[keeper]].labels(paths[keeper])
            own = sides[split[row]].labels(paths[row])
            if own is None or kept is None:
                continue
            turn = ORIENTATIONS.index(orientation[row])
            iou = agreement(orient_shapes(own.shapes, turn, own.size, kept.size), kept.shapes)
            if iou < IOU:
                found.append(
                    (row, keeper, count_categories(own.shapes), count_categories(kept.shapes), iou)
                )
        matched = {name: side.matched for name, side in sides.items()}
    rows_of, keepers_of, label, keeper_label, ious = zip(*found, strict=True) if found else [()] * 5
    table = _table(
        groups,
        np.array(rows_of, np.int64),
        np.array(keepers_of, np.int64),
        pa.array(label, pa.string()),
        pa.array(keeper_label, pa.string()),
        "coco",
        pa.array(ious, pa.float32()),
    )
    return CocoConflicts(table, matched)


def count_categories(shapes: list[Shape]) -> str:
    """How many there are of each category, the most frequent first: "2 building, 1 car"."""
    counts = Counter(shape.category for shape in shapes)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number} {category}" for category, number in ordered) or NO_OBJECTS


class _ImageShapes(NamedTuple):
    shapes: list[Shape]
    size: tuple[int, int]


class _LabelledSplit:
    """A split and its COCO file: a context."""

    def __init__(self, rows: HashTable, path: Path, wanted: set[bytes]) -> None:
        paths = rows.paths.to_pylist()
        images = read_images(path)
        self.path = path
        self.matched = match_images(images.names, paths)
        self.ids: dict[bytes, list[Any]] = {}
        for key, row in zip(images.ids, self.matched.rows.tolist(), strict=True):
            if row >= 0 and paths[row] in wanted:
                self.ids.setdefault(paths[row], []).append(key)
        self.sizes = {
            name: (width, height)
            for name, width, height in zip(
                paths,
                rows.numbers("width").tolist(),
                rows.numbers("height").tolist(),
                strict=True,
            )
            if name in self.ids
        }
        if any(min(size) <= 0 for size in self.sizes.values()):
            raise StoreError(f"{path}: can't compare its boxes: the hashes don't say image sizes")
        self.annotations = Annotations(path, [key for some in self.ids.values() for key in some])

    def __enter__(self) -> Self:
        self.annotations.__enter__()
        return self

    def __exit__(self, *of_error: object) -> None:
        self.annotations.__exit__(*of_error)

    def labels(self, path: bytes) -> _ImageShapes | None:
        """Those of an image, or None if the file doesn't list it."""
        if path not in self.ids:
            return None
        shapes = []
        for key in self.ids[path]:
            for annotation in self.annotations.of(key):
                try:
                    shapes += shapes_of(annotation, self.annotations.categories)
                except (TypeError, ValueError) as error:
                    which = f"annotation {annotation.get('id')!r} of image {key!r}"
                    raise StoreError(f"{self.path}: {which}: {error}") from error
        return _ImageShapes(shapes, self.sizes[path])


def _copies(groups: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the copies, and for each that of its keeper: the first of its group."""
    _, first, number = np.unique(groups["group"].to_numpy(), return_index=True, return_inverse=True)
    kinds = pa.array(COPY_KINDS, pa.string())
    copy = pc.is_in(groups["kind"].cast(pa.string()), kinds)
    rows = np.flatnonzero(copy.to_numpy())
    return rows, first[number[rows]]


def _folders(paths: pa.ChunkedArray) -> pa.Array:
    """First parts of paths, text or binary; null where there is but one."""
    folder = pc.list_element(pc.split_pattern(paths, "/", max_splits=1), 0)
    inside = pc.greater_equal(pc.find_substring(paths, "/"), 0)
    return pc.if_else(inside, folder, pa.scalar(None, paths.type)).combine_chunks()


def _table(
    groups: pa.Table,
    copies: NDArray[np.int64],
    keepers: NDArray[np.int64],
    label: pa.Array,
    keeper_label: pa.Array,
    source: str,
    iou: pa.Array,
) -> pa.Table:
    """Conflicts of copies with their keepers, rows of `groups`; the rest is one for each pair."""
    ours, theirs = groups.take(pa.array(copies)), groups.take(pa.array(keepers))
    names = pa.array([source] * copies.size, pa.string()).dictionary_encode()
    columns = {
        "label": label,
        "keeper_label": keeper_label,
        "source": names,
        "iou": iou,
        **{name: ours[name] for name in ours.column_names},
        **{f"keeper_{name}": theirs[name] for name in ("split", "path", "path_bytes")},
    }
    return pa.table([columns[name] for name in CONFLICTS_SCHEMA.names], CONFLICTS_SCHEMA)
