"""Which folders are classes, by their names in all splits."""

import pyarrow as pa
import pytest

from fastphash.labels.class_folders import class_folders, count_classes, find_class_folders
from tests.support.stores import hashes_of


def rows_at(paths):
    """Rows of paths that begin with the name of their split."""
    parts = [path.partition("/") for path in paths]
    columns = {
        "split": pa.array([split for split, _, _ in parts], pa.string()).dictionary_encode(),
        "path": pa.array([path for _, _, path in parts], pa.string()),
    }
    return hashes_of(columns)


@pytest.mark.parametrize(
    ("paths", "depths"),
    [
        (["train/cat/1", "train/dog/2"], {"train": 0}),
        (["train/cat/1", "train/dog/2", "val/cat/3"], {"train": 0, "val": 0}),
        (["train/cat/1", "train/dog/2", "val/cat/3", "val/cow/3"], {"train": 0, "val": 0}),
        # batches that have nothing to do with one another
        (["train/cat/1", "train/dog/2", "val/cow/3", "val/ant/3"], {}),
        (["train/cat/1", "train/cat/2", "val/cat/3"], {}),
        ([], {}),
        # one split without classes, or a few images beside them, take none from the others
        (["train/cat/1", "train/dog/2", "val/images/3"], {"train": 0}),
        (["train/cat/1", "train/dog/2", "test/3", "test/4"], {"train": 0}),
        (["train/cat/1", "train/dog/2", "train/3"], {"train": 0}),
        (["train/cat/1", "train/dog/2", "train/3", "train/4", "train/5"], {}),
        # further down
        (["train/images/cat/1", "train/images/dog/2", "val/cat/3"], {"train": 1, "val": 0}),
        (["train/a/b/cat/1", "train/a/b/dog/2"], {"train": 2}),
        (["train/cat/x/1", "train/dog/y/2"], {"train": 0}),
        (["train/0/1", "train/1/2"], {"train": 0}),
        (["photos/trip/01/1", "photos/trip/02/2"], {}),
        # splits are no classes, but may hold some
        (["data/train/1", "data/val/2"], {}),
        (["data/train2017/1", "data/test/2", "data/docs/3"], {}),
        (["data/train/left/1", "data/train/right/2", "data/val/left/3"], {"data": 1}),
        (["data/images/train/1", "data/images/val/2"], {}),
        (["data/train/1", "data/bus/2"], {"data": 0}),
    ],
)
def test_class_folders_are_seen(paths, depths):
    assert find_class_folders(rows_at(paths)) == depths


def test_each_path_has_its_class():
    rows = rows_at(["a/cat/1", "a/2", "b/x/dog/3", "b/x/4", "b/5", "c/cow/6", "a/\xe9/7"])
    found = class_folders(rows.table["split"], rows.table["path"], {"a": 0, "b": 1})
    assert found.to_pylist() == ["cat", None, "dog", None, None, None, "\xe9"]
    steps = rows_at(["a/cat/1", "a/../2", "a/cat/../3", "a/./4", "a/..5/6"])
    found = class_folders(steps.table["split"], steps.table["path"], {"a": 0})
    assert found.to_pylist() == ["cat", None, None, None, "..5"]
    exact = class_folders(rows.table["split"], rows.paths, {"a": 0})
    assert exact.to_pylist()[:2] == [b"cat", None]
    assert class_folders(rows.table["split"], rows.paths, {}).null_count == 7
    assert [count_classes(rows, depths) for depths in ({"a": 0, "b": 1}, {"a": 0}, {})] == [3, 2, 0]
