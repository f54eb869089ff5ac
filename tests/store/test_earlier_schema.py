"""Stores of schemas 3 to 5: read with nulls for what they lack, and filled by the next run."""

import numpy as np
import pytest

from fastphash.errors import StoreError
from fastphash.files import parquet
from fastphash.ingest import worker
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.results.groups import group_rows
from fastphash.store import store as store_module
from fastphash.store.open import read_hashes, read_together
from fastphash.store.part_files import draft_part, name_part
from fastphash.store.schema import (
    ADDED_COLUMNS,
    EVIDENCE_COLUMNS,
    SCHEMA_VERSION,
    SOURCE_COLUMNS,
    STAMP_COLUMNS,
)
from fastphash.store.store import open_store
from fastphash.verification.criteria import CopyCriteria
from tests.support.encoded_samples import png_of
from tests.support.memory_source import MemoryReader, MemorySource
from tests.support.scenes import source
from tests.support.stores import part_bytes

ONE_WORKER = IngestOptions(workers=1)
IN_PROCESS = IngestOptions(workers=0)


def make_earlier(path, monkeypatch, version=3):
    """Give a store the columns and the version of an earlier schema."""
    lacking = {
        3: ADDED_COLUMNS,
        4: (*STAMP_COLUMNS, *SOURCE_COLUMNS),
        5: SOURCE_COLUMNS,
    }[version]
    store = open_store(path)
    for i, part in enumerate(store.parts):
        table = parquet.read_table(store.part_path(part)).drop_columns(list(lacking))
        store.part_path(part).unlink()
        store.parts[i], draft = draft_part(store, table, part.name)
        name_part(store, store.parts[i], draft)
    monkeypatch.setattr(store_module, "schema_version", lambda *_: version)
    store.save()
    monkeypatch.undo()


@pytest.fixture
def folder(tmp_path, photo):
    """Two flat pictures of one luminance, one picture twice in other bytes, an icon."""
    pictures = tmp_path / "in"
    pictures.mkdir()
    for name, colour in (("red", (255, 0, 0)), ("green", (0, 130, 0))):
        (pictures / f"{name}.png").write_bytes(png_of(np.full((40, 40, 3), colour, np.uint8)))
    for level in (0, 9):
        (pictures / f"photo{level}.png").write_bytes(png_of(photo(60, 60, 1), compress=level))
    return pictures


@pytest.fixture
def earlier(folder, tmp_path, monkeypatch):
    hash_into(tmp_path / "store", [source("in", folder)], ONE_WORKER)
    wanted = part_bytes(tmp_path / "store")
    make_earlier(tmp_path / "store", monkeypatch)
    return tmp_path / "store", wanted


def copies(rows):
    table = group_rows(rows, CopyCriteria(4)).table()
    return [(row["path"], row["kind"], row["same_pixels"]) for row in table.to_pylist()]


def test_what_is_missing_is_null_and_flat_pictures_collide(earlier):
    path, _ = earlier
    store = open_store(path)
    assert store.version == 3
    store.verify()
    part = store.read_part(store.parts[0])
    assert part.schema.equals(store.schema)
    assert {*EVIDENCE_COLUMNS, *STAMP_COLUMNS} < {*ADDED_COLUMNS}
    assert all(part[name].null_count == part.num_rows for name in ADDED_COLUMNS)
    for rows in (read_hashes(str(path)), read_hashes(str(path)).with_thumbnails()):
        assert copies(rows) == [("photo0.png", None, None), ("photo9.png", "exact", None)]


def test_reading_changes_nothing_not_even_its_digest(earlier):
    path, _ = earlier
    before = {file: file.read_bytes() for file in path.iterdir()}
    assert open_store(path).digest == open_store(path).digest
    read_hashes(str(path))
    assert {file: file.read_bytes() for file in path.iterdir()} == before


def test_the_next_run_hashes_it_again_and_says_so(earlier, folder, caplog):
    path, wanted = earlier
    tally = hash_into(path, [source("in", folder)], ONE_WORKER)["in"]
    assert (tally.kept, tally.changed, tally.hashed) == (0, 4, 4)
    assert "an earlier version hashed images of 'in'" in caplog.text
    assert list(part_bytes(path).values()) == list(wanted.values())
    assert open_store(path).version == SCHEMA_VERSION
    assert copies(read_hashes(str(path)))[1] == ("photo9.png", "exact", True)
    caplog.clear()
    assert hash_into(path, [source("in", folder)], ONE_WORKER)["in"].kept == 4
    assert not caplog.text


def test_rows_of_both_versions_stand_in_one_store(earlier, tmp_path, photo):
    path, _ = earlier
    other = tmp_path / "other"
    other.mkdir()
    (other / "photo.png").write_bytes(png_of(photo(60, 60, 1)))
    (other / "red.png").write_bytes(png_of(np.full((40, 40, 3), (255, 0, 0), np.uint8), compress=1))
    hash_into(path, [source("other", other)], ONE_WORKER)
    rows = read_hashes(str(path))
    assert len(rows) == 6
    assert int(rows.evidence.pixels_known.sum()) == 2
    # of red.png, nobody knows the pixels of the other one
    assert [row[1] for row in copies(rows)] == [None, "exact", "exact"]


def test_stores_of_both_versions_are_grouped_together(earlier, folder, tmp_path):
    path, _ = earlier
    hash_into(tmp_path / "new", [source("new", folder)], ONE_WORKER)
    rows = read_together([str(path), str(tmp_path / "new")])
    kinds = {name: kind for name, kind, _ in copies(rows) if kind}
    assert kinds["red.png"] == kinds["green.png"] == "identical"


def test_schema_4_is_filled_without_hashing(folder, tmp_path, monkeypatch, caplog):
    path, split = tmp_path / "store", [source("in", folder)]
    hash_into(path, split, IN_PROCESS)
    wanted = list(part_bytes(path).values())
    make_earlier(path, monkeypatch, version=4)
    assert open_store(path).version == 4
    assert len(read_hashes(str(path))) == 4
    monkeypatch.setattr(worker, "decode", lambda *_, **__: pytest.fail("an image was decoded"))
    tally = hash_into(path, split, IN_PROCESS)["in"]
    assert (tally.kept, tally.changed, tally.hashed) == (4, 0, 0)
    assert "an earlier version hashed images of 'in', and didn't store inodes" in caplog.text
    assert list(part_bytes(path).values()) == wanted
    assert open_store(path).version == SCHEMA_VERSION
    caplog.clear()
    assert hash_into(path, split, IN_PROCESS)["in"].kept == 4
    assert not caplog.text


def test_nothing_of_schema_4_is_read_where_a_source_knows_no_inodes(tmp_path, photo, monkeypatch):
    split = [MemorySource("m", {b"a.png": (png_of(photo(60, 60, 1)), 1)})]
    hash_into(tmp_path / "store", split, IN_PROCESS)
    make_earlier(tmp_path / "store", monkeypatch, version=4)
    monkeypatch.setattr(MemoryReader, "read", None)
    assert hash_into(tmp_path / "store", split, IN_PROCESS)["m"].kept == 1


def test_schema_5_is_read_as_it_is_and_needs_no_other_run(folder, tmp_path, monkeypatch):
    path, split = tmp_path / "store", [source("in", folder)]
    hash_into(path, split, IN_PROCESS)
    rows = read_hashes(str(path)).table
    make_earlier(path, monkeypatch, version=5)
    digest = open_store(path).digest
    assert read_hashes(str(path)).table.equals(rows)
    assert hash_into(path, split, IN_PROCESS)["in"].kept == 4
    assert (open_store(path).version, open_store(path).digest) == (5, digest)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"kind": "containers"},
        {"kind": "containers", "image_column": None, "hidden": 0, "containers": {}},
        {"kind": "other", "image_column": None, "hidden": False, "containers": {}},
        {"kind": "containers", "image_column": 1, "hidden": False, "containers": {}},
        {
            "kind": "containers",
            "image_column": None,
            "hidden": False,
            "containers": {"a": {"size": 1}},
        },
    ],
)
def test_an_origin_that_no_store_writes_is_named(tmp_path, folder, wrong):
    path = tmp_path / "store"
    hash_into(path, [source("in", folder)], IN_PROCESS)
    store = open_store(path)
    store.origins = {"in": wrong}
    store.save()
    with pytest.raises(StoreError, match=r"'origins' is .* which no store says"):
        open_store(path)
