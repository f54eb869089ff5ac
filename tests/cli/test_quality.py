"""Pictures with too little to hash take no part where PDQ is compared."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from fastphash.hashing.pdq import pdq
from tests.support.command_line import USAGE, error_of, run
from tests.support.scenes import save, scene

SAID = "3 images of 5 with a pdq quality below 50 are not compared; --min-quality 0 compares all"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stores with PDQ of two splits, of a scene, its copy and flat pictures."""
    folder = tmp_path_factory.mktemp("quality")
    for split in ("train", "val"):
        for seed in range(3):
            save(folder / split / f"flat{seed}.png", np.full((40 + seed, 50), 9, np.uint8))
        save(folder / split / "a.png", scene(1))
        save(folder / split / "b.png", scene(2))
    assert pdq(scene(1)).quality >= 50
    run("hash", "train", "val", "-o", "both", "--hash", "phash,pdq", "--workers", "1", cwd=folder)
    return folder


def pairs(folder, *words):
    done = run(
        *("join", "both@val", "both@train", "-o", "p.parquet", "--overwrite", "--no-verify"),
        *words,
        cwd=folder,
    )
    return pq.read_table(folder / "p.parquet")["needle_path"].to_pylist(), done.stderr


def test_a_join_of_pdq_leaves_out_what_has_too_little_quality(folder):
    names, said = pairs(folder, "--hash", "pdq")
    assert names == ["a.png", "b.png"]
    assert [line for line in said.splitlines() if "quality" in line] == [
        f"both@val: {SAID}",
        f"both@train: {SAID}",
    ]


@pytest.mark.parametrize("words", [("--hash", "pdq", "--min-quality", "0"), ("--hash", "phash")])
def test_a_join_takes_all_where_it_is_told_to_or_there_is_no_quality(folder, words):
    names, said = pairs(folder, *words)
    assert {"a.png", "flat0.png"} < {*names}
    assert "quality" not in said


def test_groups_of_pdq_leave_them_out(folder):
    done = run(
        *("group", "both", "-o", "g.parquet", "--hash", "pdq", "--no-verify", "--json"), cwd=folder
    )
    assert json.loads(done.stdout)["groups"] == 2
    assert "both: 6 images of 10 with a pdq quality below 50 are not compared" in done.stderr


def test_a_table_has_the_quality_that_its_column_says(folder):
    table = pq.read_table(folder / "both", columns=["path", "pdq", "pdq_quality"])
    pq.write_table(table.slice(0, 5), folder / "t.parquet")
    words = ("-o", "g.parquet", "--overwrite", "--no-verify")
    done = run("group", "t.parquet", *words, cwd=folder)
    assert f"t.parquet: {SAID}" in done.stderr
    pq.write_table(table.slice(0, 5).drop(["pdq_quality"]), folder / "t.parquet")
    assert "quality" not in run("group", "t.parquet", *words, cwd=folder).stderr


def test_a_quality_that_there_is_not_is_refused(folder):
    done = run("group", "both", "-o", "x", "--min-quality", "101", cwd=folder, status=USAGE)
    assert "101 is not in the range 0<=x<=100" in error_of(done)
