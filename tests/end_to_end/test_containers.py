"""The same pictures wherever they lie: as files, in tar, zip and Parquet files."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from fastphash.inspector.catalog import Catalog
from fastphash.inspector.previews import Previews
from fastphash.results.audit_folder import open_audit
from fastphash.sources.open_containers import close_containers
from tests.support.command_line import run
from tests.support.containers import MAKERS, files_of
from tests.support.scenes import planted
from tests.support.stores import read_store

_OWN = ("path", "container", "key", "mtime_ns", "inode", "ctime_ns")


@pytest.fixture(scope="module")
def loose(tmp_path_factory):
    """Two splits of files, and their audit."""
    folder = tmp_path_factory.mktemp("loose")
    splits = planted(folder)
    run("audit", *splits, "-o", folder / "out", "--workers", "1")
    return folder


@pytest.fixture(params=MAKERS, scope="module")
def packed(request, loose, tmp_path_factory):
    """The same in two containers and one, and their audit."""
    ending, make = MAKERS[request.param]
    folder = tmp_path_factory.mktemp("packed")
    train, val = files_of(loose / "train"), files_of(loose / "val")
    if ending == "parquet":
        # every row is an image, and would be rejected
        train = [(name, data) for name, data in train if not name.endswith(".txt")]
    make(folder / f"train-0.{ending}", train[:5])
    make(folder / f"train-1.{ending}", train[5:])
    make(folder / f"val.{ending}", val)
    words = (f"train={folder}/train-{{0..1}}.{ending}", f"val={folder}/val.{ending}")
    run("audit", *words, "-o", folder / "out", "--workers", "1")
    yield folder, [name for name, _ in train], [name for name, _ in val]
    close_containers()


def rows(folder):
    """What a store knows of each image besides its place, in order."""
    table = read_store(folder / "out" / "hashes")
    return table.drop_columns(list(_OWN)).to_pylist()


def summary(folder):
    return json.loads((folder / "out" / "summary.json").read_text())


def test_hashes_groups_and_leaks_are_those_of_files(packed, loose):
    folder, train, val = packed
    assert rows(folder) == rows(loose)
    found, wanted = summary(folder), summary(loose)
    for key in ("leaks", "verdict", "looks", "calibration", "radius", "staying", "rejected"):
        assert found[key] == wanted[key], key
    assert found["groups"]["images"] == wanted["groups"]["images"] > 0
    place = {}
    for split, names in (("train", train), ("val", val)):
        table = read_store(folder / "out" / "hashes").to_pylist()
        of_split = [row["path"] for row in table if row["split"] == split]
        hashed = [name for name in names if name not in ("broken.jpg", "notes.txt")]
        place |= dict(zip(((split, name) for name in hashed), of_split, strict=True))
    for name in ("groups", "leaks"):
        ours, theirs = (pq.read_table(f / "out" / f"{name}.parquet") for f in (folder, loose))
        assert _renamed(theirs.to_pylist(), place) == _sorted(ours.to_pylist())


def _renamed(table, place):
    """The rows of a table with the names that images have in containers."""
    for row in table:
        for side in ("", "keeper_", "needle_", "haystack_"):
            if f"{side}path" in row:
                row[f"{side}path"] = place[row[f"{side}split"], row[f"{side}path"]]
    return _sorted(table)


def _sorted(table):
    """Rows in an order of their own, without what goes by the names of keepers."""
    plain = [
        {key: value for key, value in row.items() if key not in ("group", "keeper_reason")}
        for row in table
    ]
    return sorted(plain, key=str)


def test_pictures_are_shown_from_containers(packed):
    folder, *_ = packed
    assert "data:image/jpeg" in (folder / "out" / "report.html").read_text()
    catalog = Catalog(open_audit(folder / "out"))
    previews = Previews(catalog)
    row = catalog.row(0)
    assert previews.preview(row, 160, 0).media_type == "image/jpeg"
    assert previews.file_state(row, compare_bytes=True) == "unchanged"


def test_clean_lists_what_stays_by_name_number_and_key(packed, tmp_path):
    folder, train, _ = packed
    shutil.copytree(folder / "out", tmp_path / "out")
    run("clean", tmp_path / "out")
    refused = run("clean", tmp_path / "out", tmp_path / "x", "--apply", "--to", "move", status=2)
    assert "which are never edited, and --to move is for loose files" in refused.stderr
    assert refused.stderr.count("\n") == 1
    run("clean", tmp_path / "out", "--apply")
    clean = tmp_path / "out" / "clean"
    names = (clean / "train.txt").read_text().splitlines()
    keys = pq.read_table(clean / "train.keys.parquet").to_pylist()
    assert names == [row["path"] for row in keys if row["keep"]]
    assert len(names) < len(keys) == 11
    numbers = np.load(clean / "train.keep.npy")
    assert numbers.dtype == np.int64
    assert len(numbers) == len(names)
    is_parquet = names[0].partition("::")[0].endswith(".parquet")
    samples = [name for name in train if name != "notes.txt"]
    kept = [samples[number] for number in numbers]
    if not is_parquet:
        assert kept == [name.partition("::")[2] for name in names]
    first = sum(row["container"].startswith("train-0") for row in keys)
    for name, number in zip(names, numbers.tolist(), strict=True):
        container, _, member = name.partition("::")
        if is_parquet:
            assert number == int(member) + (5 if "train-1" in container else 0)
    assert first == 5 - ("broken.jpg" in train[:5])


def test_a_query_takes_containers_and_members(packed):
    folder, *_ = packed
    store = folder / "out" / "hashes"
    container = next(folder.glob("val.*"))
    shown = json.loads(run("query", container, "--in", store, "-k", "1", "--json").stdout)
    assert len(shown) == 5
    assert {row["kind"] for row in shown} == {"identical"}
    one = shown[-1]["query"]
    assert json.loads(run("query", one, "--in", store, "-k", "1", "--json").stdout) == shown[-1:]
    assert "no stored image" not in run("query", container, "--in", store).stdout
    run("query", f"{container}::none.png", "--in", store, status=1)


def test_the_next_audit_opens_no_container(packed):
    folder, *_ = packed
    container = next(folder.glob("val.*"))
    before = rows(folder)
    words = [f"val={container}"]
    run("hash", *words, "-o", folder / "store", "--workers", "1")
    again = json.loads(
        run("hash", *words, "-o", folder / "store", "--workers", "1", "--json").stdout
    )["val"]
    assert (again["kept"], again["hashed"]) == (5, 0)
    assert rows(folder) == before
