"""What knows nothing of stores reads one as a folder of Parquet files; old stores still open."""

import json

import pytest

from fastphash.files import atomic, empty_parquet, parquet
from fastphash.files.digest import hex_digest_of
from fastphash.ingest.api import hash_into
from fastphash.store.open import read_hashes
from fastphash.store.store import MANIFEST, OLD_MANIFEST, REJECTED, open_store
from tests.support.executors import ONE_WORKER
from tests.support.scenes import scenes, source

READERS = {
    "pandas": lambda reader, folder: reader.read_parquet(folder)["path"].tolist(),
    "polars": lambda reader, folder: reader.read_parquet(folder)["path"].to_list(),
    "polars, lazily": lambda reader, folder: (
        reader.scan_parquet(folder).collect()["path"].to_list()
    ),
    "polars, by pattern": lambda reader, folder: reader.read_parquet(f"{folder}/*.parquet")[
        "path"
    ].to_list(),
    "duckdb": lambda reader, folder: _names(reader, f"'{folder}/*.parquet'"),
    "duckdb, the folder": lambda reader, folder: _names(reader, f"read_parquet('{folder}')"),
    "pyarrow.dataset": lambda reader, folder: reader.dataset(folder).to_table()["path"].to_pylist(),
    "pyarrow.parquet": lambda reader, folder: reader.read_table(folder)["path"].to_pylist(),
}


def _names(duckdb, place):
    return [path for (path,) in duckdb.sql(f"select path from {place}").fetchall()]


def hashed(tmp_path, *, images):
    folder = scenes(tmp_path / "in", range(images))
    folder.mkdir(exist_ok=True)
    (folder / "broken.jpg").write_bytes(b"no image")
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    return tmp_path / "s"


@pytest.mark.parametrize("how", READERS)
def test_other_programs_read_a_store_as_a_folder(tmp_path, small, how):
    reader = pytest.importorskip(how.split(",")[0])
    store = hashed(tmp_path, images=12)
    assert len(list(store.glob("part-*.parquet"))) == 3
    names = READERS[how](reader, str(store))
    assert sorted(names) == [f"{i:03d}.png" for i in range(12)]


@pytest.mark.parametrize("how", [how for how in READERS if how.startswith(("polars", "duckdb"))])
def test_a_store_without_parts_is_read_as_no_rows(tmp_path, how):
    reader = pytest.importorskip(how.split(",")[0])
    assert READERS[how](reader, str(hashed(tmp_path, images=0))) == []


def test_columns_keep_their_types(tmp_path):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    store = hashed(tmp_path, images=3)
    phash = read_hashes(str(store)).hashes[:, 0].tolist()
    for column in (pandas.read_parquet(store)["phash"], polars.read_parquet(store)["phash"]):
        assert column.to_list() == phash


def made_old(store):
    """The same store as versions wrote it whose manifest was JSON."""
    manifest = json.loads(empty_parquet.read_data(store / MANIFEST))
    rejected = open_store(store).rejected()
    parquet.write_table(store / REJECTED, rejected)
    opened = open_store(store)
    opened.rejected_digest = hex_digest_of(store / REJECTED)
    opened.save()
    manifest = json.loads(empty_parquet.read_data(store / MANIFEST))
    (store / MANIFEST).unlink()
    atomic.write_json(store / OLD_MANIFEST, manifest)
    return rejected


def test_an_old_store_opens_and_the_next_run_makes_it_new(tmp_path):
    store = hashed(tmp_path, images=3)
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    rows = read_hashes(str(store)).table
    rejected = made_old(store)
    assert open_store(store).is_old
    open_store(store).verify()
    assert open_store(store).rejected().equals(rejected)
    assert read_hashes(str(store)).table.equals(rows)
    hash_into(store, [source("all", tmp_path / "in")], ONE_WORKER)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before


def test_a_run_that_was_killed_between_both_manifests_leaves_a_whole_store(tmp_path):
    store = hashed(tmp_path, images=3)
    new = (store / MANIFEST).read_bytes(), (store / REJECTED).read_bytes()
    made_old(store)
    (store / MANIFEST).write_bytes(new[0])
    (store / REJECTED).write_bytes(new[1])
    open_store(store).verify()
    assert len(read_hashes(str(store))) == 3
    hash_into(store, [source("all", tmp_path / "in")], ONE_WORKER)
    assert not (store / OLD_MANIFEST).exists()
