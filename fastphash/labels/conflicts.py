"""Copies with other labels than their keepers, which are errors of the data set.

Labels are class folders or annotations, in any format of `LabelSource`. Boxes and polygons are read
in the frame of the stored width and height: of the pixels as the file has them or, if the store was
made with `exif`, as EXIF turns them.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import COPY_KINDS, CROPPED, KINDS, ORIENTATIONS
from fastphash.labels.class_folders import Depths, class_folders
from fastphash.labels.coco import ImageMatching
from fastphash.labels.conflict_table import CONFLICTS_SCHEMA
from fastphash.labels.label_source import ImageLabels, LabelSource
from fastphash.labels.overlaps import MIN_IOU, least_iou
from fastphash.labels.shapes import Shape, orient_shapes
from fastphash.store.rows import HashTable
from fastphash.store.schema import exact_paths

#: Label of an image that is listed without annotations.
NO_OBJECTS = "no objects"

# least share of a split's folders that the split with the most has too, if folders are classes
_SHARED_FOLDERS = 0.5


class AnnotationConflicts(NamedTuple):
    """Copies with other annotations than their keepers.

    Attributes
    ----------
    table : pyarrow.Table
        CONFLICTS_SCHEMA.
    matched : dict of str to ImageMatching
        By split, which images of its COCO file or table are which of its paths.
    not_compared : dict of str to int
        By the format of a copy's labels: copies that show another part than their keepers, both
        with labels.
    """

    table: pa.Table
    matched: dict[str, ImageMatching]
    not_compared: dict[str, int]


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
    return _table(groups, copies, keepers, ["folder"] * copies.size, columns)


def annotation_conflicts(
    groups: pa.Table,
    rows: HashTable,
    sources: Mapping[str, LabelSource],
    progress: Progress = no_progress,
) -> AnnotationConflicts:
    """Copies with other annotations than their keepers.

    Boxes and polygons of a copy are turned and scaled into its keeper's frame. Within each
    category, annotations are matched one to one, so that as many pairs as possible reach an
    intersection over union of `MIN_IOU` (0.5): of polygons if both have some, else of boxes. An
    annotation without a partner, on either side, makes a conflict. Its `iou` is the least of all
    pairs, or 0 if the numbers of annotations differ.

    An image of which its source says nothing has no labels and no conflict. One that is listed
    without annotations has the label "no objects". An annotation that can't be read counts as one
    of the category "unreadable annotation".

    Copies of kind `cropped` are not compared: what they show is a part of their keepers, or the
    other way round, so that boxes lie elsewhere, and some outside. Nor are categories by number
    with categories by name.

    Parameters
    ----------
    groups : pyarrow.Table
        GROUPS_SCHEMA.
    rows : HashTable
        Split, path, width and height of the images in `groups`.
    sources : mapping of str to LabelSource
        By split; not every split needs one.

    Raises
    ------
    StoreError
        A COCO file is none.
    """
    copies, keepers = _copies(groups)
    splits = np.asarray(groups["split"].to_numpy(zero_copy_only=False), object)
    both = _are_comparable(splits[copies], splits[keepers], sources)
    copies, keepers = copies[both], keepers[both]
    paths = exact_paths(groups).to_pylist()
    wanted: dict[str, set[bytes]] = {split: set() for split in sources}
    for row in np.union1d(copies, keepers).tolist():
        wanted[splits[row]].add(paths[row])
    with _opened(rows, sources, wanted) as labels:
        parts = groups["kind"].cast(pa.string()).to_numpy(zero_copy_only=False) == KINDS[CROPPED]
        whole = ~parts[copies]
        conflicts = list(_find_conflicts(groups, copies[whole], keepers[whole], labels, progress))
        has_labels = [
            labels[splits[copy]].lists(paths[copy]) and labels[splits[keeper]].lists(paths[keeper])
            for copy, keeper in zip(copies[~whole], keepers[~whole], strict=True)
        ]
        matched = {split: one.matched for split, one in labels.items() if one.matched is not None}
    of_parts = itertools.compress(copies[~whole].tolist(), has_labels)
    not_compared = Counter(sources[splits[copy]].form for copy in of_parts)
    forms = [sources[splits[conflict.copy]].form for conflict in conflicts]
    return AnnotationConflicts(_as_table(groups, conflicts, forms), matched, dict(not_compared))


@contextmanager
def _opened(
    rows: HashTable, sources: Mapping[str, LabelSource], wanted: Mapping[str, set[bytes]]
) -> Iterator[dict[str, ImageLabels]]:
    """The annotations of some images, by split."""
    with ExitStack() as stack:
        yield {
            split: stack.enter_context(source.open(rows.where_split(split), wanted[split]))
            for split, source in sources.items()
        }


def _are_comparable(
    copies: NDArray[np.object_], keepers: NDArray[np.object_], sources: Mapping[str, LabelSource]
) -> NDArray[np.bool_]:
    """Whether images of these splits both have labels, and categories of one sort: bool (n,)."""
    # 0 for a split without labels
    sort = {split: 1 + source.has_names for split, source in sources.items()}
    one, other = (np.array([sort.get(name, 0) for name in side]) for side in (copies, keepers))
    same: NDArray[np.bool_] = (one == other) & (one > 0)
    return same


def _as_table(groups: pa.Table, conflicts: "list[_Conflict]", forms: list[str]) -> pa.Table:
    columns = {
        "label": pa.array([conflict.label for conflict in conflicts], pa.string()),
        "keeper_label": pa.array([conflict.keeper_label for conflict in conflicts], pa.string()),
        "iou": pa.array([conflict.iou for conflict in conflicts], pa.float32()),
    }
    copies = np.array([conflict.copy for conflict in conflicts], np.int64)
    keepers = np.array([conflict.keeper for conflict in conflicts], np.int64)
    return _table(groups, copies, keepers, forms, columns)


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


def _find_conflicts(
    groups: pa.Table,
    copies: NDArray[np.int64],
    keepers: NDArray[np.int64],
    labels: Mapping[str, ImageLabels],
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
    forms: list[str],
    columns: Mapping[str, pa.Array],
) -> pa.Table:
    """Conflicts of copies with their keepers, rows of `groups`.

    `forms` are what labels come from, `columns` are label, keeper_label and iou: an item for each
    conflict.
    """
    of_copies, of_keepers = groups.take(pa.array(copies)), groups.take(pa.array(keepers))
    everything = {
        **columns,
        "source": pa.array(forms, pa.string()).dictionary_encode(),
        **{name: of_copies[name] for name in of_copies.column_names},
        **{f"keeper_{name}": of_keepers[name] for name in ("split", "path", "path_bytes")},
    }
    return pa.table([everything[name] for name in CONFLICTS_SCHEMA.names], CONFLICTS_SCHEMA)
