"""What is said on the screen of cropped and altered copies."""

from pathlib import Path

import pytest

from fastphash.cli.next_steps import show_next_steps
from fastphash.cli.output_audit import show_audit, show_chained
from fastphash.cli.output_labels import show_label_conflicts
from fastphash.files import atomic
from fastphash.results.audit_folder import open_audit, read_summary
from tests.support.audits import write_summary
from tests.support.command_line import run, too_wide
from tests.support.parts_audit import FOUND, parts_audit
from tests.support.scenes import scenes

CROPS = {name: found for name, found in FOUND.items() if "caption" not in name}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return parts_audit(tmp_path_factory.mktemp("parts"))


@pytest.fixture
def shown(monkeypatch, capsys):
    """shown(folder): what the screen says of an audit."""
    monkeypatch.setenv("COLUMNS", "80")

    def show(folder):
        summary = open_audit(folder).summary
        show_audit(summary, {}, str(folder))
        show_next_steps(folder, summary)
        return capsys.readouterr().out

    return show


def test_kinds_are_explained_where_there_are_some(folder, shown, tmp_path):
    text = shown(folder)
    words = " ".join(text.split())
    assert "Cropped and altered copies cropped: one picture shows a part of the other" in words
    assert "altered: the same scene, but for a place" in words
    assert "are also in train: 4 cropped, 2 altered" in words
    # a command is never broken, and may be long
    assert too_wide(text.split("Written to")[0]) == []
    only_crops = " ".join(shown(parts_audit(tmp_path / "crops", found=CROPS)).split())
    assert "Cropped copies cropped:" in only_crops
    assert "altered" not in only_crops


def test_an_audit_says_what_to_look_at_and_how_to_clean_it(folder, shown):
    text = shown(folder)
    words = " ".join(text.split())
    assert "look at the copies, cropped and altered ones above all, and decide" in words
    clean = f"fastphash clean {folder} --kinds"
    commands = [line.strip() for line in text.splitlines() if clean in line]
    assert commands == [f"{clean} +cropped", f"{clean} +cropped,+altered"]


def test_a_plan_counts_them_and_names_what_stays(folder):
    planned = run("clean", folder, "--kinds", "+cropped").stdout
    words = " ".join(planned.split())
    assert "Plan: copies that go, of kinds identical, exact, augmented, cropped" in words
    assert "val 6 2 4 4" in words
    assert f"fastphash clean {folder} --kinds +altered,+cropped" in words
    assert "a new plan, with 2 altered copies: look at them first" in words


def test_crops_whose_annotations_were_not_compared_are_counted(capsys):
    show_label_conflicts({"coco": {"conflicts": 0, "not_compared": 1200}})
    said = capsys.readouterr().out
    assert "Label conflicts" in said
    assert "cropped copies, whose annotations were not compared: 1,200" in said
    # an audit of an earlier version has no such number
    show_label_conflicts({"folder": {"conflicts": 0}, "coco": {"conflicts": 0}})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"views": "none"}, "for no cropped copies: audit again with --views all"),
        ({"views": None}, "for no cropped copies: audit again with --views all"),
        (
            {"views": "none", "min_score": None},
            "no cropped copies: audit again without --no-verify",
        ),
        ({"views": "none", "thumbnails": False}, "copies: audit again without --no-thumbnails"),
        ({"views": "centre"}, ""),
    ],
)
def test_a_plan_says_that_nobody_looked_for_crops(tmp_path, changed, said):
    for split in ("train", "val"):
        scenes(tmp_path / split, [len(split)])
    run("audit", "train", "val", "-o", "out", cwd=tmp_path)
    summary = atomic.read_json(tmp_path / "out" / "summary.json") | changed
    # earlier versions didn't name views
    kept = {key: value for key, value in summary.items() if key != "views" or value}
    write_summary(tmp_path / "out", kept)
    shown = run("clean", "out", "--kinds", "+cropped", cwd=tmp_path).stdout
    words = " ".join(shown.split())
    assert ("the audit looked" in words) == bool(said)
    assert said in words
    assert ("augmented, cropped" in words) == (not said)
    assert "the audit looked" not in run("clean", "out", cwd=tmp_path).stdout


def test_class_folders_that_are_taken_for_labels_are_counted(capsys):
    show_label_conflicts({"folder": {"conflicts": 0, "classes": 10}})
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Labels 10 class folders; ")
    assert "--no-class-folders" in said


@pytest.mark.parametrize(("groups", "looks"), [(0, False), (1, True)])
def test_only_an_audit_with_copies_offers_to_look_at_them(folder, capsys, groups, looks):
    summary = read_summary(Path(folder)) | {"staying": {}, "groups": {"groups": groups}}
    show_next_steps(Path(folder), summary)
    said = capsys.readouterr().out
    assert ("fastphash inspect" in said) == ("fastphash clean" in said) == looks
    assert "report.html" in said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, ""),
        (1, "1 image is a copy of a copy of the keeper, but looks different itself"),
        (3, "3 images are copies of copies of the keeper, but look different themselves"),
    ],
)
def test_copies_by_a_chain_are_no_riddle(capsys, number, said):
    show_chained({"train": {"copies": {"near": 2, "collision": number}}, "val": {"copies": {}}})
    shown = " ".join(capsys.readouterr().out.split())
    assert (said in shown) if number else shown == ""
    assert ("column collision" in shown) == bool(number)
