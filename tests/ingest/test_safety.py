import os

import pytest

from fastphash.errors import DefinitionError, FastphashError, StoreError, UsageError
from fastphash.hashing.definition import Definition
from fastphash.ingest.api import _open_or_create, hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.ingest.part_writer import PartWriter
from fastphash.ingest.pool import Workers
from fastphash.sources.local import list_source
from fastphash.store.create import create_store
from fastphash.store.schema import Layout
from fastphash.store.store import Store, open_store
from tests.support.executors import ONE_WORKER
from tests.support.scenes import save, scene, scenes, source
from tests.support.stores import part_bytes, paths, read_store


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
    create_store(tmp_path / "s", Definition(), Layout())
    with pytest.raises(DefinitionError, match="was made with") as caught:
        hash_into(
            tmp_path / "s",
            [source("all", folder)],
            IngestOptions(definition=definition, layout=layout, workers=1),
        )
    ours, theirs = (Definition(), definition) if layout == Layout() else (Layout(), layout)
    assert str(ours) in str(caught.value)
    assert str(theirs) in str(caught.value)


@pytest.mark.parametrize("harm", ["cut", "removed"])
@pytest.mark.parametrize("numbers", [[0], [1], [0, 2], [0, 1, 2, 3]])
def test_damaged_parts_are_made_again_as_they_were(tmp_path, small, caplog, harm, numbers):
    folder = scenes(tmp_path / "in", range(17))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    before = part_bytes(tmp_path / "s")
    for number in numbers:
        part = tmp_path / "s" / f"part-{number:06d}.parquet"
        part.unlink() if harm == "removed" else part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(StoreError, match=f"part-{numbers[0]:06d}.parquet is"):
        open_store(tmp_path / "s").verify()
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert part_bytes(tmp_path / "s") == before
    assert tally.hashed + tally.kept == 17
    assert 0 < tally.hashed <= 5 * len(numbers)
    assert all(f"part-{number:06d}.parquet" in caplog.text for number in numbers)
    open_store(tmp_path / "s").verify()


def test_what_is_new_and_what_was_damaged_find_their_places(tmp_path, small):
    folder = scenes(tmp_path / "in", range(17))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    (tmp_path / "s" / "part-000001.parquet").unlink()
    (tmp_path / "s" / "part-000002.parquet").unlink()
    for seed in range(5, 14):
        (folder / f"{seed:03d}.png").unlink()
    scenes(folder, [100])
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.hashed, tally.kept) == (2, 7)
    assert paths(tmp_path / "s") == [f"{seed:03d}.png" for seed in [*range(5), 14, 100, 15, 16]]
    open_store(tmp_path / "s").verify()


def test_what_may_be_lost_of_other_splits_is_not_dropped(tmp_path, small):
    sources = [source(name, scenes(tmp_path / name, range(7))) for name in "ab"]
    hash_into(tmp_path / "s", sources, ONE_WORKER)
    before = part_bytes(tmp_path / "s")
    (tmp_path / "s" / "part-000002.parquet").unlink()
    with pytest.raises(StoreError, match=r"part-000002.parquet is missing, and holds .* 'b'"):
        hash_into(tmp_path / "s", sources[:1], ONE_WORKER)
    hash_into(tmp_path / "s", sources, ONE_WORKER)
    assert part_bytes(tmp_path / "s") == before


def test_a_split_that_was_not_finished_is_not_taken_for_whole(tmp_path, small, monkeypatch):
    sources = [source(name, scenes(tmp_path / name, range(7))) for name in "ab"]
    write = PartWriter.append

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(PartWriter, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", sources[:1], ONE_WORKER)
    monkeypatch.setattr(PartWriter, "append", write)
    hash_into(tmp_path / "s", sources[1:], ONE_WORKER)
    with pytest.raises(StoreError, match=r"is not finished \(split 'a'\)"):
        open_store(tmp_path / "s").verify()
    hash_into(tmp_path / "s", sources[:1], ONE_WORKER)
    assert len(read_store(tmp_path / "s")) == 14


def test_files_that_are_gone_may_be_kept(tmp_path, small):
    folder = scenes(tmp_path / "in", range(8))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    before = part_bytes(tmp_path / "s")
    (folder / "002.png").unlink()
    tally = hash_into(
        tmp_path / "s", [source("all", folder)], IngestOptions(workers=1, keep_missing=True)
    )["all"]
    assert (tally.inputs, tally.kept, tally.missing, tally.gone) == (7, 7, 1, 0)
    assert part_bytes(tmp_path / "s") == before
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
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
    save_manifest = Store.save
    calls = []

    def killed(store):
        save_manifest(store)
        calls.append(1)
        if len(calls) == number:
            monkeypatch.setattr(Store, "save", save_manifest)
            raise KeyboardInterrupt

    monkeypatch.setattr(Store, "save", killed)


def test_rows_of_another_folder_do_not_hold_though_the_run_was_killed(
    tmp_path, small, monkeypatch, twins
):
    one, other = twins
    hash_into(tmp_path / "s", [source("all", one)], ONE_WORKER)
    kill_at_save(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", [source("all", other)], ONE_WORKER)
    hash_into(tmp_path / "s", [source("all", other)], ONE_WORKER)
    hash_into(tmp_path / "new", [source("all", other)], ONE_WORKER)
    assert read_store(tmp_path / "s").equals(read_store(tmp_path / "new"))


def test_nor_do_they_if_their_part_was_rewritten_for_another_split(
    tmp_path, small, monkeypatch, twins
):
    one, other = twins
    more = source("b", scenes(tmp_path / "b", range(4)))
    hash_into(tmp_path / "s", [source("a", one), more], ONE_WORKER)
    kill_at_save(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", [source("a", other), more], ONE_WORKER)
    # part 2 holds rows of both
    save(tmp_path / "b" / "000.png", scene(50))
    hash_into(tmp_path / "s", [more], ONE_WORKER)
    hash_into(tmp_path / "s", [source("a", other), more], ONE_WORKER)
    hash_into(tmp_path / "new", [source("a", other), more], ONE_WORKER)
    assert read_store(tmp_path / "s")["phash"].equals(read_store(tmp_path / "new")["phash"])


def test_rows_of_another_folder_are_not_kept_as_missing(tmp_path, small, twins):
    one, other = twins
    hash_into(tmp_path / "s", [source("all", one)], ONE_WORKER)
    (other / "003.bmp").unlink()
    tally = hash_into(
        tmp_path / "s", [source("all", other)], IngestOptions(workers=1, keep_missing=True)
    )["all"]
    assert (tally.hashed, tally.missing, tally.gone) == (11, 0, 1)


def test_a_listed_file_that_is_gone_may_be_kept(tmp_path, monkeypatch):
    scenes(tmp_path, range(3))
    monkeypatch.chdir(tmp_path)
    listed = list_source("all", b"000.png\n001.png\n002.png\n")
    hash_into(tmp_path / "s", [listed], ONE_WORKER)
    (tmp_path / "001.png").unlink()
    tally = hash_into(tmp_path / "s", [listed], IngestOptions(workers=1, keep_missing=True))["all"]
    assert (tally.inputs, tally.kept, tally.missing, tally.rejected) == (2, 2, 1, 0)
    tally = hash_into(tmp_path / "s", [listed], ONE_WORKER)["all"]
    assert (tally.kept, tally.rejected) == (2, 1)
    assert paths(tmp_path / "s") == ["000.png", "002.png"]


def test_a_folder_that_can_not_be_listed_loses_nothing(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(2))
    scenes(folder / "below", range(5, 8))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    before = part_bytes(tmp_path / "s")
    scandir = os.scandir

    def closed(path):
        if os.fsencode(path).endswith(b"below"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.inputs, tally.kept, tally.rejected, tally.missing, tally.gone) == (3, 2, 1, 3, 0)
    assert part_bytes(tmp_path / "s") == before


def test_a_folder_that_is_empty_all_at_once_loses_nothing(tmp_path):
    folder = scenes(tmp_path / "in", range(5))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    before = part_bytes(tmp_path / "s")
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(StoreError, match=r"all files of split 'all' \(5\) are gone"):
        hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    assert part_bytes(tmp_path / "s") == before
    open_store(tmp_path / "s").verify()


def test_inputs_that_get_lost_are_noticed(tmp_path, monkeypatch):
    folder = scenes(tmp_path / "in", range(3))
    take = Workers.map
    monkeypatch.setattr(
        Workers,
        "map",
        lambda self, tasks: take(self, (t._replace(paths=t.paths[1:]) for t in tasks)),
    )
    with pytest.raises(FastphashError, match="of 3 inputs of split 'all' 2 are accounted for"):
        hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    with pytest.raises(StoreError, match="not finished"):
        open_store(tmp_path / "s").verify()


def test_clashing_splits_are_refused_before_anything_is_written(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    with pytest.raises(UsageError, match="are the same folder"):
        hash_into(tmp_path / "s", [source("a", folder), source("b", folder)])
    with pytest.raises(UsageError, match="0 or more, not -1"):
        hash_into(tmp_path / "s", [source("a", folder)], IngestOptions(workers=-1))
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("when", ["adding", "rewriting"])
def test_a_run_killed_between_a_part_and_the_manifest_is_completed_by_the_next(
    tmp_path, monkeypatch, when
):
    folder = scenes(tmp_path / "in", range(3))
    sources = [source("all", folder)]
    if when == "rewriting":
        hash_into(tmp_path / "s", sources, ONE_WORKER)
        hash_into(tmp_path / "undisturbed", sources, ONE_WORKER)
        save(folder / "001.png", scene(10))
    hash_into(tmp_path / "undisturbed", sources, ONE_WORKER)
    _open_or_create(tmp_path / "s", IngestOptions(), ["all"])

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        hash_into(tmp_path / "s", sources, ONE_WORKER)
    monkeypatch.undo()
    hash_into(tmp_path / "s", sources, ONE_WORKER)
    assert part_bytes(tmp_path / "s") == part_bytes(tmp_path / "undisturbed")


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    leftover = tmp_path / "s" / "_part-000001.parquet.fastphash.tmp"
    leftover.write_bytes(b"half")
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    assert not leftover.exists()
