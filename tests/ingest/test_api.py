import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import xxhash
from PIL import Image

import fastphash
from fastphash.base.vocabulary import UNKNOWN_CHROMA
from fastphash.errors import UsageError
from fastphash.files.empty_parquet import read_data
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.hashing.definition import HASH_COLUMNS, Definition
from fastphash.hashing.pdq_squares import hash_squares, pixel_squares, square_qualities
from fastphash.ingest.api import hash_images, hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.sources.local import folder_source, list_source
from fastphash.store.open import read_hashes
from fastphash.store.schema import Layout
from fastphash.store.store import MANIFEST, REJECTED, open_store
from tests.support import naive
from tests.support.executors import ONE_WORKER
from tests.support.references import imagehashes
from tests.support.scenes import planted, save, scene, scenes, source
from tests.support.stores import part_bytes, paths, read_store, rejected


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
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    table = read_store(tmp_path / "s")
    assert table["format"].to_pylist() == ["PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF"]
    hashes = np.stack([table[name].to_numpy() for name in HASH_COLUMNS], axis=1)
    wanted = [imagehashes(folder / path) for path in table["path"].to_pylist()]
    assert hashes.tolist() == wanted


def pdq_of(path):
    """PDQ's hashes of an image as a store has them, and its quality."""
    image = Image.open(path)
    pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    squares = pixel_squares(pixels, orientations=True)[None]
    hashes = hash_squares(squares)[0].astype(">u8")
    return [words.tobytes() for words in hashes], int(square_qualities(squares)[0])


def test_pdq_stands_beside_phash(tmp_path):
    folder = tmp_path / "in"
    for name, shape in (("a.jpg", (300, 200)), ("b.png", (64, 64)), ("c.png", (4, 90))):
        save(folder / name, scene(1, *shape))
    save(folder / "d.png", scene(2, 90, 70)[..., 0])
    both = IngestOptions(layout=Layout(further=("pdq",)), workers=1)
    hash_into(tmp_path / "both", [source("all", folder)], both)
    table = read_store(tmp_path / "both")
    columns = ALGORITHMS["pdq"].columns
    for row in table.to_pylist():
        hashes, quality = pdq_of(folder / row["path"])
        assert [row[name] for name in columns] == hashes
        assert row["pdq_quality"] == quality
    assert table["pdq_quality"].to_pylist()[2] == 0
    hash_into(tmp_path / "one", [source("all", folder)], ONE_WORKER)
    assert read_store(tmp_path / "one") == table.drop([*columns, "pdq_quality"])
    upright = IngestOptions(
        Definition(algorithm="pdq"), Layout(orientations=False, thumbnails=False), workers=1
    )
    hash_into(tmp_path / "pdq", [source("all", folder)], upright)
    alone = read_store(tmp_path / "pdq")
    assert not {"phash", columns[1]} & set(alone.column_names)
    for name in ("pdq", "pdq_quality"):
        assert alone[name] == table[name]
    # versions of the program without PDQ refuse the stores that have it
    versions = [open_store(tmp_path / name).version for name in ("one", "both", "pdq")]
    assert versions == [6, 7, 7]


def test_rows_say_what_the_file_is(tmp_path):
    path = save(tmp_path / "in" / "a" / "x.png", scene(1, 20, 30))
    hash_into(tmp_path / "s", [source("train", tmp_path / "in")], ONE_WORKER)
    (row,) = read_store(tmp_path / "s").to_pylist()
    status = path.stat()
    assert row["split"] == "train"
    assert (row["path"], row["path_bytes"]) == ("a/x.png", None)
    assert (row["size"], row["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
    assert (row["width"], row["height"]) == (30, 20)
    assert row["digest"] == xxhash.xxh3_128_digest(path.read_bytes())
    grey = Image.fromarray(scene(1, 20, 30)).convert("L")
    grey = grey.resize((32, 32), Image.Resampling.LANCZOS)
    assert row["thumbnail"] == grey.tobytes()
    assert row["chroma"] == naive.chroma(scene(1, 20, 30)).tobytes()


def test_one_worker_and_three_make_the_same_bytes(tmp_path, small):
    folders = [scenes(tmp_path / "a", range(17)), scenes(tmp_path / "b", range(9, 22))]
    (folders[0] / "005.png").write_bytes(b"broken")
    sources = [folder_source(str(folder)) for folder in folders]
    for count in (1, 3):
        hash_into(tmp_path / f"s{count}", sources, IngestOptions(workers=count))
    parts = part_bytes(tmp_path / "s1")
    assert len(parts) == 6
    assert part_bytes(tmp_path / "s3") == parts
    for name in (MANIFEST, REJECTED):
        assert (tmp_path / "s1" / name).read_bytes() == (tmp_path / "s3" / name).read_bytes()
    wanted = sorted(p.name for f in folders for p in f.iterdir() if p.read_bytes() != b"broken")
    assert sorted(paths(tmp_path / "s1")) == wanted
    assert read_store(tmp_path / "s1")["split"].to_pylist() == ["a"] * 16 + ["b"] * 13


def test_rows_stand_in_the_order_of_the_names(tmp_path, small):
    names = ["a/2.png", "a/b/1.png", "a-b/1.png", "b.png", "z/1.png"]
    for seed, name in enumerate(reversed(names)):
        save(tmp_path / "in" / name, scene(seed))
    hash_into(tmp_path / "s", [source("all", tmp_path / "in")], IngestOptions(workers=2))
    assert paths(tmp_path / "s") == names


def test_every_input_is_accounted_for(tmp_path):
    train, _ = planted(tmp_path)
    folder = tmp_path / "train"
    (folder / "gone.png").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.png")
    tally = hash_into(tmp_path / "s", [folder_source(train)], ONE_WORKER)["train"]
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
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.hashed, tally.rejected, tally.skipped) == (2, 4, 0)
    found = {path: stage for (_, path), (stage, _) in rejected(tmp_path / "s").items()}
    assert found == {
        "cut.jpg": "decode",
        "empty.png": "identify",
        "head.jpg": "identify",
        "text.jpg": "identify",
    }
    assert all(reason for _, reason in rejected(tmp_path / "s").values())


def test_parts_are_full_but_for_the_last(tmp_path, small):
    folder = scenes(tmp_path / "in", range(13))
    hash_into(tmp_path / "s", [source("all", folder)], IngestOptions(workers=2))
    store = open_store(tmp_path / "s")
    assert [part.rows for part in store.parts] == [5, 5, 3]
    assert paths(tmp_path / "s") == [f"{seed:03d}.png" for seed in range(13)]


def test_names_that_are_not_utf8_are_kept_to_the_byte_and_found_again(tmp_path, no_workers):
    folder = scenes(tmp_path / "in", [1])
    os.rename(folder / "001.png", os.path.join(os.fsencode(folder), b"\xff\n.png"))
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    (row,) = read_store(tmp_path / "s").to_pylist()
    assert (row["path"], row["path_bytes"]) == ("\N{REPLACEMENT CHARACTER}\n.png", b"\xff\n.png")
    no_workers()
    tally = hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)["all"]
    assert (tally.kept, tally.gone) == (1, 0)


def test_links_to_files_are_rows_of_the_same_digest(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    (folder / "link.png").symlink_to("001.png")
    hash_into(tmp_path / "s", [source("all", folder)], ONE_WORKER)
    one, other = read_store(tmp_path / "s")["digest"].to_pylist()
    assert one == other


def test_a_list_of_files_is_hashed_as_a_split(tmp_path, monkeypatch):
    scenes(tmp_path / "in", range(3))
    monkeypatch.chdir(tmp_path)
    absolute = os.fsencode(tmp_path / "in" / "002.png")
    names = [b"in/001.png", b"./in//000.png", b"in/000.png", absolute, b"in/9.png"]
    listed = list_source("some", b"\n".join(names))
    tally = hash_into(tmp_path / "s", [listed], ONE_WORKER)["some"]
    assert paths(tmp_path / "s") == ["in/000.png", "in/001.png", "in/002.png"]
    assert (tally.hashed, tally.rejected) == (3, 1)
    assert open_store(tmp_path / "s").roots == {"some": str(tmp_path)}


def test_optional_columns_can_be_left_out(tmp_path):
    folder = scenes(tmp_path / "in", [1])
    layout = Layout(orientations=False, thumbnails=False)
    hash_into(tmp_path / "s", [source("all", folder)], IngestOptions(layout=layout, workers=1))
    table = read_store(tmp_path / "s")
    assert table.column_names[-1] == "phash"
    assert table["phash"][0].as_py() == imagehashes(folder / "001.png")[0]


def test_progress_counts_every_file(tmp_path, small):
    folder = scenes(tmp_path / "in", range(9))
    seen = []
    hash_into(
        tmp_path / "s",
        [source("all", folder)],
        ONE_WORKER,
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


def test_this_process_hashes_as_workers_do(tmp_path, small, no_workers):
    folder = scenes(tmp_path / "in", range(7))
    save(folder / "large.jpg", scene(7, 300, 520))
    (folder / "008.jpg").write_bytes((folder / "large.jpg").read_bytes()[:-900])
    (folder / "notes.txt").write_text("no image")
    paths = [*sorted(folder.iterdir()), folder / "gone.png"]
    there = hash_images(paths, workers=1)
    hash_into(tmp_path / "s1", [source("all", folder)], ONE_WORKER)
    no_workers()
    here = hash_images(paths, workers=0)
    assert (here.table.num_rows, here.rejected.num_rows) == (8, 3)
    assert here.table.equals(there.table)
    assert here.rejected.equals(there.rejected)
    hash_into(tmp_path / "s0", [source("all", folder)], IngestOptions(workers=0))
    assert part_bytes(tmp_path / "s0") == part_bytes(tmp_path / "s1")


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("decode", ["full", "reduced"])
def test_images_of_too_many_pixels_are_rejected_by_their_headers(tmp_path, workers, decode):
    paths = [
        save(tmp_path / f"{height}.{suffix}", scene(1, height, 100))
        for suffix in ("jpg", "png")
        for height in (100, 101)
    ]
    before = Image.MAX_IMAGE_PIXELS
    hashed = hash_images(
        paths, workers=workers, max_pixels=10_000, definition=Definition(decode=decode)
    )
    assert hashed.table["path"].to_pylist() == [str(paths[0]), str(paths[2])]
    assert all(r.startswith("more than 10,000 p") for r in hashed.rejected["reason"].to_pylist())
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("limit", [None, 4000])
def test_this_process_keeps_to_pillows_limit(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    paths = [save(tmp_path / f"a.{suffix}", scene(1, 100, 100)) for suffix in ("jpg", "png")]
    assert hash_images(paths, workers=0).table.num_rows == (2 if limit is None else 0)


@pytest.mark.parametrize(
    ("wrong", "quoted"),
    [
        ({"definition": 5}, "not 5"),
        ({"definition": "imagehash"}, "not 'imagehash'"),
        ({"workers": -1}, "not -1"),
        ({"workers": 1.5}, "not 1.5"),
        ({"workers": True}, "not True"),
        ({"timeout": "soon"}, "not 'soon'"),
        ({"timeout": 0}, "not 0"),
        ({"max_pixels": None}, "not None"),
        ({"max_pixels": 0}, "not 0"),
        ({"hashes": 5}, "not 5"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named_and_quoted(wrong, quoted):
    with pytest.raises(UsageError, match=f"{next(iter(wrong))}.* must be .*{quoted}"):
        hash_images([], **wrong)


@pytest.mark.parametrize("paths", ["a.jpg", b"a.jpg", Path("a.jpg"), None, 5, [None], ["a", 5]])
def test_paths_that_are_none_are_named_and_quoted(paths):
    wrong = paths[-1] if isinstance(paths, list) else paths
    with pytest.raises(UsageError, match=re.escape(repr(wrong))):
        hash_images(paths, workers=0)


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
    hash_into(
        tmp_path / "s", [source("all", tmp_path)], IngestOptions(definition=reduced, workers=1)
    )
    values = read_hashes(str(tmp_path / "s")).chroma
    assert values[0].tobytes() == full[0].as_py()
    assert (values[1:, 0] == UNKNOWN_CHROMA).all()


def test_the_manifest_lists_what_was_skipped_and_where_from(tmp_path):
    train, val = planted(tmp_path)
    hash_into(tmp_path / "s", [folder_source(train), folder_source(val)], ONE_WORKER)
    manifest = json.loads(read_data(tmp_path / "s" / MANIFEST))
    assert manifest["roots"] == {"train": str(tmp_path / "train"), "val": str(tmp_path / "val")}
    assert manifest["skipped"] == {"train": 1, "val": 0}
    assert [part["rows"] for part in manifest["parts"]] == [16]
