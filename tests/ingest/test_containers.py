"""Images in tar files, hashed into a store: what changed is read, what is damaged is named."""

import io
import os

import pytest
from PIL import Image

from fastphash.errors import StoreError, UsageError
from fastphash.files import empty_parquet
from fastphash.ingest import container_index, executor, worker
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.container_source import container_source
from fastphash.sources.local import LocalReader
from fastphash.sources.open_containers import close_containers
from fastphash.sources.protocol import Stamp
from fastphash.store.store import MANIFEST, open_store
from tests.support.containers import make_tar, make_zip
from tests.support.executors import InProcess
from tests.support.scenes import QUICK_PNG, scene, scenes, source
from tests.support.stores import part_bytes, paths, read_store, rejected


def png(seed):
    file = io.BytesIO()
    Image.fromarray(scene(seed)).save(file, "PNG", **QUICK_PNG)
    return file.getvalue()


def samples(seeds):
    """An image and a text for each seed, as WebDataset has them."""
    return [
        member
        for seed in seeds
        for member in ((f"{seed:03d}.png", png(seed)), (f"{seed:03d}.json", b"{}"))
    ]


@pytest.fixture
def shards(tmp_path):
    """Two shards of three images each."""
    folder = tmp_path / "in"
    make_tar(folder / "a.tar", samples(range(3)))
    make_tar(folder / "b.tar", samples(range(3, 6)))
    yield folder
    close_containers()


def split(folder, **options):
    return container_source("train", map(os.fsencode, sorted(folder.glob("*.tar"))), **options)


def update(store, folder, start_executor=InProcess, **options):
    options = IngestOptions(workers=0, **options)
    return hash_into(store, [split(folder)], options, start_executor=start_executor)["train"]


def nothing_starts(_):
    pytest.fail("workers were started")


def test_a_member_has_the_hash_of_its_file_and_says_where_it_is(tmp_path, shards):
    tally = update(tmp_path / "s", shards)
    assert (tally.inputs, tally.hashed, tally.skipped) == (12, 6, 6)
    table = read_store(tmp_path / "s")
    assert table["path"].to_pylist() == [
        f"{shard}.tar::{seed:03d}.png" for seed, shard in enumerate("aaabbb")
    ]
    assert table["container"].to_pylist() == [f"{shard}.tar" for shard in "aaabbb"]
    assert table["key"].to_pylist() == [f"{seed:03d}" for seed in range(6)]
    assert table["etag"].null_count == 6
    assert table["size"].to_pylist() == [len(png(seed)) for seed in range(6)]
    assert set(table["mtime_ns"].to_pylist()[:3]) == {(shards / "a.tar").stat().st_mtime_ns}
    hash_into(tmp_path / "files", [source("train", scenes(tmp_path / "loose", range(6)))])
    files = read_store(tmp_path / "files")
    assert files["container"].null_count == 6
    for column in ("phash", "digest", "thumbnail", "pixel_digest", "phash_transverse"):
        assert table[column].equals(files[column])


def test_unchanged_containers_are_not_opened(tmp_path, shards, monkeypatch):
    update(tmp_path / "s", shards)
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    monkeypatch.setattr(container_index, "ListTask", None)
    tally = update(tmp_path / "s", shards, nothing_starts)
    assert (tally.inputs, tally.kept, tally.hashed, tally.skipped) == (12, 6, 0, 6)
    assert {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before


def test_of_a_changed_container_only_new_bytes_are_decoded(tmp_path, shards, monkeypatch):
    update(tmp_path / "s", shards)
    make_tar(shards / "a.tar", samples([2, 9, 0]))
    decoded = []
    decode = worker.decode
    monkeypatch.setattr(
        worker, "decode", lambda data, *a, **k: decoded.append(data) or decode(data, *a, **k)
    )
    tally = update(tmp_path / "s", shards)
    assert decoded == [png(9)]
    assert (tally.kept, tally.hashed, tally.gone, tally.changed) == (5, 1, 1, 0)
    assert sorted(paths(tmp_path / "s")) == [
        *("a.tar::000.png", "a.tar::002.png", "a.tar::009.png"),
        *(f"b.tar::{seed:03d}.png" for seed in (3, 4, 5)),
    ]
    update(tmp_path / "s", shards, nothing_starts)


def test_a_member_with_other_bytes_is_hashed_again(tmp_path, shards):
    update(tmp_path / "s", shards)
    make_tar(shards / "b.tar", [("003.png", png(3)), ("004.png", png(40)), ("005.png", png(5))])
    tally = update(tmp_path / "s", shards)
    assert (tally.kept, tally.changed, tally.hashed, tally.skipped) == (5, 1, 1, 3)
    hash_into(tmp_path / "new", [split(shards)], IngestOptions(workers=0))
    assert part_bytes(tmp_path / "s").keys() == {"part-000001.parquet"}
    assert read_store(tmp_path / "s").equals(read_store(tmp_path / "new"))


def test_rehash_reads_all(tmp_path, shards):
    update(tmp_path / "s", shards)
    read = []

    class Watched(InProcess):
        def map(self, tasks):
            for batch in super().map(tasks):
                read.extend(batch.unchanged)
                yield batch

    tally = update(tmp_path / "s", shards, Watched, rehash=True)
    assert (len(read), tally.kept, tally.hashed) == (6, 6, 0)


def test_a_container_that_is_cut_short_gives_what_is_whole(tmp_path, shards):
    whole = (shards / "a.tar").read_bytes()
    at = whole.index(b"002.png")
    (shards / "a.tar").write_bytes(whole[: at + 600])
    tally = update(tmp_path / "s", shards)
    assert (tally.hashed, tally.rejected, tally.skipped) == (5, 1, 5)
    reasons = rejected(tmp_path / "s")
    assert reasons.keys() == {("train", "a.tar")}
    assert "cut short" in str(reasons)
    # it is listed again by each run, and completed by one that finds it whole
    again = update(tmp_path / "s", shards)
    assert (again.kept, again.rejected) == (5, 1)
    (shards / "a.tar").write_bytes(whole)
    assert update(tmp_path / "s", shards).rejected == 0
    assert len(paths(tmp_path / "s")) == 6
    assert not rejected(tmp_path / "s")


@pytest.mark.parametrize("how", ["damaged", "empty", "folder", "unreadable"])
def test_rows_of_a_container_that_cannot_be_listed_now_are_kept(tmp_path, shards, how):
    update(tmp_path / "s", shards)
    sources = [split(shards)]
    (shards / "a.tar").unlink()
    if how == "folder":
        (shards / "a.tar").mkdir()
    elif how == "unreadable":
        (shards / "a.tar").symlink_to(shards / "nowhere")
    else:
        (shards / "a.tar").write_bytes(b"no tar" * 200 if how == "damaged" else b"")
    options = IngestOptions(workers=0)
    tally = hash_into(tmp_path / "s", sources, options, start_executor=InProcess)["train"]
    assert (tally.kept, tally.missing, tally.rejected, tally.gone) == (3, 3, 1, 0)
    assert len(paths(tmp_path / "s")) == 6
    assert rejected(tmp_path / "s").keys() == {("train", "a.tar")}


def test_rows_of_a_container_that_is_no_longer_named_are_gone(tmp_path, shards):
    update(tmp_path / "s", shards)
    (shards / "a.tar").unlink()
    tally = update(tmp_path / "s", shards)
    assert (tally.kept, tally.gone) == (3, 3)
    make_tar(shards / "c.tar", [])
    (shards / "b.tar").unlink()
    with pytest.raises(StoreError, match="all files of split 'train'"):
        update(tmp_path / "s", shards)


def test_a_damaged_image_costs_itself_and_is_tried_again(tmp_path, shards):
    make_tar(shards / "a.tar", [("0.png", png(0)), ("1.png", b"no image"), ("2.png", b"")])
    tally = update(tmp_path / "s", shards)
    assert (tally.hashed, tally.rejected) == (4, 2)
    assert rejected(tmp_path / "s").keys() == {("train", "a.tar::1.png"), ("train", "a.tar::2.png")}
    again = update(tmp_path / "s", shards)
    assert (again.kept, again.rejected, again.hashed) == (4, 2, 0)


def test_hidden_members_are_left_out_unless_asked_for(tmp_path, shards):
    make_tar(shards / "a.tar", [("__MACOSX/._0.png", png(0)), ("./d/.x.png", png(1))])
    tally = update(tmp_path / "s", shards)
    assert (tally.hidden, tally.hashed) == (2, 3)
    again = update(tmp_path / "s", shards, nothing_starts)
    assert (again.hidden, again.kept) == (2, 3)
    found = [entry.path for entry in split(shards, hidden=True).entries()]
    assert found[:2] == [b"a.tar::__MACOSX/._0.png", b"a.tar::./d/.x.png"]


def test_hidden_members_come_and_go_though_their_container_is_unchanged(tmp_path, shards):
    make_tar(shards / "a.tar", [(".0.png", png(0)), ("1.png", png(1))])
    options = IngestOptions(workers=0)
    for hidden, images, kept in ((False, 4, 0), (True, 5, 4), (True, 5, 5), (False, 4, 4)):
        sources = [split(shards, hidden=hidden)]
        tally = hash_into(tmp_path / "s", sources, options, start_executor=InProcess)["train"]
        assert (len(paths(tmp_path / "s")), tally.kept) == (images, kept)


def test_a_container_that_changes_between_listing_and_reading_is_rejected(tmp_path, shards):
    class Late(InProcess):
        def map(self, tasks):
            make_tar(shards / "b.tar", samples([7]))
            yield from super().map(tasks)

    tally = update(tmp_path / "s", shards, Late)
    assert (tally.hashed, tally.rejected) == (3, 6)
    reasons = {row["reason"] for row in open_store(tmp_path / "s").rejected().to_pylist()}
    assert reasons == {"the container changed after it was listed: hash again"}
    assert update(tmp_path / "s", shards).rejected == 0
    assert len(paths(tmp_path / "s")) == 4


def test_members_of_equal_names_are_rows_of_their_own(tmp_path, shards):
    make_tar(shards / "a.tar", [("0.png", png(0)), ("0.png", png(1))])
    update(tmp_path / "s", shards)
    assert paths(tmp_path / "s")[:2] == ["a.tar::0.png", "a.tar::0#2.png"]
    digests = read_store(tmp_path / "s")["digest"].to_pylist()
    assert digests[0] != digests[1]


def test_workers_and_this_process_write_the_same_bytes(tmp_path, shards, monkeypatch):
    monkeypatch.setattr(executor, "_TASK_INPUTS", 2)
    hash_into(tmp_path / "s", [split(shards)], IngestOptions(workers=2))
    update(tmp_path / "t", shards)
    assert part_bytes(tmp_path / "s") == part_bytes(tmp_path / "t")
    assert empty_parquet.read_data(tmp_path / "s" / MANIFEST) == empty_parquet.read_data(
        tmp_path / "t" / MANIFEST
    )


def test_listings_that_are_forgotten_are_made_again(tmp_path, shards, monkeypatch):
    monkeypatch.setattr(container_index, "_REMEMBERED", 1)
    monkeypatch.setattr(container_index, "_LISTED_AT_ONCE", 1)
    update(tmp_path / "s", shards)
    make_tar(shards / "a.tar", samples(range(1, 3)))
    make_tar(shards / "b.tar", samples(range(4, 7)))
    tally = update(tmp_path / "s", shards)
    assert (tally.kept, tally.hashed, tally.gone) == (4, 1, 2)


def test_a_container_that_changes_between_two_listings_is_opened_again(
    tmp_path, shards, monkeypatch
):
    monkeypatch.setattr(container_index, "_REMEMBERED", 1)
    monkeypatch.setattr(container_index, "_LISTED_AT_ONCE", 1)
    damaged = ("2.png", b"no image")
    make_tar(shards / "a.tar", [("0.png", png(0)), ("1.png", png(1)), damaged])
    make_tar(shards / "b.tar", [("0.png", png(3)), ("1.png", png(4)), damaged])
    update(tmp_path / "s", shards)

    class Changing(InProcess):
        listed = 0

        def list(self, tasks):
            self.listed += 1
            if self.listed == 3:  # a.tar once more, after b.tar
                make_tar(shards / "a.tar", [(f"{n}.png", png(n + 10)) for n in range(3)])
            return super().list(tasks)

    tally = update(tmp_path / "s", shards, Changing)
    assert (tally.kept, tally.hashed, tally.rejected) == (4, 1, 1)
    assert update(tmp_path / "s", shards).hashed == 2
    update(tmp_path / "t", shards)
    ours, anew = (read_store(tmp_path / name).sort_by("path")["digest"] for name in "st")
    assert ours.to_pylist() == anew.to_pylist()


def test_the_same_container_in_two_splits_is_refused(tmp_path, shards):
    one = container_source("train", [os.fsencode(shards / "a.tar")])
    (tmp_path / "link.tar").symlink_to(shards / "a.tar")
    other = container_source("val", [os.fsencode(tmp_path / "link.tar")])
    with pytest.raises(UsageError, match="is in splits 'train' and 'val'"):
        hash_into(tmp_path / "s", [one, other])
    beside = container_source("val", [os.fsencode(shards / "b.tar")])
    tallies = hash_into(tmp_path / "s", [one, beside], IngestOptions(workers=0))
    assert [tally.hashed for tally in tallies.values()] == [3, 3]


def test_images_of_another_column_are_all_hashed_again(tmp_path, shards):
    update(tmp_path / "s", shards)
    options = IngestOptions(workers=0)
    tally = hash_into(tmp_path / "s", [split(shards, image_column="other")], options)["train"]
    assert (tally.kept, tally.hashed) == (0, 6)


def keys_of(store):
    return read_store(store)["key"].to_pylist()


def test_other_keys_are_listed_and_nothing_is_decoded(tmp_path):
    store, options = tmp_path / "s", IngestOptions(workers=0)
    names = ("a.1.png", "a.2.png", "a.1.txt")
    pictures = list(zip(names, (png(1), png(2), b""), strict=True))
    files = [make_tar(tmp_path / "x.tar", pictures), make_zip(tmp_path / "y.zip", pictures)]

    def update_with(key, start_executor=InProcess):
        split = container_source("t", map(os.fsencode, files), key=key)
        tally = hash_into(store, [split], options, start_executor=start_executor)["t"]
        return tally.inputs, tally.hashed, tally.kept, tally.changed

    assert update_with(None) == (6, 4, 0, 0)
    assert keys_of(store) == ["a", "a", "a.1", "a.2"]
    assert update_with("last-dot") == (6, 0, 4, 0)
    assert keys_of(store) == ["a.1", "a.2", "a.1", "a.2"]
    digest = open_store(store).digest
    assert update_with("last-dot", nothing_starts) == (6, 0, 4, 0)
    assert open_store(store).digest == digest
    assert update_with("first-dot") == (6, 0, 4, 0)
    assert keys_of(store) == ["a"] * 4
    written_by_earlier_version = open_store(store)
    del written_by_earlier_version.origins["t"]["key"]
    written_by_earlier_version.save()
    assert update_with("first-dot", nothing_starts) == (6, 0, 4, 0)
    written_by_earlier_version.save()
    assert update_with(None) == (6, 0, 4, 0)
    assert keys_of(store) == ["a", "a", "a.1", "a.2"]
    close_containers()


def test_another_size_is_noticed_where_times_prove_nothing(shards, tmp_path, monkeypatch):
    # as some network disks, which have no inodes and no time that only the system sets
    stamp = LocalReader.stamp
    old = lambda self, path: Stamp(stamp(self, path).size, 10**18)  # noqa: E731
    monkeypatch.setattr(LocalReader, "stamp", old)
    update(tmp_path / "store", shards)
    digests = read_store(tmp_path / "store")["digest"].to_pylist()
    others = [("large.txt", b"-" * 100_000), *samples([1, 2])]
    make_tar(shards / "a.tar", [("000.png", png(7)), *others])
    tally = update(tmp_path / "store", shards)
    assert tally.changed == 1
    assert digests[0] not in read_store(tmp_path / "store")["digest"].to_pylist()
