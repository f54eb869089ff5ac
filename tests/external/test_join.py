"""Joins on the disk find what joins in memory find."""

import contextlib
import errno
import os
import shutil
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from fastphash.errors import StoreError, TooManyPairsError, UsageError
from fastphash.external import found_values, plans, streams
from fastphash.external.file_stream import FileStream
from fastphash.external.join import DiskJoin
from fastphash.external.plans import Sides
from fastphash.external.scratch import check_space, using_scratch
from fastphash.files import parquet
from fastphash.hashing.definition import Definition
from fastphash.joins.batches import find_matches
from fastphash.joins.index import Index
from fastphash.joins.matches import concatenate_matches
from fastphash.joins.options import JoinOptions
from tests.support.stores import write_hashes

COLUMNS = Definition().columns
MEMORY = 200 << 20


def uniform(rng, rows):
    return rng.integers(0, 2**64, rows, dtype=np.uint64)


def moved(rng, hashes, bits):
    """The hashes with up to so many bits turned."""
    for _ in range(bits):
        hashes = hashes ^ (np.uint64(1) << rng.integers(0, 64, hashes.shape, dtype=np.uint64))
    return hashes


def with_copies(rng, rows):
    hashes = uniform(rng, rows)
    return np.concatenate([hashes, moved(rng, hashes[: rows // 5], 3), hashes[: rows // 7]])


def mostly_blank(rng, rows):
    hashes = with_copies(rng, rows // 8)
    hashes[rng.random(hashes.size) < 2 / 3] = 0
    return hashes


def one_ball(rng, rows):
    return moved(rng, np.full(rows // 8, uniform(rng, 1)[0]), 4)


def hot_digit(rng, rows):
    """Half of the hashes have the first sixteen bits in common."""
    hashes = with_copies(rng, rows)
    hashes[::2] |= np.uint64(0xFFFF << 48)
    return hashes


def oriented(rng, rows):
    hashes = uniform(rng, 8 * (rows // 8)).reshape(-1, 8)
    part = rows // 40
    originals = hashes[2 * part : 3 * part]
    hashes[:part] = moved(rng, originals, 2)
    # turned copies, and pictures that look the same when they are turned
    hashes[part : 2 * part] = originals[:, [3, 0, 1, 2, 7, 4, 5, 6]]
    hashes[-5:, 1:] = hashes[-5:, :1]
    return hashes


SETS = [with_copies, mostly_blank, one_ball, hot_digit, oriented]


def write(path, hashes):
    """A Parquet file of hashes (n,) or (n, columns)."""
    matrix = hashes[:, None] if hashes.ndim == 1 else hashes
    columns = {name: matrix[:, t] for t, name in enumerate(COLUMNS[: matrix.shape[1]])}
    write_hashes(path, path=[f"{i}" for i in range(len(hashes))], **columns)
    return path


def stream(path):
    return FileStream(path, None, {}, None)


def on_disk(scratch, sides, radius, max_pairs=None, advance=lambda done, total: None):
    """All matches at once."""
    join = DiskJoin(sides, radius, JoinOptions(2, MEMORY, advance), max_pairs)
    with using_scratch(scratch, join.key) as folder:
        return concatenate_matches(list(join.matches(folder)))


def in_memory(left, right, radius):
    right = None if right is None else Index(right)
    return concatenate_matches(list(find_matches(Index(left), right, radius)))


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(params=["large pieces", "small pieces"])
def sizes(request, monkeypatch):
    """Batches, pieces and buckets as they are, or so small that there are many."""
    if request.param == "small pieces":
        monkeypatch.setattr(streams, "BATCH_ROWS", 300)
        monkeypatch.setattr("fastphash.external.file_stream.BATCH_ROWS", 300)
        monkeypatch.setattr(plans, "_MOST_VALUES", 100)
        monkeypatch.setattr(plans, "_LEAST_VALUES", 100)
        monkeypatch.setattr("fastphash.external.join._PAIR_BYTES", 1 << 20)
        monkeypatch.setattr("fastphash.external.join._MATCHES_AT_ONCE", 100)
        monkeypatch.setattr("fastphash.external.equi_join._AT_ONCE", 50)


@pytest.mark.parametrize("make", SETS)
@pytest.mark.parametrize("radius", [0, 3])
def test_equals_the_join_in_memory(tmp_path, sizes, make, radius):
    rng = np.random.default_rng(3)
    hashes = make(rng, 500)
    other = np.concatenate([make(rng, 200), hashes[::9]])
    left, right = (write(tmp_path / f"{n}.parquet", h) for n, h in (("a", hashes), ("b", other)))
    scratch = tmp_path / "scratch"
    within = on_disk(scratch, Sides(stream(left), None), radius)
    assert_equal(within, in_memory(hashes, None, radius))
    across = on_disk(scratch, Sides(stream(left), stream(right)), radius)
    assert across.left.size
    assert_equal(across, in_memory(hashes, other, radius))
    assert not scratch.exists()


@pytest.mark.parametrize("needles", [1, 3])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_value_that_many_rows_have(tmp_path, sizes, needles, swapped):
    hashes = [np.full(2_000, 7, np.uint64), np.full(needles, 5, np.uint64)]
    left, right = hashes[::-1] if swapped else hashes
    sides = (stream(write(tmp_path / f"{n}.parquet", h)) for n, h in (("a", left), ("b", right)))
    found = on_disk(tmp_path / "scratch", Sides(*sides), 1)
    assert found.left.size == 2_000 * needles
    assert_equal(found, in_memory(left, right, 1))


@pytest.mark.slow
def test_what_many_rows_have_takes_no_memory_for_each(tmp_path):
    rows = 2_000_000
    write_hashes(tmp_path / "hay.parquet", path=["x"] * rows, phash=np.full(rows, 7, np.uint64))
    needle = write(tmp_path / "needle.parquet", np.array([7], np.uint64))
    for left, right in ((needle, tmp_path / "hay.parquet"), (tmp_path / "hay.parquet", needle)):
        join = DiskJoin(Sides(stream(left), stream(right)), 0, JoinOptions(1, 100 << 20))
        tracemalloc.start()
        with using_scratch(tmp_path / "scratch", join.key) as scratch:
            assert sum(some.left.size for some in join.matches(scratch)) == rows
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # a row's value and number are 16 bytes
        assert peak < 100e6


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_changes_is_named(tmp_path, replaced):
    one = write(tmp_path / "a.parquet", np.arange(50, dtype=np.uint64))
    read = stream(one)
    if replaced:
        other = write(tmp_path / "b.parquet", np.arange(50, dtype=np.uint64))
        shutil.copystat(one, other)
        other.replace(one)
    else:
        write(one, np.arange(60, dtype=np.uint64))
    with pytest.raises(StoreError, match=r"a\.parquet was replaced or written to while it was"):
        on_disk(tmp_path / "scratch", Sides(read, None), 3)
    assert on_disk(tmp_path / "scratch", Sides(stream(one), None), 0).left.size == 0


def test_only_rows_whose_values_were_found_are_looked_at(tmp_path, monkeypatch):
    """Others seem to be found by the bits of their values alone."""
    hashes = with_copies(np.random.default_rng(5), 20_000)
    matches = in_memory(hashes, None, 3)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
    join = DiskJoin(sides, 3, JoinOptions(2, MEMORY))
    with using_scratch(tmp_path / "scratch", join.key) as scratch:
        rows = join.partnered(scratch)
    np.testing.assert_array_equal(rows, np.union1d(matches.left, matches.right))
    # more values than may be held
    monkeypatch.setattr("fastphash.external.found_rows._HELD_BYTES", 1 << 30)
    with using_scratch(tmp_path / "scratch", join.key) as scratch:
        more = join.partnered(scratch)
    assert np.isin(rows, more).all()
    assert rows.size < more.size < 1.2 * rows.size


def test_too_many_pairs(tmp_path):
    hashes = np.arange(50, dtype=np.uint64) // np.uint64(5)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
    scratch = tmp_path / "scratch"
    assert on_disk(scratch, sides, 0, 100).left.size == 100
    with pytest.raises(TooManyPairsError, match="more than the limit of 99"):
        on_disk(scratch, sides, 0, 99)


@pytest.mark.parametrize("turned_right", [False, True])
def test_pairs_that_several_orientations_find_count_once(tmp_path, turned_right):
    """Needles that look the same turned, in hashes of the upright orientation alone."""
    upright = uniform(np.random.default_rng(1), 40)
    turned = np.repeat(upright[:30], 8).reshape(-1, 8)
    left, right = (upright, turned) if turned_right else (turned, upright)
    sides = (stream(write(tmp_path / f"{n}.parquet", h)) for n, h in (("a", left), ("b", right)))
    sides = Sides(*sides)
    assert on_disk(tmp_path / "scratch", sides, 1, 30).left.size == 30
    with pytest.raises(TooManyPairsError, match="more than the limit of 29"):
        on_disk(tmp_path / "scratch", sides, 1, 29)


def test_pictures_that_are_their_own_turned_copies_are_no_pairs(tmp_path):
    hashes = np.repeat(uniform(np.random.default_rng(0), 100), 8).reshape(100, 8)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
    assert on_disk(tmp_path / "scratch", sides, 0, 0).left.size == 0


def test_nothing_is_found_in_an_empty_haystack(tmp_path):
    """Copies among the needles are no pairs."""
    needles = stream(write(tmp_path / "needles.parquet", np.zeros(20, np.uint64)))
    empty = stream(write(tmp_path / "empty.parquet", np.empty(0, np.uint64)))
    for radius in (0, 3):
        for sides in (Sides(needles, empty), Sides(empty, needles)):
            assert on_disk(tmp_path / "scratch", sides, radius).left.size == 0


@pytest.mark.parametrize("name", ["path", "phash", "split"])
def test_rows_without_a_value_are_found_before_the_search(tmp_path, name):
    columns = {"path": ["a", "b", "c"], "phash": [1, 2, 2], "split": ["s", "s", "s"]}
    table = pa.table(columns | {"phash": pa.array(columns["phash"], pa.uint64())})
    rows = pa.array([None, *table[name].to_pylist()[1:]], table.schema.field(name).type)
    place = table.column_names.index(name)
    parquet.write_table(tmp_path / "a.parquet", table.set_column(place, name, rows))
    with pytest.raises(StoreError, match=f"column '{name}' has rows without a value"):
        stream(tmp_path / "a.parquet")


@pytest.mark.parametrize("rows", [0, 1])
def test_no_pairs(tmp_path, rows):
    few = stream(write(tmp_path / "few.parquet", np.arange(rows, dtype=np.uint64)))
    some = stream(write(tmp_path / "some.parquet", np.arange(3, dtype=np.uint64) + 1))
    for sides in (Sides(few, None), Sides(few, some), Sides(some, few)):
        found = on_disk(tmp_path / "scratch", sides, 0)
        assert found.left.size == 0


def test_rows_with_a_partner(tmp_path):
    hashes = with_copies(np.random.default_rng(5), 1_000)
    join = DiskJoin(Sides(stream(write(tmp_path / "a.parquet", hashes)), None), 3, JoinOptions(2))
    with using_scratch(tmp_path / "scratch", join.key) as scratch:
        rows = join.partnered(scratch)
    matches = in_memory(hashes, None, 3)
    np.testing.assert_array_equal(rows, np.union1d(matches.left, matches.right))


class StoppedError(Exception):
    """What ends a run in these tests."""


@pytest.mark.parametrize("make", [with_copies, oriented])
def test_goes_on_with_what_was_done(tmp_path, monkeypatch, make):
    monkeypatch.setattr(plans, "_MOST_VALUES", 300)
    monkeypatch.setattr(plans, "_LEAST_VALUES", 300)
    hashes = make(np.random.default_rng(6), 600)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
    scratch = tmp_path / "scratch"
    searched, reports, runs = [], 0, 0
    search = found_values.search_piece

    def counted(pieces, number, *sides):
        searched.append((pieces, number))
        return search(pieces, number, *sides)

    def stop(done, total):
        nonlocal reports
        reports += 1
        # later in each run: a run counts what was done before
        if reports > 2 * runs:
            raise StoppedError

    monkeypatch.setattr(found_values, "search_piece", counted)
    found = None
    while found is None:
        reports, runs = 0, runs + 1
        with contextlib.suppress(StoppedError):
            found = on_disk(scratch, sides, 3, advance=stop)
    assert runs > 5
    assert_equal(found, in_memory(hashes, None, 3))
    # two threads: a piece that was being searched is searched again
    assert len(searched) <= len(set(searched)) + 2 * runs
    assert not scratch.exists()


@pytest.mark.parametrize("steps", [4, 8, 12])
def test_goes_on_with_less_memory(tmp_path, monkeypatch, steps):
    """Pieces are smaller then: what was found in larger ones is no part of the result."""
    hashes = with_copies(np.random.default_rng(9), 600)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
    scratch = tmp_path / "scratch"

    def stop(done, total):
        if done > steps:
            raise StoppedError

    monkeypatch.setattr(plans, "_LEAST_VALUES", 10)
    monkeypatch.setattr(plans, "_MOST_VALUES", 300)
    with pytest.raises(StoppedError):
        on_disk(scratch, sides, 3, advance=stop)
    monkeypatch.setattr(plans, "_MOST_VALUES", 100)
    assert_equal(on_disk(scratch, sides, 3), in_memory(hashes, None, 3))


def cut(data):
    return data[: len(data) // 2]


def turn_a_bit(data):
    return data[:-3] + bytes([data[-3] ^ 16]) + data[-2:] if len(data) > 2 else data


def as_zeros(data):
    return bytes(len(data))


@pytest.mark.parametrize("damage", [cut, turn_a_bit, as_zeros])
def test_what_was_damaged_meanwhile_is_made_again_or_named(tmp_path, monkeypatch, damage):
    """As a computer that loses power leaves files, or a bad disk: no pair is lost silently."""
    monkeypatch.setattr(plans, "_MOST_VALUES", 500)
    monkeypatch.setattr(plans, "_LEAST_VALUES", 500)
    hashes = with_copies(np.random.default_rng(6), 600)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
    wanted = in_memory(hashes, None, 3)
    made_again = set()
    for steps in (3, 5, 7):
        shutil.rmtree(tmp_path / "kept", ignore_errors=True)

        def stop(done, total, steps=steps):
            if done > steps:
                raise StoppedError

        with pytest.raises(StoppedError):
            on_disk(tmp_path / "kept", sides, 3, advance=stop)
        files = [path.relative_to(tmp_path / "kept") for path in (tmp_path / "kept").rglob("*")]
        for name in files:
            scratch = tmp_path / "scratch"
            shutil.copytree(tmp_path / "kept", scratch)
            file = scratch / name
            if file.is_file() and file.stat().st_size:
                file.write_bytes(damage(file.read_bytes()))
                said = ""
                try:
                    found = on_disk(scratch, sides, 3)
                except StoreError as error:
                    said = str(error)
                if said:
                    assert f"{file} isn't what was written: delete" in said
                else:
                    assert_equal(found, wanted)
                    made_again.add(name.name[:14])
            shutil.rmtree(scratch, ignore_errors=True)
    assert {"search-0-plan.", "search-0-found", "search-0-repea"} <= made_again


def test_other_hashes_are_kept_apart(tmp_path):
    rng = np.random.default_rng(7)
    scratch = tmp_path / "scratch"
    for _ in range(2):
        hashes = with_copies(rng, 300)
        sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
        with pytest.raises(StoppedError):
            on_disk(scratch, sides, 3, advance=stop_at_once)
    assert len(list(scratch.iterdir())) == 2
    assert_equal(on_disk(scratch, sides, 3), in_memory(hashes, None, 3))
    assert len(list(scratch.iterdir())) == 1


def stop_at_once(done, total):
    if done > 3:
        raise StoppedError


def test_needs_room(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path).free
    with using_scratch(tmp_path / "scratch", "key") as scratch:
        check_space(scratch, free - (100 << 20))
        with pytest.raises(UsageError, match=r"and there are .* free in .*scratch"):
            check_space(scratch, free + (100 << 20))


def test_needs_room_for_values_of_several_pieces(tmp_path, monkeypatch):
    """A digit that is cut into tiles: each of its values is in as many pieces."""
    monkeypatch.setattr(plans, "_MOST_VALUES", 100)
    monkeypatch.setattr(plans, "_LEAST_VALUES", 100)
    hashes = hot_digit(np.random.default_rng(3), 500)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)
    needed = DiskJoin(sides, 3, JoinOptions(2, MEMORY)).needed_bytes
    free = needed + (64 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    with pytest.raises(UsageError, match=r"this join needs .* of disk for a while"):
        on_disk(tmp_path / "scratch", sides, 3)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_the_folder_whose_disk_is_full_is_named(tmp_path, monkeypatch, code):
    hashes = with_copies(np.random.default_rng(5), 500)
    sides = Sides(stream(write(tmp_path / "a.parquet", hashes)), None)

    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fastphash.external.piece_files.os.write", fail)
    join = DiskJoin(sides, 3, JoinOptions(2, MEMORY))
    for way in (join.partnered, lambda scratch: list(join.matches(scratch))):
        with (
            pytest.raises(OSError, match=os.strerror(code)) as error,
            using_scratch(tmp_path / "scratch", join.key) as scratch,
        ):
            way(scratch)
        named = str(tmp_path / "scratch") if code == errno.ENOSPC else None
        assert error.value.filename == named
