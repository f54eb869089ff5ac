import numpy as np
import pyarrow as pa
import pytest

from fastphash.base.vocabulary import ORIENTATIONS, UNKNOWN_CHROMA
from fastphash.errors import StoreError
from fastphash.store.open import read_hashes, read_together
from fastphash.store.schema import Layout
from fastphash.store.store import Store
from tests.support.stores import hashes, hashes_of, write_hashes, write_store


def test_only_orientations_without_nulls_are_known():
    table = np.random.default_rng(1).integers(0, 2**64, (3, 8), np.uint64)
    columns = {"path": ["a", "b", "c"], "phash": table[:, 0]}
    for t, name in enumerate(ORIENTATIONS[1:], 1):
        columns[f"phash_{name}"] = pa.array(table[:, t])
    columns["phash_rotate_180"] = pa.array([1, None, 3], pa.uint64())
    del columns["phash_transverse"]
    rows = hashes_of(columns)
    assert rows.known == (0, 1, 3, 4, 5, 6)
    assert rows.hashes.shape == (3, 8)
    assert (rows.hashes[:, rows.known] == table[:, rows.known]).all()


@pytest.fixture
def columns_read(monkeypatch):
    """Which parts of stores are read, and which of their columns, as it goes on."""
    read = []
    read_part = Store.read_part

    def watched(store, part, columns):
        read.append((part.name, columns))
        return read_part(store, part, columns)

    monkeypatch.setattr(Store, "read_part", watched)
    return read


def test_thumbnails_are_read_for_the_chosen_rows_alone(tmp_path, columns_read):
    pixels = np.random.default_rng(2).integers(0, 256, (9, 1024), np.uint8)
    pieces = [
        {"path": [str(row) for row in part], "phash": hashes(3), "thumbnail": pixels[part]}
        for part in (range(3), range(3, 6), range(6, 9))
    ]
    store = write_store(tmp_path / "s", *pieces)
    chosen = np.array([8, 0, 7, 1, 1])
    rows = read_hashes(str(store.path)).take(chosen)
    assert "thumbnail" not in rows.table.column_names
    columns_read.clear()
    assert (rows.thumbnails == pixels[chosen]).all()
    assert columns_read == [(f"part-00000{i}.parquet", ["thumbnail"]) for i in (0, 2)]


def test_of_a_split_only_its_parts_are_read(tmp_path, columns_read):
    pixels = np.random.default_rng(2).integers(0, 256, (9, 1024), np.uint8)
    pieces = [
        {
            "path": [str(row) for row in part],
            "phash": hashes(3),
            "thumbnail": pixels[part],
            "split": splits.split(),
        }
        for part, splits in (
            (range(3), "a a a"),
            (range(3, 6), "a b a"),
            (range(6, 9), "b b b"),
        )
    ]
    store = write_store(tmp_path / "s", *pieces)
    rows = read_hashes(f"{store.path}@b")
    assert [name for name, _ in columns_read] == ["part-000001.parquet", "part-000002.parquet"]
    assert rows.table["path"].to_pylist() == ["4", "6", "7", "8"]
    assert (rows.thumbnails == pixels[[4, 6, 7, 8]]).all()


def test_thumbnails_of_a_file_and_of_several_stores_are_those_of_the_column(tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (4, 1024), np.uint8)
    for name, part in (("one", slice(0, 2)), ("two", slice(2, 4))):
        columns = {"path": ["a", "b"], "phash": hashes(2), "split": [name] * 2}
        write_store(tmp_path / name, columns | {"thumbnail": pixels[part]})
    assert (
        read_hashes(str(tmp_path / "one" / "part-000000.parquet")).thumbnails == pixels[:2]
    ).all()
    together = read_together([str(tmp_path / "two"), str(tmp_path / "one")])
    assert together.splits.tolist() == ["two", "two", "one", "one"]
    assert (together.thumbnails == pixels[[2, 3, 0, 1]]).all()


def chroma_pieces():
    """Chroma of two parts of two rows, of which the third isn't known, and as it is read."""
    values = np.random.default_rng(4).integers(-127, 128, (4, 128), np.int8)
    rows = [row.tobytes() for row in values]
    rows[2] = None
    values[2] = 0
    values[2, 0] = UNKNOWN_CHROMA
    pixels = np.zeros((2, 1024), np.uint8)
    pieces = [
        {
            "path": ["a", "b"],
            "phash": hashes(2),
            "split": [split] * 2,
            "thumbnail": pixels,
            "chroma": pa.array(part, pa.binary(128)),
        }
        for split, part in (("one", rows[:2]), ("two", rows[2:]))
    ]
    return pieces, values


def test_chroma_is_read_for_the_chosen_rows_alone(tmp_path, columns_read):
    pieces, values = chroma_pieces()
    store = write_store(tmp_path / "s", *pieces)
    rows = read_hashes(str(store.path))
    assert "chroma" not in rows.table.column_names
    columns_read.clear()
    chosen = np.array([3, 2, 3])
    found = rows.take(chosen).chroma
    assert found.dtype == np.int8
    assert (found == values[chosen]).all()
    assert columns_read == [("part-000001.parquet", ["chroma"])]
    assert (rows.chroma == values).all()


def test_chroma_of_a_file_and_of_several_stores_is_that_of_the_column(tmp_path):
    pieces, values = chroma_pieces()
    for piece in pieces:
        write_store(tmp_path / piece["split"][0], piece)
    part = read_hashes(str(tmp_path / "two" / "part-000000.parquet"))
    assert (part.chroma == values[2:]).all()
    together = read_together([str(tmp_path / "two"), str(tmp_path / "one")])
    assert (together.chroma == values[[2, 3, 0, 1]]).all()
    assert together.table["chroma"].null_count == 1
    kept = read_hashes(f"{tmp_path / 'two'}@two").with_thumbnails()
    assert kept.store is None
    assert kept.table["chroma"].is_null().to_pylist() == [True, False]
    assert (kept.chroma == values[2:]).all()


def test_chroma_that_is_unknown_throughout_is_told_from_none(tmp_path):
    columns = {"path": ["a", "b", "c"], "phash": hashes(3)}
    columns["thumbnail"] = np.zeros((3, 1024), np.uint8)
    write_store(tmp_path / "s", columns)
    unknown = np.zeros((3, 128), np.int8)
    unknown[:, 0] = UNKNOWN_CHROMA
    rows = read_hashes(str(tmp_path / "s"))
    inside = hashes_of(columns | {"chroma": pa.nulls(3, pa.binary(128))})
    made = hashes_of(columns | {"chroma": pa.array([None] * 3, pa.binary(128))})
    for one in (rows, rows.with_thumbnails(), inside, made, made.take(np.array([2, 0, 1]))):
        assert (one.chroma == unknown).all()
    none = np.empty(0, np.int64)
    for one in (rows, inside, rows.take(none).with_thumbnails()):
        assert one.take(none).chroma.shape == (0, 128)


def test_without_its_column_there_is_no_chroma(tmp_path):
    bare = {"path": ["a", "b"], "phash": hashes(2)}
    for layout in (Layout(thumbnails=False), Layout(False, False)):
        store = write_store(tmp_path / str(layout), bare, layout=layout)
        assert read_hashes(str(store.path)).chroma is None
    assert hashes_of(bare | {"split": ["x", "x"]}).chroma is None
    for name, other in (("one", {}), ("two", {"chroma": [0.5, 0.25]})):
        path = write_hashes(tmp_path / f"{name}.parquet", **bare, **other)
        assert read_hashes(str(path)).chroma is None


FOREIGN_COLUMNS = {
    "binary": [b"abc0", b"abc1"],
    "short": pa.array([b"abc0", b"abc1"], pa.binary(4)),
    "text": ["a.jpg", "b.jpg"],
    "number": [1, 2],
    "nothing": pa.nulls(2),
}


@pytest.mark.parametrize("values", FOREIGN_COLUMNS.values(), ids=FOREIGN_COLUMNS)
@pytest.mark.parametrize("name", ["thumbnail", "chroma", "digest"])
def test_columns_of_other_tools_that_are_called_as_ours_are_ignored(tmp_path, name, values):
    columns = {"path": ["a", "b"], "phash": hashes(2), name: values}
    paths = [str(write_hashes(tmp_path / f"{split}.parquet", **columns)) for split in "xy"]
    for rows in (read_hashes(paths[0]), read_together(paths)):
        assert rows.content[:3] == (None, None, None)
        assert rows.columns[1:] == (False, False)


@pytest.mark.parametrize("name", ["width", "size", "multiframe"])
def test_numbers_of_other_tools_that_are_none_are_ignored(tmp_path, name):
    columns = {"path": ["a", "b"], "phash": hashes(2), name: ["320 px", "240 px"]}
    rows = read_hashes(str(write_hashes(tmp_path / "x.parquet", **columns)))
    assert rows.numbers(name).tolist() == [0, 0]


def test_orientations_that_are_no_hashes_are_refused(tmp_path):
    columns = {"path": ["a"], "phash": hashes(1), "phash_rotate_90": ["no number"]}
    with pytest.raises(StoreError, match="'phash_rotate_90', row 1: 'no number'"):
        read_hashes(str(write_hashes(tmp_path / "x.parquet", **columns)))


def test_splits_of_other_tools_may_be_numbers(tmp_path):
    columns = {"path": ["a", "b"], "phash": hashes(2), "split": [1, 2]}
    path = write_hashes(tmp_path / "x.parquet", **columns)
    assert read_hashes(str(path)).splits.tolist() == ["1", "2"]
    assert len(read_hashes(f"{path}@2")) == 1


def test_rows_that_are_handed_over_are_those_that_are_taken():
    """Where a row lacks a thumbnail, also when thumbnails were asked for before."""
    pixels = [bytes([level]) * 1024 for level in (1, 2, 3)]
    columns = {"path": list("abcd"), "phash": hashes(4)}
    columns["thumbnail"] = pa.array([*pixels, None], pa.binary(1024))
    chosen = np.array([2, 0])
    for asked in (False, True):
        rows, again = hashes_of(columns), hashes_of(columns)
        if asked:
            assert not rows.has_thumbnails
            assert not again.has_thumbnails
        taken, given = rows.take(chosen), again.hand_over(chosen)
        np.testing.assert_array_equal(given.thumbnails, taken.thumbnails)
        np.testing.assert_array_equal(given.hashes, taken.hashes)
        assert taken.thumbnails[:, 0].tolist() == [3, 1]
        assert given.paths.equals(taken.paths)


@pytest.mark.parametrize("dropped", [False, True])
def test_a_hash_that_other_rows_lack_is_known_of_rows_that_are_handed_over(dropped):
    values = [pa.array([5, missing, 7], pa.uint64()) for missing in (None, 6)]
    columns = dict(zip(("phash_rotate_90", "phash_transpose"), values, strict=True))
    rows, again = (hashes_of({"path": list("abc"), "phash": hashes(3), **columns}) for _ in "ab")
    assert rows.known == (0, 6)
    if dropped:
        again.drop_hash_columns()
    chosen = np.array([2, 0])
    taken, given = rows.take(chosen), again.hand_over(chosen)
    assert given.known == taken.known == (0, 1, 6)
    np.testing.assert_array_equal(given.hashes, taken.hashes)
