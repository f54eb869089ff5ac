"""fastphash hash, in a process of its own."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.command_line import FAILED, error_of, run, too_wide
from tests.support.containers import make_tar, make_zip
from tests.support.scenes import save, scene
from tests.support.stores import paths


@pytest.mark.slow
def test_hash_counts_what_became_of_the_inputs(data, tmp_path):
    words = ["hash", f"train={data}/train", "-o", "s"]
    shown = run(*words, cwd=tmp_path).stdout
    assert "train 13 11 - 1 1 - -" in " ".join(shown.split())
    assert too_wide(shown) == []
    assert json.loads(run(*words, "--json", cwd=tmp_path).stdout)["train"] == {
        "inputs": 13,
        "hashed": 0,
        "kept": 11,
        "rejected": 1,
        "skipped": 1,
        "changed": 0,
        "gone": 0,
        "missing": 0,
        "hidden": 0,
        "excluded": 0,
        "masks": 0,
        "unfinished": 0,
        "mask_folders": {},
        "containers": {},
    }


def test_containers_in_a_folder_are_named_because_nobody_reads_them(tmp_path):
    png = save(tmp_path / "x.png", scene(1)).read_bytes()
    for number in range(2):
        make_tar(tmp_path / "in" / f"{number}.tar", [("1.png", png)])
    pq.write_table(pa.table({"path": ["a"], "phash": [1]}), tmp_path / "in" / "hashes.parquet")
    done = run("hash", "train=in", "-o", "s", "--workers", "1", cwd=tmp_path, status=FAILED)
    word = f"train={tmp_path}/in/*.tar"
    assert f"2 files like *.tar were not read: for the images in there, name '{word}'" in error_of(
        done
    )
    make_zip(tmp_path / "in" / "deep" / "x.zip", [])
    (tmp_path / "x.png").rename(tmp_path / "in" / "x.png")
    done = run("hash", "train=in", "-o", "s", "--workers", "1", cwd=tmp_path)
    shown = " ".join(done.stdout.split())
    assert "2 files like *.tar were not read" in shown
    assert "1 file like *.zip was not read: for the images in there" in shown
    assert f"name 'train={tmp_path}/in/**/*.zip'" in shown
    assert "parquet" not in shown
    run("hash", word, "-o", "t", "--workers", "1", cwd=tmp_path)
    assert paths(tmp_path / "t") == ["0.tar::1.png", "1.tar::1.png"]
