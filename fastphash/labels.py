"""Labels of copies and of their keepers: where they disagree, the data set has an error.

Boxes and polygons of COCO files are read in the frame of the stored width and height: that of the
pixels as they lie in the file or, where the store was made with `--exif`, as EXIF turns them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fastphash.coco import Annotations, Matched, match_images, read_images
from fastphash.errors import StoreError
from fastphash.hashes import Hashes
from fastphash.ingest import Progress, no_progress
from fastphash.store import exact_paths
from fastphash.thumbnail import STEPS
from fastphash.words import COPY_KINDS, ORIENTATIONS

#: Two annotations of one category are partners from this intersection over union on.
IOU = 0.5
#: Label of an image that a COCO file lists without annotations.
NO_OBJECTS = "no objects"

# splits whose folders are this much the same have class folders
_SHARED_FOLDERS = 0.5
# coordinates beyond are no pixels
_FURTHEST = 1e9
# in square pixels: an intersection of anything less may vanish
_LEAST_AREA = 1e-6

_NAME = pa.dictionary(pa.int32(), pa.string())
CONFLICTS_SCHEMA = pa.schema(
    [
        ("group", pa.int64()),
        ("split", _NAME),
        ("path", pa.string()),
        ("label", pa.string()),
        ("keeper_split", _NAME),
        ("keeper_path", pa.string()),
        ("keeper_label", pa.string()),
        ("kind", _NAME),
        ("distance", pa.uint8()),
        ("orientation", _NAME),
        ("source", _NAME),
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


class Shape(NamedTuple):
    """What one annotation says.

    Attributes
    ----------
    category : str
    box : float64 (2, 2)
        Two opposite corners (x, y); NaN without a place.
    rings : list of float64 (n, 2)
        Polygons; none for boxes, crowds and masks in run-length code.
    """

    category: str
    box: NDArray[np.float64]
    rings: list[NDArray[np.float64]]


def has_class_folders(rows: Hashes) -> bool:
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
    rows: Hashes,
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
    rows : Hashes
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
            name: stack.enter_context(_Side(rows.where_split(name), path, named[name]))
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
            iou = agreement(turned(own.shapes, turn, own.size, kept.size), kept.shapes)
            if iou < IOU:
                found.append((row, keeper, describe(own.shapes), describe(kept.shapes), iou))
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


def turned(
    shapes: list[Shape],
    orientation: int,
    size: tuple[int, int],
    keeper_size: tuple[int, int],
) -> list[Shape]:
    """Shapes of a copy in the frame of its keeper.

    Parameters
    ----------
    shapes : list of Shape
    orientation : int
        Index of ORIENTATIONS: what turns the copy into its keeper's frame.
    size, keeper_size : (int, int)
        Width and height.
    """
    # all points at once takes a quarter of the time of one shape after another
    pieces = [piece for shape in shapes for piece in (shape.box, *shape.rings)]
    if not pieces:
        return []
    transposed, rows, columns = STEPS[orientation]
    unit = np.concatenate(pieces) / size
    x, y = (unit[:, 1], unit[:, 0]) if transposed else (unit[:, 0], unit[:, 1])
    unit = np.stack([1 - x if columns else x, 1 - y if rows else y], axis=1)
    points = _cut(unit * keeper_size, [len(piece) for piece in pieces])
    return [
        Shape(shape.category, next(points), [next(points) for _ in shape.rings]) for shape in shapes
    ]


def agreement(ours: list[Shape], theirs: list[Shape]) -> float:
    """The least intersection over union of partners, 0 where some shape can have none."""
    if Counter(shape.category for shape in ours) != Counter(shape.category for shape in theirs):
        return 0.0
    # those of copies mostly are copies: 2 ms a pair of images for their intersections, saved
    if _rounded(ours) == _rounded(theirs):
        return 1.0
    least = 1.0
    for category in {shape.category for shape in ours}:
        scores = overlap(
            [shape for shape in ours if shape.category == category],
            [shape for shape in theirs if shape.category == category],
        )
        # as many partners as can be, and the best of those
        worth = (scores >= IOU) * len(scores) + scores
        least = min(least, float(scores[linear_sum_assignment(worth, maximize=True)].min()))
    return least


def overlap(ours: list[Shape], theirs: list[Shape]) -> NDArray[np.float64]:
    """Intersection over union of shapes, float64 (n, m).

    Of polygons where both have some, else of boxes, none of them taken for thinner than a pixel.
    Two that have no place at all overlap.
    """
    scores = _box_overlap(_boxes(ours), _boxes(theirs))
    a, b = _polygons(ours), _polygons(theirs)
    scores[np.ix_(~shapely.is_missing(a), ~shapely.is_missing(b))] = 0
    # pairs of those whose extents meet; None meets nothing
    right, left = shapely.STRtree(a).query(b)
    if left.size:
        common = shapely.area(shapely.intersection(a[left], b[right]))
        scores[left, right] = common / (shapely.area(a[left]) + shapely.area(b[right]) - common)
    return scores


def describe(shapes: list[Shape]) -> str:
    """How many there are of each category, the most frequent first: "2 building, 1 car"."""
    counts = Counter(shape.category for shape in shapes)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number} {category}" for category, number in ordered) or NO_OBJECTS


def shapes_of(annotation: dict[str, Any], categories: Mapping[Any, str]) -> list[Shape]:
    """The shapes of a COCO annotation: one, or the segments of a panoptic one.

    Raises
    ------
    TypeError, ValueError
        A category, box or polygon is none.
    """
    segments = annotation.get("segments_info")
    found = []
    for item in segments if isinstance(segments, list) else [annotation]:
        if not isinstance(item, dict):
            raise TypeError(f"no segment: {str(item)[:80]}")
        key = item.get("category_id", "unnamed")
        if not isinstance(key, (int, float, str)):
            raise TypeError(f"no category_id: {str(key)[:80]}")
        category = categories.get(key, str(key))
        rings = []
        if isinstance(item.get("segmentation"), list) and not item.get("iscrowd"):
            rings = [_points(ring, "polygon") for ring in item["segmentation"]]
        # two points enclose nothing
        rings = [ring for ring in rings if len(ring) > 2]
        box = np.full((2, 2), np.nan)
        if item.get("bbox"):
            corner, extent = _points(item["bbox"], "bbox", 2)
            box = np.stack([corner, corner + extent])
        elif rings:
            points = np.concatenate(rings)
            box = np.stack([points.min(axis=0), points.max(axis=0)])
        found.append(Shape(category, box, rings))
    return found


class _Labels(NamedTuple):
    shapes: list[Shape]
    size: tuple[int, int]


class _Side:
    """A split and its COCO file: a context."""

    def __init__(self, rows: Hashes, path: Path, wanted: set[bytes]) -> None:
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

    def labels(self, path: bytes) -> _Labels | None:
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
        return _Labels(shapes, self.sizes[path])


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


def _points(values: Any, what: str, count: int | None = None) -> NDArray[np.float64]:
    """A list of coordinates as float64 (n, 2)."""
    try:
        points = np.array(values, np.float64).reshape(-1, 2)
    except (ValueError, TypeError):
        points = np.full((1, 2), np.nan)
    if not (np.abs(points) < _FURTHEST).all() or len(points) != (count or len(points)):
        raise ValueError(f"no {what}: {str(values)[:80]}")
    return points


def _cut(points: NDArray[np.float64], lengths: list[int]) -> Iterator[NDArray[np.float64]]:
    start = 0
    for length in lengths:
        yield points[start : start + length]
        start += length


def _rounded(shapes: list[Shape]) -> Counter[tuple[str | bytes, ...]]:
    """The places of shapes to a hundredth of a pixel."""
    found: Counter[tuple[str | bytes, ...]] = Counter()
    for shape in shapes:
        points = shape.rings or [np.sort(shape.box, axis=0)]
        # with 0 added, for -0 has other bytes
        found[shape.category, *((ring.round(2) + 0.0).tobytes() for ring in points)] += 1
    return found


def _boxes(shapes: list[Shape]) -> NDArray[np.float64]:
    """Left, top, right and bottom of each, float64 (n, 4), at least a pixel apart."""
    corners = np.stack([shape.box for shape in shapes])
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, np.maximum(high, low + 1)], axis=1)


def _box_overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.maximum(high - low, 0).prod(axis=2)
    area_a, area_b = ((some[:, 2:] - some[:, :2]).prod(axis=1) for some in (a, b))
    scores = common / (area_a[:, None] + area_b[None, :] - common)
    nowhere_a, nowhere_b = np.isnan(area_a)[:, None], np.isnan(area_b)[None, :]
    scores = np.where(nowhere_a | nowhere_b, 0.0, scores)
    return np.where(nowhere_a & nowhere_b, 1.0, scores)


def _polygons(shapes: list[Shape]) -> NDArray[Any]:
    """The area of each as a valid geometry; None where there is none."""
    made = np.full(len(shapes), None, object)
    rings = [ring for shape in shapes for ring in shape.rings]
    if not rings:
        return made
    owner = np.repeat(np.arange(len(shapes)), [len(shape.rings) for shape in shapes])
    of_point = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    parts = shapely.polygons(shapely.linearrings(np.concatenate(rings), indices=of_point))
    # rings that cross themselves are cut into parts that don't
    wrong = ~shapely.is_valid(parts)
    parts[wrong] = shapely.make_valid(parts[wrong], method="structure", keep_collapsed=False)
    for i in np.unique(owner).tolist():
        own = parts[owner == i]
        made[i] = own[0] if own.size == 1 else shapely.union_all(own)
    made[shapely.area(made) < _LEAST_AREA] = None
    return made
