import json
import os

import cv2
import imagehash
import naive
import numpy as np
import pytest
from deadly import DEADLY, DeadlyRecipe
from helpers import (
    TRANSPOSES,
    part_bytes,
    planted,
    read_store,
    save,
    scene,
    scenes,
    source,
)
from PIL import Image

import fastphash
from fastphash import demo, images, ingest, workers
from fastphash.discover import folder_source, list_source
from fastphash.errors import DefinitionError, FastphashError, StoreError, UsageError
from fastphash.hashes import read_hashes
from fastphash.ingest import hash_images, hash_into
from fastphash.store import HASH_COLUMNS, Definition, Layout, open_store
from fastphash.words import UNKNOWN_CHROMA
from fastphash.workers import Hasher, Recipe, Workers, merge, worker_count


def paths(store):
    return read_store(store)["path"].to_pylist()


def rejected(store):
    rows = open_store(store).rejected().to_pylist()
    return {(row["split"], row["path"]): (row["stage"], row["reason"]) for row in rows}


def imagehashes(path):
    with Image.open(path) as image:
        turned = [image.copy(), *(image.transpose(how) for how in TRANSPOSES)]
    return [int(str(imagehash.phash(one)), 16) for one in turned]


@pytest.fixture
def no_workers(monkeypatch):
    """Call it: from then on no worker may be started."""

    def refuse(*_):
        raise AssertionError("workers were started")

    return lambda: monkeypatch.setattr(ingest, "Workers", refuse)


@pytest.fixture
def small(monkeypatch):
    """Parts of five rows, made of tasks of four files."""
    monkeypatch.setattr(ingest, "PART_ROWS", 5)
    monkeypatch.setattr(workers, "_BATCH", 4)


def test_hashes_are_those_of_imagehash(tmp_path):
    folder = tmp_path / "in"
    for seed, (suffix, shape) in enumerate(
        [
            ("png", (40, 70)),
            ("jpg", (300, 90)),
            ("bmp", (33, 32)),
            ("webp", (90, 31)),
            ("gif", (8, 8)),
        ]
    ):
        save(folder / f"{seed}.{suffix}", scene(seed, *shape))
    save(folder / "grey.tif", scene(9)[..., 0])
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    table = read_store(tmp_path / "s")
    assert table["format"].to_pylist() == ["PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF"]
    hashes = np.stack([table[name].to_numpy() for name in HASH_COLUMNS], axis=1)
    wanted = [imagehashes(folder / path) for path in table["path"].to_pylist()]
    assert hashes.tolist() == wanted


def test_rows_say_what_the_file_is(tmp_path):
    path = save(tmp_path / "in" / "a" / "x.png", scene(1, 20, 30))
    hash_into(tmp_path / "s", [source("train", tmp_path / "in")], workers=1)
    (row,) = read_store(tmp_path / "s").to_pylist()
    status = path.stat()
    assert row["split"] == "train"
    assert (row["path"], row["path_bytes"]) == ("a/x.png", None)
    assert (row["size"], row["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
    assert (row["width"], row["height"]) == (30, 20)
    assert row["digest"] == workers.xxhash.xxh3_128_digest(path.read_bytes())
    grey = Image.fromarray(scene(1, 20, 30)).convert("L")
    grey = grey.resize((32, 32), Image.Resampling.LANCZOS)
    assert row["thumbnail"] == grey.tobytes()
    assert row["chroma"] == naive.chroma(scene(1, 20, 30)).tobytes()


def test_one_worker_and_three_make_the_same_bytes(tmp_path, small):
    folders = [scenes(tmp_path / "a", range(17)), scenes(tmp_path / "b", range(9, 22))]
    (folders[0] / "005.png").write_bytes(b"broken")
    sources = [folder_source(str(folder)) for folder in folders]
    for count in (1, 3):
        hash_into(tmp_path / f"s{count}", sources, workers=count)
    parts = part_bytes(tmp_path / "s1")
    assert len(parts) == 6
    assert part_bytes(tmp_path / "s3") == parts
    for name in ("_manifest.json", "_rejected.parquet"):
        assert (tmp_path / "s1" / name).read_bytes() == (tmp_path / "s3" / name).read_bytes()
    wanted = sorted(p.name for f in folders for p in f.iterdir() if p.read_bytes() != b"broken")
    assert sorted(paths(tmp_path / "s1")) == wanted
    assert read_store(tmp_path / "s1")["split"].to_pylist() == ["a"] * 16 + ["b"] * 13


def test_rows_stand_in_the_order_of_the_names(tmp_path, small):
    names = ["a/2.png", "a/b/1.png", "a-b/1.png", "b.png", "z/1.png"]
    for seed, name in enumerate(reversed(names)):
        save(tmp_path / "in" / name, scene(seed))
    hash_into(tmp_path / "s", [source("all", tmp_path / "in")], workers=2)
    assert paths(tmp_path / "s") == names


def test_every_input_is_accounted_for(tmp_path):
    train, _ = planted(tmp_path)
    folder = tmp_path / "train"
    (folder / "gone.png").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.png")
    tally = hash_into(tmp_path / "s", [folder_source(train)], workers=1)["train"]
    assert tally.inputs == len(list(folder.iterdir()))
    assert (tally.hashed, tally.kept, tally.rejected, tally.skipped) == (11, 0, 2, 2)
    assert len(paths(tmp_path / "s")) == tally.hashed
    assert rejected(tmp_path / "s") == {
        ("train", "broken.jpg"): ("identify", "not an image of a supported format"),
        ("train", "gone.png"): ("read", "No such file or directory"),
    }
    assert open_store(tmp_path / "s").skipped == {"train": 2}


def test_damaged_images_are_rejected_with_stage_and_reason(tmp_path):
    folder = tmp_path / "in"
    whole = save(folder / "a.jpg", scene(1, 300, 300)).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "head.jpg").write_bytes(whole[:20])
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("no image")
    (folder / "misnamed.txt").write_bytes(whole)
    (folder / "folder.jpg").mkdir()
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.hashed, tally.rejected, tally.skipped) == (2, 4, 0)
    found = {path: stage for (_, path), (stage, _) in rejected(tmp_path / "s").items()}
    assert found == {
        "cut.jpg": "decode",
        "empty.png": "identify",
        "head.jpg": "identify",
        "text.jpg": "identify",
    }
    assert all(reason for _, reason in rejected(tmp_path / "s").values())


def test_a_second_run_keeps_everything_and_starts_no_worker(tmp_path, no_workers):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    before = part_bytes(tmp_path / "s"), (tmp_path / "s" / "_manifest.json").read_bytes()
    no_workers()
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.hashed, tally.changed, tally.gone) == (3, 0, 0, 0)
    assert (part_bytes(tmp_path / "s"), (tmp_path / "s" / "_manifest.json").read_bytes()) == before


def test_a_changed_file_is_hashed_again_in_its_place(tmp_path, small):
    folder = scenes(tmp_path / "in", range(12))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    before, old = part_bytes(tmp_path / "s"), read_store(tmp_path / "s")
    save(folder / "007.png", scene(70, 50, 50))
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.hashed, tally.changed, tally.inputs) == (11, 1, 1, 12)
    after = part_bytes(tmp_path / "s")
    assert before.keys() - after.keys() == {"part-000001.parquet"}
    assert after.keys() - before.keys() == {"part-000003.parquet"}
    assert all(after[name] == before[name] for name in before.keys() & after.keys())
    new = read_store(tmp_path / "s")
    assert new["path"].equals(old["path"])
    differ = [i for i, (a, b) in enumerate(zip(old["phash"], new["phash"], strict=True)) if a != b]
    assert differ == [7]
    assert new["phash"][7].as_py() == imagehashes(folder / "007.png")[0]


def test_a_file_touched_is_hashed_again(tmp_path):
    folder = scenes(tmp_path / "in", range(2))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    os.utime(folder / "001.png", ns=(1, 1))
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.changed) == (1, 1)
    assert read_store(tmp_path / "s")["mtime_ns"][1].as_py() == 1


def test_a_file_that_is_gone_is_dropped_and_so_is_an_empty_part(tmp_path, small):
    folder = scenes(tmp_path / "in", range(12))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    for seed in (3, 5, 6, 7, 8, 9):
        (folder / f"{seed:03d}.png").unlink()
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.gone, tally.inputs) == (6, 6, 6)
    assert paths(tmp_path / "s") == [f"{seed:03d}.png" for seed in (0, 1, 2, 4, 10, 11)]
    assert list(part_bytes(tmp_path / "s")) == ["part-000002.parquet", "part-000003.parquet"]


def test_new_files_go_into_a_new_part(tmp_path):
    folder = scenes(tmp_path / "in", [1, 3])
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    before = part_bytes(tmp_path / "s")
    scenes(folder, [2, 4])
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.hashed, tally.changed) == (2, 2, 0)
    after = part_bytes(tmp_path / "s")
    assert list(after) == ["part-000000.parquet", "part-000001.parquet"]
    assert after["part-000000.parquet"] == before["part-000000.parquet"]
    assert paths(tmp_path / "s") == ["001.png", "003.png", "002.png", "004.png"]


def test_the_same_runs_over_the_same_files_make_the_same_bytes(tmp_path, small):
    for store, count in (("one", 1), ("other", 2)):
        folder = tmp_path / "in"
        for seed in range(9):
            os.utime(save(folder / f"{seed}.png", scene(seed)), ns=(seed, seed))
        hash_into(tmp_path / store, [source("all", folder)], workers=count)
        (folder / "3.png").unlink()
        os.utime(folder / "4.png", ns=(44, 44))
        os.utime(save(folder / "35.png", scene(35)), ns=(35, 35))
        hash_into(tmp_path / store, [source("all", folder)], workers=count)
        (folder / "35.png").unlink()
    assert part_bytes(tmp_path / "one") == part_bytes(tmp_path / "other")


def test_other_splits_stay_as_they_are(tmp_path):
    a, b = scenes(tmp_path / "a", range(3)), scenes(tmp_path / "b", range(3, 5))
    (a / "broken.png").touch()
    hash_into(tmp_path / "s", [source("a", a)], workers=1)
    (a / "000.png").unlink()
    tallies = hash_into(tmp_path / "s", [source("b", b)], workers=1)
    assert list(tallies) == ["b"]
    assert read_store(tmp_path / "s")["split"].to_pylist() == ["a"] * 3 + ["b"] * 2
    assert list(rejected(tmp_path / "s")) == [("a", "broken.png")]
    assert open_store(tmp_path / "s").roots == {"a": str(a), "b": str(b)}


def test_an_image_that_has_become_damaged_is_rejected_and_dropped(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    (folder / "001.png").write_bytes(b"")
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.hashed, tally.rejected, tally.changed) == (2, 0, 1, 1)
    assert paths(tmp_path / "s") == ["000.png", "002.png"]
    assert list(rejected(tmp_path / "s")) == [("all", "001.png")]


def test_an_image_that_has_been_mended_is_no_longer_rejected(tmp_path):
    folder = scenes(tmp_path / "in", range(2))
    (folder / "002.png").touch()
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    scenes(folder, [2])
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.hashed, tally.rejected) == (2, 1, 0)
    assert rejected(tmp_path / "s") == {}


def test_an_image_that_has_become_a_pipe_is_counted_once(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    (folder / "001.png").unlink()
    os.mkfifo(folder / "001.png")
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert tally.inputs == 3
    assert (tally.kept, tally.skipped, tally.rejected) == (2, 1, 0)


@pytest.mark.parametrize(
    ("definition", "layout"),
    [
        (Definition(exif=True), Layout()),
        (Definition(pass_order="horizontal"), Layout()),
        (Definition(decode="reduced"), Layout()),
        (Definition(sixteen_bit="clipped"), Layout()),
        (Definition(), Layout(orientations=False)),
        (Definition(), Layout(thumbnails=False)),
    ],
)
def test_a_store_made_otherwise_is_refused_and_both_ways_are_named(tmp_path, definition, layout):
    folder = scenes(tmp_path / "in", [1])
    ingest.create_store(tmp_path / "s", Definition(), Layout())
    with pytest.raises(DefinitionError, match="was made with") as caught:
        hash_into(
            tmp_path / "s", [source("all", folder)], definition=definition, layout=layout, workers=1
        )
    ours, theirs = (Definition(), definition) if layout == Layout() else (Layout(), layout)
    assert str(ours) in str(caught.value)
    assert str(theirs) in str(caught.value)


@pytest.mark.parametrize("harm", ["cut", "removed"])
@pytest.mark.parametrize("numbers", [[0], [1], [0, 2], [0, 1, 2, 3]])
def test_damaged_parts_are_made_again_as_they_were(tmp_path, small, caplog, harm, numbers):
    folder = scenes(tmp_path / "in", range(17))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    before = part_bytes(tmp_path / "s")
    for number in numbers:
        part = tmp_path / "s" / f"part-{number:06d}.parquet"
        part.unlink() if harm == "removed" else part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(StoreError, match=f"part-{numbers[0]:06d}.parquet is"):
        open_store(tmp_path / "s").verify()
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert part_bytes(tmp_path / "s") == before
    assert tally.hashed + tally.kept == 17
    assert 0 < tally.hashed <= 5 * len(numbers)
    assert all(f"part-{number:06d}.parquet" in caplog.text for number in numbers)
    open_store(tmp_path / "s").verify()


def test_what_is_new_and_what_was_damaged_find_their_places(tmp_path, small):
    folder = scenes(tmp_path / "in", range(17))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    (tmp_path / "s" / "part-000001.parquet").unlink()
    (tmp_path / "s" / "part-000002.parquet").unlink()
    for seed in range(5, 14):
        (folder / f"{seed:03d}.png").unlink()
    scenes(folder, [100])
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.hashed, tally.kept) == (2, 7)
    assert paths(tmp_path / "s") == [f"{seed:03d}.png" for seed in [*range(5), 14, 100, 15, 16]]
    open_store(tmp_path / "s").verify()


def test_what_may_be_lost_of_other_splits_is_not_dropped(tmp_path, small):
    sources = [source(name, scenes(tmp_path / name, range(7))) for name in "ab"]
    hash_into(tmp_path / "s", sources, workers=1)
    before = part_bytes(tmp_path / "s")
    (tmp_path / "s" / "part-000002.parquet").unlink()
    with pytest.raises(StoreError, match=r"part-000002.parquet is missing, and holds .* 'b'"):
        hash_into(tmp_path / "s", sources[:1], workers=1)
    hash_into(tmp_path / "s", sources, workers=1)
    assert part_bytes(tmp_path / "s") == before


def test_a_split_that_was_not_finished_is_not_taken_for_whole(tmp_path, small, monkeypatch):
    sources = [source(name, scenes(tmp_path / name, range(7))) for name in "ab"]
    write = ingest._Update._add_part

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest._Update, "_add_part", killed)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", sources[:1], workers=1)
    monkeypatch.setattr(ingest._Update, "_add_part", write)
    hash_into(tmp_path / "s", sources[1:], workers=1)
    with pytest.raises(StoreError, match=r"is not finished \(split 'a'\)"):
        open_store(tmp_path / "s").verify()
    hash_into(tmp_path / "s", sources[:1], workers=1)
    assert len(read_store(tmp_path / "s")) == 14


def test_files_that_are_gone_may_be_kept(tmp_path, small):
    folder = scenes(tmp_path / "in", range(8))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    before = part_bytes(tmp_path / "s")
    (folder / "002.png").unlink()
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1, keep_missing=True)["all"]
    assert (tally.inputs, tally.kept, tally.missing, tally.gone) == (7, 7, 1, 0)
    assert part_bytes(tmp_path / "s") == before
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.missing, tally.gone) == (7, 0, 1)
    assert "002.png" not in paths(tmp_path / "s")


@pytest.fixture
def twins(tmp_path):
    """Two folders of equal names, sizes and times, and other pictures."""
    folders = [tmp_path / "one", tmp_path / "other"]
    for shift, folder in enumerate(folders):
        for seed in range(12):
            path = save(folder / f"{seed:03d}.bmp", scene(seed + 100 * shift))
            os.utime(path, ns=(7, 7))
    return folders


def kill_at_save(monkeypatch, number):
    """Have the run die after it has saved the manifest so often."""
    save_manifest = ingest.Store.save
    calls = []

    def killed(store):
        save_manifest(store)
        calls.append(1)
        if len(calls) == number:
            monkeypatch.setattr(ingest.Store, "save", save_manifest)
            raise KeyboardInterrupt

    monkeypatch.setattr(ingest.Store, "save", killed)


def test_rows_of_another_folder_do_not_hold_though_the_run_was_killed(
    tmp_path, small, monkeypatch, twins
):
    one, other = twins
    hash_into(tmp_path / "s", [source("all", one)], workers=1)
    kill_at_save(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", [source("all", other)], workers=1)
    hash_into(tmp_path / "s", [source("all", other)], workers=1)
    hash_into(tmp_path / "new", [source("all", other)], workers=1)
    assert read_store(tmp_path / "s").equals(read_store(tmp_path / "new"))


def test_nor_do_they_if_their_part_was_rewritten_for_another_split(
    tmp_path, small, monkeypatch, twins
):
    one, other = twins
    more = source("b", scenes(tmp_path / "b", range(4)))
    hash_into(tmp_path / "s", [source("a", one), more], workers=1)
    kill_at_save(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", [source("a", other), more], workers=1)
    # part 2 holds rows of both
    save(tmp_path / "b" / "000.png", scene(50))
    hash_into(tmp_path / "s", [more], workers=1)
    hash_into(tmp_path / "s", [source("a", other), more], workers=1)
    hash_into(tmp_path / "new", [source("a", other), more], workers=1)
    assert read_store(tmp_path / "s")["phash"].equals(read_store(tmp_path / "new")["phash"])


def test_rows_of_another_folder_are_not_kept_as_missing(tmp_path, small, twins):
    one, other = twins
    hash_into(tmp_path / "s", [source("all", one)], workers=1)
    (other / "003.bmp").unlink()
    tally = hash_into(tmp_path / "s", [source("all", other)], workers=1, keep_missing=True)["all"]
    assert (tally.hashed, tally.missing, tally.gone) == (11, 0, 1)


def test_a_listed_file_that_is_gone_may_be_kept(tmp_path, monkeypatch):
    scenes(tmp_path, range(3))
    monkeypatch.chdir(tmp_path)
    listed = list_source("all", b"000.png\n001.png\n002.png\n")
    hash_into(tmp_path / "s", [listed], workers=1)
    (tmp_path / "001.png").unlink()
    tally = hash_into(tmp_path / "s", [listed], workers=1, keep_missing=True)["all"]
    assert (tally.inputs, tally.kept, tally.missing, tally.rejected) == (2, 2, 1, 0)
    tally = hash_into(tmp_path / "s", [listed], workers=1)["all"]
    assert (tally.kept, tally.rejected) == (2, 1)
    assert paths(tmp_path / "s") == ["000.png", "002.png"]


def test_a_folder_that_can_not_be_listed_loses_nothing(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(2))
    scenes(folder / "below", range(5, 8))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    before = part_bytes(tmp_path / "s")
    scandir = os.scandir

    def closed(path):
        if os.fsencode(path).endswith(b"below"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.inputs, tally.kept, tally.rejected, tally.missing, tally.gone) == (3, 2, 1, 3, 0)
    assert part_bytes(tmp_path / "s") == before


def test_a_folder_that_is_empty_all_at_once_loses_nothing(tmp_path):
    folder = scenes(tmp_path / "in", range(5))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    before = part_bytes(tmp_path / "s")
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(StoreError, match="all 5 files of split 'all' are gone"):
        hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    assert part_bytes(tmp_path / "s") == before
    open_store(tmp_path / "s").verify()


def test_a_run_that_changes_nothing_writes_nothing(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(3))
    (folder / "broken.png").write_bytes(b"broken")
    (folder / "notes.txt").write_text("no image")
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    monkeypatch.setattr(ingest.Store, "save", None)
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.inputs, tally.kept, tally.rejected, tally.skipped) == (5, 3, 1, 1)


def test_inputs_that_get_lost_are_noticed(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(3))
    take = Workers.hash_files
    monkeypatch.setattr(
        Workers, "hash_files", lambda self, root, names: take(self, root, list(names)[1:])
    )
    with pytest.raises(FastphashError, match="of 3 inputs of split 'all' 2 are accounted for"):
        hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    with pytest.raises(StoreError, match="not finished"):
        open_store(tmp_path / "s").verify()


def test_clashing_splits_are_refused_before_anything_is_written(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    with pytest.raises(UsageError, match="are the same folder"):
        hash_into(tmp_path / "s", [source("a", folder), source("b", folder)])
    with pytest.raises(UsageError, match="at least 1, not 0"):
        hash_into(tmp_path / "s", [source("a", folder)], workers=0)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("when", ["adding", "rewriting"])
def test_a_run_killed_between_a_part_and_the_manifest_is_completed_by_the_next(
    tmp_path, monkeypatch, when
):
    folder = scenes(tmp_path / "in", range(3))
    sources = [source("all", folder)]
    if when == "rewriting":
        hash_into(tmp_path / "s", sources, workers=1)
        hash_into(tmp_path / "undisturbed", sources, workers=1)
        save(folder / "001.png", scene(10))
    hash_into(tmp_path / "undisturbed", sources, workers=1)
    ingest._open_or_create(tmp_path / "s", Definition(), Layout(), ["all"])

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest.Store, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", sources, workers=1)
    monkeypatch.undo()
    hash_into(tmp_path / "s", sources, workers=1)
    assert part_bytes(tmp_path / "s") == part_bytes(tmp_path / "undisturbed")


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    leftover = tmp_path / "s" / "_part-000001.parquet.tmp"
    leftover.write_bytes(b"half")
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    assert not leftover.exists()


def test_parts_are_full_but_for_the_last(tmp_path, small):
    folder = scenes(tmp_path / "in", range(13))
    hash_into(tmp_path / "s", [source("all", folder)], workers=2)
    store = open_store(tmp_path / "s")
    assert [part.rows for part in store.parts] == [5, 5, 3]
    assert paths(tmp_path / "s") == [f"{seed:03d}.png" for seed in range(13)]


def test_names_that_are_not_utf8_are_kept_to_the_byte_and_found_again(tmp_path, no_workers):
    folder = scenes(tmp_path / "in", [1])
    os.rename(folder / "001.png", os.path.join(os.fsencode(folder), b"\xff\n.png"))
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    (row,) = read_store(tmp_path / "s").to_pylist()
    assert (row["path"], row["path_bytes"]) == ("\N{REPLACEMENT CHARACTER}\n.png", b"\xff\n.png")
    no_workers()
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=1)["all"]
    assert (tally.kept, tally.gone) == (1, 0)


def test_links_to_files_are_rows_of_the_same_digest(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    (folder / "link.png").symlink_to("001.png")
    hash_into(tmp_path / "s", [source("all", folder)], workers=1)
    one, other = read_store(tmp_path / "s")["digest"].to_pylist()
    assert one == other


def test_a_list_of_files_is_hashed_as_a_split(tmp_path, monkeypatch):
    scenes(tmp_path / "in", range(3))
    monkeypatch.chdir(tmp_path)
    absolute = os.fsencode(tmp_path / "in" / "002.png")
    names = [b"in/001.png", b"./in//000.png", b"in/000.png", absolute, b"in/9.png"]
    listed = list_source("some", b"\n".join(names))
    tally = hash_into(tmp_path / "s", [listed], workers=1)["some"]
    assert paths(tmp_path / "s") == ["in/000.png", "in/001.png", "in/002.png"]
    assert (tally.hashed, tally.rejected) == (3, 1)
    assert open_store(tmp_path / "s").roots == {"some": str(tmp_path)}


def test_optional_columns_can_be_left_out(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    layout = Layout(orientations=False, thumbnails=False)
    hash_into(tmp_path / "s", [source("all", folder)], layout=layout, workers=1)
    table = read_store(tmp_path / "s")
    assert table.column_names[-1] == "phash"
    assert table["phash"][0].as_py() == imagehashes(folder / "001.png")[0]


def test_progress_counts_every_file(tmp_path, small):
    folder = scenes(tmp_path / "in", range(9))
    seen = []
    hash_into(
        tmp_path / "s",
        [source("all", folder)],
        workers=1,
        progress=lambda *state: seen.append(state),
    )
    assert [state for state in seen if state[1]] == [
        ("looking for files", 9, 9),
        ("hashing", 4, 9),
        ("hashing", 8, 9),
        ("hashing", 9, 9),
    ]


def test_hash_images_gives_rows_in_the_order_of_the_paths(tmp_path):
    folder = scenes(tmp_path / "in", range(4))
    (folder / "notes.txt").write_text("no image")
    given = [folder / f"{seed:03d}.png" for seed in (2, 0, 3)]
    inputs = [
        given[0],
        str(folder / "notes.txt"),
        os.fsencode(given[1]),
        folder / "gone.png",
        given[2],
    ]
    hashed = hash_images(iter(inputs), workers=2)
    assert hashed.table["path"].to_pylist() == [str(path) for path in given]
    assert "split" not in hashed.table.column_names
    hashes = np.stack([hashed.table[name].to_numpy() for name in HASH_COLUMNS], axis=1)
    assert hashes.tolist() == [fastphash.phash_orientations(path).tolist() for path in given]
    assert hashed.rejected.select(["path", "stage", "reason"]).to_pylist() == [
        {"path": str(folder / "gone.png"), "stage": "read", "reason": "No such file or directory"},
        {"path": str(folder / "notes.txt"), "stage": "identify", "reason": "not an image"},
    ]


def test_hash_images_without_images_gives_empty_tables():
    hashed = hash_images([], workers=1, orientations=False, thumbnails=False)
    assert hashed.table.num_rows == hashed.rejected.num_rows == 0
    assert hashed.table.column_names[-1] == "phash"


def test_chroma_comes_with_the_thumbnails_and_is_null_where_it_is_unknown(tmp_path):
    paths = [save(tmp_path / f"{i}.{s}", scene(i)) for i, s in enumerate(("png", "jpg", "jpg"))]
    assert "chroma" not in hash_images(paths, workers=1, thumbnails=False).table.column_names
    full = hash_images(paths, workers=1).table["chroma"]
    assert full.to_pylist() == [
        naive.chroma(np.asarray(Image.open(path))).tobytes() for path in paths
    ]
    reduced = Definition(decode="reduced")
    assert hash_images(paths, workers=1, definition=reduced).table["chroma"].to_pylist() == [
        full[0].as_py(),
        None,
        None,
    ]
    hash_into(tmp_path / "s", [source("all", tmp_path)], definition=reduced, workers=1)
    values = read_hashes(str(tmp_path / "s")).chroma
    assert values[0].tobytes() == full[0].as_py()
    assert (values[1:, 0] == UNKNOWN_CHROMA).all()


def test_content_just_seen_is_decoded_once(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", [1, 2])
    for name in ("copy.png", "again.png"):
        (folder / name).write_bytes((folder / "001.png").read_bytes())
    decoded = []
    decode = images.decode
    monkeypatch.setattr(
        images, "decode", lambda data, *rules: decoded.append(data) or decode(data, *rules)
    )
    hasher = Hasher(Recipe())
    first = hasher.hash_files(os.fsencode(folder), [b"001.png", b"copy.png", b"002.png"])
    assert len(decoded) == 2
    later = hasher.hash_files(os.fsencode(folder), [b"again.png", b"002.png"])
    assert len(decoded) == 2
    hashes = np.concatenate([first.hashes, later.hashes])
    assert (hashes[[1, 3, 4]] == hashes[[0, 0, 2]]).all()
    assert hashes[0].tolist() == imagehashes(folder / "001.png")


def test_what_a_worker_remembers_is_bounded_and_the_oldest_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_REMEMBERED", 2)
    folder = scenes(tmp_path / "in", range(3))
    hasher = Hasher(Recipe(orientations=False))
    for seed in (0, 1, 0, 2):
        hasher.hash_files(os.fsencode(folder), [b"%03d.png" % seed])
    decoded = []
    decode = images.decode
    monkeypatch.setattr(
        images, "decode", lambda data, *rules: decoded.append(data) or decode(data, *rules)
    )
    batch = hasher.hash_files(os.fsencode(folder), [b"000.png", b"001.png", b"002.png"])
    assert decoded == [(folder / "001.png").read_bytes()]
    assert batch.hashes[:, 0].tolist() == [
        imagehashes(folder / f"{seed:03d}.png")[0] for seed in range(3)
    ]


def test_batches_are_merged_in_order(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    (folder / "notes.txt").write_text("no image")
    (folder / "empty.png").touch()
    names = sorted(os.fsencode(path.name) for path in folder.iterdir())
    whole = Hasher(Recipe()).hash_files(os.fsencode(folder), names)
    alone = [Hasher(Recipe()).hash_files(os.fsencode(folder), [name]) for name in names]
    merged = merge(alone)
    for name in (*workers._OF_ROWS, "rejected", "skipped"):
        assert getattr(merged, name) == getattr(whole, name)
    assert (merged.hashes == whole.hashes).all()
    assert (merged.thumbnails == whole.thumbnails).all()
    assert merged.inputs == len(names) == 5


def deadly(folder, *names):
    """Images that a worker with `DeadlyRecipe` dies of."""
    for name in names:
        with open(folder / name, "ab") as file:
            file.write(DEADLY)


def test_only_the_file_that_a_worker_dies_of_is_rejected(tmp_path, small):
    folder = scenes(tmp_path / "in", range(14))
    deadly(folder, "005.png", "012.png")
    names = [b"%03d.png" % seed for seed in range(14)]
    with Workers(2, DeadlyRecipe()) as pool:
        whole = merge(list(pool.hash_files(os.fsencode(folder), names)))
    assert whole.paths == [name for name in names if name not in (b"005.png", b"012.png")]
    assert [(r.path, r.stage) for r in whole.rejected] == [
        (b"005.png", "worker"),
        (b"012.png", "worker"),
    ]
    assert all("the worker process died" in r.reason for r in whole.rejected)
    assert whole.hashes[0].tolist() == imagehashes(folder / "000.png")


def test_a_store_is_finished_although_workers_died(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(5))
    deadly(folder, "003.png")
    monkeypatch.setattr(ingest, "_recipe", lambda *_: DeadlyRecipe())
    tally = hash_into(tmp_path / "s", [source("all", folder)], workers=2)["all"]
    assert (tally.hashed, tally.rejected, tally.inputs) == (4, 1, 5)
    assert paths(tmp_path / "s") == ["000.png", "001.png", "002.png", "004.png"]
    ((stage, reason),) = rejected(tmp_path / "s").values()
    assert (stage, reason) == (
        "worker",
        "the worker process died of it twice, by SIGSEGV",
    )


def test_workers_are_counted_and_checked():
    assert worker_count(None) >= 1
    assert worker_count(3) == 3
    for count in (0, -1):
        with pytest.raises(UsageError, match=f"not {count}"):
            worker_count(count)
        with pytest.raises(UsageError, match=f"not {count}"):
            Workers(count, Recipe())


def test_the_manifest_lists_what_was_skipped_and_where_from(tmp_path):
    train, val = planted(tmp_path)
    hash_into(tmp_path / "s", [folder_source(train), folder_source(val)], workers=1)
    manifest = json.loads((tmp_path / "s" / "_manifest.json").read_text())
    assert manifest["roots"] == {"train": str(tmp_path / "train"), "val": str(tmp_path / "val")}
    assert manifest["skipped"] == {"train": 1, "val": 0}
    assert [part["rows"] for part in manifest["parts"]] == [16]


def test_damage_that_opencv_takes_with_a_warning_is_rejected_by_workers(tmp_path):
    data = images.encode(demo.scene(np.random.default_rng(0)), "JPEG", 85)
    paths = []
    for seed in (17, 50, 111, 155, 158, 198, 233, 290):  # OpenCV gives pixels, Pillow refuses
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        for _ in range(2):
            damaged[rng.integers(600, len(data) - 2)] ^= 1 << rng.integers(8)
        paths.append(tmp_path / f"{seed}.jpg")
        paths[-1].write_bytes(damaged)
        assert cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR) is not None
    found = hash_images(paths, workers=1)
    assert (found.table.num_rows, found.rejected.num_rows) == (0, len(paths))
    assert set(found.rejected["stage"].to_pylist()) == {"decode"}
