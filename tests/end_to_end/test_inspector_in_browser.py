"""The inspector in a real browser."""

import re
from itertools import product

import pytest

from fastphash.audits.run import audit
from fastphash.ingest.options import IngestOptions
from fastphash.sources.local import folder_source
from tests.support.audits import pair, write_audit
from tests.support.browser import focus_order, overflows, picture, violations
from tests.support.decisions import read_decisions
from tests.support.inspector_client import HOSTILE, ServedProcess
from tests.support.parts_audit import WINDOW, parts_audit
from tests.support.scenes import planted, save, scene

PAGES = {
    "list": "/",
    "nothing": "/?name=nothing",
    "group": "/group/0",
    "pair": "/pair/1",
    "flicker": "/pair/1?view=flicker",
    "difference": "/pair/1?view=difference",
    "fade": "/pair/1?view=fade",
    "swipe": "/pair/1?view=swipe",
}


@pytest.fixture
def audited(tmp_path):
    sources = [folder_source(text) for text in planted(tmp_path)]
    audit(tmp_path / "out", sources, ingest=IngestOptions(workers=1))
    return tmp_path


@pytest.fixture
def visit(open_page):
    """visit(served, path, **how): a page of it, once it was let in."""

    def go(served, path="/", **how):
        page = open_page(served.url, origin=served.origin, **how)
        served.pages.append(page)
        page.wait_for_url(f"{served.home}/")
        if path != "/":
            page.goto(served.home + path)
        return page

    return go


def status(page):
    return page.get_by_role("status").inner_text()


def test_no_page_has_barriers(audited, visit):
    """However wide and dark it is: a page is loaded once and looked at in every way."""
    with ServedProcess(audited / "out") as served:
        served.post("/decide", row="1", decision="not_copies")
        served.post("/decide", row="1", decision="keeper")
        page = visit(served, reduced_motion="reduce")
        for name, path in PAGES.items():
            page.goto(served.home + path)
            for width, scheme in product((320, 1280, 1920), ("light", "dark")):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                look = f"{name}_{width}_{scheme}"
                assert violations(page) == [], look
                assert overflows(page) == 0, look
                picture(page, f"inspector_{look}")
        page.goto(served.home + "/")
        page.keyboard.press("?")
        assert page.get_by_role("dialog").is_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert violations(page) == []


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """An audit with crops, borders and altered places."""
    return parts_audit(tmp_path_factory.mktemp("parts"))


def test_outlined_pictures_have_no_barriers(parts, visit):
    with ServedProcess(parts) as served:
        page = visit(served, reduced_motion="reduce")
        pairs = ["/pair/1", "/pair/1?view=fade", "/pair/5?view=difference", "/pair/9"]
        for path in ["/?kind=cropped", "/group/0", "/group/4", *pairs]:
            page.goto(served.home + path)
            for width, scheme in ((390, "dark"), (1280, "light")):
                page.set_viewport_size({"width": width, "height": 720})
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                assert violations(page) == [], path
                assert overflows(page) == 0, path


def test_outlines_lie_where_the_other_picture_is(parts, visit):
    left, top, right, bottom = WINDOW
    with ServedProcess(parts) as served:
        page = visit(served)
        for path, width in product(
            ("/group/0", "/pair/1", "/pair/1?view=fade", "/pair/3"), (390, 1280)
        ):
            page.goto(served.home + path)
            page.set_viewport_size({"width": width, "height": 720})
            stage = page.locator(".stage", has=page.locator(".outlines"))
            whole, box = stage.bounding_box(), stage.locator("rect.window").bounding_box()
            assert whole["width"] / whole["height"] == pytest.approx(96 / 64, rel=0.03), path
            seen = [
                (box["x"] - whole["x"]) / whole["width"],
                (box["y"] - whole["y"]) / whole["height"],
                box["width"] / whole["width"],
                box["height"] / whole["height"],
            ]
            # lines are 2 pixels wide
            assert seen == pytest.approx([left, top, right - left, bottom - top], abs=0.03), path
            if "fade" in path:
                part = stage.locator("image").bounding_box()
                assert part["x"] == pytest.approx(box["x"], abs=3)
                assert part["width"] == pytest.approx(box["width"], abs=6)
        outlines = page.locator(".outlines")
        for visible in (False, True):
            page.keyboard.press("b")
            assert outlines.is_visible() == visible
        page.get_by_label("boxes").click()
        assert not outlines.is_visible()


def test_by_keys_alone_through_a_decision_and_its_undoing(audited, visit):
    with ServedProcess(audited / "out") as served:
        page = visit(served)
        assert status(page) == "Nothing decided yet"
        for _ in range(60):
            page.keyboard.press("Tab")
            if "undecided" in page.evaluate("document.activeElement.textContent"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/pair/1$"))
        page.keyboard.press("x")
        page.wait_for_url(lambda url: not url.endswith("/pair/1"))
        assert "not copies" in status(page)
        page.keyboard.press("u")
        page.wait_for_url(re.compile("/pair/1$"))
        assert status(page) == "Nothing decided yet"
        page.keyboard.press("c")
        page.wait_for_url(lambda url: not url.endswith("/pair/1"))
        page.keyboard.press("l")
        page.wait_for_url(f"{served.home}/")
        page.go_back()
        page.wait_for_url(re.compile("/pair/"))
    assert [decision.word for decision in read_decisions(audited / "out")] == ["copies"]


@pytest.mark.parametrize("view", ["side", "flicker", "difference", "fade", "swipe"])
def test_a_pair_fits_on_a_small_screen(audited, visit, view):
    with ServedProcess(audited / "out") as served:
        page = visit(served, f"/pair/1?view={view}")
        page.set_viewport_size({"width": 1280, "height": 720})
        texts = [page.get_by_text(role, exact=True) for role in ("Keeper", "Copy")]
        texts += [page.locator("main .name").nth(i) for i in (0, 1)]
        texts += [page.locator("main .sides .quiet", has_text="pixels").nth(i) for i in (0, 1)]
        texts += [
            page.get_by_role("button", name=re.compile("Keep this one")).nth(i) for i in (0, 1)
        ]
        texts += [page.locator(".stage").first]
        for text in texts:
            box = text.bounding_box()
            assert 0 <= box["y"] < box["y"] + box["height"] <= 720
        if view == "side":
            left, right = (page.locator(".stage").nth(i).bounding_box() for i in (0, 1))
            assert left["width"] + right["width"] > 1000


def test_buttons_stay_in_their_place_and_on_the_screen(visit, tmp_path):
    for number in range(4):
        name = f"a_photograph_with_quite_a_long_name_{number}.png"
        save(tmp_path / "train" / name, scene(number))
        save(tmp_path / "val" / f"validation_{name}", scene(number, 96, 128))
    sources = [folder_source(f"{split}={tmp_path / split}") for split in ("train", "val")]
    audit(tmp_path / "out", sources, ingest=IngestOptions(workers=1))
    places = []
    with ServedProcess(tmp_path / "out") as served:
        page = visit(served, "/pair/1")
        page.set_viewport_size({"width": 1280, "height": 720})
        for _ in range(3):
            button = page.get_by_role("button", name=re.compile("Keep this one.*copy"))
            places.append(button.bounding_box()["y"])
            before = page.url
            button.click()
            page.wait_for_url(lambda url, before=before: url != before)
    assert len(set(places)) == 1
    assert places[0] < 680


def test_keeping_one_decides_the_pair_and_moves_on(audited, visit):
    with ServedProcess(audited / "out") as served:
        page = visit(served, "/pair/1")
        page.get_by_role("button", name=re.compile("Keep this one.*copy")).click()
        page.wait_for_url(lambda url: not url.endswith("/pair/1"))
        assert re.search("Decided: .* and .*: copies; .* stays", status(page))
        page.get_by_role("button", name="Undo").click()
        page.wait_for_url(re.compile("/pair/1$"))
        assert read_decisions(audited / "out") == []
        page.keyboard.press("o")
        page.wait_for_url(lambda url: not url.endswith("/pair/1"))
    assert [decision.word for decision in read_decisions(audited / "out")] == ["copies", "keeper"]


def test_tab_reaches_everything_in_the_order_of_the_page(audited, visit):
    with ServedProcess(audited / "out") as served:
        reached = focus_order(visit(served, "/pair/1"))
    wanted = ["Skip to content", "Back to the list", "Copies", "Not copies"]
    wanted += ["Side by side", "Flicker", "Difference", "Fade", "Swipe"]
    wanted += ["Keep this one: the keeper", "Keep this one: the copy"]
    places = [reached.index(text) for text in wanted]
    assert places == sorted(places)


def test_keys_do_nothing_in_fields_nor_when_they_are_off(audited, visit):
    with ServedProcess(audited / "out") as served:
        page = visit(served)
        page.get_by_role("searchbox").fill("")
        page.get_by_role("searchbox").press_sequentially("nuxc?l")
        assert page.get_by_role("searchbox").input_value() == "nuxc?l"
        assert page.url == f"{served.home}/"
        assert not page.get_by_role("dialog").is_visible()
        page.goto(served.home + "/pair/1")
        assert (
            page.get_by_role("button", name="Not copies").get_attribute("aria-keyshortcuts") == "x"
        )
        page.get_by_role("button", name="Keys").click()
        page.get_by_role("checkbox", name="Single keys").uncheck()
        page.get_by_role("button", name="Close").click()
        for key in "cxkou?n":
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        assert page.url == f"{served.home}/pair/1"
        assert (
            page.get_by_role("button", name="Not copies").get_attribute("aria-keyshortcuts") is None
        )
        page.reload()
        page.keyboard.press("x")
        page.wait_for_timeout(300)
    assert read_decisions(audited / "out") == []


def test_without_scripts_all_but_flicker_works(audited, visit):
    from playwright.sync_api import expect

    with ServedProcess(audited / "out") as served:
        page = visit(served, javascript=False)
        page.get_by_role("combobox", name="Kind").select_option("augmented")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url(re.compile("kind=augmented"))
        page.get_by_role("link", name=re.compile("^Group")).first.click()
        page.get_by_role("link", name="Compare pair by pair").click()
        page.get_by_role("link", name="Flicker").click()
        # until it is loaded, style and all
        page.wait_for_url(re.compile("view=flicker"))
        top = page.get_by_alt_text(re.compile("on top"))
        assert not top.is_visible()
        page.get_by_role("checkbox", name="show the copy").check()
        assert top.is_visible()
        page.get_by_role("link", name="Difference").click()
        page.wait_for_url(re.compile("view=difference"))
        page.get_by_role("button", name="Not copies").click()
        # there is something to undo only on the page after that
        undo = page.get_by_role("button", name="Undo")
        undo.wait_for()
        assert "kind=augmented" in page.url
        assert "view=difference" in page.url
        undo.click()
        expect(page.get_by_role("status")).to_have_text("Nothing decided yet")


# four states of a checkbox, one after the other: looked at by the page itself, much more often than
# it flickers, for looks from outside may keep time with it
TURNS = """async (box) => {
    const seen = [box.checked];
    for (let looks = 0; seen.length < 4 && looks < 1000; looks++) {
        await new Promise((go) => setTimeout(go, 20));
        if (box.checked !== seen.at(-1)) seen.push(box.checked);
    }
    return seen;
}"""


def test_flicker_goes_by_itself_unless_motion_is_unwanted(audited, visit):
    with ServedProcess(audited / "out") as served:
        page = visit(served, "/pair/1?view=flicker")
        seen = page.locator("#other").evaluate(TURNS)
        assert seen in ([True, False] * 2, [False, True] * 2)
        page.get_by_role("button", name="Stop").click()
        calm = visit(served, "/pair/1?view=flicker", reduced_motion="reduce")
        shown = calm.locator("#other")
        calm.wait_for_timeout(1200)
        assert not shown.is_checked()
        calm.keyboard.press("f")
        assert shown.is_checked()


def test_a_slider_shows_more_of_the_copy(audited, visit):
    with ServedProcess(audited / "out") as served:
        page = visit(served, "/pair/1?view=fade")
        top = page.get_by_alt_text(re.compile("on top"))
        page.get_by_role("slider").fill("80")
        assert top.evaluate("e => getComputedStyle(e).opacity") == "0.8"
        page.goto(served.home + "/pair/1?view=swipe")
        page.get_by_role("slider").fill("30")
        assert "70%" in top.evaluate("e => getComputedStyle(e).clipPath")


def test_the_difference_of_equal_images_is_black(audited, visit):
    with ServedProcess(audited / "out") as served:
        row = next(r for r in range(12) if "identical" in served.get(f"/pair/{r}").words[:1200])
        page = visit(served, f"/pair/{row}?view=difference")
        page.wait_for_load_state("networkidle")
        import io

        import numpy as np
        from PIL import Image

        seen = np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())))[..., :3]
        assert seen[5:-5, 5:-5].max() == 0


def test_hostile_names_do_nothing(tmp_path, visit):
    groups = [[pair(s, name) for s in ("a", "b")] for name in HOSTILE]
    out = write_audit(tmp_path / "out", groups)
    with ServedProcess(out) as served:
        page = visit(served)
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        for path in ("/", *(f"/group/{g}" for g in range(len(HOSTILE)))):
            page.goto(served.home + path)
            assert page.locator("script").count() == 1
            assert violations(page) == []
        page.goto(served.home + "/pair/1")
        page.keyboard.press("x")
        page.wait_for_url(re.compile("/pair/3$"))
        assert "<script>alert(1)</script>.png" in status(page)


def test_a_thousand_groups(tmp_path, visit):
    save(tmp_path / "out" / "train" / "0.png", scene(1))
    groups = [
        [
            pair("train", b"%d_%d.png" % (g, i), orientation="rotate_90", colour="faded")
            for i in range(3)
        ]
        for g in range(1000)
    ]
    with ServedProcess(write_audit(tmp_path / "out", groups)) as served:
        page = visit(served)
        assert "1,000 groups" in page.get_by_role("main").inner_text()
        page.keyboard.press("n")
        page.wait_for_url(re.compile("page=2$"))
        page.get_by_role("link", name="Last").first.click()
        page.wait_for_url(re.compile("page=40$"))
        assert "Group 999" in page.get_by_role("main").inner_text()
        assert violations(page) == []
        page.goto(served.home + "/group/999")
        assert page.get_by_text("faded colours").count() == 2
        assert violations(page) == []


def test_decisions_show_after_a_second_audit(audited, visit):
    with ServedProcess(audited / "out") as served:
        page = visit(served, "/group/0")
        name = page.get_by_role("heading", name=re.compile("^Keeper")).inner_text()
        page.keyboard.press("A")
        page.wait_for_url(re.compile("/group/1$"))
    save(audited / "train" / "new.png", scene(99))
    audit(
        audited / "out",
        [folder_source(f"{s}={audited / s}") for s in ("train", "val")],
        ingest=IngestOptions(workers=1),
    )
    with ServedProcess(audited / "out") as served:
        page = visit(served)
        page.get_by_role("searchbox").fill(name.partition("/")[2])
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("name="))
        assert "all decided" in page.get_by_role("main").inner_text()
