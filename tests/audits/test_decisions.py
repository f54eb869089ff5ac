"""Decisions count in the next audit: in its tables, verdict, report and exit status."""

import json

import numpy as np
import pytest

from fastphash.files import parquet
from fastphash.results.audit_folder import open_audit
from fastphash.results.decisions import Decision, Image, decide, undo
from tests.support.command_line import LEAKED, run
from tests.support.decisions import read_decisions
from tests.support.report_pages import read_page, slightly
from tests.support.scenes import save, scene, scenes

WORDS = ("audit", "train=train", "val=val", "-o", "out", "--workers", "1")


def say(out, word, *names):
    """Decide about images named SPLIT/PATH."""
    rows = open_audit(out).rows
    digests = {
        f"{split}/{path.decode()}": digest
        for split, path, digest in zip(
            rows.splits, rows.paths.to_pylist(), rows.table["digest"].to_pylist(), strict=True
        )
    }
    images = (Image(*name.split("/", 1), digests[name]) for name in names)
    decide(out, Decision(word, tuple(image._replace(path=image.path.encode()) for image in images)))


def leaks(folder):
    table = parquet.read_table(folder / "out" / "leaks.parquet").to_pylist()
    return {
        f"{row['needle_split']}/{row['needle_path']}": (row["kind"], row["confirmed"])
        for row in table
    }


def audited(folder, *options, status=0):
    """The summary of an audit of train and val, and what it printed to stderr."""
    done = run(*WORDS, "--json", *options, cwd=folder, status=status)
    return json.loads(done.stdout), done.stderr


@pytest.fixture
def two_splits(tmp_path):
    """Train holds 0 to 3, val 3 as BMP, a flat picture each, and what is near to 0."""
    scenes(tmp_path / "train", range(4))
    save(tmp_path / "val" / "leak.bmp", scene(3))
    save(tmp_path / "val" / "near.png", slightly(scene(0)))
    for split, level in (("train", 60), ("val", 200)):
        save(tmp_path / split / "flat.png", np.full((40, 40), level, np.uint8))
    return tmp_path


def test_what_a_person_calls_no_copies_is_no_leak(two_splits):
    before, _ = audited(two_splits, "--fail-on-leak", status=LEAKED)
    assert before["verdict"]["tone"] == "bad"
    say(two_splits / "out", "not_copies", "val/leak.bmp", "train/003.png")
    summary, said = audited(two_splits, "--fail-on-leak")
    assert "No image leaks by identical, exact and augmented; 1 of 5 train images and 1" in said
    assert summary["verdict"]["tone"] == "doubt"
    assert summary["decisions"] | {"digest": ""} == {"used": 1, "stale": 0, "digest": ""}
    say(two_splits / "out", "not_copies", "train/000.png", "val/near.png")
    summary, said = audited(two_splits, "--fail-on-leak=+near")
    assert said == ""
    assert summary["verdict"]["tone"] == "good"
    assert "2 decisions count." in summary["verdict"]["sentences"]
    assert set(leaks(two_splits).values()) == {("collision", False)}
    assert parquet.read_table(two_splits / "out" / "groups.parquet").num_rows == 0
    assert [split["leaks"]["leaked"] for split in summary["splits"].values()] == [0, 0]
    page = read_page(two_splits / "out" / "report.html").text
    assert "No leak found" in page
    assert "2 decisions count." in page
    assert "2 decisions count" in run(*WORDS, cwd=two_splits).stdout
    undo(two_splits / "out")
    undo(two_splits / "out")
    changed = {"decisions": {}, "digest": ""}
    assert audited(two_splits)[0] | changed == before | changed


def test_what_a_person_calls_copies_leaks(two_splits):
    audited(two_splits)
    say(two_splits / "out", "copies", "val/flat.png", "train/flat.png")
    say(two_splits / "out", "copies", "train/000.png", "val/near.png")
    say(two_splits / "out", "copies", "train/001.png", "val/near.png")
    say(two_splits / "out", "copies", "train/003.png", "val/leak.bmp")
    summary, said = audited(two_splits, "--fail-on-leak=identical", status=LEAKED)
    assert said.startswith("3 of 5 train images and 2 of 3 val images leak by identical, or by dec")
    assert leaks(two_splits) == {
        "val/flat.png": ("collision", True),
        "train/flat.png": ("collision", True),
        "val/near.png": ("near", True),
        "train/000.png": ("near", True),
        "train/001.png": ("collision", True),
        "val/leak.bmp": ("exact", True),
        "train/003.png": ("exact", True),
    }
    kinds = summary["splits"]["train"]["leaks"]["kinds"]
    assert {kind: number for kind, number in kinds.items() if number} == {
        "exact": 1,
        "confirmed": 3,
    }
    assert summary["staying"] == {}


def test_copies_by_decision_count_inside_a_split(two_splits):
    save(two_splits / "train" / "flatter.png", np.full((40, 40), 220, np.uint8))
    audited(two_splits)
    say(two_splits / "out", "copies", "train/flat.png", "train/flatter.png")
    summary, _ = audited(two_splits)
    train = summary["splits"]["train"]
    assert train["copies"] | {"confirmed": 0} == dict.fromkeys(train["copies"], 0)
    assert train["copies"]["confirmed"] == 1
    assert train["images"] == train["distinct"] + 1
    assert "1 of 6 train images (16.7 %) is a copy of another" in " ".join(
        summary["verdict"]["sentences"]
    )


def test_decisions_on_images_that_have_changed_or_are_gone_are_not_used(two_splits):
    audited(two_splits)
    say(two_splits / "out", "not_copies", "val/leak.bmp", "train/003.png")
    say(two_splits / "out", "not_copies", "train/000.png", "val/near.png")
    log = (two_splits / "out" / "decisions.json").read_bytes()
    save(two_splits / "val" / "leak.bmp", scene(3, 96, 128))
    (two_splits / "val" / "near.png").unlink()
    summary, _ = audited(two_splits, "--fail-on-leak", status=LEAKED)
    assert summary["decisions"]["used"] == 0
    assert summary["decisions"]["stale"] == 2
    assert leaks(two_splits)["val/leak.bmp"] == ("exact", False)
    assert "2 decisions don't count, or not in full, because images have changed" in " ".join(
        summary["verdict"]["sentences"]
    )
    assert (two_splits / "out" / "decisions.json").read_bytes() == log
    assert len(read_decisions(two_splits / "out")) == 2


def test_of_three_splits_the_undecided_leak_stays(tmp_path):
    for split, name in (("train", "a.png"), ("val", "b.bmp"), ("test", "c.tif")):
        save(tmp_path / split / name, scene(1))
    words = ("audit", "train", "val", "test", "-o", "out", "--json")
    kinds = [split["leaks"]["leaked"] for split in summary_of(tmp_path, words).values()]
    assert kinds == [1, 1, 1]
    say(tmp_path / "out", "not_copies", "train/a.png", "val/b.bmp")
    table = {row["needle_split"]: row for row in table_of(tmp_path, words)}
    assert {split: row["haystack_split"] for split, row in table.items()} == {
        "train": "test",
        "val": "test",
        "test": "val",
    }
    assert [table[split]["also_in"] for split in ("train", "val", "test")] == ["", "", "train"]
    say(tmp_path / "out", "not_copies", "train/a.png", "test/c.tif")
    assert {row["needle_split"] for row in table_of(tmp_path, words)} == {"val", "test"}


def summary_of(folder, words):
    return json.loads(run(*words, cwd=folder).stdout)["splits"]


def table_of(folder, words):
    run(*words, cwd=folder)
    return parquet.read_table(folder / "out" / "leaks.parquet").to_pylist()


def test_a_decision_holds_for_files_of_the_same_bytes(two_splits):
    (two_splits / "train" / "again.png").write_bytes(
        (two_splits / "train" / "003.png").read_bytes()
    )
    audited(two_splits, "--fail-on-leak", status=LEAKED)
    say(two_splits / "out", "not_copies", "val/leak.bmp", "train/003.png")
    summary, _ = audited(two_splits, "--fail-on-leak")
    assert summary["decisions"]["used"] == 1
    assert "val/leak.bmp" not in leaks(two_splits)
    assert summary["splits"]["train"]["copies"]["identical"] == 1
    # what is said of a file itself counts more
    say(two_splits / "out", "copies", "val/leak.bmp", "train/again.png")
    audited(two_splits, "--fail-on-leak", status=LEAKED)
    assert leaks(two_splits)["train/again.png"] == ("exact", True)
    assert "train/003.png" not in leaks(two_splits)


def test_a_keeper_by_decision_is_the_keeper(two_splits):
    save(two_splits / "train" / "copy.bmp", scene(1))
    audited(two_splits)
    say(two_splits / "out", "keeper", "train/001.png")
    audited(two_splits)
    groups = parquet.read_table(two_splits / "out" / "groups.parquet").to_pylist()
    keepers = {row["path"] for row in groups if row["role"] == "keeper"}
    assert {"001.png"} == keepers & {"001.png", "copy.bmp"}


def test_plan_and_audit_agree_about_what_stays(two_splits):
    summary, _ = audited(two_splits)
    assert summary["staying"] == {"near": 1}
    plan = json.loads(run("clean", "out", "--json", cwd=two_splits).stdout)
    assert plan["staying"] == summary["staying"]
    shown = " ".join(run("clean", "out", cwd=two_splits).stdout.split())
    assert "1 near copy stays: add it with --kinds +near" in shown
    assert "fastphash clean out --kinds +near a new plan, with 1 near copy" in shown
    wider = json.loads(run("clean", "out", "--json", "--kinds", "+near", cwd=two_splits).stdout)
    assert wider["staying"] == {}
    assert sum(s["remove"] for s in wider["splits"].values()) == 1 + sum(
        s["remove"] for s in plan["splits"].values()
    )
    say(two_splits / "out", "not_copies", "train/000.png", "val/near.png")
    assert json.loads(run("clean", "out", "--json", cwd=two_splits).stdout)["staying"] == {}


def test_a_report_of_before_a_decision_says_so(two_splits):
    audited(two_splits)
    say(two_splits / "out", "not_copies", "train/000.png", "val/near.png")
    run("report", "out", cwd=two_splits)
    page = read_page(two_splits / "out" / "report.html").text
    assert "Something was decided since: audit again, and it counts." in page


def test_a_damaged_log_is_an_error_before_anything_is_hashed(two_splits):
    audited(two_splits)
    (two_splits / "out" / "decisions.json").write_text("{")
    before = (two_splits / "out" / "summary.json").read_bytes()
    save(two_splits / "val" / "new.png", scene(9))
    assert "decisions.json" in run(*WORDS, cwd=two_splits, status=1).stderr
    assert (two_splits / "out" / "summary.json").read_bytes() == before
