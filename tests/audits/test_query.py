"""The nearest stored images against a sort of all distances."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from fastphash.audits.query import QUERY_SCHEMA, nearest
from fastphash.base.vocabulary import INVERSE, ORIENTATIONS
from fastphash.errors import DefinitionError, UsageError
from fastphash.hashing.api import phash_orientations
from fastphash.hashing.definition import FOREIGN, Definition
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.local import folder_source
from fastphash.store.open import read_hashes
from fastphash.store.schema import Layout
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.executors import ONE_WORKER
from tests.support.report_pages import slightly
from tests.support.scenes import save, scene
from tests.support.stores import hashes_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve scenes in stored/, and a store of them."""
    folder = tmp_path_factory.mktemp("query")
    (folder / "stored").mkdir()
    for seed in range(12):
        save(folder / "stored" / f"{seed:02d}.png", scene(seed))
    hash_into(folder / "store", [folder_source(f"all={folder / 'stored'}")], ONE_WORKER)
    return folder


@pytest.fixture(scope="module")
def stored(folder):
    return read_hashes(str(folder / "store"))


def plain(path, stored, k, radius=64):
    """(path, distance, orientations that give it) of the nearest rows."""
    own = phash_orientations(path)
    found = []
    for row, hashes in enumerate(stored.hashes):
        apart = [
            min(int(own[t] ^ hashes[0]).bit_count(), int(own[0] ^ hashes[INVERSE[t]]).bit_count())
            for t in range(8)
        ]
        if min(apart) <= radius:
            nearest = {ORIENTATIONS[t] for t in range(8) if apart[t] == min(apart)}
            found.append((min(apart), row, nearest))
    names = stored.table["path"].to_pylist()
    return [(names[row], d, turns) for d, row, turns in sorted(found)[:k]]


def pairs(found):
    return [(row["path"], row["distance"]) for row in found.to_pylist()]


@pytest.mark.parametrize("radius", [None, 0, 20, 64])
@pytest.mark.parametrize("k", [1, 3, 100])
def test_the_nearest_are_those_of_a_sort(folder, stored, radius, k):
    save(folder / "new.png", scene(40))
    images = [folder / "new.png", folder / "stored" / "03.png"]
    found, rejected, *_ = nearest(images, stored, radius=radius, k=k)
    assert not rejected
    assert found.schema.equals(QUERY_SCHEMA)
    wanted = [plain(image, stored, k, 64 if radius is None else radius) for image in images]
    assert pairs(found) == [row[:2] for some in wanted for row in some]
    turns = [turns for some in wanted for _, _, turns in some]
    assert all(t in some for t, some in zip(found["orientation"].to_pylist(), turns, strict=True))
    assert found["rank"].to_pylist() == [i + 1 for some in wanted for i in range(len(some))]


def test_kinds_are_named(folder, stored):
    save(folder / "same.bmp", scene(1))
    save(folder / "turned.png", np.rot90(scene(2)))
    images = [folder / "stored" / "00.png", folder / "same.bmp", folder / "turned.png"]
    found, *_ = nearest(images, stored, k=1)
    assert found["kind"].to_pylist() == ["identical", "exact", "augmented"]
    assert found["path"].to_pylist() == ["00.png", "01.png", "02.png"]
    assert found["orientation"].to_pylist()[2] == "rotate_270"
    assert found["score"].to_pylist()[:2] == [1, 1]


@pytest.mark.parametrize("thumbnails", [True, False])
def test_far_neighbours_are_different(folder, tmp_path, thumbnails):
    save(folder / "strange.png", scene(41))
    layout = Layout(thumbnails=thumbnails)
    options = IngestOptions(layout=layout, workers=1)
    hash_into(tmp_path / "store", [folder_source(f"all={folder / 'stored'}")], options)
    stored = read_hashes(str(tmp_path / "store"))
    found = nearest([folder / "strange.png"], stored, k=12)[0].to_pylist()
    assert min(row["distance"] for row in found) > 4
    assert {row["kind"] for row in found} == {"different"}
    turned = save(tmp_path / "turned.png", np.rot90(scene(2)))
    nearest_of_turned, other = nearest([turned], stored, k=2)[0].to_pylist()
    assert nearest_of_turned["kind"] == ("augmented" if thumbnails else "unverified")
    assert other["kind"] == "different"


def test_near_neighbours_and_collisions_keep_their_kinds(folder, stored):
    near = save(folder / "near.png", slightly(scene(3)))
    row = nearest([near], stored, k=1)[0].to_pylist()[0]
    assert (row["path"], row["kind"]) == ("03.png", "near")
    flat = {"split": ["all"], "path": ["flat"], "phash": phash_orientations(FLAT[1])[:1]}
    flat["thumbnail"] = pa.array([FLAT[1].tobytes()], pa.binary(1024))
    other = save(folder / "flat.png", FLAT[0])
    (row,) = nearest([other], hashes_of(flat, definition=Definition()), k=1)[0].to_pylist()
    assert (row["distance"], row["kind"]) == (0, "collision")


FLAT = np.full((2, 32, 32), [[[60]], [[200]]], np.uint8)


def test_many_images_are_asked_for_in_turn(folder, stored):
    images = [folder / "stored" / f"{i % 12:02d}.png" for i in range(150)]
    told = []
    found, *_ = nearest(images, stored, k=1, progress=lambda *state: told.append(state))
    assert found["path"].to_pylist() == [os.path.basename(image) for image in images]
    assert [done for _, done, _ in told] == [64, 128, 150]


def test_what_gives_no_hash_is_rejected(folder, stored):
    (folder / "broken.jpg").write_text("no image")
    (folder / "notes").write_text("no image")
    images = [folder / "broken.jpg", folder / "nothing", folder / "notes", folder / "stored"]
    found, rejected, *_ = nearest(images, stored)
    assert found.num_rows == 0
    names = [os.path.basename(rejection.path) for rejection in rejected]
    assert sorted(names) == [b"broken.jpg", b"notes", b"nothing", b"stored"]


def test_images_are_hashed_as_the_stored_ones_were(folder):
    definition = Definition(pass_order="horizontal")
    save(folder / "tall.png", scene(3, height=400, width=40))
    source = folder_source(f"all={folder / 'stored'}")
    hash_into(
        folder / "other",
        [source],
        IngestOptions(definition=definition, layout=Layout(thumbnails=False)),
    )
    own = phash_orientations(folder / "tall.png", pass_order="horizontal")
    stored = read_hashes(str(folder / "other"))
    found, *_ = nearest([folder / "tall.png"], stored, k=12)
    distances = dict(zip(found["path"].to_pylist(), found["distance"].to_pylist(), strict=True))
    upright = np.bitwise_count(stored.hashes ^ own[0])[:, 0]
    assert all(distances[f"{i:02d}.png"] <= d for i, d in enumerate(upright.tolist()))
    assert found["score"].null_count == found.num_rows


def test_foreign_hashes_are_refused():
    rows = hashes_of({"path": ["a"], "phash": np.zeros(1, np.uint64)}, FOREIGN)
    with pytest.raises(DefinitionError, match=r"'x' can't be hashed alike.*--as`$"):
        nearest(["x"], rows)
    with pytest.raises(DefinitionError, match=r"'x.parquet'.*`columns` names another"):
        nearest(["x.parquet"], rows)


def test_an_empty_store_has_nothing(folder, stored):
    found, rejected, *_ = nearest(
        [folder / "stored" / "00.png"], stored.take(np.empty(0, np.int64))
    )
    assert (found.num_rows, rejected) == (0, [])


@pytest.mark.parametrize(("words", "message"), [({"k": 0}, "not 0"), ({"radius": 65}, "not 65")])
def test_wrong_numbers_are_refused(stored, words, message):
    with pytest.raises(UsageError, match=message):
        nearest([], stored, **words)


def test_tables_of_hashes_ask_and_are_asked(folder, stored, tmp_path):
    """By their thumbnails where both have some, by hashes alone where one has none."""
    whole, bare = tmp_path / "whole.parquet", tmp_path / "bare.csv"
    metadata = pq.read_schema(next((folder / "store").glob("part-*.parquet"))).metadata
    pq.write_table(stored.with_thumbnails().table.replace_schema_metadata(metadata), whole)
    hashes = [f"{value:016x}" for value in stored.table["phash"].to_pylist()]
    csv.write_csv(pa.table({"url": stored.table["path"], "hash": hashes}), bare)
    columns = ["--columns", "path=url,phash=hash"]
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    turned = save(tmp_path / "turned.png", np.rot90(scene(2)))
    shown = run("query", whole, turned, "--in", folder / "store", "-k", "1", "--json")
    rows = json.loads(shown.stdout)
    assert [row["query"] for row in rows[::12]] == [f"{whole}::00.png", str(turned)]
    assert {(row["kind"], row["score"]) for row in rows[:12]} == {("identical", 1)}
    shown = run("query", bare, "--in", bare, "-k", "1", "--json", *columns)
    answers = json.loads(shown.stdout)
    assert [row["query"] for row in answers] == [f"{bare}::{row['path']}" for row in answers]
    assert {(row["kind"], row["distance"], row["score"]) for row in answers} == {
        ("unverified", 0, None)
    }
    done = run("query", bare, "--in", folder / "store", *columns, status=FAILED)
    assert "needles foreign" in error_of(done)
    assert "`fastphash convert --as`" in error_of(done)
    (tmp_path / "far.csv").write_text("url,hash\na,00000000000000ff\n")
    shown = run("query", tmp_path / "far.csv", "--in", bare, "--radius", "1", *columns)
    assert "no stored image is that near" in shown.stdout
    (tmp_path / "empty.csv").write_text("path,phash\n")
    tables = [tmp_path / "wrong.csv", tmp_path / "empty.csv"]
    done = run("query", *tables, turned, "--in", whole, "-k", "1", status=FAILED)
    assert "wrong.csv' gives no hash: read: " in done.stderr
    assert "empty.csv' gives no hash: read: it has no rows" in done.stderr
    assert "02.png" in done.stdout


def test_names_of_columns_are_for_every_table_that_has_them(stored, tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    hashes = [f"{value:016x}" for value in stored.table["phash"].to_pylist()]
    csv.write_csv(pa.table({"path": stored.table["path"], "phash": hashes}), ours)
    csv.write_csv(pa.table({"url": stored.table["path"], "hash": hashes}), theirs)
    for asked, searched in ((ours, theirs), (theirs, ours), (theirs, theirs)):
        words = ("query", asked, "--in", searched, "-k", "1", "--json")
        answers = json.loads(run(*words, "--columns", "path=url,phash=hash").stdout)
        assert [row["query"] for row in answers] == [f"{asked}::{row['path']}" for row in answers]
        assert {row["distance"] for row in answers} == {0}
    # of a table, one split
    split = f"{theirs}@theirs"
    done = run("query", ours, "--in", split, "--columns", "path=url,phash=hash", "--json")
    assert len(json.loads(done.stdout)) >= len(hashes)
    done = run("query", ours, "--in", theirs, "--columns", "path=uri", status=USAGE)
    assert "no column 'uri', which --columns names as path, in" in error_of(done)
