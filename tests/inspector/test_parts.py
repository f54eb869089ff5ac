"""How two images that show parts of each other lie in a frame, and what is outlined on them."""

import re
from dataclasses import replace

import pytest

from fastphash.base.vocabulary import KINDS
from fastphash.files import parquet
from fastphash.inspector.frames import copy_frames, keeper_frame, pair_frames
from fastphash.inspector.page_state import Filter
from tests.support.audits import pair, write_audit
from tests.support.inspector_client import Served
from tests.support.inspector_state import catalog_of
from tests.support.parts_audit import FOUND, PLACE, SEVERAL, WINDOW, parts_audit


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return parts_audit(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def catalog(folder):
    return catalog_of(folder)


@pytest.fixture(scope="module")
def served(folder):
    with Served(folder) as running:
        yield running


def pair_of(catalog, name):
    """The keeper and the copy of a name."""
    numbers = range(catalog.rows)
    (copy,) = [row for row in map(catalog.row, numbers) if row.image.path == name.encode()]
    return catalog.row(copy.keeper), copy


def shapes(frame):
    return [shape["what"] for shape in frame.overlay.shapes]


@pytest.mark.parametrize("name", FOUND)
def test_the_image_that_shows_more_has_the_frame_of_both(catalog, name):
    keeper, copy = pair_of(catalog, name)
    frames = pair_frames(keeper, copy)
    kind = catalog.row(copy.number).kind
    assert shapes(frames.both) == ["window" if kind == "cropped" else "place"]
    assert frames.keeper.width / frames.keeper.height == pytest.approx(96 / 64, rel=0.01)
    if "border" in name:
        assert frames.both == frames.copy
        assert shapes(frames.keeper) == []
        assert frames.copy_box is None
        left, top, right, bottom = frames.keeper_box
        assert (right - left) * (bottom - top) == pytest.approx(0.625**2)
        wide, high = (copy.height, copy.width) if copy.orientation else (copy.width, copy.height)
        assert frames.copy.width / frames.copy.height == pytest.approx(wide / high, rel=0.01)
    else:
        assert frames.both == frames.keeper
        assert frames.keeper_box is None
        assert frames.copy_box == (WINDOW if kind == "cropped" else None)


def test_a_frame_is_turned_with_its_image(catalog):
    _, copy = pair_of(catalog, "turned.png")
    plain, turned = copy_frames(copy)
    assert (plain.width, plain.height) == (turned.height, turned.width)
    assert (copy.width, copy.height) == (40, 60)
    assert turned.width > turned.height
    keeper, bordered = pair_of(catalog, "turned_border.png")
    plain, turned = copy_frames(bordered)
    assert plain.overlay.shapes != turned.overlay.shapes
    assert pair_frames(keeper, bordered).copy == turned


def test_the_box_of_a_bordered_copy_is_where_its_keeper_lies(catalog):
    keeper, copy = pair_of(catalog, "border.png")
    assert pair_frames(keeper, copy).keeper_box == WINDOW
    (shape,) = pair_frames(keeper, copy).copy.overlay.shapes
    assert float(shape["x"]) == pytest.approx(100 * WINDOW[0])
    assert float(shape["width"]) == pytest.approx(62.5)


def test_an_image_of_unknown_size_has_a_square_frame(catalog):
    keeper, copy = pair_of(catalog, "caption.png")
    frame = keeper_frame(replace(keeper, width=0, height=0), [copy])
    assert frame.width == frame.height
    assert frame.overlay.view_box == "0 0 100 100"


def test_both_kinds_are_filtered(catalog):
    for kind, number in (("cropped", 4), ("altered", 2), ("near", 0)):
        assert len(catalog.select(Filter(kind=kind))) == number


def test_pages_say_and_draw_what_was_found(served, catalog):
    for name, words in {
        "crop.png": "shows 39 % of the keeper",
        "border.png": "keeper shows 39 % of it",
        "caption.png": "differs at the top right",
    }.items():
        _, copy = pair_of(catalog, name)
        for path in (f"/pair/{copy.number}", f"/group/{copy.group}"):
            page = served.get(path)
            assert words in page.words, path
            assert page.text.count('<svg class="outlines"') == (2 if name == "caption.png" else 1)


@pytest.mark.parametrize("view", ["flicker", "difference", "fade", "swipe"])
def test_on_top_of_one_another_a_part_lies_in_its_place(served, catalog, view):
    boxes = {}
    for name in ("crop.png", "border.png", "caption.png"):
        _, copy = pair_of(catalog, name)
        page = served.get(f"/pair/{copy.number}?view={view}").text
        assert page.count('<svg class="outlines"') == 1
        boxes[name] = re.findall(
            r'class="layer (\w*)"[^>]* aria-label="[^"]+"><image href="[^"]+" x="([\d.]+)"', page
        )
    left = f"{100 * WINDOW[0]:.4g}"
    assert boxes == {"crop.png": [("top", left)], "border.png": [("", left)], "caption.png": []}


def test_the_filter_offers_both_kinds(served):
    page = served.get("/?kind=cropped")
    assert "4 groups of 6" in page.words
    options = re.findall(r"<option[^>]*>([a-z]+)</option>", page.text)
    assert {"cropped", "altered"} <= set(options) & set(KINDS)


def test_boxes_of_several_copies_are_numbered(tmp_path):
    with Served(parts_audit(tmp_path, found=SEVERAL)) as served:
        page = served.get("/group/0")
        numbers = re.findall(r"<text [^>]*>(\d)</text>", page.text)
        assert numbers == re.findall(r"box (\d) on the keeper", page.words)
        assert len(numbers) == 2
        assert "<text" not in served.get("/pair/1").text


def test_audits_without_parts_outline_nothing(tmp_path):
    groups = [[pair("train", b"a"), pair("val", b"b")]]
    catalog = catalog_of(write_audit(tmp_path / "out", groups))
    assert catalog.row(1).parts is None
    frames = pair_frames(catalog.row(0), catalog.row(1))
    assert frames.both.overlay.shapes == []
    assert frames.keeper_box is frames.copy_box is None


def test_audits_of_earlier_versions_outline_nothing(tmp_path):
    out = write_audit(tmp_path / "out", [[pair("train", b"a"), pair("val", b"b")]])
    table = parquet.read_table(out / "groups.parquet")
    parquet.write_table(out / "groups.parquet", table.drop(["window", "window_of", "place"]))
    assert catalog_of(out).row(1).parts is None


def test_places_are_where_they_were_found(catalog):
    _, copy = pair_of(catalog, "turned_caption.png")
    assert copy.parts.place == PLACE
