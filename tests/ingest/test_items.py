"""Images from any iterable: the bytes of files, PIL images, arrays."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

import fastphash as fp
from fastphash.errors import DefinitionError, StoreError, UsageError
from fastphash.hashing.definition import Definition
from fastphash.ingest import executor, part_writer
from fastphash.ingest.api import hash_images, hash_into
from fastphash.ingest.items import hash_items
from fastphash.ingest.options import IngestOptions
from fastphash.store.open import read_hashes
from fastphash.store.store import Store, open_store
from tests.support.scenes import scene, scenes, source
from tests.support.stores import part_bytes, read_store


def hashes(items, **options):
    """Hashes and names, and the reasons of what was rejected."""
    table, rejected = hash_items(items, workers=0, **options)
    reasons = dict(zip(rejected["path"].to_pylist(), rejected["reason"].to_pylist(), strict=True))
    return dict(zip(table["path"].to_pylist(), table["phash"].to_pylist(), strict=True)), reasons


def test_bytes_are_hashed_as_their_files_are(tmp_path):
    files = sorted(scenes(tmp_path / "in", range(3)).iterdir())
    ours = hash_items([(str(file), file.read_bytes()) for file in files], workers=0).table
    theirs = hash_images(files, workers=0).table
    columns = [
        name for name in theirs.column_names if name not in ("mtime_ns", "inode", "ctime_ns")
    ]
    assert ours.select(columns).equals(theirs.select(columns))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "F", "I"])
def test_images_are_hashed_as_pillow_gives_them(mode):
    base = Image.fromarray(scene(1))
    image = (base.convert("L") if mode == "I;16" else base).convert(mode)
    file = io.BytesIO()
    image.save(file, "TIFF" if mode in ("CMYK", "F", "I") else "PNG")
    found, reasons = hashes([("a", image), ("b", file.getvalue())])
    assert found["a"] == found["b"] == int(fp.phash(image))
    assert not reasons


def test_arrays_are_hashed_as_images():
    rgb = scene(2)
    grey = rgb[:, :, 0]
    found, _ = hashes(
        {
            "rgb": rgb,
            "rgba": np.dstack([rgb, np.full_like(grey, 255)]),
            "turned": np.asfortranarray(rgb),
            "grey": grey,
            "u16": grey.astype(np.uint16) * np.uint16(257),
            "f64": grey.astype(np.float64),
            "mask": grey > 90,
        }.items()
    )
    assert found["rgb"] == found["rgba"] == found["turned"] == int(fp.phash(rgb))
    assert found["grey"] == found["u16"] == found["f64"] == int(fp.phash(grey))
    assert found["mask"] == int(fp.phash((grey > 90).astype(np.uint8) * np.uint8(255)))


def test_what_is_no_image_is_rejected_with_its_reason():
    items = [
        ("none", None),
        ("text", b"no image"),
        ("channels first", scene(1).transpose(2, 0, 1)),
        ("float colours", scene(1).astype(np.float32)),
        ("no pixels", np.zeros((0, 4), np.uint8)),
        ("hsv", Image.fromarray(scene(1)).convert("HSV")),
        ("sound", scene(1)),
        ("sound", scene(2)),
    ]
    found, reasons = hashes(items)
    assert list(found) == ["sound"]
    assert reasons["none"] == "None instead of an image"
    assert "not an image" in reasons["text"]
    assert (
        "an array of uint8, (3, 48, 64), is no image: it is to be uint8 (h, w)"
        in (reasons["channels first"])
    )
    assert "float32" in reasons["float colours"]
    assert "no pixels" in reasons["no pixels"]
    assert "mode HSV" in reasons["hsv"]
    assert reasons["sound"] == "a second item of this key"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("abc", "takes an iterable of"),
        (3, "takes an iterable of"),
        ([b"bytes"], "not of b'bytes'"),
        ([("key",)], "not of"),
        ([(3.5, b"")], "a key is a str, bytes or a whole number, and not empty: not 3.5"),
        ([("", b"")], "not empty"),
        ([(True, b"")], "not True"),
        ([("a\0b", b"")], "a key is"),
        ([("a", "photo.jpg")], "the image of 'a' is str: give bytes, a PIL image or an array"),
    ],
)
def test_other_arguments_are_wrong_usage(items, said):
    with pytest.raises(UsageError, match=said):
        hash_items(items, workers=0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"store": 3}, "a path is a str, bytes or a path object, not 3"),
        ({"split": None}, "the name of a split is a str, not None"),
    ],
)
def test_stores_and_splits_of_other_types_are_wrong_usage(tmp_path, arguments, said):
    with pytest.raises(UsageError, match=said):
        hash_items([("a", b"")], **{"store": tmp_path / "hashes", "workers": 0} | arguments)


def test_keys_may_be_numbers_and_bytes():
    found, _ = hashes([(7, scene(1)), (np.int64(8), scene(2)), (b"\xff", scene(3))])
    assert list(found) == ["7", "8", "\ufffd"]


def test_a_store_gets_a_split_and_a_second_run_replaces_it(tmp_path):
    other = scenes(tmp_path / "in", [20, 21])
    hash_into(tmp_path / "s", [source("other", other)], IngestOptions(workers=0))
    items = [(number, scene(number)) for number in range(5)]
    tally = hash_items(iter(items), store=tmp_path / "s", split="mine", workers=0)
    assert (tally.inputs, tally.hashed) == (5, 5)
    assert len(read_hashes(f"{tmp_path / 's'}@mine")) == 5
    before = part_bytes(tmp_path / "s")
    tally = hash_items([*items[:2], (9, None)], store=str(tmp_path / "s"), split="mine", workers=0)
    assert (tally.inputs, tally.hashed, tally.rejected) == (3, 2, 1)
    assert read_store(tmp_path / "s")["path"].to_pylist() == ["020.png", "021.png", "0", "1"]
    hash_items(items, store=tmp_path / "s", split="mine", workers=0)
    assert list(part_bytes(tmp_path / "s").values()) == list(before.values())


def test_a_store_whose_run_fails_is_not_taken_for_whole(tmp_path):
    def failing():
        yield "a", scene(1)
        raise OSError("the data set is gone")

    with pytest.raises(OSError, match="the data set is gone"):
        hash_items(failing(), store=tmp_path / "s", workers=0)
    with pytest.raises(StoreError, match="not finished"):
        read_hashes(str(tmp_path / "s"))
    hash_items([("a", scene(1))], store=tmp_path / "s", workers=0)
    assert len(read_hashes(str(tmp_path / "s"))) == 1


def test_a_split_stays_as_it_was_if_its_items_end_in_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(part_writer, "PART_ROWS", 2)
    other = scenes(tmp_path / "in", [20])
    hash_into(tmp_path / "s", [source("other", other)], IngestOptions(workers=0))
    hash_items(enumerate(scene(n) for n in range(5)), store=tmp_path / "s", split="a", workers=0)
    manifest, parts = open_store(tmp_path / "s"), part_bytes(tmp_path / "s")
    monkeypatch.setattr(executor, "_GIVEN_AHEAD", 1)

    def failing():
        yield from enumerate(scene(number) for number in range(7))
        raise OSError("the data set is gone")

    with pytest.raises(OSError, match="the data set is gone"):
        hash_items(failing(), store=tmp_path / "s", split="a", workers=0)
    assert read_hashes(f"{tmp_path / 's'}@a").table["path"].to_pylist() == [*"01234"]
    assert (open_store(tmp_path / "s"), part_bytes(tmp_path / "s")) == (manifest, parts)


def test_a_killed_run_leaves_all_old_rows_or_all_new_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(part_writer, "PART_ROWS", 2)
    monkeypatch.setattr(executor, "_GIVEN_AHEAD", 1)
    hash_into(
        tmp_path / "s", [source("b", scenes(tmp_path / "in", [20]))], IngestOptions(workers=0)
    )
    old, new = ([(f"{word}{n}", scene(n)) for n in range(3)] for word in ("old", "new"))
    hash_items(old, store=tmp_path / "s", split="a", workers=0)
    moments = []

    def copied_after(method):
        def copying(store, *arguments):
            result = method(store, *arguments)
            moments.append(shutil.copytree(tmp_path / "s", tmp_path / str(len(moments))))
            return result

        return copying

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", copied_after(Store.save))
        patch.setattr(part_writer, "draft_part", copied_after(part_writer.draft_part))
        patch.setattr(part_writer, "name_part", copied_after(part_writer.name_part))
        hash_items(new, store=tmp_path / "s", split="a", workers=0)
    readable = 0
    for moment in moments:
        store = open_store(moment)
        # a part that is listed and has no name yet gets it from the next run
        parts = [part for part in store.parts if store.part_path(part).exists()]
        stored = {path for part in parts for path in store.read_part(part)["path"].to_pylist()}
        assert stored >= {"old0", "old1", "old2"} or stored >= {"new0", "new1", "new2"}
        if not store.unfinished:
            readable += 1
            assert len(read_hashes(f"{moment}@a")) == 3
        hash_items(new, store=moment, split="a", workers=0)
        assert read_store(moment)["path"].to_pylist() == ["020.png", "new0", "new1", "new2"]
        assert part_bytes(moment).keys() == {part.name for part in open_store(moment).parts}
    assert readable >= 3


def test_an_interrupt_once_the_manifest_is_written_costs_no_part_that_it_lists(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(part_writer, "PART_ROWS", 2)
    old, new = ([(f"{word}{n}", scene(n)) for n in range(3)] for word in ("old", "new"))
    hash_items(old, store=tmp_path / "s", split="a", workers=0)
    save = Store.save

    def interrupted(store):
        save(store)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            hash_items(new, store=tmp_path / "s", split="a", workers=0)
    assert len(open_store(tmp_path / "s").parts) == 4
    hash_items(new, store=tmp_path / "s", split="a", workers=0)
    assert "making it anew" not in caplog.text
    assert read_store(tmp_path / "s")["path"].to_pylist() == ["new0", "new1", "new2"]


def test_an_interrupt_is_what_ends_a_run_whose_manifest_is_damaged_meanwhile(tmp_path, monkeypatch):
    hash_items([("old", scene(0))], store=tmp_path / "s", workers=0)

    def interrupted(_):
        (tmp_path / "s" / "_manifest.parquet").write_bytes(b"{")
        raise KeyboardInterrupt

    monkeypatch.setattr(part_writer.PartWriter, "list_staged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        hash_items([("new", scene(1))], store=tmp_path / "s", workers=0)


def test_workers_get_the_same_a_few_items_at_a_time(monkeypatch):
    monkeypatch.setattr(executor, "_GIVEN_AHEAD", 5)
    monkeypatch.setattr(executor, "_GIVEN_INPUTS", 2)
    read = []

    def items():
        for number in range(12):
            read.append(number)
            yield number, scene(number)

    done = []
    here = hash_items(items(), workers=0, progress=lambda _, count, __: done.append(count))
    assert done[-1] == 12
    assert here.table.equals(hash_items(items(), workers=2).table)
    assert len(read) == 24


def test_a_store_of_another_definition_is_named(tmp_path):
    hash_items([("a", scene(1))], store=tmp_path / "s", workers=0)
    with pytest.raises(DefinitionError, match="was made with"):
        hash_items(
            [("a", scene(1))], store=tmp_path / "s", workers=0, definition=Definition(exif=True)
        )
