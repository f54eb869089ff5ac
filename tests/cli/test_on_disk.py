"""`join` and `group` on the disk write the files that they write in memory."""

import re

import numpy as np
import pyarrow as pa
import pytest

from fastphash.cli.on_disk import has_kept
from fastphash.external import opening
from fastphash.external.scratch import using_scratch
from fastphash.files import parquet
from fastphash.hashing.definition import Definition
from tests.support.command_line import run
from tests.support.examples import slow_but
from tests.support.stores import write_hashes, write_store

COLUMNS = Definition().columns


def hashes(rng, rows, orientations=8):
    """Random hashes (n, orientations), with copies, turned copies and equal ones."""
    out = rng.integers(0, 2**64, (rows, orientations), dtype=np.uint64)
    part = rows // 8
    out[:part] = out[part : 2 * part] ^ np.uint64(5)
    out[2 * part : 3 * part] = out[part : 2 * part]
    if orientations == 8:
        out[3 * part : 4 * part] = out[part : 2 * part][:, [3, 0, 1, 2, 7, 4, 5, 6]]
    return out


def columns(rng, rows, orientations=8, split="all"):
    values = hashes(rng, rows, orientations)
    paths = [f"{split}-{i:05d}.jpg" for i in range(rows)]
    named = {name: values[:, t] for t, name in enumerate(COLUMNS[:orientations])}
    sizes = rng.integers(100, 5000, rows)
    return {"path": paths, "split": [split] * rows, "size": sizes, **named}


@pytest.fixture
def data(tmp_path):
    """A store of two splits in several parts, one with both, and a table."""
    rng = np.random.default_rng(1)
    parts = [columns(rng, 300, split="train"), columns(rng, 200, split="val")]
    mixed = [columns(rng, 100, split=name) for name in ("train", "val")]
    mixed[0]["path"] = [f"more-{path}" for path in mixed[0]["path"]]
    mixed[1]["path"] = [f"more-{path}" for path in mixed[1]["path"]]
    both = {name: [*mixed[0][name], *mixed[1][name]] for name in mixed[0]}
    copied = columns(rng, 300, split="train")
    copied["path"] = [f"copy-{path}" for path in copied["path"]]
    for name in COLUMNS:
        copied[name] = parts[0][name]
        both[name] = np.array(both[name], np.uint64)
    store = write_store(tmp_path / "store", *parts, both, copied)
    other = columns(rng, 200, split="other")
    other["phash"][:50] = parts[0]["phash"][:50]
    write_store(tmp_path / "other", other)
    table = columns(rng, 400, 1, split="table")
    table["phash"][:100] = parts[1]["phash"][:100]
    rows = pa.table(table).replace_schema_metadata(store.schema.metadata)
    parquet.write_table(tmp_path / "table.parquet", rows)
    return tmp_path


def written(folder, *words):
    """What a command writes to a file, and says."""
    done = run(*words, "-o", "out.parquet", "--overwrite", cwd=folder)
    return (folder / "out.parquet").read_bytes(), done


@pytest.mark.parametrize(
    "sides",
    [("store@val", "store@train"), ("store@val", "table.parquet"), ("table.parquet", "store")],
    ids=str,
)
@pytest.mark.parametrize("radius", ["0", "4"])
def test_join_writes_the_same_bytes(data, sides, radius):
    words = ("join", *sides, "--radius", radius)
    wanted, in_memory = written(data, *words)
    found, on_disk = written(data, *words, "--scratch", "scratch")
    assert found == wanted
    assert on_disk.stdout == in_memory.stdout
    assert re.search(r"Working in 'scratch': up to .* MB for a while", on_disk.stderr)
    assert not (data / "scratch").exists()


@pytest.mark.parametrize(
    "stores",
    slow_but([["store", "other"]], [["store"], ["store@train"], ["store", "other"]]),
    ids=str,
)
@pytest.mark.parametrize("grouping", ["star", "components"])
def test_group_writes_the_same_bytes(data, stores, grouping):
    more = ["--no-verify"] if len(stores) == 1 else []
    words = ("group", *stores, "--radius", "4", "--grouping", grouping, *more)
    wanted, in_memory = written(data, *words)
    found, on_disk = written(data, *words, "--scratch", "scratch")
    assert found == wanted
    assert on_disk.stdout == in_memory.stdout
    assert not (data / "scratch").exists()


def test_it_uses_the_disk_by_itself(data, monkeypatch):
    words = ("join", "store@val", "table.parquet", "--radius", "4", "--memory", "100M")
    wanted, _ = written(data, *words)
    count = opening.count_hash_bytes
    monkeypatch.setattr(opening, "count_hash_bytes", lambda *target: 10_000 * count(*target))
    found, said = written(data, *words)
    assert found == wanted
    assert "more than --memory, 104.9 MB: they are searched on the disk" in said.stderr
    assert "Working in 'out.parquet.scratch'" in said.stderr
    assert sorted(path.name for path in data.iterdir()) == [
        "other",
        "out.parquet",
        "store",
        "table.parquet",
    ]
    # the paper's JSON names all needles: they are in memory anyway
    paper = ("-o", "out.json", "--format", "hash-and-search")
    assert not run(*words, *paper, cwd=data).stderr


@pytest.mark.parametrize(
    "values", [["0123456789abcdef"] * 2, pa.array([5, 5], pa.int64())], ids=["text", "int64"]
)
def test_hashes_that_the_disk_does_not_read_are_joined_in_memory(tmp_path, monkeypatch, values):
    write_hashes(tmp_path / "a.parquet", path=["a", "b"], phash=values)
    monkeypatch.setattr(opening, "_HASH_BYTES", 1 << 40)
    done = run("group", "a.parquet", "-o", "groups.parquet", cwd=tmp_path)
    assert re.search(r"2 +1 +1 ", done.stdout)
    assert "disk" not in done.stderr


def test_what_the_disk_does_not_do_costs_one_line(data):
    words = ("join", "store@val", "table.parquet", "-o", "out")
    paper = ("--format", "hash-and-search", "--scratch", "scratch")
    error = run("join", "store@val", "store@train", "-o", "x.json", *paper, status=2, cwd=data)
    assert "--scratch is not for the JSON" in error.stderr
    error = run(*words, "--scratch", "no/such", status=2, cwd=data).stderr
    assert "no such folder: '" in error
    error = run(*words, "--scratch", "", status=2, cwd=data).stderr
    assert "'' is no folder: name one, or . for the current one" in error
    (data / "hashes.csv").write_text("path,phash\na,0123456789abcdef\n")
    words = ("group", "hashes.csv", "-o", "out", "--scratch", "scratch")
    error = run(*words, status=2, cwd=data).stderr
    assert "hashes.csv: a join that uses the disk reads stores and Parquet files" in error
    write_hashes(data / "text.parquet", path=["a"], phash=["0123456789abcdef"])
    words = ("group", "text.parquet", "-o", "out", "--scratch", "scratch")
    error = run(*words, status=2, cwd=data).stderr
    assert "text.parquet: column 'phash' holds string, not uint64" in error
    rows = pa.table({"path": ["a"], "pdq": pa.array([bytes(32)], pa.binary(32))})
    parquet.write_table(data / "pdq.parquet", rows)
    words = ("group", "pdq.parquet", "-o", "out", "--scratch", "scratch")
    error = run(*words, status=2, cwd=data).stderr
    assert "pdq has 256 bits, and --scratch is for hashes of 64" in error
    assert not (data / "scratch").exists()


def test_only_files_of_a_join_are_something_to_go_on_with(tmp_path):
    (tmp_path / "other").mkdir()
    assert not has_kept(None)
    assert not has_kept(tmp_path / "none")
    assert not has_kept(tmp_path)
    with using_scratch(tmp_path, "key") as scratch:
        assert not has_kept(tmp_path)
        scratch.file("found").touch()
        assert has_kept(tmp_path)
