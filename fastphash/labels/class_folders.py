"""Class folders: which folder of a path is the label of its image."""

import os
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fastphash.labels.member_names import without_containers
from fastphash.sources.split_folders import are_split_names
from fastphash.store.rows import HashTable

#: For each split with class folders, how many folders come before the class in its paths.
Depths = Mapping[str, int]

# names in containers may lead anywhere: folders that are steps say nothing
_STEPS = r"(?:^|/)\.\.?/"
# share of a split's images that lie in class folders, at least
_IN_FOLDERS = 0.5
# share of a split's classes that the split with the most has too, at least
_SHARED = 0.5


def find_class_folders(rows: HashTable) -> dict[str, int]:
    """Guess which folders of each split are classes: `Depths`.

    They are the first folders of its paths of which there are several, none of them for train and
    one for val, with half of its images or more. Further down, numbers are no classes. A split of
    one class has the name of another split's class. If the classes of two splits have next to
    nothing in common, none are classes.

    Examples
    --------
    >>> from fastphash.hashing.definition import Definition
    >>> columns = {"split": ["train"] * 3, "path": ["images/cat/1", "images/dog/2", "preview"]}
    >>> find_class_folders(HashTable(pa.table(columns), Definition()))
    {'train': 1}
    """
    counts = {
        split: _count_folders(without_containers(rows.paths.filter(pa.array(rows.splits == split))))
        for split in np.unique(rows.splits.astype(str)).tolist()
    }
    found = {
        split: depth
        for split, levels in counts.items()
        if (depth := _first_of_several(levels)) is not None
    }
    classes = max((set(counts[split][found[split]]) for split in found), key=len, default=set())
    if any(_unshared(set(counts[split][found[split]]), classes) for split in found):
        return {}
    for split in counts.keys() - found.keys():
        for depth, names in enumerate(counts[split]):
            if classes and names.keys() <= classes:
                found[split] = depth
                break
    return dict(sorted(found.items()))


def class_folders(
    splits: pa.ChunkedArray, paths: pa.ChunkedArray, depths: Depths
) -> pa.ChunkedArray:
    """The class folder of each path, text or binary as the paths are; null where there is none.

    Of an image in a container it is one in there.
    """
    paths = without_containers(paths)
    labels = pa.chunked_array([pa.nulls(len(paths), paths.type)])
    for depth in set(depths.values()):
        of_depth = pa.array([split for split in depths if depths[split] == depth], pa.string())
        chosen = pc.is_in(splits.cast(pa.string()), of_depth)
        labels = pc.if_else(chosen, _folder_at(paths, depth), labels)
    return labels


def count_classes(rows: HashTable, depths: Depths) -> int:
    """How many different class folders the images of these splits lie in."""
    return int(pc.count_distinct(class_folders(rows.table["split"], rows.paths, depths)).as_py())


def _folder_at(paths: pa.ChunkedArray, depth: int) -> pa.ChunkedArray:
    """The folder of each path after `depth` others; null where there are fewer, or `..` is one."""
    parts = pc.split_pattern(paths, "/")
    deep = pc.greater(pc.list_value_length(parts), depth + 1)
    deep = pc.and_not(deep, pc.match_substring_regex(paths, _STEPS))
    # lists that are too short are an error
    at = pc.list_element(pc.if_else(deep, parts, pa.scalar([""] * (depth + 1), parts.type)), depth)
    return pc.if_else(deep, at, pa.scalar(None, paths.type))


def _count_folders(paths: pa.ChunkedArray) -> list[Counter[bytes]]:
    """Images in each folder, by the number of folders before it; as far as half have a folder."""
    levels: list[Counter[bytes]] = []
    while True:
        folders = _folder_at(paths, len(levels)).drop_null()
        if not len(folders) or len(folders) < _IN_FOLDERS * len(paths):
            return levels
        counted = folders.value_counts()
        names, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
        levels.append(Counter(dict(zip(names, counts, strict=True))))


def _first_of_several(levels: list[Counter[bytes]]) -> int | None:
    """The first level of several folders that aren't splits; None if there is none."""
    for depth, folders in enumerate(levels):
        if len(folders) > 1 and not are_split_names(map(os.fsdecode, folders)):
            are_numbers = all(name.isdigit() for name in folders)
            return None if depth and are_numbers else depth
    return None


def _unshared(names: set[bytes], classes: set[bytes]) -> bool:
    return len(names & classes) < _SHARED * len(names)
