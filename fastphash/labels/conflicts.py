"""Copies with other labels than their keepers, which are errors of the data set.

Labels are class folders or the annotations of COCO files. Boxes and polygons are read in the frame
of the stored width and height: of the pixels as the file has them or, if the store was made with
`exif`, as EXIF turns them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import COPY_KINDS, CROPPED, KINDS, ORIENTATIONS
from fastphash.errors import StoreError
from fastphash.labels.class_folders import Depths, class_folders
from fastphash.labels.coco import Annotations, ImageMatching, match_images, read_images
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA
from fastphash.labels.ids import ImageId
from fastphash.labels.shapes import MIN_IOU, Shape, least_iou, orient_shapes, shapes_of
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths

#: Label of an image that a COCO file lists without annotations.
NO_OBJECTS = "no objects"

# least share of a split's folders that the split with the most has too, if folders are classes
_SHARED_FOLDERS = 0.5


class CocoConflicts(NamedTuple):
    """Copies with other annotations than their keepers.

    Attributes
    ----------
    table : pyarrow.Table
        CONFLICTS_SCHEMA.
    matched : dict of str to ImageMatching
        By split, which images of its COCO file are which of its paths.
    not_compared : int
        Copies that show another part than their keepers, both listed by COCO files.
    """

    table: pa.Table
    matched: dict[str, ImageMatching]
    not_compared: int


def folder_conflicts(groups: pa.Table, depths: Depths) -> pa.Table:
    """Copies in another class folder than their keepers.

    An image in no class folder has no label and no conflict.

    Parameters
    ----------
    groups : pyarrow.Table
        GROUPS_SCHEMA.
    depths : Depths

    Returns
    -------
    pyarrow.Table
        CONFLICTS_SCHEMA, in the order of groups.
    """
    copies, keepers = _copies(groups)
    folders = class_folders(groups["split"], exact_paths(groups), depths)
    differ = pc.not_equal(folders.take(pa.array(copies)), folders.take(pa.array(keepers)))
    conflicts = np.flatnonzero(differ.fill_null(False).to_numpy(zero_copy_only=False))
    copies, keepers = copies[conflicts], keepers[conflicts]
    labels = class_folders(groups["split"], groups["path"], depths)
    columns = {
        "label": labels.take(pa.array(copies)),
        "keeper_label": labels.take(pa.array(keepers)),
        "iou": pa.nulls(copies.size, pa.float32()),
    }
    return _table(groups, copies, keepers, "folder", columns)


def coco_conflicts(
    groups: pa.Table,
    rows: HashTable,
    files: Mapping[str, Path],
    progress: Progress = no_progress,
) -> CocoConflicts:
    """Copies with other COCO annotations than their keepers.

    Boxes and polygons of a copy are turned and scaled into its keeper's frame. Within each
    category, annotations are matched one to one, so that as many pairs as possible reach an
    intersection over union of `MIN_IOU` (0.5): of polygons if both have some, else of boxes. An
    annotation without a partner, on either side, makes a conflict. Its `iou` is the least of all
    pairs, or 0 if the numbers of annotations differ.

    An image that its file doesn't list has no labels and no conflict. One that is listed without
    annotations has the label "no objects". An annotation that can't be read counts as one of the
    category "unreadable annotation".

    Copies of kind `cropped` are not compared: what they show is a part of their keepers, or the
    other way round, so that boxes lie elsewhere, and some outside.

    Parameters
    ----------
    groups : pyarrow.Table
        GROUPS_SCHEMA.
    rows : HashTable
        Split, path, width and height of the images in `groups`.
    files : mapping of str to Path
        COCO files by split; not every split needs one.

    Raises
    ------
    StoreError
        A file is no COCO file.
    """
    copies, keepers = _copies(groups)
    splits = np.asarray(groups["split"].to_numpy(zero_copy_only=False), object)
    labelled = np.isin(splits, list(files))
    both = labelled[copies] & labelled[keepers]
    copies, keepers = copies[both], keepers[both]
    paths = exact_paths(groups).to_pylist()
    compared: dict[str, set[bytes]] = {split: set() for split in files}
    for row in np.union1d(copies, keepers).tolist():
        compared[splits[row]].add(paths[row])
    with ExitStack() as stack:
        labels = {
            split: stack.enter_context(
                _LabelledSplit(rows.where_split(split), path, compared[split])
            )
            for split, path in files.items()
        }
        parts = groups["kind"].cast(pa.string()).to_numpy(zero_copy_only=False) == KINDS[CROPPED]
        whole = ~parts[copies]
        conflicts = list(_find_conflicts(groups, copies[whole], keepers[whole], labels, progress))
        not_compared = sum(
            paths[copy] in labels[splits[copy]].ids and paths[keeper] in labels[splits[keeper]].ids
            for copy, keeper in zip(copies[~whole], keepers[~whole], strict=True)
        )
    table = _coco_table(groups, conflicts)
    return CocoConflicts(table, {split: labels[split].matched for split in labels}, not_compared)


def _coco_table(groups: pa.Table, conflicts: "list[_Conflict]") -> pa.Table:
    columns = {
        "label": pa.array([conflict.label for conflict in conflicts], pa.string()),
        "keeper_label": pa.array([conflict.keeper_label for conflict in conflicts], pa.string()),
        "iou": pa.array([conflict.iou for conflict in conflicts], pa.float32()),
    }
    copies = np.array([conflict.copy for conflict in conflicts], np.int64)
    keepers = np.array([conflict.keeper for conflict in conflicts], np.int64)
    return _table(groups, copies, keepers, "coco", columns)


def count_categories(shapes: list[Shape]) -> str:
    """The number of shapes of each category, most frequent first: "2 building, 1 car"."""
    counts = Counter(shape.category for shape in shapes)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number} {category}" for category, number in ordered) or NO_OBJECTS


class _Conflict(NamedTuple):
    """A copy and its keeper, rows of groups, whose annotations disagree."""

    copy: int
    keeper: int
    label: str
    keeper_label: str
    iou: float


class _ImageShapes(NamedTuple):
    """The annotations of an image of this width and height."""

    shapes: list[Shape]
    size: tuple[int, int]


class _LabelledSplit:
    """The annotations of some images of a split, by path: a context."""

    def __init__(self, rows: HashTable, path: Path, wanted: set[bytes]) -> None:
        paths = rows.paths.to_pylist()
        images = read_images(path)
        self.matched = match_images(images.names, paths)
        self.ids: dict[bytes, list[ImageId]] = {}
        seen: set[ImageId] = set()
        for key, row in zip(images.ids, self.matched.rows.tolist(), strict=True):
            # of two images with one id, the annotations are the first one's
            if key is None or key in seen:
                continue
            seen.add(key)
            if row >= 0 and paths[row] in wanted:
                self.ids.setdefault(paths[row], []).append(key)
        widths, heights = rows.numbers("width").tolist(), rows.numbers("height").tolist()
        self.sizes = {
            name: (width, height)
            for name, width, height in zip(paths, widths, heights, strict=True)
            if name in self.ids
        }
        if any(min(size) <= 0 for size in self.sizes.values()):
            raise StoreError(f"{path}: can't compare its boxes: the hashes don't say image sizes")
        found = [key for keys in self.ids.values() for key in keys]
        self.annotations = Annotations(path, found, images.ids)

    def __enter__(self) -> Self:
        self.annotations.__enter__()
        return self

    def __exit__(self, *of_error: object) -> None:
        self.annotations.__exit__(*of_error)

    def shapes(self, path: bytes) -> _ImageShapes | None:
        """The shapes of an image, or None if the file doesn't list it."""
        if path not in self.ids:
            return None
        shapes: list[Shape] = []
        for key in self.ids[path]:
            for annotation in self.annotations.of(key):
                shapes += shapes_of(annotation, self.annotations.categories).shapes
        return _ImageShapes(shapes, self.sizes[path])


def _find_conflicts(
    groups: pa.Table,
    copies: NDArray[np.int64],
    keepers: NDArray[np.int64],
    labels: Mapping[str, _LabelledSplit],
    progress: Progress,
) -> Iterator[_Conflict]:
    """Compare copies with their keepers, rows of `groups`; copies of a keeper stand together."""
    splits, paths = groups["split"].to_pylist(), exact_paths(groups).to_pylist()
    orientations = groups["orientation"].to_pylist()
    current, kept = -1, None
    for done, (row, keeper) in enumerate(zip(copies.tolist(), keepers.tolist(), strict=True)):
        progress("comparing labels", done, copies.size)
        if keeper != current:
            current, kept = keeper, labels[splits[keeper]].shapes(paths[keeper])
        copy = labels[splits[row]].shapes(paths[row])
        if copy is None or kept is None:
            continue
        orientation = ORIENTATIONS.index(orientations[row])
        oriented = orient_shapes(copy.shapes, orientation, copy.size, kept.size)
        iou = least_iou(oriented, kept.shapes)
        if iou < MIN_IOU:
            label, keeper_label = count_categories(copy.shapes), count_categories(kept.shapes)
            yield _Conflict(row, keeper, label, keeper_label, iou)


def _copies(groups: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the copies, and of their keepers: the first rows of their groups."""
    _, first, number = np.unique(groups["group"].to_numpy(), return_index=True, return_inverse=True)
    kinds = pa.array(COPY_KINDS, pa.string())
    is_copy = pc.is_in(groups["kind"].cast(pa.string()), kinds)
    rows = np.flatnonzero(is_copy.to_numpy())
    return rows, first[number[rows]]


def _table(
    groups: pa.Table,
    copies: NDArray[np.int64],
    keepers: NDArray[np.int64],
    source: str,
    columns: Mapping[str, pa.Array],
) -> pa.Table:
    """Conflicts of copies with their keepers, rows of `groups`.

    `columns` are label, keeper_label and iou, with one item for each conflict.
    """
    of_copies, of_keepers = groups.take(pa.array(copies)), groups.take(pa.array(keepers))
    everything = {
        **columns,
        "source": pa.array([source] * copies.size, pa.string()).dictionary_encode(),
        **{name: of_copies[name] for name in of_copies.column_names},
        **{f"keeper_{name}": of_keepers[name] for name in ("split", "path", "path_bytes")},
    }
    return pa.table([everything[name] for name in CONFLICTS_SCHEMA.names], CONFLICTS_SCHEMA)
