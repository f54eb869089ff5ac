"""What a report outlines on its pictures, and says of it."""

import re

import numpy as np
import pytest
from PIL import Image

from fastphash.base.orientations import orient_pixels
from fastphash.base.vocabulary import ORIENTATIONS
from tests.support.parts_audit import FOUND, SEVERAL, parts_audit
from tests.support.report_pages import again, pixels, read_page, sources_of

AS_IT_IS = "Copy 1 as it is"
IN_FRAME = "Copy 1 in the keeper\N{RIGHT SINGLE QUOTATION MARK}s frame"
PICTURE = re.compile(r'<div class="outlined">\s*<img src="([^"]+)".*?</svg>', re.DOTALL)
RECT = re.compile(r'<rect class="(\w+)" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"/>')


@pytest.fixture(scope="module", params=["train", "val"])
def report(request, tmp_path_factory):
    """The report of all that may be found, with either image of the pairs as keeper."""
    folder = tmp_path_factory.mktemp("parts")
    return read_page(parts_audit(folder, keep_in=(request.param,)) / "report.html")


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """The report of a keeper with several copies."""
    return read_page(parts_audit(tmp_path_factory.mktemp("several"), found=SEVERAL) / "report.html")


def group_of(report, name):
    (group,) = [group for group in report.groups if f" {name} " in f"{group.text} "]
    return group


def outlined(group):
    """Each outlined picture by its text: its pixels, and those in each of its boxes, by class."""
    found = {}
    for match in PICTURE.finditer(group.html):
        picture = pixels(match[1])
        width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', match[0]).groups())
        scale = picture.shape[1] / width
        assert picture.shape[0] / height == pytest.approx(scale, rel=0.05)
        boxes = {}
        for what, *lengths in RECT.findall(match[0]):
            x, y, w, h = (round(float(length) * scale) for length in lengths)
            boxes[what] = picture[y : y + h, x : x + w]
        found[re.search('alt="([^"]+)"', match[0])[1]] = picture, boxes
    return found


def alike(one, other):
    """Whether two pictures are the same but for their size, by mean levels of 12 x 12 cells."""
    small = [
        np.asarray(Image.fromarray(np.uint8(p)).resize((12, 12), Image.Resampling.BOX), int)
        for p in (one, other)
    ]
    return np.abs(small[0] - small[1]).mean() < 12


@pytest.mark.parametrize("name", [name for name in FOUND if "caption" not in name])
def test_the_outline_goes_round_what_the_other_picture_shows(report, name):
    group = group_of(report, name)
    shown = {text: pixels(uri) for text, uri in sources_of(group).items()}
    turn = next((t for t, name in enumerate(ORIENTATIONS) if f" {name}," in group.text), 0)
    copy = shown.get(IN_FRAME, shown[AS_IT_IS])
    larger = outlined(group)
    assert set(larger) == {"Keeper"} or set(larger) == set(shown) - {"Keeper"}
    for text, (_, boxes) in larger.items():
        assert boxes.keys() == {"under", "window"}
        window = orient_pixels(boxes["window"], turn if text == AS_IT_IS else 0)
        assert alike(window, copy if text == "Keeper" else shown["Keeper"])
    assert not alike(shown["Keeper"], copy)


@pytest.mark.parametrize("name", [name for name in FOUND if "caption" in name])
def test_the_place_that_differs_is_outlined_on_all_pictures(report, name):
    found = outlined(group_of(report, name))
    assert len(found) == (3 if "turned" in name else 2)
    keeper, turned = found["Keeper"], found.get(IN_FRAME, found[AS_IT_IS])
    assert keeper[0].shape == turned[0].shape
    difference = np.abs(keeper[0] - turned[0]).mean(axis=2)
    inside = np.abs(keeper[1]["place"] - turned[1]["place"]).mean(axis=2)
    assert {boxes.keys() == {"under", "place"} for _, boxes in found.values()} == {True}
    # the rest is what JPEG makes of pictures of other orientations
    assert np.count_nonzero(inside > 40) >= 0.95 * np.count_nonzero(difference > 40) > 20
    sizes = [sorted(boxes["place"].shape[:2]) for _, boxes in found.values()]
    assert np.ptp(sizes, axis=0).max() <= 1


def test_words_say_who_shows_what_and_where_they_differ(report):
    keepers = {
        name: re.search(r"keeper (val|train) ", group_of(report, name).text)[1] for name in FOUND
    }
    kept = "val" in keepers.values()
    for name, words in {
        "crop.png": ("shows 39 % of the keeper", "keeper shows 39 % of it"),
        "border.png": ("keeper shows 39 % of it", "shows 39 % of the keeper"),
        "caption.png": ("differs at the top right",) * 2,
    }.items():
        assert f"score 0.90, {words[kept]}; keeper stays:" in group_of(report, name).text


def test_kinds_are_explained_where_there_are_some(report, several):
    for text in ("cropped one shows a part of the other", "altered the same scene, but for"):
        assert text in report.text
    assert report.text.count("this line") == 2
    assert "near hashes that differ" not in report.text
    assert several.text.count("this line") == 1
    assert "altered the same scene" not in several.text


def test_boxes_of_several_copies_are_numbered(several):
    (group,) = several.groups
    (keeper, *others) = PICTURE.finditer(group.html)
    numbers = re.findall(r"<text [^>]*>([^<]+)</text>", keeper[0])
    said = re.findall(r"\(box (\d) on the keeper\)", group.text)
    assert numbers == said
    assert len(numbers) == 2
    # the bordered copy shows more than the keeper
    (other,) = others
    assert "<text" not in other[0]
    assert "keeper shows 56 % of it;" in group.text


def test_outlines_on_a_stored_thumbnail_are_those_of_a_square(tmp_path):
    out = parts_audit(tmp_path, found={"crop.png": FOUND["crop.png"]})
    (tmp_path / "train" / "0.png").unlink()
    (group,) = again(out, tmp_path / "report.html").groups
    assert "thumbnail: the file is gone" in group.text
    assert re.findall('viewBox="([^"]+)"', group.html) == ["0 0 100 100"]
    ((_, boxes),) = outlined(group).values()
    assert boxes["window"].shape[:2] == (20, 20)
