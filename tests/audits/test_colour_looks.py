"""What an audit makes of pictures that are alike but for their colours."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fastphash.audits import doubts, in_doubt
from fastphash.audits.options import AuditOptions
from fastphash.audits.run import audit
from fastphash.base.vocabulary import COLLISION, DIFFERENT, EXACT, SWAPPED
from fastphash.ingest.options import IngestOptions
from fastphash.inspector.columns import read_columns
from fastphash.results.audit_folder import open_audit
from tests.support.report_pages import read_page
from tests.support.scenes import save, source

ONE_WORKER = IngestOptions(workers=1)
CLOTHS = {"red": (145, 30, 35), "grey": (114, 114, 114), "black": (38, 37, 42)}


@pytest.fixture
def run(tmp_path):
    def run(*splits, **options):
        sources = [source(name, tmp_path / name) for name in splits]
        options = AuditOptions(views="none", keep_score=True, **options)
        summary = audit(tmp_path / "out", sources, options, ONE_WORKER).summary
        return summary, open_audit(tmp_path / "out")

    return run


def blots(seed):
    """Light and dark blots in many hues, which tell little of their grey."""
    rng = np.random.default_rng(seed)

    def smooth(height, width):
        coarse = Image.fromarray(rng.integers(0, 256, (height, width), np.uint8))
        return np.asarray(coarse.resize((240, 180), Image.Resampling.BICUBIC)) / 255.0

    grey, hue = 60 + 130 * smooth(9, 12), 2 * np.pi * smooth(3, 4)
    red, blue = 45 * np.cos(hue), 45 * np.sin(hue)
    green = -(0.299 * red + 0.114 * blue) / 0.587
    pixels = grey[..., None] + np.stack([red, green, blue], axis=-1)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def cloth(colour):
    """A shirt on white, with creases."""
    page = Image.new("RGB", (200, 240), "white")
    outline = [(50, 40), (80, 30), (120, 30), (150, 40), (185, 90), (160, 110), (145, 90)]
    outline += [(145, 220), (55, 220), (55, 90), (40, 110), (15, 90)]
    ImageDraw.Draw(page).polygon(outline, colour)
    creases = np.random.default_rng(0).integers(200, 256, (8, 7), np.uint8)
    light = np.asarray(Image.fromarray(creases).resize(page.size, Image.Resampling.BICUBIC))
    return (np.asarray(page) * (light[..., None] / 255.0)).astype(np.uint8)


def test_swapped_channels_are_one_picture_and_say_so(run, tmp_path):
    for seed in range(3):
        save(tmp_path / "train" / f"{seed}.png", blots(seed))
        save(tmp_path / "val" / f"{seed}.png", blots(seed)[..., ::-1])
    _, found = run("train", "val", looks=0)
    assert {row["kind"] for row in found.leaks.to_pylist()} <= {"collision"}
    summary, found = run("train", "val")
    leaks = found.leaks.to_pylist()
    assert {(row["needle_path"], row["kind"], row["colour"]) for row in leaks} == {
        (f"{seed}.png", "near", "swapped") for seed in range(3)
    }
    assert summary["looks"]["doubts"]["rescued"] == 3
    assert "swapped colours" in read_page(found.folder / "report.html").text
    assert (read_columns(found).colour == SWAPPED).sum() == 3
    # what is stored is read as it was
    assert set(found.findings.relation.colour.tolist()) == {SWAPPED}


def blotched(seed):
    """A thing on a white ground: of others it has the outline and shades, but its own pattern."""
    pattern = np.random.default_rng(seed).integers(-34, 35, (80, 80, 1)).astype(np.int16)
    shades = np.asarray(Image.fromarray(blots(7)).resize((320, 320)), np.int16)
    pixels = np.clip(shades + np.kron(pattern, np.ones((4, 4, 1), np.int16)), 0, 255)
    y, x = np.indices((320, 320)) - 160
    pixels[np.hypot(x, y) > 110] = 250
    return pixels.astype(np.uint8)


def test_pairs_whose_colours_are_in_doubt_do_not_wait_for_others(run, tmp_path, monkeypatch):
    monkeypatch.setattr(doubts, "_LEAST_ROUND", 1)
    save(tmp_path / "train" / "blots.png", blots(0))
    save(tmp_path / "val" / "blots.png", blots(0)[..., ::-1])
    # just too little alike to be copies, and none at their pixels: a round that decides nothing
    for split, seed in (("train", 1), ("val", 2)):
        save(tmp_path / split / "thing.png", blotched(seed))
    summary, found = run("train", "val", min_score=0.925)
    counts = summary["looks"]["doubts"]
    assert (counts["pairs"], counts["looked"], counts["rescued"]) == (2, 2, 1)
    assert {row["colour"] for row in found.leaks.to_pylist()} == {"swapped"}


def group_of_red(found):
    rows = found.groups.to_pylist()
    (group,) = (row["group"] for row in rows if row["path"] == "red.png")
    return {row["path"] for row in rows if row["group"] == group}


def test_things_in_other_colours_are_no_copies(run, tmp_path):
    for name, colour in CLOTHS.items():
        save(tmp_path / "shop" / f"{name}.png", cloth(colour))
    save(tmp_path / "shop" / "again.jpg", cloth(CLOTHS["red"]))
    summary, found = run("shop")
    assert summary["splits"]["shop"]["copies"]["exact"] == 1
    assert group_of_red(found) == {"red.png", "again.jpg"}
    # none of them counts as looked at and found alike
    shirts = found.findings
    apart = shirts.relation.colour == DIFFERENT
    assert (shirts.relation.kind[apart] == COLLISION).all()
    assert apart.sum() == summary["looks"]["recoloured"] + summary["looks"]["doubts"]["vetoed"]
    assert (shirts.relation.kind == EXACT).sum() <= 1
    assert summary["looks"]["recoloured"] + summary["looks"]["doubts"]["vetoed"] >= 2
    _, found = run("shop", looks=0)
    # by 8 x 8 cells one of these fades into another
    assert len(group_of_red(found)) > 2


def printed_cloth(colour):
    """A shirt on white with a print that is full of detail."""
    shirt = cloth(colour).astype(np.int16)
    grain = np.random.default_rng(1).integers(0, 2, (20, 16, 1)).astype(np.int16)
    shirt[80:180, 70:134] = 60 + 150 * np.kron(grain, np.ones((5, 4, 1), np.int16))
    return shirt.astype(np.uint8)


def test_light_and_dark_things_in_one_frame_are_no_copies(run, tmp_path, monkeypatch):
    # too little alike for their frames to be taken for the same
    monkeypatch.setattr(in_doubt, "_SAME_FRAME", 1.0)
    for name, colour in (("red", (190, 45, 50)), ("pink", (235, 150, 170))):
        save(tmp_path / "shop" / f"{name}.png", printed_cloth(colour))
    _, found = run("shop", looks=0)
    (copy,) = (row for row in found.groups.to_pylist() if row["role"] == "copy")
    assert (copy["kind"], copy["colour"]) == ("near", "faded")
    summary, found = run("shop")
    assert summary["looks"]["doubts"]["vetoed"] == 1
    assert not found.groups.num_rows
    assert found.findings.relation.colour.tolist() == [DIFFERENT]


def test_copies_that_pixels_leave_open_count_as_looked_at(run, tmp_path):
    save(tmp_path / "train" / "blots.png", blots(0))
    noise = np.random.default_rng(0).normal(0, 40, (180, 240, 1))
    noisy = np.clip(blots(0) * 0.5 + 60 + noise, 0, 255).astype(np.uint8)
    save(tmp_path / "val" / "noisy.png", noisy)
    summary, found = run("train", "val")
    counts = summary["looks"]["doubts"]
    assert (counts["looked"], counts["vetoed"], counts["rescued"]) == (1, 0, 0)
    assert {(row["kind"], row["looked"]) for row in found.leaks.to_pylist()} == {("near", True)}
