"""Pairs that thumbnails leave in doubt: which they are, and what an audit makes of their pixels."""

import functools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastphash.audits import in_doubt
from fastphash.audits import run as run_module
from fastphash.audits.looker import RowPairs
from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.base.vocabulary import (
    COLLISION,
    CROPPED,
    DIFFERENT,
    FADED,
    KINDS,
    NEAR,
    SAME,
    UNKNOWN_COLOUR,
)
from fastphash.clean.plan import make_plan
from fastphash.clean.plan_counts import plan_summary
from fastphash.demo import scene
from fastphash.ingest.options import IngestOptions
from fastphash.inspector.columns import read_columns
from fastphash.looks.judgement import DOUBT_END, DOUBT_START
from fastphash.looks.run import why_unaligned
from fastphash.results.audit_folder import open_audit
from fastphash.results.look_words import looks_in_words
from fastphash.verification.decide_kind import Relation
from tests.support.report_pages import read_page
from tests.support.scenes import save, source

BICUBIC = Image.Resampling.BICUBIC
ONE_WORKER = IngestOptions(workers=1)

ALIKE = "So many pairs are alike that not all were searched for ones in doubt."


@functools.cache
def picture(seed, side=320):
    return Image.fromarray(scene(np.random.default_rng(seed), side=side)).resize((side, side))


@functools.cache
def detailed(seed, side=320):
    """A picture with detail all over."""
    grain = np.random.default_rng(seed).integers(0, 256, (side // 4, side // 4), np.uint8)
    grain = np.asarray(Image.fromarray(grain).resize((side, side), BICUBIC), np.float32)
    pixels = np.asarray(picture(seed, side)) + (grain[..., None] - 128) * 0.3
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@functools.cache
def turned(seed, degrees):
    """What a camera that was turned sees of a scene full of detail."""
    large = detailed(seed, 480).rotate(degrees, BICUBIC)
    return large.crop((80, 80, 400, 400))


@functools.cache
def thing(seed):
    """A thing on a white ground: of others it has the outline and shades, but its own pattern."""
    pixels = np.asarray(picture(3), np.int16)
    blots = np.random.default_rng(seed).integers(-1, 2, (80, 80, 1)).astype(np.int16) * 34
    pixels = np.clip(pixels + np.kron(blots, np.ones((4, 4, 1), np.int16)), 0, 255)
    y, x = np.indices((320, 320)) - 160
    pixels[np.hypot(x, y) > 110] = 250
    return pixels.astype(np.uint8)


@pytest.fixture
def run(tmp_path):
    """Audits what is in train and val."""

    def run(**options):
        splits = [source(name, tmp_path / name) for name in ("train", "val")]
        options.setdefault("keep_score", True)
        found = audit(tmp_path / "out", splits, AuditOptions(**options), ONE_WORKER)
        return found.summary, open_audit(tmp_path / "out")

    return run


def put(folder, **pictures):
    for name, image in pictures.items():
        split, _, stem = name.partition("_")
        save(folder / split / f"{stem}.png", np.asarray(image))


def kinds(found):
    return {
        (row["needle_path"], row["haystack_path"]): row["kind"] for row in found.leaks.to_pylist()
    }


@pytest.mark.slow
def test_a_turned_picture_is_a_copy_after_all(run, tmp_path):
    put(tmp_path, train_whole=turned(3, 0), train_other=picture(2), val_turned=turned(3, 8))
    summary, found = run(looks=0, views="none")
    assert not kinds(found)
    assert summary["looks"]["doubts"]["pairs"] == 0
    # windows that are turned as well find it without a look
    _, found = run(looks=0)
    assert set(kinds(found).values()) == {"cropped"}
    summary, found = run(views="none")
    assert kinds(found) == {
        ("whole.png", "turned.png"): "near",
        ("turned.png", "whole.png"): "near",
    }
    counts = summary["looks"]["doubts"]
    assert counts["pairs"] == counts["looked"] >= 1
    assert (counts["rescued"], counts["vetoed"], counts["unreadable"]) == (1, 0, 0)
    assert not counts["more"]
    said = "Pixels decided 1 pair that thumbnails left in doubt: 1 is a copy, 0 are none."
    assert looks_in_words(summary) == said
    assert said in summary["verdict"]["sentences"]
    assert any("or the pixels agree" in one for one in summary["verdict"]["sentences"])
    assert said in read_page(found.folder / "report.html").text
    findings = found.findings
    assert findings.relation.kind.tolist() == [NEAR]
    assert findings.looked.all()
    assert np.isnan(findings.window).all()
    assert 0.2 <= findings.relation.score[0] < 0.5
    plan = make_plan(found, by=["near"])
    assert sum(row["remove"] for row in plan_summary(plan).values()) == 1


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT])
def test_a_turned_crop_is_found_in_any_orientation(run, tmp_path, turn):
    crop = detailed(2, 480).rotate(7, BICUBIC).crop((104, 104, 344, 344)).transpose(turn)
    put(tmp_path, train_whole=turned(2, 0), val_crop=crop)
    _, found = run(looks=0, min_score=0.8)
    assert not kinds(found)
    summary, found = run(min_score=0.8)
    assert set(kinds(found).values()) == {"cropped"}
    assert summary["looks"]["doubts"]["rescued"] == 1
    (needle,) = (row for row in found.leaks.to_pylist() if row["needle_path"] == "crop.png")
    assert needle["orientation"] == {"ROTATE_90": "rotate_270"}.get(turn.name, turn.name.lower())
    assert needle["window_of"] == "haystack"
    window = [float(edge) for edge in needle["window"].split(",")]
    # the box of what a turn by 7 degrees shows
    np.testing.assert_allclose(window, (0.03, 0.03, 0.87, 0.87), atol=0.03)


@pytest.mark.slow
def test_other_things_of_one_outline_are_no_copies(run, tmp_path):
    put(tmp_path, train_one=thing(0), val_two=thing(10))
    _, found = run(looks=0)
    assert set(kinds(found).values()) == {"near"}
    summary, found = run()
    assert summary["looks"]["doubts"]["vetoed"] == 1
    assert not kinds(found)
    assert not found.groups.num_rows
    assert summary["verdict"]["tone"] == "good"
    assert found.findings.relation.kind.tolist() == [COLLISION]
    assert found.findings.relation.score[0] >= 0.5
    assert sum(row["remove"] for row in plan_summary(make_plan(found, by=["near"])).values()) == 0
    said = "Pixels decided 1 pair that thumbnails left in doubt: 0 are copies, 1 is none."
    assert said in read_page(found.folder / "report.html").text
    assert read_columns(found).part_rows.size == 0


def test_of_several_keepers_none_remains_in_doubt(run, tmp_path):
    copies = {f"train_{seed}": thing(seed) for seed in range(3)}
    put(tmp_path, **copies, val_two=thing(10))
    summary, found = run()
    counts = summary["looks"]["doubts"]
    assert counts["pairs"] == counts["vetoed"] >= 3
    assert not kinds(found)
    # two that agree at distance 0 differ at a place
    assert set(found.groups["kind"].to_pylist()) <= {None, "altered"}


def test_files_of_the_same_bytes_are_looked_at_once(run, tmp_path):
    again = turned(3, 8)
    put(tmp_path, train_whole=turned(3, 0), val_a=again, val_b=again, val_c=again)
    summary, found = run(views="none")
    assert summary["looks"]["doubts"]["pairs"] == 1
    needles = {row["needle_path"] for row in found.leaks.to_pylist()}
    assert needles == {"whole.png", "a.png", "b.png", "c.png"}


def test_the_closest_calls_come_first_and_the_bound_is_said(run, tmp_path):
    for seed, degrees in ((1, 5), (3, 3)):
        put(tmp_path, **{f"train_{seed}": turned(seed, 0), f"val_{seed}": turned(seed, degrees)})
    summary, found = run(looks=1, min_score=0.7, views="none")
    counts = summary["looks"]["doubts"]
    assert counts["looked"] == 1
    assert counts["pairs"] >= 2
    assert set(kinds(found)) == {("3.png", "3.png")}
    said = looks_in_words(summary)
    assert "Only 1 pair in doubt was compared at the pixels, the closest calls" in said
    assert said.endswith("since no more than 1 pair may be.")


def test_without_opencv_pairs_stay_in_doubt(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    put(tmp_path, train_one=thing(0), val_two=thing(10))
    summary, found = run()
    assert set(kinds(found).values()) == {"near"}
    assert summary["looks"]["doubts"]["looked"] == 0
    (said,) = [one for one in summary["verdict"]["sentences"] if "in doubt" in one]
    assert said.startswith("Nobody compared the pixels of 1 pair in doubt: ")
    assert said.endswith("pip install opencv-python-headless.")


@pytest.fixture
def break_opencv(tmp_path, monkeypatch):
    """break_opencv(code): a module of this code takes its place."""

    def replace(code):
        (tmp_path / "modules").mkdir()
        (tmp_path / "modules" / "cv2.py").write_text(code)
        monkeypatch.delitem(sys.modules, "cv2", raising=False)
        monkeypatch.syspath_prepend(tmp_path / "modules")

    yield replace
    # by hand: monkeypatch would bring it back
    sys.modules.pop("cv2", None)


REPAIR = "pip install --force-reinstall --no-deps opencv-python-headless"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise ImportError('libGL.so.1: cannot open shared object file')", "libGL.so.1: cannot"),
        ("raise RuntimeError('built for\\nanother numpy')", "built for another numpy"),
        ("raise OSError", "OSError"),
        ("import sys\nprint('a page', file=sys.stderr)\nraise ImportError('numpy')", "numpy"),
        ("import no_such_module_of_opencv", "No module named 'no_such_module_of_opencv'"),
        ("", "it has no GaussianBlur"),
        (
            "def __getattr__(name):\n    if name == 'warpAffine': raise AttributeError\n",
            "it has no warpAffine",
        ),
    ],
)
def test_with_a_broken_opencv_the_reason_is_said(break_opencv, capsys, code, why):
    break_opencv(code)
    said = why_unaligned()
    assert f"since OpenCV is broken ({why}" in said
    assert said.endswith(f"): {REPAIR}")
    assert "\n" not in said
    assert not capsys.readouterr().err


def test_with_a_broken_opencv_pairs_stay_in_doubt(run, tmp_path, break_opencv, capsys):
    break_opencv("import sys\nprint('a page', file=sys.stderr)\nraise ImportError('a\\nb')")
    put(tmp_path, train_one=thing(0), val_two=thing(10))
    summary, found = run()
    assert set(kinds(found).values()) == {"near"}
    (said,) = [one for one in summary["verdict"]["sentences"] if "in doubt" in one]
    assert said.endswith(f"since OpenCV is broken (a b): {REPAIR}.")
    assert not capsys.readouterr().err


def test_where_nothing_is_in_doubt_opencv_is_not_missed(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    put(tmp_path, train_one=picture(1), val_one=picture(1))
    summary, _ = run()
    assert looks_in_words(summary) == ""


def test_files_that_are_gone_stay_in_doubt(tmp_path):
    put(tmp_path, train_whole=turned(3, 0), val_turned=turned(3, 8))
    splits = [source(name, tmp_path / name) for name in ("train", "val")]
    audit(tmp_path / "out", splits, AuditOptions(looks=0, views="none"), ONE_WORKER)
    (tmp_path / "val" / "turned.png").unlink()
    kept = IngestOptions(workers=1, keep_missing=True)
    summary = audit(tmp_path / "out", splits, AuditOptions(views="none"), kept).summary
    counts = summary["looks"]["doubts"]
    assert counts["pairs"] == counts["unreadable"] == 1
    assert "1 pair in doubt could not be compared" in looks_in_words(summary)
    assert not any(split["leaks"]["leaked"] for split in summary["splits"].values())


@pytest.mark.parametrize("least", [None, 0.0, 1.0])
def test_any_least_score_will_do(run, tmp_path, least):
    put(tmp_path, train_whole=turned(3, 0), val_turned=turned(3, 8))
    summary, found = run(min_score=least, radius=16)
    expected = {None: 0, 0.0: 1, 1.0: 1}[least]
    assert summary["looks"]["doubts"]["pairs"] == expected
    assert set(kinds(found).values()) == {"near"}


def test_of_too_many_pairs_those_of_rows_that_stand_for_others_are_looked_at(
    run, tmp_path, monkeypatch
):
    monkeypatch.setattr(in_doubt, "_MOST_PER_IMAGE", 0)
    monkeypatch.setattr(in_doubt, "_AT_ONCE", 2)
    copies = {f"train_{seed}": thing(seed) for seed in range(3)}
    put(tmp_path, **copies, val_two=thing(10))
    summary, _ = run()
    counts = summary["looks"]["doubts"]
    assert counts["pairs"] == counts["vetoed"] == 1
    # nobody was kept from looking at further ones
    assert counts["unsearched"]
    assert not counts["more"]
    assert looks_in_words(summary).endswith(ALIKE)


def test_of_too_many_pairs_that_nobody_doubts_no_bound_is_blamed(run, tmp_path, monkeypatch):
    monkeypatch.setattr(in_doubt, "_MOST_PER_IMAGE", 0)
    monkeypatch.setattr(in_doubt, "_AT_ONCE", 2)
    whole = picture(1)
    sides = (300, 310, 320, 330)
    put(tmp_path, **{f"train_{side}": whole.resize((side, side)) for side in sides})
    put(tmp_path, val_other=picture(2))
    summary, _ = run()
    counts = summary["looks"]["doubts"]
    assert (counts["pairs"], counts["looked"], counts["more"]) == (0, 0, False)
    assert counts["unsearched"]
    assert looks_in_words(summary) == ALIKE


def test_windows_that_were_dropped_blame_no_bound_while_looks_are_left(run, tmp_path, monkeypatch):
    put(tmp_path, train_one=thing(0), val_two=thing(10))
    found = run_module.find_findings
    monkeypatch.setattr(run_module, "find_findings", lambda *a: found(*a)._replace(more=True))
    for looks, more in ((10, False), (1, True)):
        summary, _ = run(looks=looks)
        counts = summary["looks"]["doubts"]
        assert (counts["looked"], counts["more"], counts["unsearched"]) == (1, more, True)
        said = looks_in_words(summary)
        assert (ALIKE in said, "since no more than 1 pair may be" in said) == (not more, more)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(range(len(KINDS))),
            st.floats(0, 1, width=32),
            st.sampled_from([SAME, FADED, DIFFERENT, UNKNOWN_COLOUR]),
        ),
        max_size=20,
    ),
    st.sampled_from([0.0, 0.2, 0.5, 0.9]),
)
def test_which_pairs_are_in_doubt(pairs, least):
    relation = Relation.collisions(len(pairs))
    expected, closeness = [], []
    for i, (kind, score, colour) in enumerate(pairs):
        relation.kind[i], relation.score[i], relation.colour[i] = kind, score, colour
        accused = kind in {NEAR, CROPPED} and score < np.float32(DOUBT_END)
        scored = np.float32(DOUBT_START) <= score < np.float32(least)
        cleared = kind == COLLISION and colour != DIFFERENT and scored
        faded = kind == NEAR and colour == FADED and score >= np.float32(0.65)
        enough = np.float32(max(least, DOUBT_START))
        recoloured = kind == COLLISION and colour == DIFFERENT and score >= enough
        if accused or cleared or faded or recoloured:
            expected.append(i)
            closeness.append(abs(score - (1 if recoloured else least)))
    rows = np.arange(len(pairs))
    found = in_doubt.InDoubt.judge(RowPairs(rows, rows + 50, relation), least)
    assert found.pairs.left.tolist() == expected
    assert found.accused.tolist() == [pairs[i][0] != COLLISION for i in expected]
    # scores and the least one are rounded to float32
    np.testing.assert_allclose(found.closeness, closeness, rtol=0, atol=1e-6)
