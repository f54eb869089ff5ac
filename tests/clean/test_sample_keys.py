"""What goes and stays together in containers, and lists of keys, by `--key`."""

import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastphash as fp
from fastphash.sources.open_containers import close_containers
from tests.support.command_line import run
from tests.support.containers import files_of, make_zip
from tests.support.scenes import scenes


@pytest.fixture
def pictures(tmp_path):
    """Bytes of three pictures."""
    yield [data for _, data in files_of(scenes(tmp_path / "pictures", range(3)))]
    close_containers()


def members(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.parametrize(
    ("key", "samples", "gone", "stay"),
    [
        (None, 3, 1, ["IMG.1.png", "IMG.1.txt", "IMG.3.png"]),
        # all are one sample, of which something stays
        ("first-dot", 1, 0, ["IMG.1.png", "IMG.1.txt", "IMG.2.png", "IMG.3.png", "IMG.2.txt"]),
    ],
)
def test_names_with_several_dots_in_a_zip_file(tmp_path, pictures, key, samples, gone, stay):
    files = [("IMG.1.png", pictures[0]), ("IMG.1.txt", b"1"), ("IMG.2.png", pictures[0])]
    make_zip(tmp_path / "x.zip", [*files, ("IMG.3.png", b"damaged"), ("IMG.2.txt", b"2")])
    fp.audit(tmp_path / "x.zip", tmp_path / "out", key=key, workers=0, progress=False)
    planned = json.loads(run("clean", "out", "--json", cwd=tmp_path).stdout)["containers"]["x"]
    assert (planned["samples"], planned["samples_gone"]) == (samples, gone)
    run("clean", "out", "--apply", "--to", "copy", "new", cwd=tmp_path)
    assert members(tmp_path / "new" / "x" / "x.zip") == stay


def test_a_column_of_ids_gives_a_list_of_them(tmp_path, pictures):
    uids = [f"{number:032x}" for number in (3, 1 << 64, 2)]
    table = pa.table({"image": [pictures[0], pictures[1], pictures[1]], "uid": uids})
    pq.write_table(table, tmp_path / "x.parquet")
    options = {"key": "uid", "workers": 0, "progress": False}
    audit = fp.audit({"train": tmp_path / "x.parquet"}, tmp_path / "out", **options)
    assert audit.rows.table["key"].to_pylist() == uids
    run("clean", "out", cwd=tmp_path)
    run("clean", "out", "--apply", cwd=tmp_path)
    lists = tmp_path / "out" / "clean"
    assert np.load(lists / "train.uids.npy").tolist() == [(0, 3), (1, 0)]
    assert pq.read_table(lists / "train.keys.parquet")["key"].to_pylist() == uids
    options["key"] = "uuid"
    fp.audit({"train": tmp_path / "x.parquet"}, tmp_path / "out", **options)
    run("clean", "out", cwd=tmp_path)
    said = run("clean", "out", "--apply", "--overwrite", cwd=tmp_path, status=1).stderr
    assert "can't be listed, so that its samples can't be numbered: no column 'uuid'" in said


def test_a_key_that_is_no_rule_or_column_costs_one_line(tmp_path, pictures):
    make_zip(tmp_path / "x.zip", [("a.png", pictures[0])])
    pq.write_table(pa.table({"image": [pictures[0]]}), tmp_path / "x.parquet")
    said = run("hash", "x=x.zip", "-o", "s", "--key", "lastdot", cwd=tmp_path, status=2).stderr
    assert "--key 'lastdot' is no rule for names" in " ".join(said.split())
    words = ("hash", "x=x.parquet", "-o", "s", "--key", "uid", "--workers", "1")
    done = run(*words, cwd=tmp_path, status=1)
    shown = " ".join((done.stdout + done.stderr).split())
    assert "no column 'uid'; there are 'image': name the column of the keys" in shown
