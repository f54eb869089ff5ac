"""Looks of an audit at the pixels of sure copies."""

import numpy as np
import pytest
from PIL import Image

from fastphash.audits.doubts import DoubtCounts
from fastphash.audits.looks import LookCounts
from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.base.vocabulary import ALTERED, SURE_KINDS, UNLOOKED
from fastphash.clean.plan import make_plan
from fastphash.clean.plan_counts import plan_summary
from fastphash.defaults import LOOKS
from fastphash.errors import UsageError
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.results.look_words import looks_in_words
from tests.support.scenes import save, source

ONE_WORKER = IngestOptions(workers=1)


def meter(reading):
    """A picture of which one small place tells the reading."""
    blots = np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(blots).resize((400, 320), Image.BICUBIC)).copy()
    pixels[150:170, 180:220] = (250, 250, 250)
    for digit in range(reading):
        pixels[153:167, 183 + 5 * digit : 186 + 5 * digit] = (160, 160, 160)
    return pixels


@pytest.fixture
def run(tmp_path):
    """Audits train (1, 2, and 1 saved again as JPEG) and val (2 and 3)."""
    for split, name, reading in (
        ("train", "1.png", 1),
        ("train", "2.png", 2),
        ("train", "1.jpg", 1),
        ("val", "2.jpg", 2),
        ("val", "3.png", 3),
    ):
        save(tmp_path / split / name, meter(reading))

    def run(**options):
        splits = [source(name, tmp_path / name) for name in ("train", "val")]
        found = audit(tmp_path / "out", splits, AuditOptions(views="none", **options), ONE_WORKER)
        return found.summary, open_audit(tmp_path / "out")

    return run


def removed(audited, by=SURE_KINDS):
    plan = make_plan(audited, by=by)
    return {row["path"] for row in plan.to_pylist() if row["action"] == "remove"}


def test_other_readings_are_altered_and_stay(run):
    summary, found = run()
    assert removed(found) == {"1.jpg", "2.png"}
    looks = summary["looks"]
    assert looks["limit"] == LOOKS
    assert looks["pairs"] == looks["looked"] >= 4
    assert looks["altered"] == looks["pairs"] - 2
    kinds = {row["needle_path"]: row["kind"] for row in found.leaks.to_pylist()}
    assert kinds == {
        "2.png": "exact",
        "2.jpg": "exact",
        "1.png": "altered",
        "1.jpg": "altered",
        "3.png": "altered",
    }
    findings = found.findings
    assert findings.looked.all()
    assert findings.size == looks["pairs"]
    place = findings.place[findings.relation.kind == ALTERED][0]
    assert (place[:2] > [0.43, 0.45]).all()
    assert (place[2:] < [0.57, 0.55]).all()
    # the same without a store of their own: what was found stands beside it
    assert plan_summary(make_plan(found))["train"]["kinds"] == {"exact": 2}


def test_without_looks_only_the_same_pixels_are_sure(run):
    summary, found = run(looks=0)
    assert summary["looks"] == {
        **LookCounts(0, pairs=5)._asdict(),
        "doubts": DoubtCounts()._asdict(),
    }
    assert removed(found) == set()
    assert summary["staying"] == {"unlooked": 4}
    assert len(removed(found, [*SURE_KINDS, UNLOOKED])) == 4
    assert looks_in_words(summary) == (
        "5 of 5 pairs of sure copies were not compared at their pixels, since 0 are the most that "
        "were allowed (all are with fastphash audit ... --looks 5): a place may differ."
    )


def test_a_bound_is_kept_and_said(run):
    summary, _ = run(looks=1)
    looks = summary["looks"]
    assert looks["looked"] == 1
    assert looks["pairs"] > 1
    assert "1 are the most that were allowed" in looks_in_words(summary)
    assert any(
        "were not compared at their pixels" in one for one in summary["verdict"]["sentences"]
    )
    with pytest.raises(UsageError, match="`looks` is a number of pairs, 0 or more, not -1"):
        AuditOptions(looks=-1)


def test_nobody_looks_where_thumbnails_are_not_compared(run):
    summary, _ = run(min_score=None)
    assert summary["looks"]["limit"] == 0


def test_words_on_files_that_are_gone():
    looks = {"limit": 9, "pairs": 3, "looked": 1, "altered": 0, "unreadable": 2}
    said = looks_in_words({"looks": looks})
    assert said.startswith("2 pairs of sure copies could not be compared at their pixels")
    assert looks_in_words({}) == ""
