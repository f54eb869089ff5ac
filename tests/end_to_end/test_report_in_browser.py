"""Reports as people meet them: in a browser, narrow and dark, by keyboard, with hostile names."""

from pathlib import Path
from urllib.parse import urlparse

import pytest

from fastphash.report.page import write_report
from fastphash.results.audit_folder import open_audit
from tests.support.browser import focus_order, overflows, picture, violations, wait_until
from tests.support.parts_audit import parts_audit
from tests.support.report_pages import audited, hostile_audit, slightly
from tests.support.scenes import save, scene, scenes
from tests.support.stores import write_hashes

LOOKS = {
    "wide": {},
    "dark": {"dark": True},
    "narrow": {"width": 320, "height": 640},
    "narrow and dark": {"width": 320, "height": 640, "dark": True},
    "very wide": {"width": 1920, "height": 1080},
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Reports by name, as URLs."""
    folder = tmp_path_factory.mktemp("reports")
    train, val = scenes(folder / "train", range(30)), scenes(folder / "val", [3, 4, 50])
    save(train / "again.bmp", scene(7))
    save(train / "turned.png", scene(8)[:, ::-1])
    save(val / "near.png", slightly(scene(9)))
    made = {
        "copies": audited(folder / "copies", ("train", train), ("val", val)),
        "hostile": hostile_audit(folder / "hostile"),
        "parts": parts_audit(folder / "parts"),
        "nothing": audited(folder / "nothing", ("all", scenes(folder / "all", range(4)))),
        "splits": audited(
            folder / "splits",
            *((f"part {i}", scenes(folder / f"{i}", [0, i + 1])) for i in range(12)),
        ),
    }
    urls = {name: (out / "report.html").as_uri() for name, out in made.items()}
    few = folder / "few.html"
    write_report(open_audit(made["copies"]), few, groups=2)
    return urls | {"few": few.as_uri()}


@pytest.fixture
def page(open_page, reports):
    """The report of four groups: two identical across splits, one exact, one turned, one near."""
    return open_page(reports["copies"])


def counted(page, text):
    """Wait until the count of groups begins with a text."""
    page.locator("#count", has_text=text).wait_for()


def names_of(page):
    """Names in the groups that are shown."""
    return page.locator("article:visible .path").all_text_contents()


@pytest.mark.parametrize("name", ["copies", "parts", "hostile", "nothing", "splits", "few"])
def test_no_barriers_and_no_sideways_scrolling(open_page, reports, name):
    page = open_page(reports[name])
    for look, how in LOOKS.items():
        page.set_viewport_size({"width": how.get("width", 1280), "height": how.get("height", 900)})
        page.emulate_media(color_scheme="dark" if how.get("dark") else "light")
        assert violations(page) == [], look
        assert overflows(page) == 0, look
        picture(page, f"report-{name}-{look}".replace(" ", "-"))


@pytest.mark.parametrize("look", ["wide", "narrow"])
def test_outlines_lie_on_their_pictures(open_page, reports, look):
    page = open_page(reports["parts"], **LOOKS[look])
    boxes = page.locator(".outlined").evaluate_all(
        """all => all.map(outlined => {
            const image = outlined.querySelector("img");
            const whole = image.getBoundingClientRect();
            const scale = Math.min(
                whole.width / image.naturalWidth, whole.height / image.naturalHeight);
            const width = image.naturalWidth * scale, height = image.naturalHeight * scale;
            const left = whole.left + (whole.width - width) / 2;
            const top = whole.top + (whole.height - height) / 2;
            const box = outlined.querySelector("rect.window, rect.place").getBoundingClientRect();
            return [(box.left - left) / width, (box.top - top) / height,
                    (box.right - left) / width, (box.bottom - top) / height];
        })"""
    )
    # the window in one of two turns, or a place at a side
    assert len(boxes) == 2 + 1 + 2 + 2 + 3
    assert all(-0.03 <= side <= 1.03 for box in boxes for side in box)
    windows = [box for box in boxes if box[2] - box[0] > 0.5]
    assert len(windows) == 5
    assert all(box[2] - box[0] == pytest.approx(0.625, abs=0.04) for box in windows)


@pytest.mark.parametrize("look", ["wide", "narrow"])
def test_words_of_label_conflicts_are_not_broken(open_page, tmp_path, look):
    out = audited(tmp_path / "out", ("all", scenes(tmp_path / "all", range(2))))
    long = "a_rather_long_folder/" * 4 + "and_name.jpeg"
    rows = {
        "split": ["validation"] * 2,
        "path": [long] * 2,
        "label": ["zucchini", "w" * 100],
        "keeper_split": ["validation"] * 2,
        "keeper_path": [long] * 2,
        "keeper_label": ["aubergine", "eggplant"],
        "kind": ["identical", "augmented"],
    }
    write_hashes(out / "conflicts.parquet", **rows)
    write_report(open_audit(out), out / "report.html")
    page = open_page((out / "report.html").as_uri(), **LOOKS[look])
    lines = page.locator("section[aria-labelledby=conflicts] :is(b, td:last-child)").evaluate_all(
        """cells => cells.map(cell => {
            const text = document.createRange();
            text.selectNodeContents(cell);
            return text.getClientRects().length;
        })"""
    )
    assert [lines[i] for i in (0, 1, 2, 4, 5)] == [1] * 5
    assert lines[3] > 1
    assert overflows(page) == 0
    assert violations(page) == []


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("kind", "identical", {"003.png", "004.png"}),
        ("kind", "exact", {"007.png", "again.bmp"}),
        ("kind", "augmented", {"008.png", "turned.png"}),
        ("split", "across splits", {"003.png", "004.png", "009.png", "near.png"}),
        ("split", "val", {"003.png", "004.png", "009.png", "near.png"}),
        ("from", "1", {"009.png", "near.png"}),
        (
            "to",
            "0",
            {"003.png", "004.png", "007.png", "again.bmp", "008.png", "turned.png"},
        ),
        ("name", "TURNED", {"008.png", "turned.png"}),
        ("name", "no such name", set()),
    ],
)
def test_groups_are_filtered(page, field, value, found):
    control = page.locator(f"#{field}")
    counted(page, "5 of 5 groups")
    if field in ("kind", "split"):
        control.select_option(label=value)
    else:
        control.fill(value)
    # the count is told last
    counted(page, f"{page.locator('article:visible').count()} of 5 groups")
    assert set(names_of(page)) == found
    assert page.locator("#none").is_visible() == (not found)
    page.locator("button").click()
    counted(page, "5 of 5 groups")
    assert page.locator("article:visible").count() == 5
    assert control.input_value() == ""


def test_filters_go_together(page):
    page.locator("#split").select_option(label="across splits")
    page.locator("#to").fill("0")
    page.locator("#name").fill("004")
    counted(page, "1 of 5 groups")
    assert set(names_of(page)) == {"004.png"}


def test_further_groups_are_filtered_too(open_page, reports):
    page = open_page(reports["few"])
    counted(page, "2 of 2 groups, 3 of 3 without pictures")
    page.locator("#kind").select_option("augmented")
    counted(page, "0 of 2 groups, 1 of 3 without pictures")
    assert page.locator("#below tbody tr:visible").count() == 1


def test_the_keyboard_alone_reaches_and_uses_the_filters(page):
    order = focus_order(page)
    assert order[0] == "Skip to the groups of copies"
    filters = ["Kind", "Split", "Bits from", "to", "Name contains", "Reset"]
    assert [label for label in order if label in filters] == filters
    page.reload()
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "groups"
    page.keyboard.press("Tab")
    page.keyboard.type("augm")
    counted(page, "1 of 5 groups")
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.type("again")
    counted(page, "0 of 5 groups")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    counted(page, "5 of 5 groups")


def test_enter_in_a_field_goes_nowhere(page):
    url = page.url
    page.locator("#name").fill("003")
    page.keyboard.press("Enter")
    counted(page, "1 of 5 groups")
    assert page.url == url


def test_counts_are_announced(page):
    assert page.locator("#count").get_attribute("role") == "status"


def test_without_javascript_groups_are_there_and_filters_are_not(open_page, reports):
    page = open_page(reports["copies"], javascript=False)
    assert not page.locator("#filters").is_visible()
    assert page.locator("article:visible").count() == 5


@pytest.mark.parametrize("at_once", [0, 4, 600])
def test_every_picture_can_be_seen(open_page, reports, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr("fastphash.report.page.AT_ONCE", at_once)
    folder = Path(urlparse(reports["copies"]).path).parent
    write_report(open_audit(folder), tmp_path / "report.html")
    page = open_page((tmp_path / "report.html").as_uri())
    pixels = "[...document.images].map(it => it.complete ? it.naturalWidth * it.naturalHeight : 0)"
    # those far below come by themselves, a little later
    wait_until(page, lambda: all(page.evaluate(pixels)))
    assert page.evaluate(pixels) == [64 * 48] * 11


def test_on_paper_there_are_no_filters(page):
    page.emulate_media(media="print")
    for hidden in ("#filters", "nav", ".skip"):
        assert not page.locator(hidden).is_visible()
    assert page.locator("article:visible").count() == 5


def test_on_paper_dark_is_light(open_page, reports):
    page = open_page(reports["copies"], dark=True)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.slow
def test_a_thousand_groups(open_page, tmp_path):
    for seed in range(1000):
        for split in ("train", "val"):
            save(tmp_path / split / f"{seed:04d}.png", scene(seed, 32, 32))
    out = audited(
        tmp_path / "out", ("train", tmp_path / "train"), ("val", tmp_path / "val"), workers=2
    )
    write_report(open_audit(out), tmp_path / "report.html", groups=1000)
    page = open_page((tmp_path / "report.html").as_uri())
    counted(page, "1,000 of 1,000 groups")
    page.locator("#name").fill("0777")
    counted(page, "1 of 1,000 groups")
    assert names_of(page) == ["0777.png"] * 2
    page.locator("button").click()
    page.locator("article").last.scroll_into_view_if_needed()
    assert page.locator("article:visible").count() == 1000
