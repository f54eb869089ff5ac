import base64
import hashlib
import json
import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastphash.base.text import display_name, visible
from fastphash.files import parquet
from fastphash.report.charts import by_distance, by_size
from fastphash.report.groups import COPIES_SHOWN, GroupTable
from fastphash.results.decisions import Decision, decide
from fastphash.results.decisions import Image as Decided
from fastphash.results.schemas import GROUPS_SCHEMA
from tests.support.examples import slow_but
from tests.support.report_pages import (
    Page,
    again,
    audited,
    pixels,
    planted_audit,
    read_page,
    sources_of,
)
from tests.support.scenes import TRANSPOSES, planted, save, scene, scenes

# what it says


def test_the_verdict_counts_the_worst_leak(page):
    assert page.text.count("Not safe to train and test on") == 1
    assert "3 of 5 val images (60.0 %) are also in train." in page.text
    assert (
        "3 of 11 train images (27.3 %) are copies of other images of the same split." in page.text
    )
    assert "1 file could not be hashed" in page.text


def test_leaks_stand_in_a_square_and_in_words(page):
    assert "train itself 27.3 % 3 of 11" in page.text
    assert "val 60.0 % 3 of 5 itself" in page.text
    assert "are also in train: 1 identical, 1 exact, 1 augmented" in page.text


def test_collisions_and_rejects_are_named(page):
    assert "2 images in train" in page.text
    assert "identify: not an image of a supported format 1" in page.text


def test_collisions_have_pictures(page):
    (pair,) = re.findall(r'<ol class="pair">.*?</ol>', page.html, re.DOTALL)
    names = Page(pair).text
    assert "flat.png" in names
    assert "flatter.png" in names
    assert len(Page(pair).attributes("img", "src")) == 2
    assert "Look at one pair" in page.text


def test_it_says_how_the_hashes_were_made(data, page):
    summary = json.loads((data / "summary.json").read_text())
    assert summary["definition"] in page.text
    assert f"audited by fastphash {summary['fastphash']}; hashed by " in page.text
    assert f"{summary['radius']} bits of 64" in page.text
    assert "those with a score of at least 0.5, where 1 is the same picture" in page.text
    for split in summary["splits"].values():
        assert split["root"] in page.text


def test_charts_are_tables(page):
    for row in ("identical 1 1", "exact 1 1", "augmented 1 1", "0 3 3", "2 3 3"):
        assert f" {row} " in page.text


def test_groups_show_keeper_and_copies(data, page):
    table = parquet.read_table(data / "groups.parquet").to_pylist()
    numbers = [row["group"] for row in table if row["role"] == "keeper"]
    shown = {int(re.match(r"Group (\d+)", group.text)[1]): group.text for group in page.groups}
    assert shown.keys() == set(numbers)
    for number, text in shown.items():
        keeper, copy = (row for row in table if row["group"] == number)
        said = text.index(f"{keeper['split']} {keeper['path']}")
        assert said < text.index(f"{copy['split']} {copy['path']} {copy['kind']}, 0 bits")
        turned = copy["orientation"] != "identity"
        assert (
            ("in the keeper\N{RIGHT SINGLE QUOTATION MARK}s frame" in text)
            == (f" {copy['orientation']}," in text)
            == turned
        )
        assert ("same frame" in text) != turned


def test_groups_across_splits_come_first_then_large_ones(tmp_path):
    a, b = scenes(tmp_path / "a", range(4)), scenes(tmp_path / "b", [3, 9])
    for copy in range(3):
        save(a / f"copy_{copy}.png", scene(1))
    save(a / "other.png", scene(0))
    out = audited(tmp_path / "out", ("a", a), ("b", b))
    seen = [group.text for group in read_page(out / "report.html").groups]
    assert [re.search(r"\d+ images? of \d splits?", text)[0] for text in seen] == [
        "2 images of 2 splits",
        "4 images of 1 split",
        "2 images of 1 split",
    ]


@pytest.mark.parametrize("turn", slow_but([2, 6], range(7)))
def test_a_copy_is_turned_into_its_keepers_frame(tmp_path, turn):
    original = scene(5, 60, 90)
    save(tmp_path / "all" / "a.bmp", original)
    copy = Image.fromarray(original).transpose(TRANSPOSES[turn])
    copy.save(tmp_path / "all" / "b.png")
    out = audited(tmp_path / "out", ("all", tmp_path / "all"))
    found = sources_of(read_page(out / "report.html"))
    keeper, upright, turned = map(pixels, found.values())
    assert list(found) == [
        "Keeper",
        "Copy 1 as it is",
        "Copy 1 in the keeper\N{RIGHT SINGLE QUOTATION MARK}s frame",
    ]
    assert turned.shape == keeper.shape
    assert np.abs(turned - keeper).mean() < 3
    assert upright.shape != keeper.shape or np.abs(upright - keeper).mean() > 20


def test_copies_in_other_colours_say_so(tmp_path):
    save(tmp_path / "all" / "1.png", scene(1))
    grey = Image.fromarray(scene(1)).convert("L").convert("RGB")
    save(tmp_path / "all" / "grey.png", np.asarray(grey))
    save(tmp_path / "all" / "again.bmp", scene(1))
    audited(tmp_path / "out", ("all", tmp_path / "all"))
    (group,) = read_page(tmp_path / "out" / "report.html").groups
    assert re.findall(r"score \d\.\d\d(?:, \w+ colours)?", group.text) == [
        "score 1.00, faded colours",
        "score 1.00",
    ]


def test_copies_beyond_the_first_are_counted(tmp_path):
    folder = scenes(tmp_path / "all", [1])
    for copy in range(COPIES_SHOWN + 5):
        (folder / f"copy_{copy:02d}.png").write_bytes((folder / "001.png").read_bytes())
    found = read_page(audited(tmp_path / "out", ("all", folder)) / "report.html")
    assert len(found.attributes("img", "src")) == COPIES_SHOWN + 1
    assert "and 5 further copies" in found.text


def test_further_groups_are_listed_and_the_rest_counted(data, tmp_path, monkeypatch):
    monkeypatch.setattr("fastphash.report.page._LISTED", 1)
    found = again(data, tmp_path / "report.html", groups=2)
    assert len(found.groups) == 2
    assert "The first 2 of 6 groups" in found.text
    assert "The next 1, without pictures." in found.text
    assert "and 3 further groups in groups.parquet" in found.text
    assert "fastphash inspect" in found.text


def test_without_pictures_groups_are_listed(data, tmp_path):
    found = again(data, tmp_path / "report.html", groups=0)
    assert found.groups == []
    assert "The next 6, without pictures." in found.text


def test_label_conflicts_are_shown_with_both_labels(data, tmp_path):
    out = tmp_path / "out"
    out.symlink_to(data)
    rows = {
        "group": [0, 0],
        "split": ["train"] * 2,
        "path": ["<i>a.png", "b\ufffd.png"],
        "label": ["cat & co", None],
        "keeper_split": ["val"] * 2,
        "keeper_path": ["k.png"] * 2,
        "keeper_label": ["<b>dog</b>", "dog"],
        "kind": ["exact", "near"],
        "path_bytes": [None, b"b\xff.png"],
    }
    conflicts = data / "conflicts.parquet"
    parquet.write_table(conflicts, pa.table(rows))
    try:
        found = again(out, tmp_path / "report.html")
    finally:
        conflicts.unlink()
    assert (
        "2 copies are labelled differently from the keeper: errors in the data set." in found.text
    )
    assert "train <i>a.png cat & co val k.png <b>dog</b> exact" in found.text
    assert r"train b\xff.png none val k.png dog near" in found.text


def test_decisions_are_counted(tmp_path):
    out = planted_audit(tmp_path)
    image = Decided("val", b"leak.png", bytes(16))
    for _ in range(2):
        decide(out, Decision("keeper", (image,)))
    assert "1 decisions on file" in reversed_totals(again(out, out / "report.html"))


def reversed_totals(page):
    """Figures before what they count, as they are seen."""
    return re.sub(r"(decisions on file) (\d+)", r"\2 \1", page.text)


# what it is


def test_the_same_audit_gives_the_same_bytes(data, tmp_path):
    again(data, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == (data / "report.html").read_bytes()


def test_a_second_audit_gives_the_same_report(tmp_path):
    splits = planted(tmp_path)
    first = audited(tmp_path / "out", *splits, workers=2) / "report.html"
    before = first.read_bytes()
    audited(tmp_path / "out", *splits, workers=1)
    assert first.read_bytes() == before


def test_an_audit_begun_again_takes_its_report_away(tmp_path, monkeypatch):
    splits = planted(tmp_path)
    out = audited(tmp_path / "out", *splits)
    save(tmp_path / "train" / "new.png", scene(70))
    monkeypatch.setattr("fastphash.audits.copies.group_rows", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        audited(out, *splits)
    assert not (out / "report.html").exists()


def test_only_its_own_style_and_script_run(page):
    policy = page.attributes("meta", "content")[0]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for name in ("style", "script"):
        text = "".join(page.silent[name])
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert Counter(tag for tag, _ in page.tags)["script"] == 1


def test_nothing_is_loaded_from_elsewhere(page):
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("data:", "#"))
    assert "url(" not in "".join(page.silent["style"])
    assert "@import" not in "".join(page.silent["style"])


@given(st.text())
def test_visible_text_is_printable(text):
    assert visible(text).isprintable()
    assert visible(text) == text or not text.isprintable()


@given(st.binary(max_size=4096))
def test_names_are_short_and_can_be_written(name):
    shown = display_name(name)
    assert len(shown) <= 250
    shown.encode("utf-8")


def test_long_names_lose_their_middle(tmp_path):
    deep = tmp_path / "all" / "/".join(["d" * 100] * 20)
    for name in ("first.png", "second.png"):
        save(deep / name, scene(3))
    found = read_page(audited(tmp_path / "out", ("all", tmp_path / "all")) / "report.html")
    assert "d … d" in found.text
    assert "second.png" in found.text
    assert len(found.html) < 60_000


def test_a_bar_of_one_value_is_called_by_it():
    copy = {"split": "a", "role": "copy", "kind": "near", "distance": 17, "orientation": "identity"}
    keeper = copy | {"role": "keeper", "kind": None, "distance": 0}
    rows = [one | {"group": 0, "path": str(i)} for i, one in enumerate([keeper] + 5 * [copy])]
    table = GroupTable(pa.Table.from_pylist(rows, GROUPS_SCHEMA), ["a"])
    assert [bar.label for bar in by_size(table)] == ["2", "3", "4", "5", "6"]
    assert [bar.label for bar in by_distance(table, 64)][-2:] == ["13 to 16", "17"]
