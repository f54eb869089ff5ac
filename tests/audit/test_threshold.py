"""The least score of an audit where too few near pairs are copies."""

import json

import numpy as np
import pytest

from fastphash.audit.options import AuditOptions
from fastphash.errors import UsageError
from fastphash.results.calibration_words import share_in_words, warning_in_words
from tests.support.command_line import USAGE, error_of, run, too_wide
from tests.support.report_pages import slightly
from tests.support.scenes import save, scene, scenes


@pytest.fixture
def folder(tmp_path):
    scenes(tmp_path / "train", range(4))
    save(tmp_path / "val" / "near.png", slightly(scene(0)))
    return tmp_path


@pytest.fixture
def scores(monkeypatch):
    """Sets the scores that an audit finds."""

    def set_scores(*parts):
        found = np.concatenate(parts).astype(np.float32)
        monkeypatch.setattr("fastphash.audit.threshold.sample_near_scores", lambda *_: found)

    return set_scores


TEMPLATE = np.linspace(0.2, 0.7, 1000)
FALLING = np.minimum(0.25 - np.log(1 - np.linspace(0, 0.999, 3000)) / 9, 1)
COPIES = np.linspace(0.9, 1, 300)


def audit(folder, *words):
    done = run("audit", "train", "val", "-o", "out", *words, cwd=folder)
    assert too_wide(done.stdout) == []
    return json.loads((folder / "out" / "summary.json").read_text()), " ".join(done.stdout.split())


def test_the_score_is_raised(folder, scores):
    scores(TEMPLATE, COPIES)
    summary, shown = audit(folder)
    found = summary["calibration"]
    assert 0.65 < summary["min_score"] == found["recommended"] < 0.9
    assert found["share"] >= found["precision_wanted"] == 0.99
    before = found["raised_from"]
    assert before["min_score"] == 0.5
    assert before["low"] <= before["share"] <= before["high"]
    assert before["share"] == pytest.approx(300 / 700, abs=0.1)
    assert f"So near copies are only those from {summary['min_score']:g} up" in shown
    report = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert warning_in_words(summary) in report
    assert share_in_words(summary) in report


def test_a_score_that_was_given_stays_and_that_is_said(folder, scores):
    scores(TEMPLATE, COPIES)
    summary, shown = audit(folder, "--min-score", "0.5")
    found = summary["calibration"]
    assert (summary["min_score"], found["min_score_given"], found["raised_from"]) == (
        0.5,
        True,
        None,
    )
    assert found["share"] < 0.6
    assert "Beware of the near copies: an estimated" in shown
    assert f"From a score of {found['recommended']:g} up 99.0 % are." in shown


def test_no_score_will_do(folder, scores):
    scores(FALLING)
    summary, shown = audit(folder)
    assert summary["min_score"] == 0.5
    assert summary["calibration"]["recommended"] is None
    assert "and at no score are 99.0 %." in shown
    if summary["splits"]["val"]["leaks"]["kinds"]["near"]:
        assert "most are probably no copies" in shown or "it is probably no copy" in shown


def test_enough_are_copies(folder, scores):
    scores(COPIES, np.linspace(0.1, 0.3, 300))
    summary, shown = audit(folder)
    found = summary["calibration"]
    assert (summary["min_score"], found["recommended"], found["raised_from"]) == (0.5, 0.5, None)
    assert warning_in_words(summary) == ""
    assert "of the near pairs are copies" in shown
    assert audit(folder, "--precision", "0.5")[0]["calibration"]["precision_wanted"] == 0.5


def test_a_few_pairs_say_nothing(folder):
    summary, shown = audit(folder)
    assert summary["calibration"] is None
    assert summary["min_score"] == 0.5
    assert "estimated" not in shown
    assert audit(folder, "--no-verify")[0]["calibration"] is None


def test_wrong_shares(folder):
    for share in (0, 1, 99.0, float("nan")):
        with pytest.raises(UsageError, match="`precision` is a share between 0 and 1"):
            AuditOptions(precision=share)
    words = ["audit", "train", "-o", "out"]
    assert "--precision" in error_of(run(*words, "--precision", "99", status=USAGE, cwd=folder))
    done = run(*words, "--precision", "0.9", "--no-verify", status=USAGE, cwd=folder)
    assert "--precision needs thumbnails to compare" in error_of(done)
