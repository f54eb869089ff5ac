import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.hashing.definition import FOREIGN, Definition
from fastphash.store.open import read_hashes, read_together, summarise_hashes
from fastphash.store.schema import Layout
from tests.support.stores import hashes, part_bytes, write_hashes, write_store


def test_one_split_is_named_after_an_at_sign(store):
    rows = read_hashes(f"{store.path}@val")
    assert rows.table["path"].to_pylist() == ["c", "d", "e"]
    assert set(rows.splits) == {"val"}
    assert len(read_hashes(str(store.path))) == 5


def test_a_split_that_is_not_there_is_an_error(store):
    with pytest.raises(UsageError, match="no split 'test': it has train, val"):
        read_hashes(f"{store.path}@test")


def test_a_folder_with_an_at_sign_is_a_folder_first(tmp_path):
    path = tmp_path / "a@val"
    write_store(path, {"path": ["a"], "phash": hashes(1)})
    assert len(read_hashes(str(path))) == 1


def test_a_parquet_file_of_paths_and_hashes_can_be_read(tmp_path):
    path = write_hashes(tmp_path / "mine.parquet", path=["a", "b"], phash=hashes(2), other=[1, 2])
    rows = read_hashes(str(path))
    assert rows.definition == FOREIGN
    assert rows.table["path"].to_pylist() == ["a", "b"]
    assert rows.hashes[:, 0].tolist() == hashes(2).tolist()
    assert rows.known == (0,)
    assert set(rows.splits) == {"mine"}
    assert rows.thumbnails is None
    assert rows.digests is None


def test_a_split_of_a_parquet_file(tmp_path):
    columns = {"path": ["a", "b", "c"], "phash": hashes(3), "split": ["x", "y", "x"]}
    path = write_hashes(tmp_path / "mine.parquet", **columns)
    assert read_hashes(f"{path}@x").table["path"].to_pylist() == ["a", "c"]


def test_a_split_that_a_parquet_file_does_not_have_is_an_error(tmp_path):
    path = write_hashes(tmp_path / "mine.parquet", path=["a"], phash=hashes(1), split=["x"])
    with pytest.raises(UsageError, match="no split 'z'"):
        read_hashes(f"{path}@z")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": ["a"]}, "no column 'phash'"),
        ({"phash": [1]}, "no column 'path'"),
        ({"path": ["a"], "phash": ["no number"]}, "'phash', row 1: 'no number' is no hash"),
        ({"path": ["a"], "phash": [-1.0]}, "'phash': it holds double: hashes are whole numbers"),
        ({"path": ["a", "b"], "phash": [1, None]}, "'phash', row 2: without a value"),
        ({"path": ["a", None], "phash": [1, 2]}, "'path', row 2: without a value"),
    ],
)
def test_a_parquet_file_of_something_else_is_an_error(tmp_path, columns, message):
    path = write_hashes(tmp_path / "other.parquet", **columns)
    with pytest.raises(StoreError, match=message) as caught:
        read_hashes(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("again", ["path", "phash", "split", "size"])
def test_a_column_that_a_parquet_file_has_twice_is_an_error(tmp_path, again):
    columns = {"path": ["a"], "phash": hashes(1), "split": ["x"], "size": [1], "note": ["n"]}
    names = [*columns, "note"]
    table = pa.Table.from_arrays([pa.array(columns[name]) for name in names], names)
    pq.write_table(table, tmp_path / "mine.parquet")
    # a column that nobody reads may
    assert len(read_hashes(str(tmp_path / "mine.parquet"))) == 1
    pq.write_table(table.rename_columns([*columns, again]), tmp_path / "mine.parquet")
    with pytest.raises(UsageError, match=f"mine.parquet' has several columns '{again}'"):
        read_hashes(str(tmp_path / "mine.parquet"))


def test_a_part_by_itself_keeps_its_definition(store):
    rows = read_hashes(str(store.part_path(store.parts[1])))
    assert rows.definition == Definition()
    assert set(rows.splits) == {"val"}


def test_stores_of_different_columns_are_not_read_together(tmp_path):
    columns = {"path": ["a"], "phash": hashes(1), "thumbnail": np.zeros((1, 1024), np.uint8)}
    write_store(tmp_path / "with", columns | {"split": ["x"]})
    bare = Layout(orientations=False, thumbnails=False)
    columns = {"path": ["a"], "phash": hashes(1), "split": ["y"]}
    write_store(tmp_path / "without", columns, layout=bare)
    with pytest.raises(DefinitionError, match="different columns") as caught:
        read_together([str(tmp_path / "with"), str(tmp_path / "without")])
    assert str(tmp_path / "with") in str(caught.value)
    assert str(tmp_path / "without") in str(caught.value)


def test_stores_read_together_have_splits_of_their_own(store, tmp_path):
    write_store(tmp_path / "more", {"path": ["z"], "phash": hashes(1), "split": ["val"]})
    with pytest.raises(UsageError, match="have a split 'val'") as caught:
        read_together([str(store.path), str(tmp_path / "more")])
    assert str(store.path) in str(caught.value)
    assert str(tmp_path / "more") in str(caught.value)
    rows = read_together([f"{store.path}@val", f"{store.path}@train"])
    assert rows.splits.tolist() == sorted(rows.splits, reverse=True)
    assert len(rows) == len(read_hashes(str(store.path)))


def test_stores_made_otherwise_are_not_read_together(store, tmp_path):
    columns = {"path": ["z"], "phash": hashes(1), "split": ["other"]}
    write_store(tmp_path / "exif", columns, definition=Definition(exif=True))
    with pytest.raises(DefinitionError, match="EXIF applied"):
        read_together([str(store.path), str(tmp_path / "exif")])


def test_a_description_counts_unusual_hashes(tmp_path):
    phash = np.array([0xFFFFFFFF, 0, 1 << 63], np.uint64)
    columns = {"path": ["a", "b", "c"], "phash": phash, "split": ["x", "x", "y"]}
    write_store(tmp_path / "s", columns, layout=Layout(orientations=False, thumbnails=True))
    found = summarise_hashes(read_hashes(str(tmp_path / "s")))
    assert {name: split["images"] for name, split in found["splits"].items()} == {"x": 2, "y": 1}
    assert found["unusual_hashes"] == 2
    assert found["orientations"] == ["identity"]
    assert found["thumbnails"] is True


def test_reading_changes_nothing(store):
    before = part_bytes(store.path)
    read_hashes(f"{store.path}@val").with_thumbnails()
    assert part_bytes(store.path) == before


def test_columns_that_nobody_needs_cost_nothing(tmp_path):
    columns = {"path": ["a", "b"], "phash": hashes(2)}
    # pyarrow can't take rows of this type
    columns["remark"] = pa.array(["x", "y"], pa.string_view())
    columns["format"] = pa.array(["PNG", "JPEG"], pa.large_string())
    rows = read_hashes(str(write_hashes(tmp_path / "h.parquet", **columns)))
    rows = rows.take(np.array([1]))
    assert sorted(rows.table.column_names) == ["format", "path", "phash", "split"]
    assert rows.table["format"].to_pylist() == ["JPEG"]
