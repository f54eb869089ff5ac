import json
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pyarrow as pa
import pytest
from helpers import hashes_of, part_bytes, write_hashes, write_store

from fastphash import tables
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.hashes import check_joinable, describe, read_hashes, read_together
from fastphash.store import (
    FOREIGN,
    METADATA,
    Definition,
    Layout,
    Store,
    asserted,
    create_store,
    is_store,
    open_store,
    store_schema,
)
from fastphash.words import ORIENTATIONS, UNKNOWN_CHROMA

# DESIGN.md, "The store"
NAME = pa.dictionary(pa.int32(), pa.string())
COLUMNS = [
    ("split", NAME),
    ("path", pa.string()),
    ("path_bytes", pa.binary()),
    ("size", pa.int64()),
    ("mtime_ns", pa.int64()),
    ("digest", pa.binary(16)),
    ("format", NAME),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("multiframe", pa.bool_()),
    ("phash", pa.uint64()),
]
ORIENTED = [(f"phash_{name}", pa.uint64()) for name in ORIENTATIONS[1:]]
THUMBNAIL = [("thumbnail", pa.binary(1024)), ("chroma", pa.binary(128))]


def hashes(rows, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, rows, np.uint64)


@pytest.fixture
def store(tmp_path):
    """Two splits in two parts, val in both of them."""
    return write_store(
        tmp_path / "store",
        {"path": ["a", "b", "c"], "phash": hashes(3), "split": ["train", "train", "val"]},
        {"path": ["d", "e"], "phash": hashes(2, seed=1), "split": ["val", "val"]},
        layout=Layout(orientations=False, thumbnails=False),
    )


@pytest.mark.parametrize("orientations", [True, False])
@pytest.mark.parametrize("thumbnails", [True, False])
def test_columns_are_those_of_the_design(orientations, thumbnails):
    schema = store_schema(Definition(), Layout(orientations, thumbnails))
    wanted = COLUMNS + ORIENTED * orientations + THUMBNAIL * thumbnails
    assert list(zip(schema.names, schema.types, strict=True)) == wanted


def test_metadata_says_what_made_the_hashes(tmp_path):
    definition = Definition(decode="reduced", pass_order="pillow12.2", exif=True)
    store = write_store(tmp_path / "s", {"path": ["a"], "phash": hashes(1)}, definition=definition)
    schema = tables.read_schema(store.part_path(store.parts[0]))
    assert json.loads(schema.metadata[METADATA]) == {
        "schema": 3,
        "definition": {
            "source": "fastphash",
            "decode": "reduced",
            "pass_order": "pillow12.2",
            "exif": True,
            "sixteen_bit": "scaled",
        },
        "versions": {n: version(n) for n in ("fastphash", "Pillow", "opencv-python", "scipy")},
    }


def test_a_store_opens_as_it_was_saved(store):
    again = open_store(store.path)
    assert again == store
    assert [part.name for part in again.parts] == ["part-000000.parquet", "part-000001.parquet"]
    assert again.new_part_name() == "part-000002.parquet"
    again.verify()


def manifest_of(store):
    return json.loads((store.path / "_manifest.json").read_text())


def edit(store, manifest):
    (store.path / "_manifest.json").write_text(json.dumps(manifest))


def edits(value):
    """The JSON value with one thing in it changed, in every possible place."""
    if isinstance(value, dict):
        for key in value:
            yield {name: item for name, item in value.items() if name != key}
            yield from ({**value, key: changed} for changed in edits(value[key]))
    elif isinstance(value, list):
        yield [*value, 1]
        for i, item in enumerate(value):
            yield value[:i] + value[i + 1 :]
            yield from ([*value[:i], changed, *value[i + 1 :]] for changed in edits(item))
    else:
        yield {str: "?", bool: not value, int: 7}[type(value)]


def test_any_edit_of_the_manifest_is_found(store):
    several = list(edits(manifest_of(store)))
    assert len(several) > 30
    for manifest in [*several, [], None]:
        edit(store, manifest)
        with pytest.raises(StoreError, match=r"_manifest\.json is damaged"):
            open_store(store.path)


def test_a_manifest_cut_short_is_named(store):
    path = store.path / "_manifest.json"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(StoreError, match=str(path)):
        open_store(store.path)


@pytest.mark.parametrize("other", [2, 4])
def test_another_schema_is_refused_by_name(store, monkeypatch, other):
    monkeypatch.setattr("fastphash.store.SCHEMA_VERSION", other)
    store.save()
    monkeypatch.undo()
    with pytest.raises(StoreError, match=f"has schema {other}, this version reads 3: hash again"):
        open_store(store.path)


def test_a_flipped_bit_anywhere_in_a_part_is_found(store):
    path = store.part_path(store.parts[1])
    sound = path.read_bytes()
    for place in range(0, len(sound), 97):
        data = bytearray(sound)
        data[place] ^= 1 << (place % 8)
        path.write_bytes(data)
        with pytest.raises(StoreError, match=r"part-000001\.parquet is damaged"):
            open_store(store.path).verify()


def test_a_missing_part_is_found(store):
    store.part_path(store.parts[0]).unlink()
    with pytest.raises(StoreError, match=r"part-000000\.parquet is missing"):
        read_hashes(str(store.path))


def test_files_that_the_manifest_does_not_list_are_not_read(store):
    before = read_hashes(str(store.path)).table
    (store.path / "part-000002.parquet").write_bytes(b"half a part")
    assert read_hashes(str(store.path)).table.equals(before)


def test_what_is_no_store_is_quoted(tmp_path):
    with pytest.raises(UsageError, match="no such store") as caught:
        open_store(tmp_path / "gone")
    assert repr(str(tmp_path / "gone")) in str(caught.value)
    with pytest.raises(StoreError, match="not a store") as caught:
        open_store(tmp_path)
    assert repr(str(tmp_path)) in str(caught.value)


def test_a_store_is_made_in_a_new_or_empty_folder(tmp_path):
    create_store(tmp_path / "a" / "new", Definition(), Layout())
    assert is_store(tmp_path / "a" / "new")
    (tmp_path / "empty").mkdir()
    create_store(tmp_path / "empty", Definition(), Layout())
    assert is_store(tmp_path / "empty")


def test_a_store_is_not_made_where_something_else_is(tmp_path):
    (tmp_path / "precious.txt").write_text("x")
    for path in (tmp_path, tmp_path / "precious.txt"):
        with pytest.raises(UsageError, match="exists and is no store") as caught:
            create_store(path, Definition(), Layout())
        assert repr(str(path)) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_store_whose_making_was_killed_is_made_again(tmp_path):
    (tmp_path / "__manifest.json.tmp").write_text("{")
    create_store(tmp_path, Definition(), Layout())
    assert [path.name for path in tmp_path.iterdir()] == ["_manifest.json"]


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
    assert rows.phashes[:, 0].tolist() == hashes(2).tolist()
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
        ({"path": ["a"], "phash": ["no number"]}, "'phash' can't be read as uint64"),
        ({"path": ["a"], "phash": [-1]}, "'phash' can't be read as uint64"),
        ({"path": ["a", "b"], "phash": [1, None]}, "'phash' has rows without a value"),
        ({"path": ["a", None], "phash": [1, 2]}, "'path' has rows without a value"),
    ],
)
def test_a_parquet_file_of_something_else_is_an_error(tmp_path, columns, message):
    path = write_hashes(tmp_path / "other.parquet", **columns)
    with pytest.raises(StoreError, match=message) as caught:
        read_hashes(str(path))
    assert str(path) in str(caught.value)


def test_a_part_by_itself_keeps_its_definition(store):
    rows = read_hashes(str(store.part_path(store.parts[1])))
    assert rows.definition == Definition()
    assert set(rows.splits) == {"val"}


OURS = Definition()


def joined(one, other, sizes=((64, 64),)):
    rows = {
        "path": [str(i) for i in range(len(sizes))],
        "phash": np.arange(len(sizes), dtype=np.uint64),
        "width": [width for width, _ in sizes],
        "height": [height for _, height in sizes],
    }
    check_joinable(hashes_of(rows, one), hashes_of(rows, other))


@pytest.mark.parametrize(
    "other",
    [
        replace(OURS, decode="reduced"),
        replace(OURS, exif=True),
        replace(OURS, sixteen_bit="clipped"),
        FOREIGN,
    ],
)
def test_hashes_made_otherwise_are_not_joined_and_both_ways_are_named(other):
    joined(other, other)
    for one, two in ((OURS, other), (other, OURS)):
        with pytest.raises(DefinitionError) as caught:
            joined(one, two)
        assert str(one) in str(caught.value)
        assert str(two) in str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "order", "same"),
    [
        ([(64, 64), (300, 200)], "horizontal", True),
        ([(64, 64), (300, 100)], "horizontal", False),
        ([(100, 300)], "horizontal", False),
        ([(100, 300)], "pillow12.2", False),
        ([(2, 300)], "pillow12.2", True),
        ([(2, 300)], "horizontal", False),
        ([(32, 32)], "horizontal", True),
        ([(33, 34)], "pillow12.2", True),
    ],
)
def test_pass_orders_are_joined_where_all_shapes_give_the_same(sizes, order, same):
    other = replace(OURS, pass_order=order)
    if same:
        joined(OURS, other, sizes)
    else:
        with pytest.raises(DefinitionError, match=order):
            joined(OURS, other, sizes)


def test_pass_orders_are_not_joined_where_shapes_are_not_known():
    rows = {"path": ["a"], "phash": hashes(1)}
    other = replace(OURS, pass_order="horizontal")
    with pytest.raises(DefinitionError):
        check_joinable(hashes_of(rows, OURS), hashes_of(rows, other))


def test_reduced_images_are_not_joined_under_two_pass_orders():
    # their shape after the reduction is not recorded
    reduced = replace(OURS, decode="reduced")
    with pytest.raises(DefinitionError):
        joined(reduced, replace(reduced, pass_order="horizontal"))


@pytest.mark.parametrize("sixteen_bit", ["scaled", "clipped"])
def test_hashes_vouched_for_as_imagehash_join_ours(sixteen_bit):
    ours = replace(OURS, sixteen_bit=sixteen_bit)
    joined(asserted("imagehash"), ours)
    joined(ours, asserted("imagehash:horizontal"))
    with pytest.raises(DefinitionError):
        joined(ours, asserted("imagehash:horizontal"), [(300, 100)])
    with pytest.raises(DefinitionError):
        joined(asserted("imagehash"), replace(ours, decode="reduced"))


def test_vouching_takes_imagehash_and_a_pass_order():
    assert asserted("imagehash").pass_order == "pillow13"
    assert asserted("imagehash:pillow12.2").pass_order == "pillow12.2"
    assert "asserted" in str(asserted("imagehash"))
    for text in ("imagededup", "imagehash:pillow11", ""):
        with pytest.raises(UsageError) as caught:
            asserted(text)
        assert repr(text) in str(caught.value)


def test_only_orientations_without_nulls_are_known():
    table = np.random.default_rng(1).integers(0, 2**64, (3, 8), np.uint64)
    columns = {"path": ["a", "b", "c"], "phash": table[:, 0]}
    for t, name in enumerate(ORIENTATIONS[1:], 1):
        columns[f"phash_{name}"] = pa.array(table[:, t])
    columns["phash_rotate_180"] = pa.array([1, None, 3], pa.uint64())
    del columns["phash_transverse"]
    rows = hashes_of(columns)
    assert rows.known == (0, 1, 3, 4, 5, 6)
    assert rows.phashes.shape == (3, 8)
    assert (rows.phashes[:, rows.known] == table[:, rows.known]).all()


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
        assert rows.content == (None, None, None)
        assert rows.columns[1:] == (False, False)


@pytest.mark.parametrize("name", ["width", "size", "multiframe"])
def test_numbers_of_other_tools_that_are_none_are_ignored(tmp_path, name):
    columns = {"path": ["a", "b"], "phash": hashes(2), name: ["320 px", "240 px"]}
    rows = read_hashes(str(write_hashes(tmp_path / "x.parquet", **columns)))
    assert rows.numbers(name).tolist() == [0, 0]


def test_orientations_that_are_no_hashes_are_refused(tmp_path):
    columns = {"path": ["a"], "phash": hashes(1), "phash_rotate_90": ["no number"]}
    with pytest.raises(StoreError, match="'phash_rotate_90' can't be read as uint64"):
        read_hashes(str(write_hashes(tmp_path / "x.parquet", **columns)))


def test_splits_of_other_tools_may_be_numbers(tmp_path):
    columns = {"path": ["a", "b"], "phash": hashes(2), "split": [1, 2]}
    path = write_hashes(tmp_path / "x.parquet", **columns)
    assert read_hashes(str(path)).splits.tolist() == ["1", "2"]
    assert len(read_hashes(f"{path}@2")) == 1


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
    found = describe(read_hashes(str(tmp_path / "s")))
    assert {name: split["images"] for name, split in found["splits"].items()} == {"x": 2, "y": 1}
    assert found["unusual_hashes"] == 2
    assert found["orientations"] == ["identity"]
    assert found["thumbnails"] is True


def test_reading_changes_nothing(store):
    before = part_bytes(store.path)
    read_hashes(f"{store.path}@val").with_thumbnails()
    assert part_bytes(store.path) == before
