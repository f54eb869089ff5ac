"""--include and --exclude: what they take, what they leave out, and what they say."""

import json

import numpy as np
import pytest

from fastphash.store.open import read_hashes
from tests.support.command_line import FAILED, USAGE, error_of, run
from tests.support.containers import MAKERS, files_of, make_parquet
from tests.support.examples import slow_but
from tests.support.scenes import save, scene

FILES = ("1.png", "2.bmp", "cat/3.png", "cat/thumbs/4.png", "thumbs/5.png")


@pytest.fixture
def data(tmp_path):
    for seed, name in enumerate(FILES):
        save(tmp_path / "train" / name, scene(seed))
    save(tmp_path / "val" / "6.png", scene(6))
    (tmp_path / "val" / "6.txt").write_text("a label")
    return tmp_path


def hashed(data, *words):
    """What is in the store after a run, and what the run says."""
    done = run("hash", "train", "-o", "store", *words, cwd=data)
    paths = read_hashes(str(data / "store")).paths.to_pylist()
    return sorted(map(bytes.decode, paths)), " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("words", "taken", "left_out"),
    [
        (["--include", "*.png"], ["1.png", "cat/3.png", "cat/thumbs/4.png", "thumbs/5.png"], 1),
        (["--exclude", "thumbs"], ["1.png", "2.bmp", "cat/3.png"], 2),
        (["--exclude", "/thumbs/"], ["1.png", "2.bmp", "cat/3.png", "cat/thumbs/4.png"], 1),
        (["--include", "cat/*", "--exclude", "**/thumbs/*.png"], ["cat/3.png"], 4),
        (["--include", "cat", "--include", "[12].*"], [*FILES[:4]], 1),
    ],
)
def test_names_decide_and_exclude_wins(data, words, taken, left_out):
    paths, said = hashed(data, *words)
    assert paths == taken
    files = "file or folder" if left_out == 1 else "files and folders"
    assert f"Left out by name {left_out} {files}, by --include and --exclude" in said
    # a list is chosen from as a folder is
    words = ["hash", "--files", "l=-", "-o", "../listed", *words]
    run(*words, cwd=data / "train", input="\n".join(FILES))
    paths = read_hashes(str(data / "listed")).paths.to_pylist()
    assert sorted(map(bytes.decode, paths)) == taken


@pytest.mark.parametrize("keep", [[], ["--keep-missing"]])
def test_what_other_patterns_leave_out_is_not_taken_for_gone(data, keep):
    everything, _ = hashed(data)
    assert everything == [*FILES]
    paths, said = hashed(data, "--exclude", "thumbs", *keep)
    assert paths == [*FILES[:3]]
    assert "2 images of 'train' that the store has are left out by name now, and not gone" in said
    assert hashed(data)[0] == everything
    done = run("hash", "train", "-o", "store", "--include", "*.gif", cwd=data, status=FAILED)
    assert "left out by --include and --exclude: change these" in error_of(done)
    assert len(read_hashes(str(data / "store"))) == len(FILES)


def test_an_audit_counts_what_it_leaves_out(data):
    words = ["audit", "train", "val", "-o", "out", "--include", "*.png"]
    shown = " ".join(run(*words, cwd=data).stdout.split())
    assert "Left out by name 2 files and folders" in shown
    splits = json.loads((data / "out" / "summary.json").read_text())["splits"]
    assert [splits[name]["excluded"] for name in ("train", "val")] == [1, 1]
    done = run("audit", "val", "-o", "none", "--include", "*.gif", cwd=data, status=FAILED)
    assert "2 files and folders were left out by --include and --exclude" in error_of(done)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("//", "names nothing: write '*.jpg' or 'thumbs/**'"),
        ("[", "has a '[' without its ']': write '[[]' for the sign itself"),
        ("cat/x[1.png", "has a '[' without its ']'"),
        ("../thumbs", "has '..', which no path in a split has"),
        ("{data}/train/thumbs", "matches nothing, because patterns begin in split 'train': write"),
    ],
)
def test_patterns_that_can_match_nothing_are_one_line(data, pattern, said):
    pattern = pattern.format(data=data)
    done = run("hash", "train", "-o", "s", "--exclude", pattern, cwd=data, status=USAGE)
    assert f"--exclude {pattern!r:.80} {said}" in error_of(done)
    assert not (data / "s").exists()


def test_brackets_stand_for_one_of_their_signs(data):
    for pattern, taken in (("[]1].png", 1), ("[!1].png", 3), ("[[]", 0), ("[12]*[g]", 1)):
        words = ["hash", "train", "-o", pattern.encode().hex(), "--include", pattern]
        run(*words, cwd=data, status=0 if taken else FAILED)
        if taken:
            assert len(read_hashes(str(data / words[3]))) == taken


@pytest.fixture(params=slow_but(["tar", "parquet"], MAKERS))
def packed(request, data):
    """The files in a container; returns the folder and the container's name."""
    ending, make = MAKERS[request.param]
    make(data / f"train.{ending}", files_of(data / "train"))
    return data, f"train.{ending}"


def test_members_are_chosen_by_their_names(packed):
    folder, container = packed

    def taken(*words):
        done = run("hash", container, "-o", "packed", *words, cwd=folder)
        hashed = read_hashes(str(folder / "packed"))
        members = [path.partition(b"::")[2].decode() for path in hashed.paths.to_pylist()]
        rows = [*map(files.index, members)] if "parquet" not in container else map(int, members)
        return [files[row] for row in rows], " ".join((done.stdout + done.stderr).split())

    files = [name for name, _ in files_of(folder / "train")]
    everything, _ = taken()
    assert everything == files
    paths, said = taken("--exclude", "thumbs")
    assert paths == [*FILES[:3]]
    assert "2 images of 'train' that the store has are left out by name now" in said
    before = {path: path.stat().st_mtime_ns for path in (folder / "packed").glob("part-*")}
    # nothing is opened the second time, and counted all the same
    paths, said = taken("--exclude", "thumbs")
    assert paths == [*FILES[:3]]
    assert "Left out by name 2 files and folders" in said
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert taken("--include", "/cat/*.png")[0] == ["cat/3.png"]
    # what comes back is put behind the others
    assert sorted(taken()[0]) == everything
    words = ["audit", f"train={container}", "-o", "o", "--exclude", "1.png"]
    run(*words, "--no-verify", cwd=folder)
    run("clean", "o", cwd=folder)
    run("clean", "o", "--apply", cwd=folder)
    # numbers are those that loaders give, to what was left out as well
    assert np.load(folder / "o/clean/train.keep.npy").tolist() == [1, 2, 3, 4]


def test_rows_without_paths_and_other_keys_cannot_be_chosen(data):
    images = [(None, (data / "val" / "6.png").read_bytes())] * 2
    make_parquet(data / "x.parquet", images)
    # nothing of such a file is hashed, whatever the patterns leave out
    for option in ("--exclude", "--include"):
        words = ["hash", "x.parquet", "-o", "s", option, "*.png"]
        done = run(*words, cwd=data, status=FAILED)
        assert "its images have no paths, by which patterns choose" in done.stdout
    done = run(*words, "--key", "label", cwd=data, status=USAGE)
    assert "--key 'label' takes the place of the paths in Parquet files" in error_of(done)
