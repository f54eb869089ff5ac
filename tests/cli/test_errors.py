"""Bad input: one line says what is wrong, and nothing is written."""

import json
import os

import numpy as np
import pytest

from fastphash.hashing.definition import Definition
from fastphash.store.schema import Layout
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.stores import write_hashes, write_store


@pytest.mark.parametrize("verb", ["audit", "hash"])
def test_a_path_that_is_not_there(verb, out):
    done = run(verb, "train=nowhere", "-o", out, status=USAGE)
    assert "no such folder: 'nowhere'" in error_of(done)
    assert not os.path.exists(out)


def test_an_empty_folder(out, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run("hash", str(tmp_path / "empty"), "-o", out, status=FAILED)
    assert "split 'empty' has no images" in error_of(done)


def test_a_folder_without_images(out, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "notes.txt").write_text("no image")
    (folder / "broken.jpg").write_text("no image")
    done = run("audit", f"x={folder}", "-o", out, status=FAILED)
    assert "split 'x' has no images" in error_of(done)
    why = "not an image of a supported format"
    assert f"1 file was rejected ('broken.jpg': {why}) and 1 skipped" in error_of(done)
    (folder / "other.jpg").write_text("no image")
    done = run("audit", f"x={folder}", "-o", out, status=FAILED)
    assert f"2 files were rejected (all: {why})" in error_of(done)
    (folder / "empty.jpg").touch()
    done = run("audit", f"x={folder}", "-o", out, status=FAILED)
    assert f"3 files were rejected (2 of them: {why})" in error_of(done)
    assert f"{out}/rejected.csv lists them" in error_of(done)
    done = run("hash", f"x={folder}/gone.tar", "-o", f"{out}2", status=USAGE)
    assert "no such file" in error_of(done)
    (folder / "x.tar").write_bytes(b"x" * 2000)
    done = run("hash", f"x={folder}/x.tar", "-o", f"{out}2", status=FAILED)
    assert "1 file was rejected ('x.tar': not a tar file" in error_of(done)


@pytest.mark.parametrize("verb", ["audit", "hash"])
def test_the_same_folder_as_two_splits(verb, out, data):
    words = [verb, "a=train", "b=train/../train", "-o", out]
    error = error_of(run(*words, status=USAGE, cwd=data))
    assert "'a'" in error
    assert "'b'" in error
    assert "are the same folder" in error
    assert not os.path.exists(out)


@pytest.mark.parametrize("verb", ["audit", "hash"])
def test_two_splits_of_one_name(verb, out, data):
    error = error_of(run(verb, "x=train", "x=val", "-o", out, status=USAGE, cwd=data))
    assert "two splits are called 'x'" in error
    assert str(data / "train") in error
    assert str(data / "val") in error
    assert not os.path.exists(out)


@pytest.mark.parametrize("verb", ["audit", "hash"])
def test_an_output_folder_that_holds_something_else(verb, tmp_path, data):
    (tmp_path / "precious.txt").write_text("x")
    done = run(verb, "val=val", "-o", str(tmp_path), status=USAGE, cwd=data)
    assert str(tmp_path) in error_of(done)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("verb", ["audit", "hash"])
def test_an_output_folder_that_is_a_file(verb, tmp_path, data):
    (tmp_path / "x").write_text("x")
    done = run(verb, "val=val", "-o", str(tmp_path / "x"), status=USAGE, cwd=data)
    assert str(tmp_path / "x") in error_of(done)
    assert (tmp_path / "x").read_text() == "x"


def test_a_store_whose_definition_differs(data, tmp_path):
    done = run("audit", "val=val", "-o", "out", "--exif", status=FAILED, cwd=data)
    assert "EXIF ignored" in error_of(done)
    assert "EXIF applied" in error_of(done)
    rows = {"path": ["a"], "phash": np.zeros(1, np.uint64)}
    write_store(tmp_path / "other", rows, definition=Definition(decode="reduced"))
    pairs = tmp_path / "pairs.parquet"
    words = ["join", "out/hashes", str(tmp_path / "other"), "-o", str(pairs)]
    done = run(*words, status=FAILED, cwd=data)
    assert "full" in error_of(done)
    assert "reduced" in error_of(done)
    assert not pairs.exists()


def test_thumbnails_of_other_tools_are_something_else(tmp_path):
    columns = {"path": ["a", "b"], "phash": np.zeros(2, np.uint64), "thumbnail": [b"abc0", b"ab"]}
    for name in ("x.parquet", "y.parquet"):
        write_hashes(tmp_path / name, **columns)
    assert "no thumbnails" in run("calibrate", "x.parquet", cwd=tmp_path).stdout
    words = ("x.parquet", "y.parquet", "--json", "-o", "new.parquet", "--overwrite")
    for verb, counted in (("group", "copies"), ("join", "kinds")):
        found = json.loads(run(verb, *words, cwd=tmp_path).stdout)
        assert sum(found[counted].values()) == found[counted]["unverified"]


@pytest.mark.parametrize("text", ["no JSON", '[{"image_name": "a"}]'])
def test_json_that_is_not_the_papers(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    assert "x.json" in error_of(run("convert", "x.json", "s", status=FAILED, cwd=tmp_path))
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("radius", ["-1", "65", "256", "x"])
@pytest.mark.parametrize(
    "words",
    [
        ["audit", "val"],
        ["join", "out/hashes@val", "out/hashes@train"],
        ["group", "out/hashes"],
        ["calibrate", "out/hashes"],
        ["query", "val/010.png", "--in", "out/hashes"],
    ],
)
def test_a_radius_that_is_none(data, out, words, radius):
    done = run(*words, "-o", out, "--radius", radius, status=USAGE, cwd=data)
    assert radius in error_of(done)
    assert not os.path.exists(out)


@pytest.mark.parametrize("memory", ["0", "x", "4Q", "-1G"])
def test_a_memory_that_is_none(data, out, memory):
    words = ("group", "out/hashes", "-o", out, "--memory", memory)
    assert memory in error_of(run(*words, status=USAGE, cwd=data))


@pytest.mark.parametrize("verb", ["audit", "hash"])
def test_no_workers(verb, data, out):
    done = run(verb, "val", "-o", out, "--workers", "0", status=USAGE, cwd=data)
    assert "--workers" in error_of(done)
    assert not os.path.exists(out)


@pytest.mark.parametrize(
    ("words", "status", "quoted"),
    [
        (["info", "nowhere"], USAGE, "'nowhere'"),
        (["info", "train"], FAILED, "'train'"),
        (["info", "train/notes.txt"], FAILED, "train/notes.txt"),
        (["info", "."], FAILED, "there is one in it: 'out/hashes'"),
        (["calibrate", "train"], FAILED, "nor the folder of an audit: 'train'"),
        (["join", "out", "out/hashes", "-o", "new"], USAGE, "the same"),
        (["report", "train"], USAGE, "'train' is no audit: name a folder that"),
        (["hash", "val=val", "-o", "out"], USAGE, "'out' is the folder of an audit"),
        (["audit", "val=val", "-o", "out/hashes"], USAGE, "'out/hashes' is a store"),
        (["info", "out/hashes@test"], USAGE, "'test'"),
        (["join", "nowhere", "out/hashes", "-o", "new"], USAGE, "'nowhere'"),
        (["join", "out/hashes", "out/hashes", "-o", "new"], USAGE, "the same"),
        (["join", "out/hashes@val", "out/hashes@train", "-o", "no/new"], USAGE, "no'"),
        (["join", "a", "b", "-o", "new", "--kinds", "twin"], USAGE, "'twin'"),
        (["group", "out/hashes", "-o", "new", "--keep-in", "test"], USAGE, "'test'"),
        (["audit", "val=val", "-o", "new", "--keep-in", "test"], USAGE, "'test'"),
        (["convert", "out/hashes", "new.parquet"], USAGE, "new.parquet"),
        (["convert", "nowhere.json", "new"], USAGE, "'nowhere.json'"),
        (["convert", "out/groups.parquet", "new", "--as", "magic"], USAGE, "'magic'"),
        (["convert", "out/hashes/part-000000.parquet", "new", "--split", "a@b"], USAGE, "'a@b'"),
        (["hash", "a@b=val", "-o", "new"], USAGE, "'a@b'"),
        (["audit", "val", "-o", "new", "--min-score", "nan"], USAGE, "'nan'"),
        (["audit", "val", "-o", "new", "--min-score", "1.1"], USAGE, "1.1"),
        (["audit", "val", "-o", "new", "--min-score", "0", "--no-verify"], USAGE, "--no-verify"),
        (["audit", "val", "-o", "new", "--min-score", "0", "--no-thumbnails"], USAGE, "--no-thumb"),
        (["hash", "val", "-o", "new", "--timeout", "nan"], USAGE, "'nan'"),
        (["calibrate", "out/hashes", "--precision", "nan"], USAGE, "'nan'"),
        (
            ["audit", "train", "-o", "new", "--candidates", "0"],
            USAGE,
            "0.0 is not in the range x>0",
        ),
        (["audit", "train", "-o", "new", "--candidates", "inf"], USAGE, "--candidates is a number"),
        (
            ["audit", "train", "-o", "new", "--candidates", "5", "--radius", "4"],
            USAGE,
            "leave out --radius",
        ),
        (["hash", "val/leak.png", "-o", "new"], USAGE, "'val/leak.png'"),
        (["hash", "--files", "nowhere.txt", "-o", "new"], USAGE, "'nowhere.txt'"),
        (["hash", "-o", "new"], USAGE, "nothing to hash"),
        # what is missing first is said first
        (["audit"], USAGE, "nothing to hash: name a folder, or a list of files with --files"),
        (["audit", "-o", "new", "--json"], USAGE, "nothing to hash"),
        (["hash", "-0"], USAGE, "nothing to hash"),
        (["audit", "val"], USAGE, "'-o'"),
        (["audit", "--files", "nowhere.txt"], USAGE, "'-o'"),
        (["demo", "-o", "train"], USAGE, "'train'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_quote_what_is_wrong(data, words, status, quoted):
    before = sorted(path.name for path in data.iterdir())
    assert quoted in error_of(run(*words, status=status, cwd=data))
    assert sorted(path.name for path in data.iterdir()) == before


def test_a_damaged_store_is_named(data, tmp_path):
    rows = {"path": ["a"], "phash": np.zeros(1, np.uint64)}
    store = write_store(tmp_path / "s", rows, layout=Layout(orientations=False, thumbnails=False))
    part = store.part_path(store.parts[0])
    part.write_bytes(part.read_bytes()[::-1])
    error = error_of(run("info", "s", status=FAILED, cwd=tmp_path))
    assert "part-000000.parquet is damaged" in error


def test_a_join_that_would_explode_is_stopped(data):
    words = ["join", "out/hashes@val", "out/hashes@train", "-o", "many.parquet"]
    done = run(*words, "--max-pairs", "2", status=FAILED, cwd=data)
    assert "more than the limit of 2: raise it with --max-pairs" in error_of(done)
    assert not (data / "many.parquet").exists()
