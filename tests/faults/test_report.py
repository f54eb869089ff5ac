"""Names of files that would like to be more than names, in a report."""

import re
from collections import Counter

import pytest

from tests.support.report_pages import HOSTILE, hostile_audit, read_page

# characters that can't be seen, or turn the direction of writing
UNSEEN = "[\u200b-\u200f\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of an audit of files and splits of such names."""
    return hostile_audit(tmp_path_factory.mktemp("hostile")) / "report.html"


def test_44_hostile_names_are_text(report):
    page = read_page(report)
    for shown in HOSTILE.values():
        assert page.text.count(f"{shown}.png") >= 2, shown
    assert re.findall(UNSEEN, page.html) == []
    tags = Counter(tag for tag, _ in page.tags)
    assert tags["script"] == tags["style"] == 1
    assert tags["i"] == 0
    assert tags["img"] == sum("src" in attributes for _, attributes in page.tags)
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("src", "data:").startswith("data:")


def test_44_hostile_names_do_nothing_in_a_browser(report, open_page):
    page = open_page(report.as_uri())
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.locator("article").last.scroll_into_view_if_needed()
    shown = page.locator("article .path").all_text_contents()
    for name in HOSTILE.values():
        assert shown.count(f"{name}.png") == 2
    page.locator("#name").fill('"><img src=x onerror')
    page.locator("#count", has_text="1 of 14 groups").wait_for()
    assert page.locator("script").count() == 1
    assert page.locator("img[onerror], main i").count() == 0
    hebrew = page.locator("bdi", has_text=HOSTILE["\u05e9\u05dc\u05d5\u05dd".encode()]).first
    assert hebrew.evaluate("it => getComputedStyle(it).unicodeBidi") == "isolate"
