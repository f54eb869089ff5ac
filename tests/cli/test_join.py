"""fastphash join, group and query, each run in a process of its own."""

import json
import re

import numpy as np

from fastphash.cli.output_join import show_nearest
from fastphash.files import parquet
from tests.support.command_line import USAGE, error_of, run, too_wide
from tests.support.scenes import scenes
from tests.support.stores import write_hashes

BY_PHASH = {"hash": "phash", "bits": 64}


def test_a_join_explains_itself(data, out):
    stores = ("out/hashes@val", "out/hashes@train")
    done = run("join", *stores, "-o", out, "--radius", "4", "--explain", cwd=data)
    assert "within 4 bits: compare every pair; about" in done.stderr
    assert re.search(r"took [\d.]+ s and found \d+ pairs of hashes", done.stderr)
    assert "compare" not in done.stdout


def test_the_least_memory_is_enough_and_less_is_refused(data, tmp_path):
    stores = ("out/hashes@val", "out/hashes@train", "--radius", "30")
    run("join", *stores, "-o", str(tmp_path / "a"), cwd=data)
    words = ("join", *stores, "-o", str(tmp_path / "b"), "--memory")
    done = run(*words, "99.9M", cwd=data, status=USAGE)
    assert "'99.9M' is too little for a search: 100M is the least" in error_of(done)
    assert not (tmp_path / "b").exists()
    run(*words, "100M", cwd=data)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_nearest_are_shown(data):
    words = ("query", "val/leak.png", "val/mirrored.png", "--in", "out/hashes@train")
    shown = run(*words, "-k", "1", cwd=data).stdout
    assert re.search(r"identical +0 +identity +1.00 +train/003.png", shown)
    assert re.search(r"augmented +0 +flip_left_right +1.00 +train/005.png", shown)
    rows = json.loads(run(*words, "--json", cwd=data).stdout)
    assert [row["rank"] for row in rows] == [*range(1, 6)] * 2
    done = run(*words[:2], "gone.png", "--in", "out/hashes", "--radius", "0", status=1, cwd=data)
    assert "003.png" in done.stdout
    assert error_of(done) == ("Error: 'gone.png' gives no hash: read: No such file or directory")
    assert (
        "no stored image is that near"
        in run("query", "val/010.png", "--in", "out/hashes@train", "--radius", "0", cwd=data).stdout
    )


def test_names_of_the_nearest_are_whole_however_narrow_the_screen(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"{'a long folder/' * 9}{number}.png" for number in range(2)]
    row = {"query": "x.png", "split": "train", "distance": 0, "kind": "identical", "score": 1.0}
    show_nearest(
        [row | {"orientation": "identity", "path": name} for name in names], ["x.png"], "pdq"
    )
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Nearest to x.png by pdq"
    assert shown[1:5] == [
        "  identical, 0 bits, identity, score 1.00",
        f"    train/{names[0]}",
        "  identical, 0 bits, identity, score 1.00",
        f"    train/{names[1]}",
    ]
    show_nearest([row | {"orientation": "flip_left_right", "path": "1" * 30}], ["x.png"], "pdq")
    shown = capsys.readouterr().out
    assert too_wide(shown) == []
    assert "orientation" in shown


def test_a_join_writes_pairs_and_counts_them(data, tmp_path):
    sides = [f"{data}/out/hashes@{split}" for split in ("val", "train")]
    words = ["join", *sides, "-o", "pairs.parquet"]
    shown = run(*words, cwd=tmp_path).stdout
    assert too_wide(shown) == []
    shown = " ".join(shown.split())
    assert "5 needles and 11 haystack images" in shown
    assert "pairs 1 1 1 - 3" in shown
    assert parquet.read_table(tmp_path / "pairs.parquet").num_rows == 3
    words += ["--json", "--overwrite", "--kinds", "identical,augmented"]
    found = json.loads(run(*words, cwd=tmp_path).stdout)
    assert found == {
        **BY_PHASH,
        "pairs": 2,
        "kinds": {"identical": 1, "augmented": 1},
        "unseen": 0,
    }
    assert parquet.read_table(tmp_path / "pairs.parquet").num_rows == 2


def test_near_ones_that_nobody_looked_at_are_said(tmp_path):
    phash = np.array([0, 3, 7], np.uint64)
    blind = {"path": ["a", "b", "c"], "phash": phash}
    write_hashes(tmp_path / "blind.parquet", **blind)
    write_hashes(tmp_path / "seen.parquet", **blind, thumbnail=np.zeros((3, 1024), np.uint8))
    targets = {"join": ("seen.parquet", "blind.parquet"), "group": ("blind.parquet",)}
    for verb, near in (("join", 6), ("group", 2)):
        words = [verb, *targets[verb], "-o", "new.parquet", "--overwrite", "--radius", "4"]
        shown = " ".join(run(*words, cwd=tmp_path).stdout.split())
        assert f"not looked at, since thumbnails are missing: {near} near, perhaps" in shown
        assert json.loads(run(*words, "--json", cwd=tmp_path).stdout)["unseen"] == near
        assert "looked" not in run(*words, "--no-verify", cwd=tmp_path).stdout
        error = error_of(run(*words, "--min-score", "0.5", cwd=tmp_path, status=USAGE))
        assert "--min-score needs thumbnails, and 'blind.parquet' doesn't have them" in error
    run("group", "seen.parquet", "-o", "x", "--min-score", "0", "--radius", "4", cwd=tmp_path)


def test_groups_are_those_of_the_audit(data, tmp_path):
    path = tmp_path / "groups.parquet"
    words = ["group", f"{data}/out/hashes", "-o", path.name]
    found = json.loads(run(*words, "--json", cwd=tmp_path).stdout)
    assert found == {
        **BY_PHASH,
        "images": 16,
        "groups": 6,
        "copies": {"identical": 2, "exact": 2, "augmented": 2},
        "unseen": 0,
    }
    groups, of_audit = (
        parquet.read_table(name).to_pylist() for name in (path, data / "out" / "groups.parquet")
    )
    # an audit also looks at pixels, here at those of turned copies
    assert groups == [
        row | {"looked": False} if row["kind"] == "augmented" else row for row in of_audit
    ]
    assert all(row["looked"] for row in of_audit if row["role"] == "copy")
    several = [f"{data}/out/hashes@{split}" for split in ("val", "train")]
    shown = run("group", *several, "-o", path.name, "--overwrite", cwd=tmp_path).stdout
    assert "16 6 2 2 2" in " ".join(shown.split())
    assert too_wide(shown) == []
    assert parquet.read_table(path).num_rows == 12


def test_a_split_that_the_last_audit_left_out_is_read_only_by_name(tmp_path):
    for split, seeds in (("a", [1, 2]), ("b", [2, 3, 4]), ("c", [4, 5])):
        scenes(tmp_path / split, seeds)
    run("audit", "a", "b", "-o", "out", cwd=tmp_path)
    run("audit", "a", "c", "-o", "out", cwd=tmp_path)
    info = run("info", "out/hashes", cwd=tmp_path)
    assert "b: the last audit didn't name it; out/hashes@b reads it" in info.stdout
    assert info.stderr == ""
    splits = json.loads(run("info", "out/hashes", "--json", cwd=tmp_path).stdout)["splits"]
    assert {name: split["left_out"] for name, split in splits.items()} == {
        "a": False,
        "b": True,
        "c": False,
    }
    words = ("-o", "new.parquet", "--overwrite", "--json")
    done = run("group", "out/hashes", *words, cwd=tmp_path)
    assert json.loads(done.stdout)["images"] == 4
    assert "left out 'b', which the last audit didn't name; out/hashes@b reads it" in done.stderr
    done = run("group", "out/hashes", "out/hashes@b", *words, cwd=tmp_path)
    assert json.loads(done.stdout) == {
        **BY_PHASH,
        "images": 7,
        "groups": 2,
        "copies": {"identical": 2},
        "unseen": 0,
    }
    for haystack, pairs in (("out/hashes", 2), ("out/hashes@a", 1)):
        done = run("join", "out/hashes@b", haystack, *words, cwd=tmp_path)
        assert json.loads(done.stdout)["pairs"] == pairs
    assert run("query", "b/003.png", "--in", "out/hashes", cwd=tmp_path).stderr
    run("hash", "b", "-o", "out/hashes", cwd=tmp_path)
    assert json.loads(run("group", "out/hashes", *words, cwd=tmp_path).stdout)["images"] == 7


def test_commands_compare_the_hash_that_is_named(tmp_path):
    scenes(tmp_path / "train", range(3))
    words = ("hash", "train=train", "-o", "s", "--hash", "phash,dhash", "--bits", "256")
    run(*words, "--workers", "1", cwd=tmp_path)
    shown = run("info", "s", cwd=tmp_path).stdout
    assert "hash: phash_256, 256 bits" in shown
    assert "others: dhash_256" in shown
    dhash = ("--hash", "dhash", "--bits", "256")
    found = json.loads(run("info", "s", *dhash, "--json", cwd=tmp_path).stdout)
    assert (found["hash"], found["bits"]) == ("dhash_256", 256)
    assert found["hashes"] == ["phash_256", "dhash_256"]
    run("group", "s", *dhash, "--radius", "31", "-o", "g.csv", cwd=tmp_path)
    rows = json.loads(
        run("query", "train/001.png", "--in", "s", *dhash, "--json", cwd=tmp_path).stdout
    )
    assert [row["path"] for row in rows][:1] == ["001.png"]
    assert rows[0]["kind"] == "identical"
    assert rows[1]["distance"] > 16
    for words in (("info", "s"), ("calibrate", "s"), ("group", "s", "-o", "h.csv")):
        done = run(*words, "--hash", "phash", status=USAGE, cwd=tmp_path)
        assert error_of(done) == "Error: s has no hash 'phash': it has phash_256 and dhash_256"
    done = run("info", "s", "--bits", "256", status=USAGE, cwd=tmp_path)
    assert error_of(done) == "Error: --bits is for the hash that --hash names: name one"
    done = run("info", "s", "--hash", "md5", status=USAGE, cwd=tmp_path)
    assert error_of(done).startswith("Error: no hash 'md5': it is one of phash, ")
