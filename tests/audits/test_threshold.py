"""The least score of an audit where too few near pairs are copies."""

import json

import numpy as np
import pytest

from fastphash.audits.options import AuditOptions
from fastphash.base.text import share
from fastphash.errors import UsageError
from fastphash.results.calibration_words import (
    are_mostly_copies,
    share_in_words,
    warning_in_words,
)
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
        monkeypatch.setattr("fastphash.audits.threshold.sample_near_scores", lambda *_: found)

    return set_scores


def falling(rate):
    """3,000 chance matches."""
    return np.minimum(0.25 - np.log(1 - np.linspace(0, 0.999, 3000)) / rate, 1)


COPIES = np.linspace(0.9, 1, 900)
# copies that were all edited in one way
HUMP = np.random.default_rng(0).normal(0.75, 0.1, 900)
# scores rise up to 0.7
TEMPLATE = np.linspace(0.2, 0.7, 1000)


def audit(folder, *words):
    done = run("audit", "train", "val", "-o", "out", *words, cwd=folder)
    assert too_wide(done.stdout) == []
    return json.loads((folder / "out" / "summary.json").read_text()), " ".join(done.stdout.split())


def test_the_score_is_raised(folder, scores):
    scores(falling(13), COPIES)
    summary, shown = audit(folder)
    found = summary["calibration"]
    assert 0.55 < summary["min_score"] == found["recommended"]["min_score"] < 0.8
    assert found["share"] >= found["precision_wanted"] == 0.99
    before = found["raised_from"]
    assert before["min_score"] == 0.5
    assert before["low"] <= 900 / (900 + 3000 * np.exp(-13 * 0.25)) <= before["high"] < 0.99
    said = warning_in_words(summary)
    assert f"So near copies are only those from {summary['min_score']:g} up: an estimated " in said
    assert said in shown
    report = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert said in report
    assert share_in_words(summary) in report


def test_a_score_that_was_given_stays_and_that_is_said(folder, scores):
    scores(falling(13), COPIES)
    summary, shown = audit(folder, "--min-score", "0.5")
    found = summary["calibration"]
    assert (summary["min_score"], found["min_score_given"], found["raised_from"]) == (
        0.5,
        True,
        None,
    )
    assert found["share"] < 0.92
    recommended = found["recommended"]
    assert recommended["share"] >= 0.99
    assert recommended["pairs"] < found["pairs"]
    assert "Beware of the near copies: an estimated" in shown
    score, own = recommended["min_score"], share(recommended["share"])
    assert f"From a score of {score:g} up it is {own} (between " in shown


def test_no_score_will_do(folder, scores):
    scores(falling(9))
    summary, shown = audit(folder)
    found = summary["calibration"]
    assert summary["min_score"] == 0.5
    assert found["recommended"] is None
    assert found["high"] < 0.99
    assert "It is clear of no score that 99.0 % are." in shown
    # neither is sure
    assert found["share"] < 0.5 <= found["high"]
    assert "probably no cop" not in shown
    assert "most are copies" not in shown
    assert "it is probably a copy" not in shown


@pytest.mark.parametrize(
    ("found", "mostly"), [((0.1, 0.49), False), ((0.1, 0.5), None), ((0.6, 0.9), True)]
)
def test_most_are_said_to_be_no_copies_only_if_the_upper_bound_is_below_half(found, mostly):
    summary = {"calibration": {"share": found[0], "low": 0.0, "high": found[1]}}
    assert are_mostly_copies(summary) is mostly
    assert are_mostly_copies({"calibration": None}) is True


@pytest.mark.parametrize("parts", [(HUMP,), (TEMPLATE, COPIES), (HUMP[:40],)])
def test_without_a_tail_of_chance_matches_nothing_is_doubted(folder, scores, parts):
    scores(*parts)
    summary, shown = audit(folder)
    assert summary["min_score"] == 0.5
    assert warning_in_words(summary) == ""
    assert "Beware" not in shown
    assert "no cop" not in shown
    found = summary["calibration"]
    assert found is None or found["share"] > 0.99


def test_enough_are_copies(folder, scores):
    scores(COPIES, np.linspace(0.1, 0.3, 300))
    summary, shown = audit(folder)
    found = summary["calibration"]
    assert (summary["min_score"], found["raised_from"]) == (0.5, None)
    own = {key: found[key] for key in ("pairs", "share", "low", "high")}
    assert found["recommended"] == {"min_score": 0.5, **own}
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
    for wrong in (0, 1, 99.0, float("nan")):
        with pytest.raises(UsageError, match="`precision` is a share between 0 and 1"):
            AuditOptions(precision=wrong)
    words = ["audit", "train", "-o", "out"]
    assert "--precision" in error_of(run(*words, "--precision", "99", status=USAGE, cwd=folder))
    done = run(*words, "--precision", "0.9", "--no-verify", status=USAGE, cwd=folder)
    assert "--precision needs thumbnails to compare" in error_of(done)
