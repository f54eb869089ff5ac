"""Commands on an audit that compared PDQ: what follows from it says so, and takes its hashes."""

import json

import pytest

import fastphash as fp
from tests.support.command_line import run
from tests.support.inspector_client import Served
from tests.support.scenes import planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pdq")
    planted(folder)
    splits = {"train": folder / "train", "val": folder / "val"}
    options = {"workers": 0, "progress": False, "views": "none", "class_folders": False}
    fp.audit(splits, folder / "out", hashes=["pdq", "dhash"], **options)
    return folder


def test_an_audit_is_evaluated_and_calibrated_by_the_hash_that_it_compared(folder):
    pairs = "val/leak.png,train/003.png\nval/leak.bmp,train/004.png\nval/mirrored.png,train/005.png"
    (folder / "truth.csv").write_text(f"needle,haystack\n{pairs}\n")
    figures = json.loads(run("evaluate", "out", "truth.csv", "--json", cwd=folder).stdout)
    assert figures["audit"]["pairs"]["found"] == 3
    assert figures["audit"]["pairs"]["precision"] == 1
    assert (figures["hash"], figures["bits"], figures["radius"]) == ("pdq", 256, 80)
    shown = run("evaluate", "out", "truth.csv", cwd=folder).stdout
    assert "The audit, by pdq within 80 bits" in shown
    found = json.loads(run("calibrate", "out", "--json", cwd=folder).stdout)
    assert found["radius"] == 80
    # complements are as far from hashes as negatives are
    assert found["decoys"] == 0
    other = json.loads(run("calibrate", "out", "--hash", "dhash", "--json", cwd=folder).stdout)
    assert other["radius"] == 16


def test_the_nearest_are_named_by_it(folder):
    words = ("query", "val/mirrored.png", "--in", "out", "--json")
    first = json.loads(run(*words, cwd=folder).stdout)[:2]
    assert [row["path"] for row in first] == ["mirrored.png", "005.png"]
    assert first[1]["kind"] == "augmented"
    far = json.loads(run(*words, "-k", "9", cwd=folder).stdout)[-1]
    assert far["distance"] > 64
    assert far["kind"] == "different"


def test_pages_and_plans_are_made_of_it(folder):
    run("report", "out", cwd=folder)
    assert "compared by pdq, 256 bits" in (folder / "out" / "report.html").read_text()
    with Served(folder / "out") as running:
        words = running.get("/?kind=identical&least=0&most=255").words
        assert "003.png" in words
        assert "Distance by pdq" in words
        assert running.get("/group/0").status == 200
    run("clean", "out", cwd=folder)
    run("clean", "out", "lists", "--apply", cwd=folder)
    stays = (folder / "lists" / "train.txt").read_text().split()
    assert len(stays) == 5
