"""Pages of pairs in a real browser."""

import os

import pytest

from fastphash.evaluation.evaluate import evaluate
from fastphash.evaluation.pair_tables import JUDGED_SCHEMA
from fastphash.evaluation.writing import UNLISTED, write_evaluation
from fastphash.files import parquet
from fastphash.report.pairs import write_pairs
from fastphash.results.audit_folder import open_audit
from tests.support.browser import overflows, picture, violations
from tests.support.plain_evaluation import truth_of
from tests.support.report_pages import HOSTILE, hostile_audit, read_page, slightly
from tests.support.report_pages import audited as audit_folders
from tests.support.scenes import save, scene, scenes


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages of unlisted pairs by name: turned and near ones, hostile names, none at all."""
    folder = tmp_path_factory.mktemp("pages")
    train = scenes(folder / "train", range(12))
    save(train / "turned.png", scene(8)[:, ::-1])
    save(train / "near.png", slightly(scene(9)))
    save(train / "gone.bmp", scene(10))
    plain = audit_folders(folder / "plain", ("train", train))
    (train / "gone.bmp").unlink()
    audit = open_audit(plain)
    found = evaluate(audit, truth_of((0, 1)))
    for shown in (100, 0):
        write_evaluation(found, audit, folder / f"{shown}", shown=shown)
    audit = open_audit(hostile_audit(folder / "hostile"))
    every = evaluate(audit, truth_of((0, 1)), complete=True)
    pairs = parquet.concat(JUDGED_SCHEMA, every.tables())
    accused = pairs.filter(pairs["accused"])
    write_pairs(audit, accused, folder / "hostile.html", title="<i>Pairs", text="<b>all</b>")
    return {
        "plain": folder / "100" / UNLISTED,
        "none": folder / "0" / UNLISTED,
        "hostile": folder / "hostile.html",
    }


def test_a_page_shows_pairs_in_one_frame(pages, open_page):
    page = open_page(pages["plain"].as_uri())
    titles = [" ".join(title.split()) for title in page.locator("article h3").all_text_contents()]
    assert [title.split(",")[0] for title in titles] == [
        "Pair 1 augmented",
        "Pair 2 exact",
        "Pair 3 near",
    ]
    turned = page.locator("article", has_text="turned.png")
    assert turned.locator("figcaption").all_text_contents() == [
        "as it is",
        "turned into this frame",
    ]
    assert page.locator("article", has_text="gone.bmp").locator(".note").count() == 1
    sizes = page.evaluate("[...document.images].map(it => it.naturalWidth * it.naturalHeight)")
    assert len(sizes) == 6
    assert min(sizes) > 0
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for article in page.locator("article").all():
            one, other = (image.bounding_box() for image in article.locator("img").all())
            assert one["y"] == other["y"]
            assert one["x"] < other["x"]


@pytest.mark.parametrize("name", ["plain", "hostile", "none"])
def test_pages_have_no_barriers_and_no_sideways_scrolling(pages, open_page, name):
    page = open_page(pages[name].as_uri())
    for width, scheme in ((1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], (width, scheme)
        assert overflows(page) == 0, (width, scheme)
        picture(page, f"unlisted-{name}-{width}-{scheme}")


def test_hostile_names_on_a_page_of_pairs(pages):
    page = read_page(pages["hostile"])
    for shown in HOSTILE.values():
        assert page.text.count(f"{shown}.png") >= 2, shown
    assert "<i>Pairs Pairs <b>all</b>" in page.text
    assert {tag for tag, _ in page.tags if tag in ("script", "i")} == set()
    assert [name for _, has in page.tags for name in has if name.startswith("on")] == []
    policy = page.attributes("meta", "content")[0]
    assert policy.startswith("default-src 'none'")
    assert all(source.startswith("data:") for source in page.attributes("img", "src"))
    assert os.path.getsize(pages["hostile"]) < 2**20
