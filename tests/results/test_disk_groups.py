"""Groups that are made on the disk have the bytes of those that are made in memory."""

import errno
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fastphash.hashing.definition import Definition
from fastphash.results import disk_candidates, disk_groups
from tests.support.command_line import run
from tests.support.examples import slow_but
from tests.support.scenes import planted, save, scene
from tests.support.stores import write_hashes, write_store

COLUMNS = Definition().columns


@pytest.fixture(autouse=True)
def on_disk_however_small(monkeypatch):
    """Rows don't fit into memory, and some dozens make a part."""
    monkeypatch.setattr(disk_candidates, "_SHARE", 0)
    monkeypatch.setattr(disk_groups, "_SHARE", 2e-4)


def both(folder, *words, in_order=True):
    """A command's file and words, grouped in memory and on the disk; or both times in memory."""
    words = (*words, "-o", "out.parquet", "--overwrite", "--memory", "100M")
    found = []
    for on_disk in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(disk_candidates, "_SHARE", 0 if on_disk else 1)
            done = run(*words, "--scratch", "scratch", cwd=folder)
        assert ("put in order on the disk" in done.stderr) is on_disk
        assert ("grouped in memory" in done.stderr) is (on_disk and not in_order)
        found.append(((folder / "out.parquet").read_bytes(), done.stdout))
        assert not (folder / "scratch").exists()
    return found


def hashes(rng, rows, columns):
    """Hashes (n, columns): copies near one another, turned ones, equal ones, chains."""
    out = rng.integers(0, 2**64, (rows, columns), dtype=np.uint64)
    part = rows // 8
    out[:part] = out[part : 2 * part] ^ np.uint64(5)
    out[2 * part : 3 * part] = out[part : 2 * part]
    out[3 * part : 4 * part] = out[:part] ^ np.uint64(0xF0)
    if columns == 8:
        out[4 * part : 5 * part] = out[part : 2 * part][:, [3, 0, 1, 2, 7, 4, 5, 6]]
    return rng.permutation(out)


def columns_of(rng, rows, columns):
    named = dict(zip(COLUMNS, hashes(rng, rows, columns).T, strict=False))
    return {
        "path": [f"{i % 97}/{i}.jpg" for i in rng.permutation(rows)],
        "split": rng.choice(["train", "val"], rows).tolist(),
        "size": rng.integers(100, 400, rows),
        "width": rng.integers(10, 14, rows),
        **named,
    }


FILES = [(1, "star"), (1, "components"), (8, "star"), (8, "components")]


@pytest.mark.parametrize("case", slow_but([(1, "components")], FILES), ids=str)
def test_groups_of_a_file_of_hashes(tmp_path, case):
    columns, grouping = case
    rng = np.random.default_rng(columns)
    write_hashes(tmp_path / "hashes.parquet", **columns_of(rng, 700, columns))
    words = ("group", "hashes.parquet", "--radius", "4", "--grouping", grouping)
    one, other = both(tmp_path, *words)
    assert one == other
    assert pq.read_table(tmp_path / "out.parquet").num_rows > 300


def test_rows_that_nothing_tells_apart_are_in_their_order(tmp_path):
    rng = np.random.default_rng(2)
    values = np.repeat(rng.integers(0, 2**64, 60, np.uint64), rng.integers(1, 9, 60))
    values = rng.permutation(values)
    write_hashes(tmp_path / "hashes.parquet", path=["x"] * values.size, phash=values)
    one, other = both(tmp_path, "group", "hashes.parquet")
    assert one == other


@pytest.mark.parametrize("grouping", ["star", "components"])
def test_all_keepers_come_before_all_copies(tmp_path, grouping):
    value = np.random.default_rng(3).integers(0, 2**64, 100, np.uint64)
    named = {"path": [f"{i}" for i in range(800)], "phash": np.tile(value, 8)}
    write_hashes(tmp_path / "hashes.parquet", **named, split=["val"] * 100 + ["train"] * 700)
    one, other = both(tmp_path, "group", "hashes.parquet", "--grouping", grouping)
    assert one == other


@pytest.mark.parametrize("grouping", ["star", "components"])
def test_groups_of_stores(tmp_path, grouping):
    rng = np.random.default_rng(5)
    some = columns_of(rng, 300, 8)
    write_store(tmp_path / "store", some, columns_of(rng, 200, 8) | {"split": ["test"] * 200})
    more = columns_of(rng, 200, 8) | {"split": ["more"] * 200}
    more["phash"][:40] = some["phash"][:40]
    write_store(tmp_path / "more", more)
    words = ("group", "store", "more", "--radius", "3", "--grouping", grouping)
    one, other = both(tmp_path, *words, "--keep-in", "more")
    assert one == other


@pytest.fixture
def pictures(tmp_path):
    """A store of pictures with all kinds of copies, alpha and frames among them."""
    splits = planted(tmp_path)
    for seed in range(20, 60):
        pixels = scene(seed)
        save(tmp_path / "train" / f"{seed}.jpg", pixels, quality=92)
        for number in range(seed % 4):
            turned = np.rot90(pixels, number)
            save(tmp_path / "val" / f"{seed}-{number}.jpg", turned, quality=60 + 10 * number)
    for number in range(3):
        shades = np.array([1, 1 + number, 1 + number], np.uint8)
        clear = np.dstack([scene(21), np.full((48, 64), 90 * number, np.uint8)])
        save(tmp_path / "val" / f"clear-{number}.png", clear)
        save(tmp_path / "val" / f"flat-{number}.png", np.full((40, 40), 60, np.uint8))
        save(tmp_path / "val" / f"red-{number}.png", scene(22) // shades)
    run("hash", *splits, "-o", "store", cwd=tmp_path)
    return tmp_path


PICTURES = [*itertools.product(["star", "components"], ["0", "14"], ["", "--no-verify"])]


@pytest.mark.parametrize("case", slow_but([("star", "14", "")], PICTURES), ids=str)
def test_groups_of_pictures(pictures, case):
    grouping, radius, more = case
    words = ("group", "store", "--radius", radius, "--grouping", grouping, *more.split())
    one, other = both(pictures, *words)
    assert one == other
    kinds = set(pq.read_table(pictures / "out.parquet")["kind"].to_pylist())
    assert {"identical", "exact", "augmented"} <= kinds


def test_a_crowd_is_grouped_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_candidates, "_LEAST_PAIRS", 0)
    values = np.uint64(1) << np.random.default_rng(1).integers(0, 64, 400, np.uint64)
    write_hashes(tmp_path / "hashes.parquet", path=[f"{i}" for i in range(400)], phash=values)
    words = ("group", "hashes.parquet", "--radius", "2")
    one, other = both(tmp_path, *words, in_order=False)
    assert one == other


@pytest.mark.parametrize("lacking", ["digest", "phash_rotate_90", "thumbnail"])
def test_rows_that_depend_on_others_are_grouped_in_memory(tmp_path, lacking):
    """A row without a copy lacks a value, or one with some does."""
    rng = np.random.default_rng(1)
    for row in (0, 399):
        some = columns_of(rng, 400, 2)
        some["phash"] = rng.integers(0, 2**64, 400, np.uint64)
        some["phash"][:300] = np.repeat(some["phash"][:100], 3)
        some["digest"] = pa.array([bytes([i % 100] * 16) for i in range(400)], pa.binary(16))
        some["thumbnail"] = pa.array([bytes([i % 99] * 1024) for i in range(400)], pa.binary(1024))
        values = pa.array(some[lacking]).to_pylist()
        values[row] = None
        kinds = {"digest": pa.binary(16), "thumbnail": pa.binary(1024)}
        some[lacking] = pa.array(values, kinds.get(lacking, pa.uint64()))
        write_hashes(tmp_path / "hashes.parquet", **some)
        # rows without a copy are not asked for their bytes
        alone = lacking == "digest" and row == 399
        one, other = both(tmp_path, "group", "hashes.parquet", in_order=alone)
        assert one == other


def test_nothing_to_group_is_an_empty_table(tmp_path):
    values = np.random.default_rng(0).integers(0, 2**64, 50, np.uint64)
    write_hashes(tmp_path / "hashes.parquet", path=[f"{i}" for i in range(50)], phash=values)
    done = run("group", "hashes.parquet", "-o", "out", "--scratch", "scratch", cwd=tmp_path)
    assert not pq.read_table(tmp_path / "out").num_rows
    assert "50" in done.stdout


@pytest.mark.parametrize("full", ["ranked-rows", "edges", "placed-rows"])
def test_a_full_disk_is_named_and_the_next_run_goes_on(tmp_path, monkeypatch, full):
    rng = np.random.default_rng(4)
    write_hashes(tmp_path / "hashes.parquet", **columns_of(rng, 300, 1))
    words = ("group", "hashes.parquet", "-o", "out", "--memory", "100M", "--scratch", "scratch")
    make = Path.mkdir

    def refuse(path, *rest, **options):
        if path.name == full:
            raise OSError(errno.ENOSPC, "No space left on device")
        make(path, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", refuse)
        error = run(*words, status=1, cwd=tmp_path).stderr
    assert "No space left on device" in error
    assert "scratch" in error.splitlines()[-1]
    assert not (tmp_path / "out").exists()
    assert "Going on in 'scratch'" in run(*words, cwd=tmp_path).stderr
    assert pq.read_table(tmp_path / "out").num_rows
    assert not (tmp_path / "scratch").exists()
