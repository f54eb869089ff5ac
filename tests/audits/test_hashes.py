"""Audits that compare other hashes than phash, and several at once."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import fastphash as fp
from fastphash.audits.frames import find_frames
from fastphash.audits.hash_proposals import propose_by_hashes
from fastphash.audits.options import AuditOptions, given_proposals
from fastphash.cli.output_audit import show_audit
from fastphash.demo import scene as drawn
from fastphash.errors import DefinitionError, UsageError
from fastphash.hashing.algorithms import ALGORITHMS
from fastphash.joins.radii import usual_radius
from fastphash.results.look_words import looks_in_words
from fastphash.store.open import read_hashes
from fastphash.verification.criteria import CopyCriteria
from tests.support.command_line import USAGE, error_of, run
from tests.support.examples import slow_but
from tests.support.report_pages import read_page
from tests.support.scenes import planted, save, scene

# what the planted copies are, by whatever hash; flat ones may share one, or not
COPIES = {"again.png": "identical", "other.bmp": "exact", "turned.png": "augmented"}
LEAKS = {"leak.png": "identical", "leak.bmp": "exact", "mirrored.png": "augmented"}
HASHES = [name for name in ALGORITHMS if name != "phash"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The planted splits."""
    folder = tmp_path_factory.mktemp("data")
    planted(folder)
    return folder


def audit(data, out, **options):
    fast = {"workers": 0, "progress": False, "class_folders": False, "views": "none"}
    options = {**fast, **options}
    splits = {"train": data / "train", "val": data / "val"}
    return fp.audit(splits, out, **options)


def kinds(table, side="", role=None):
    rows = table.to_pylist()
    return {row[f"{side}path"]: row["kind"] for row in rows if role in (None, row.get("role"))}


@pytest.mark.parametrize("name", slow_but(("pdq", "dhash"), HASHES))
def test_every_hash_finds_the_planted_copies(data, tmp_path, name):
    audited = audit(data, tmp_path / "out", hashes=[name])
    assert kinds(audited.groups, role="copy").items() >= COPIES.items()
    leaks = kinds(audited.leaks, "needle_")
    assert leaks.items() >= LEAKS.items()
    assert not {"flat.png", "flatter.png"} & leaks.keys()
    bits = ALGORITHMS[name].bits
    assert (audited.summary["hash"], audited.summary["bits"]) == (name, bits)
    assert f"compared by {name}, {bits} bits" in read_page(audited.report).text
    assert audited.rows.algorithm.name == name
    again = audit(data, tmp_path / "out", hashes=[name])
    assert again.summary["store"] == audited.summary["store"]
    assert again.leaks == audited.leaks
    plan = fp.clean_plan(tmp_path / "out")
    assert {row["path"] for row in plan.table.to_pylist() if row["action"] == "remove"} >= {*COPIES}


def test_a_second_audit_compares_another_hash_of_the_same_store(data, tmp_path):
    first = audit(data, tmp_path / "out", hashes=["phash", "pdq"])
    second = audit(data, tmp_path / "out", hashes=["pdq"], looks=0)
    assert second.summary["store"] == first.summary["store"]
    assert (first.summary["hash"], second.summary["hash"]) == ("phash", "pdq")
    assert fp.read_audit(tmp_path / "out").rows.algorithm.bits == 256
    with pytest.raises(
        DefinitionError,
        match=r"out.hashes has phash and pdq; this run asks for phash and dhash. Ask",
    ):
        audit(data, tmp_path / "out", hashes=["phash", "dhash"])
    for radius, name in ((65, "phash"), (256, "pdq")):
        with pytest.raises(UsageError, match=f"not {radius}"):
            audit(data, tmp_path / "out", hashes=[name], radius=radius)
    assert audit(data, tmp_path / "out", hashes=["pdq"], radius=255).summary["radius"] == 255


def test_without_orientations_or_thumbnails(data, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        upright = audit(data, tmp_path / "a", hashes=["pdq"], orientations=False)
        blind = audit(data, tmp_path / "b", hashes=["dhash_256", "pdq"], thumbnails=False)
    found = kinds(upright.leaks, "needle_")
    assert found["leak.bmp"] == "exact"
    assert "mirrored.png" not in found
    assert blind.summary["radius"] == usual_radius(ALGORITHMS["dhash_256"], 20) == 0
    assert kinds(blind.leaks, "needle_")["mirrored.png"] == "unverified"


def test_windows_are_compared_by_the_phash_of_thumbnails(tmp_path):
    picture = drawn(np.random.default_rng(3), side=240)
    save(tmp_path / "train" / "a.png", picture)
    save(tmp_path / "val" / "crop.png", picture[36:-36, 36:-36])
    audited = audit(tmp_path, tmp_path / "out", hashes=["pdq"], views="centre", looks=0)
    assert kinds(audited.leaks, "needle_").items() >= {("crop.png", "cropped")}
    assert audited.leaks.to_pylist()[0]["distance"] > 30


def test_frames_are_stored_or_made_from_thumbnails(data, tmp_path):
    audit(data, tmp_path / "both", hashes=["dhash", "phash"], looks=0)
    audit(data, tmp_path / "dhash", hashes=["dhash"], looks=0)
    stored, made = (
        find_frames(read_hashes(str(tmp_path / name))).hashes for name in ("both", "dhash")
    )
    assert (stored[:, 0] == made[:, 0]).all()
    # the transposed image is resized anew
    assert np.bitwise_count(stored ^ made).mean() < 1


def test_hashes_propose_pairs_beyond_the_radius_of_the_compared_one(data, tmp_path):
    audited = audit(data, tmp_path / "out", hashes=["phash", "dhash", "pdq"], looks=0)
    rows = audited.rows
    options = AuditOptions(propose=("phash", "dhash"))
    every = propose_by_hashes(rows, CopyCriteria(0, 0.3), options)
    assert every.counts.keys() == {"dhash"}
    assert every.counts["dhash"]["radius"] == 16
    assert every.pairs.copies.size == every.counts["dhash"]["copies"]
    distance = every.pairs.copies.relation.distance
    # the stored distance is that of the compared hash, beyond its radius
    assert (distance > 0).all()
    again = audit(data, tmp_path / "out", radius=0, propose=["dhash", "pdq"], looks=0)
    found = again.summary["proposing"]
    assert found.keys() == {"dhash", "pdq"}


def test_usual_radii_are_those_of_the_algorithms():
    usual = {name: usual_radius(one, 1000) for name, one in ALGORITHMS.items()}
    assert {name: radius for name, radius in usual.items() if radius} == {
        "phash": 4,
        "phash_256": 54,
        "pdq": 31,
    }
    # no wider than a search of so many may be
    assert [usual_radius(ALGORITHMS["phash_256"], n) for n in (100_000, 10**7)] == [48, 30]
    assert usual_radius(ALGORITHMS["phash"], 10**9) == 4


def test_hashes_that_propose_may_be_named_in_one_text():
    assert given_proposals("dhash, pdq") == given_proposals(["dhash", "pdq"]) == ("dhash", "pdq")
    assert given_proposals(",") == Path(",")


def test_near_copies_that_another_hash_proposes_are_found(tmp_path, capsys):
    """Pictures saved again with a shade over them: phash is off, dhash isn't."""
    for seed in range(3):
        picture = scene(seed, 96, 128).astype(float)
        save(tmp_path / "train" / f"{seed}.png", picture.astype(np.uint8))
        shade = np.linspace(-1, 1, 128)[None, :, None] * 12
        save(tmp_path / "val" / f"{seed}.png", np.clip(picture + shade, 0, 255).astype(np.uint8))
    options = {"hashes": ["phash", "dhash"], "radius": 0, "looks": 0}
    alone = audit(tmp_path, tmp_path / "out", **options)
    assert not alone.leaks.num_rows
    union = audit(tmp_path, tmp_path / "out", **options, propose="dhash")
    assert set(kinds(union.leaks, "needle_").values()) == {"near"}
    assert union.leaks.num_rows == 6
    assert all(row["distance"] > 0 for row in union.leaks.to_pylist())
    assert union.summary["proposing"]["dhash"]["copies"] == 3
    assert "of dhash, of which 3 are near copies by thumbnails" in looks_in_words(union.summary)
    assert "pairs within 16 bits of dhash, too" in read_page(union.report).text
    show_audit(union.summary, {}, "out")
    said = " ".join(capsys.readouterr().out.split())
    assert "Not looked for by phash: only equal hashes were compared" in said
    assert "Pairs within 16 bits of dhash were compared, too" in said
    assert "near copies: dhash within 16 bits, and thumbnails that are alike" in said


def test_what_can_propose_nothing_is_refused(data, tmp_path):
    with pytest.raises(UsageError, match="`propose` names 'dhash', which is not made: add it to"):
        audit(data, tmp_path / "out", propose=["dhash"])
    with pytest.raises(UsageError, match="`propose`: no hash 'md5'"):
        audit(data, tmp_path / "out", propose=["md5"])
    with pytest.raises(UsageError, match="needs thumbnails"):
        audit(data, tmp_path / "out", hashes=["phash", "dhash"], propose="dhash", verify=False)
    words = ("audit", "train=train", "-o", tmp_path / "out", "--propose")
    done = run(*words, "pairs.csv", cwd=data, status=USAGE)
    assert "'pairs.csv' is no file, and no hash: phash" in error_of(done)
    done = run(*words, "dhash", cwd=data, status=USAGE)
    assert error_of(done).endswith("--propose names 'dhash', which is not made: add it to --hash")
    assert not (tmp_path / "out").exists()
