"""What an audit makes of pairs that others propose."""

import functools
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fastphash.audits import in_doubt
from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.demo import scene
from fastphash.errors import UsageError
from fastphash.ingest.options import IngestOptions
from fastphash.results.audit_folder import open_audit
from fastphash.results.look_words import looks_in_words
from tests.support.examples import slow_but
from tests.support.report_pages import read_page
from tests.support.scenes import save, source

ONE_WORKER = IngestOptions(workers=1)
SEEDS = (2, 3, 5)


@functools.cache
def picture(seed, side):
    return Image.fromarray(scene(np.random.default_rng(seed), side=side)).resize((side, side))


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """train: 2, 3, 5; val: the same turned by 25 degrees, and 7."""
    folder = tmp_path_factory.mktemp("splits")
    for seed in SEEDS:
        large = picture(seed, 480)
        save(folder / "train" / f"{seed}.png", np.asarray(large.crop((80, 80, 400, 400))))
        turned = large.rotate(25, Image.Resampling.BICUBIC).crop((80, 80, 400, 400))
        save(folder / "val" / f"{seed}.png", np.asarray(turned))
    save(folder / "val" / "7.png", np.asarray(picture(7, 320)))
    return folder


@pytest.fixture
def run(splits, tmp_path):
    """Audits copies of these splits."""
    for name in ("train", "val"):
        shutil.copytree(splits / name, tmp_path / name)

    def run(**options):
        splits = [source(name, tmp_path / name) for name in ("train", "val")]
        options = AuditOptions(keep_score=True, **options)
        found = audit(tmp_path / "out", splits, options, ONE_WORKER)
        return found.summary, open_audit(tmp_path / "out")

    return run


@pytest.fixture
def pairs(tmp_path):
    """Each turned picture with its own, and each with 7, which is none's."""
    columns = {
        "split": ["train"] * 7,
        "path": [f"{seed}.png" for seed in (*SEEDS, *SEEDS, 9)],
        "other_split": ["val"] * 7,
        "other_path": [*(f"{seed}.png" for seed in SEEDS), *["7.png"] * 4],
        "score": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 1.0],
    }
    pq.write_table(pa.table(columns), tmp_path / "pairs.parquet")
    return tmp_path / "pairs.parquet"


def copies(found):
    leaks = found.leaks.to_pylist()
    return {row["needle_path"] for row in leaks if row["kind"] in {"near", "cropped"}}


def test_proposed_pairs_are_decided_by_their_pixels(run, pairs):
    _, found = run()
    assert not copies(found)
    summary, found = run(propose=pairs)
    assert copies(found) == {f"{seed}.png" for seed in SEEDS}
    assert summary["proposals"] == {"pairs": 6, "given": 7, "unknown": 1, "unusable": 0}
    doubts = summary["looks"]["doubts"]
    assert (doubts["proposed"], doubts["proposed_looked"], doubts["proposed_rescued"]) == (6, 6, 3)
    said = looks_in_words(summary)
    assert "Of 7 proposals, 1 names no image that was compared." in said
    assert (
        "6 pairs were proposed; thumbnails left 6 in doubt, of which 6 were compared at their "
        "pixels: 3 are copies by these." in said
    )
    assert said in read_page(found.folder / "report.html").text


def test_proposals_come_first_and_no_more_than_are_allowed(run, pairs):
    summary, found = run(propose=pairs, looks=2)
    # by their scores: the first two
    assert copies(found) == {"2.png", "3.png"}
    doubts = summary["looks"]["doubts"]
    assert (doubts["proposed"], doubts["proposed_looked"]) == (6, 2)
    assert "Only 2 pairs in doubt were compared at the pixels" in looks_in_words(summary)


WRONG = [
    {"path": ["2.png"], "vector": ["[1.0]"]},
    {"path": ["2.png"], "vector": [[[1.0]]]},
    {"path": [0.5], "other_path": ["2.png"]},
    {"path": ["2.png"], "split": [b"\xff"], "embedding": [[1.0]]},
    {"path": ["2.png"]},
]


def test_wrong_proposals_leave_the_earlier_audit_as_it_is(run, tmp_path):
    run()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    save(tmp_path / "val" / "8.png", np.asarray(picture(8, 320)))
    for number, columns in enumerate(WRONG):
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet")
        with pytest.raises(UsageError):
            run(propose=tmp_path / f"{number}.parquet")
        after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
        assert after == before, columns


@pytest.mark.slow
def test_results_that_the_audit_itself_removes_are_not_proposed(run, tmp_path):
    put_sure_copies(tmp_path)
    run(table_form="csv")
    out = tmp_path / "out"
    (tmp_path / "link.csv").symlink_to(out / "leaks.csv")
    for path in (out / "leaks.csv", out / "leaks.parquet", tmp_path / "link.csv"):
        with pytest.raises(UsageError, match="propose a copy of it from elsewhere"):
            run(propose=path)
    assert (out / "summary.json").exists()
    elsewhere = tmp_path / "mine.csv"
    elsewhere.write_bytes((out / "leaks.csv").read_bytes())
    assert run(propose=elsewhere)[0]["proposals"]["unknown"] == 0


@pytest.mark.parametrize("columns", [{"vector": [[1.0]]}, {"other_path": ["train/2.png"]}])
def test_proposals_without_a_known_name_are_said_and_end_nothing(run, tmp_path, columns):
    run()
    pq.write_table(pa.table({"path": ["gone.png"], **columns}), tmp_path / "odd.parquet")
    summary, found = run(propose=tmp_path / "odd.parquet")
    assert summary["proposals"] == {"pairs": 0, "given": 1, "unknown": 1, "unusable": 0}
    said = "No pair was proposed: of 1 proposal each has a name that no compared image has"
    assert any(said in one for one in summary["verdict"]["sentences"])
    assert said in read_page(found.folder / "report.html").text


def put_sure_copies(folder):
    """Two that take one look."""
    for split, side in (("train", 320), ("val", 300)):
        save(folder / split / "11.png", np.asarray(picture(11, 320).resize((side, side))))


@pytest.mark.parametrize("looks", slow_but([1, 5], [1, 2, 5]))
def test_proposals_are_counted_however_few_may_be_looked_at(
    run, pairs, tmp_path, monkeypatch, looks
):
    # nothing is held in memory but what may be looked at
    monkeypatch.setattr(in_doubt, "_HELD", -100)
    put_sure_copies(tmp_path)
    summary, _ = run(propose=pairs, looks=looks + 1)
    doubts = summary["looks"]["doubts"]
    assert (doubts["proposed"], doubts["proposed_looked"], doubts["more"]) == (6, looks, True)
    assert doubts["pairs"] >= 6
    assert "6 pairs were proposed; thumbnails left 6 in doubt" in looks_in_words(summary)


def test_proposals_are_counted_where_sure_copies_take_all_looks(run, pairs, tmp_path):
    put_sure_copies(tmp_path)
    summary, _ = run(propose=pairs, looks=1)
    assert summary["looks"]["looked"] == 1
    doubts = summary["looks"]["doubts"]
    assert (doubts["pairs"], doubts["proposed"], doubts["proposed_looked"]) == (6, 6, 0)
    said = looks_in_words(summary)
    assert "left 6 in doubt, of which 0 were compared at their pixels" in said
    assert "No pair in doubt was compared at the pixels, since no more than 1 pair may be" in said


def test_neighbours_by_vectors(run, tmp_path):
    angles = {"2.png": 0.0, "3.png": 2.0, "5.png": 4.0, "7.png": 5.2}
    names = [("train", f"{seed}.png") for seed in SEEDS]
    names += [("val", f"{seed}.png") for seed in (*SEEDS, 7)]
    vectors = [
        [np.cos(angles[path] + (split == "val") / 9), np.sin(angles[path] + (split == "val") / 9)]
        for split, path in names
    ]
    vectors[-1] = [0.0, 0.0]
    columns = {
        "split": [split for split, _ in names],
        "path": [path for _, path in names],
        "embedding": vectors,
    }
    pq.write_table(pa.table(columns), tmp_path / "vectors.parquet")
    summary, found = run(propose=tmp_path / "vectors.parquet")
    assert copies(found) == {f"{seed}.png" for seed in SEEDS}
    assert summary["proposals"] == {"pairs": 15, "given": 7, "unknown": 0, "unusable": 1}
    assert "1 is a vector without values, of another length" in looks_in_words(summary)
    summary, _ = run(propose=tmp_path / "vectors.parquet", looks=3)
    assert summary["looks"]["doubts"]["proposed_rescued"] == 3


@pytest.mark.slow
def test_mirrored_copies_are_proposed_too(run, pairs, tmp_path):
    """Where a copy is like enough to its original for its thumbnail to tell how it lies."""
    for seed in SEEDS:
        crop = picture(seed, 480).crop((80, 80, 400, 400)).rotate(4).crop((20, 20, 300, 300))
        save(tmp_path / "val" / f"{seed}.png", np.asarray(crop)[:, ::-1])
    _, found = run(propose=pairs, radius=0)
    assert copies(found) == {f"{seed}.png" for seed in SEEDS}
    leaks = found.leaks.to_pylist()
    assert {row["orientation"] for row in leaks if row["kind"] in {"near", "cropped"}} == {
        "flip_left_right"
    }


def test_wrong_proposals_are_said_before_anything_is_hashed(run, tmp_path):
    with pytest.raises(UsageError, match="can't read"):
        run(propose=tmp_path / "gone.parquet")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="`propose` needs"):
        AuditOptions(propose=tmp_path / "x.parquet", looks=0)
    with pytest.raises(UsageError, match="`propose` needs"):
        AuditOptions(propose=tmp_path / "x.parquet", min_score=None)
