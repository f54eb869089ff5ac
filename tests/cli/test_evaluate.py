"""fastphash evaluate, in a process of its own."""

import csv
import json
import xml.etree.ElementTree as ET

import pytest

from fastphash.base.vocabulary import ALTERED, CROPPED
from fastphash.cli.output_evaluate import LOST_PAIRS, show_evaluation
from fastphash.demo import make
from fastphash.errors import UsageError
from fastphash.evaluation.evaluate import evaluate
from fastphash.evaluation.pair_tables import JUDGED_SCHEMA
from fastphash.evaluation.truth import read_truth
from fastphash.evaluation.writing import (
    CURVES,
    FIGURES,
    PAIRS,
    UNLISTED,
    check_folder,
    write_evaluation,
)
from fastphash.files import parquet
from fastphash.results.audit_folder import open_audit
from tests.support.command_line import FAILED, USAGE, error_of, run, too_wide
from tests.support.findings import findings_of
from tests.support.plain_evaluation import FILES, plain_audit, truth_of
from tests.support.report_pages import audited as audit_folders
from tests.support.report_pages import read_page, slightly
from tests.support.scenes import save, scene, scenes


def write(path, pairs, header=("needle", "haystack", "kind")):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *pairs])
    return path


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The demo's data set and a file that is no image, audited, with a table of what is planted."""
    folder = tmp_path_factory.mktemp("evaluate")
    truth = make(folder / "data")
    (folder / "data" / "train" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    audit_folders(
        folder / "out", ("train", folder / "data" / "train"), ("val", folder / "data" / "val")
    )
    write(folder / "truth.csv", [(copy, original, done) for done, copy, original in truth])
    half = [(copy, original, done) for done, copy, original in truth if done != "rotate_90"]
    write(folder / "half.csv", [*half, ("train/broken.png", "train/scene_000.png", "broken")])
    return folder


def test_what_was_planted_is_found_and_nothing_else(planted):
    done = run("evaluate", "out", "truth.csv", "--json", cwd=planted)
    found = json.loads(done.stdout)
    assert done.stderr == ""
    folder = planted / "out" / "evaluation"
    assert json.loads((folder / FIGURES).read_text()) == found
    for side in ("pairs", "images"):
        shares = [found["audit"][side][name] for name in ("precision", "recall", "f1")]
        assert [*shares, found["average_precision"][side]] == [1, 1, 1, pytest.approx(1)]
    assert {row["recall"] for row in found["by_listed_kind"].values()} == {1}
    pairs = parquet.read_table(folder / PAIRS)
    assert pairs.schema.equals(JUDGED_SCHEMA)
    assert pairs.num_rows == found["candidates"]
    accused = {row["status"] for row in pairs.to_pylist() if row["accused"]}
    assert accused == {"true", "same bytes"}
    assert "There are none" in read_page(folder / UNLISTED).text


def test_what_is_not_listed_is_shown(planted):
    done = run("evaluate", "out", "half.csv", "-o", "shown", "--shown", "3", cwd=planted)
    shown = done.stdout
    assert too_wide(shown) == []
    words = " ".join(shown.split())
    assert "1 lost: an image was rejected" in words
    assert "train/scene_000.png and train/broken.png: rejected" in words
    assert "accused pairs that aren't listed: 5; look at them in unlisted.html" in words
    assert "rotate_180 5 5 100 %" in words
    page = read_page(planted / "shown" / UNLISTED)
    assert len(page.groups) == 3
    assert "The 3 most alike of 5 accused pairs" in page.text
    assert all("augmented, 0 bits, rotate_" in group.text for group in page.groups)
    assert {path.name for path in (planted / "shown").iterdir()} == FILES
    root = ET.parse(planted / "shown" / CURVES).getroot()
    assert len(root.findall(".//{*}polyline")) == 2


def test_pairs_of_splits_that_the_table_lacks_are_not_judged(planted, tmp_path):
    lines = (planted / "truth.csv").read_text().splitlines()
    across = [line for line in lines if line.count("val/") == 1]
    (tmp_path / "across.csv").write_text("\n".join([lines[0], *across]))
    words = ["evaluate", planted / "out", "across.csv", "-o", "e"]
    shown = run(*words, cwd=tmp_path).stdout
    assert too_wide(shown) == []
    shown = " ".join(shown.split())
    assert "judged: pairs of train and val" in shown
    assert "pairs inside train were not judged: the table lists none (" in shown
    assert "if across.csv lists all copies, --complete judges these, too" in shown
    figures = json.loads(run(*words, "--json", cwd=tmp_path).stdout)
    assert figures["audit"]["pairs"]["precision"] == 1
    complete = json.loads(run(*words, "--json", "--complete", cwd=tmp_path).stdout)
    assert complete["audit"]["pairs"]["accused"] > figures["audit"]["pairs"]["accused"]
    assert {one["judged"] for one in complete["split_pairs"]} == {True}
    assert "Splits" not in run(*words, "--complete", cwd=tmp_path).stdout


def test_a_radius_of_its_own(planted, tmp_path):
    words = ["evaluate", "out", "truth.csv", "-o", tmp_path / "e"]
    shown = " ".join(run(*words, "--radius", "0", cwd=planted).stdout.split())
    assert "Lost pairs, the most alike first train/" in shown
    assert shown.count(": 2 bits, score ") == 3
    words.append("--json")
    narrow = json.loads(run(*words, "--radius", "0", cwd=planted).stdout)
    assert list(narrow["by_distance"]) == ["0"]
    assert narrow["lost"]["radius"] == 3
    wide = json.loads(run(*words, "--radius", "18", cwd=planted).stdout)
    assert wide["candidates"] > narrow["candidates"]
    assert wide["audit"]["pairs"]["recall"] == 1


def test_an_audit_that_took_no_look(tmp_path):
    scenes(tmp_path / "train", range(6))
    save(tmp_path / "train" / "near.png", slightly(scene(0)))
    write(tmp_path / "truth.csv", [("train/near.png", "000.png", "")])
    for option in ("--no-verify", "--no-thumbnails"):
        run("audit", "train", "-o", option[2:], option, "--radius", "20", cwd=tmp_path)
        done = run("evaluate", option[2:], "truth.csv", cwd=tmp_path)
        assert too_wide(done.stdout) == []
        assert "Lost pairs" not in done.stdout
        assert ("By score" in done.stdout) == (option == "--no-verify")
        found = json.loads((tmp_path / option[2:] / "evaluation" / FIGURES).read_text())
        assert found["audit"]["pairs"]["recall"] == 1
        assert found["audit"]["pairs"]["accused"] == found["candidates"] > 1
        assert len(ET.parse(tmp_path / option[2:] / "evaluation" / CURVES).findall("{*}g")) == (
            1 + (option == "--no-verify")
        )


def test_what_nobody_could_look_at_is_lost_by_that(tmp_path):
    scenes(tmp_path / "train", [0, 1])
    save(tmp_path / "train" / "alike.bmp", scene(0) ^ (scene(0) == scene(0).max()))
    write(tmp_path / "truth.csv", [("train/alike.bmp", "000.png", "")])
    run("audit", "train", "-o", "out", "--no-thumbnails", cwd=tmp_path)
    shown = run("evaluate", "out", "truth.csv", cwd=tmp_path).stdout
    assert "1 lost: equal hashes, but no thumbnails to compare" in shown
    found = json.loads((tmp_path / "out" / "evaluation" / FIGURES).read_text())
    assert {why: number for why, number in found["lost"].items() if number} == {"unseen": 1}
    pairs = parquet.read_table(tmp_path / "out" / "evaluation" / PAIRS)
    assert pairs["lost_by"].to_pylist() == ["unseen"]


def words_of(capsys, audit, truth, **options):
    """What is printed of an evaluation."""
    found = evaluate(audit, truth, **options)
    show_evaluation(found.summary, found.missed(LOST_PAIRS), "t.csv", "e")
    shown = capsys.readouterr().out
    assert too_wide(shown) == []
    return " ".join(shown.split())


def test_words_of_what_was_found_and_what_was_not(capsys):
    findings = findings_of([(0, 1), (0, 3)], [CROPPED, ALTERED])
    audit = plain_audit([0, 4, 5, 3], findings=findings, views="all")
    words = words_of(capsys, audit, truth_of((0, 1), (1, 2), (1, 3)), radius=0)
    assert (
        "Listed by t.csv 3 pairs of 4 images 1 lost: further apart than 0 bits 1 lost: further "
        "apart than 0 bits, and no window of one was found in the other"
    ) in words
    assert "cropped 1 1 100 %" in words
    assert "altered 1 1 100 %" in words
    audit.summary["views"] = "none"
    words = words_of(capsys, audit, truth_of((0, 1), (1, 2), (1, 3)))
    assert "1 lost: further apart than 4 bits Splits" in words
    assert "window" not in words


def test_words_of_pairs_that_are_not_copies(capsys):
    audit = plain_audit([0, 1, 5], hashes=[0, 1, 0, 0, 0, 2**64 - 1], thumbnails=False)
    words = words_of(capsys, audit, truth_of(not_copies=[(0, 1)]))
    assert words.startswith("Listed by t.csv no copies 1 pair as not copies; 1 accused")
    words = words_of(capsys, audit, truth_of((0, 1), not_copies=[(0, 2), (1, 2)]))
    assert "1 pair of 2 images 2 pairs as not copies; 0 accused" in words


def test_words_of_splits_that_are_not_judged(capsys):
    audit = plain_audit([0, 1, 2, 3], hashes=[0, 1, 1, 2], thumbnails=False)
    words = words_of(capsys, audit, truth_of((0, 1)))
    assert "pairs inside train were not judged: the table lists none (1 candidate)" in words


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["out", "none.csv"], USAGE, "can't read 'none.csv': No such file or directory"),
        (["out", "bad.csv"], USAGE, "line 2 of 'bad.csv': 'train/x.png' is no image"),
        (["nothing", "truth.csv"], USAGE, "no such audit: 'nothing'"),
        (["out", "truth.csv", "--max-pairs", "3"], FAILED, "more than the limit of 3"),
        (["out", "truth.csv", "-o", "data"], USAGE, "'data' exists and is no evaluation"),
        (["out", "truth.csv", "-o", "out"], USAGE, "'out' exists and is no evaluation"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(planted, words, status, message):
    write(planted / "bad.csv", [("train/x.png", "train/scene_000.png", "")])
    assert message in error_of(run("evaluate", *words, status=status, cwd=planted))


def test_only_an_evaluation_is_replaced_unasked(planted, tmp_path):
    words = ["evaluate", planted / "out", planted / "truth.csv", "--shown", "0", "-o"]
    run(*words, tmp_path / "deep" / "e")
    (tmp_path / "deep" / "e" / "notes.txt").write_text("mine")
    before = (tmp_path / "deep" / "e" / FIGURES).read_text()
    run(*words, tmp_path / "deep" / "e")
    assert (tmp_path / "deep" / "e" / FIGURES).read_text() == before
    other = tmp_path / "other"
    other.mkdir()
    for content in ("{}", "[1]", "none"):
        (other / FIGURES).write_text(content)
        with pytest.raises(UsageError, match="`overwrite`"):
            check_folder(other, overwrite=False)
    (other / "notes.txt").write_text("mine")
    run(*words, other, "--overwrite")
    assert (other / "notes.txt").read_text() == "mine"
    assert {path.name for path in other.iterdir()} == FILES | {"notes.txt"}


def test_the_same_audit_and_truth_give_the_same_bytes(planted, tmp_path):
    audit = open_audit(planted / "out")
    for name in ("a", "b"):
        found = evaluate(audit, read_truth(planted / "half.csv", audit))
        write_evaluation(found, audit, tmp_path / name)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_evaluation_that_fails_leaves_no_figures_of_another(planted, tmp_path, monkeypatch):
    audit = open_audit(planted / "out")
    found = evaluate(audit, read_truth(planted / "half.csv", audit))
    write_evaluation(found, audit, tmp_path, shown=0)

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastphash.evaluation.writing.write_pairs", fail)
    with pytest.raises(KeyboardInterrupt):
        write_evaluation(found, audit, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {FIGURES}
