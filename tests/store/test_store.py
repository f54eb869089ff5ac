import json
from importlib.metadata import version

import pyarrow as pa
import pytest

from fastphash.base.vocabulary import ORIENTATIONS
from fastphash.errors import StoreError, UsageError
from fastphash.files import parquet
from fastphash.files.empty_parquet import read_data, write_data
from fastphash.hashing.definition import Definition
from fastphash.store.create import create_store
from fastphash.store.leftovers import remove_leftovers
from fastphash.store.manifest import manifest_digest
from fastphash.store.open import read_hashes
from fastphash.store.schema import METADATA, Layout, store_schema
from fastphash.store.store import MANIFEST, is_store, open_store
from tests.support.stores import hashes, write_store

# DESIGN.md, "The store"
NAME = pa.dictionary(pa.int32(), pa.string())
COLUMNS = [
    ("split", NAME),
    ("path", pa.string()),
    ("path_bytes", pa.binary()),
    ("container", NAME),
    ("key", pa.string()),
    ("size", pa.int64()),
    ("mtime_ns", pa.int64()),
    ("inode", pa.uint64()),
    ("ctime_ns", pa.int64()),
    ("etag", pa.string()),
    ("digest", pa.binary(16)),
    ("format", NAME),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("multiframe", pa.bool_()),
    ("frames", pa.int32()),
    ("pixel_digest", pa.binary(16)),
    ("phash", pa.uint64()),
]
ORIENTED = [(f"phash_{name}", pa.uint64()) for name in ORIENTATIONS[1:]]
THUMBNAIL = [("thumbnail", pa.binary(1024)), ("chroma", pa.binary(128))]
THUMBNAIL += [(name, pa.binary()) for name in ("alpha", "further_frames", "equalised")]


@pytest.mark.parametrize("orientations", [True, False])
@pytest.mark.parametrize("thumbnails", [True, False])
def test_columns_are_those_of_the_design(orientations, thumbnails):
    schema = store_schema(Definition(), Layout(orientations, thumbnails))
    wanted = COLUMNS + ORIENTED * orientations + THUMBNAIL * thumbnails
    assert list(zip(schema.names, schema.types, strict=True)) == wanted


def test_only_other_hashes_than_phash_need_a_later_schema():
    for definition, further, schema in (
        (Definition(), (), 6),
        (Definition(), ("dhash",), 7),
        (Definition(algorithm="phash_256"), (), 7),
    ):
        metadata = store_schema(definition, Layout(further=further)).metadata
        assert json.loads(metadata[METADATA])["schema"] == schema


def test_metadata_says_what_made_the_hashes(tmp_path):
    definition = Definition(decode="reduced", pass_order="pillow12.2", exif=True)
    store = write_store(tmp_path / "s", {"path": ["a"], "phash": hashes(1)}, definition=definition)
    schema = parquet.read_schema(store.part_path(store.parts[0]))
    assert json.loads(schema.metadata[METADATA]) == {
        "schema": 6,
        "definition": {
            "source": "fastphash",
            "decode": "reduced",
            "pass_order": "pillow12.2",
            "exif": True,
            "sixteen_bit": "stretched",
            "bands": "auto",
            "stretch": "2%,98%",
            "nodata": "auto",
        },
        "versions": {n: version(n) for n in ("fastphash", "Pillow", "simplejpeg", "scipy")},
    }


def test_a_store_opens_as_it_was_saved(store):
    again = open_store(store.path)
    assert again == store
    assert [part.name for part in again.parts] == ["part-000000.parquet", "part-000001.parquet"]
    assert again.new_part_name() == "part-000002.parquet"
    again.verify()


def manifest_of(store):
    return json.loads(read_data(store.path / MANIFEST))


def edit(store, manifest):
    write_data(store.path / MANIFEST, store.schema, json.dumps(manifest).encode())


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


def test_former_parts_without_digests_are_of_an_earlier_version_and_left_alone(store):
    manifest = manifest_of(store) | {"removed": ["part-000007.parquet"]}
    del manifest["digest"]
    edit(store, manifest | {"digest": manifest_digest(manifest)})
    again = open_store(store.path)
    assert again.former == {}
    (store.path / "part-000007.parquet").write_bytes(b"a table of somebody's")
    assert remove_leftovers(again) == ["part-000007.parquet"]


def test_former_parts_are_listed_where_earlier_versions_do_not_look(store):
    store.former = {"part-000007.parquet": "ab"}
    store.save()
    assert "removed" not in manifest_of(store)
    assert open_store(store.path).former == store.former


def test_any_edit_of_the_manifest_is_found(store):
    several = list(edits(manifest_of(store)))
    assert len(several) > 30
    for manifest in [*several, [], None]:
        edit(store, manifest)
        with pytest.raises(StoreError, match=r"_manifest\.parquet is damaged"):
            open_store(store.path)


def test_a_manifest_cut_short_is_named(store):
    path = store.path / MANIFEST
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(StoreError, match=str(path)):
        open_store(store.path)


@pytest.mark.parametrize("other", [2, 8])
def test_another_schema_is_refused_by_name(store, monkeypatch, other):
    monkeypatch.setattr("fastphash.store.store.schema_version", lambda *_: other)
    store.save()
    monkeypatch.undo()
    with pytest.raises(
        StoreError, match=f"has schema {other}, this version reads 3, 4, 5, 6 and 7: hash again"
    ):
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
    (tmp_path / f"_{MANIFEST}.fastphash.tmp").write_text("{")
    create_store(tmp_path, Definition(), Layout())
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]
