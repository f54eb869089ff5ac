import base64
import hashlib
import io
import json
import os
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from helpers import TRANSPOSES, planted, run, save, scene, scenes
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reports import audited, planted_audit, read_page, slightly

from fastphash import tables
from fastphash.audited import Audited, open_audit
from fastphash.decisions import Decision, decide
from fastphash.decisions import Image as Decided
from fastphash.report import chosen, names, pictures, write_report
from fastphash.report.figures import verdict
from fastphash.results import GROUPS_SCHEMA
from fastphash.store import Layout
from fastphash.words import KINDS, ORIENTATIONS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """An audit of every kind of copy: its folder."""
    return planted_audit(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def page(data):
    """Its report."""
    return read_page(data / "report.html")


def again(out, target, **options):
    """The report of an audit, written once more, taken apart."""
    write_report(open_audit(out), target, **options)
    return read_page(target)


def pixels(uri):
    """The picture of a data URI, uint8 (h, w, 3)."""
    assert uri.startswith("data:image/jpeg;base64,")
    data = base64.b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)


def sources_of(page):
    """Data URIs of all pictures, by what their texts say."""
    return {tag["alt"]: tag["src"] for name, tag in page.tags if name == "img"}


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
    assert "are also in train: 1 identical, 1 exact and 1 augmented" in page.text


def test_collisions_and_rejects_are_named(page):
    assert "2 images in train" in page.text
    assert "identify: not an image of a supported format 1" in page.text


def test_it_says_how_the_hashes_were_made(data, page):
    summary = json.loads((data / "summary.json").read_text())
    assert summary["definition"] in page.text
    assert f"audited by fastphash {summary['fastphash']}; hashed by " in page.text
    assert f"{summary['radius']} bits of 64" in page.text
    assert "those alike by a score of 0.5 of 1 at least" in page.text
    for split in summary["splits"].values():
        assert split["root"] in page.text


def test_charts_are_tables(page):
    for row in ("identical 1 1", "exact 1 1", "augmented 1 1", "0 3 3", "2 3 3"):
        assert f" {row} " in page.text


def test_groups_show_keeper_and_copies(data, page):
    table = tables.read_table(data / "groups.parquet").to_pylist()
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


@pytest.mark.parametrize("turn", range(7))
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
        "score 1.00",
        "score 1.00, faded colours",
    ]


def test_copies_beyond_the_first_are_counted(tmp_path):
    folder = scenes(tmp_path / "all", [1])
    for copy in range(chosen.COPIES + 5):
        (folder / f"copy_{copy:02d}.png").write_bytes((folder / "001.png").read_bytes())
    found = read_page(audited(tmp_path / "out", ("all", folder)) / "report.html")
    assert len(found.attributes("img", "src")) == chosen.COPIES + 1
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
    tables.write_table(conflicts, pa.table(rows))
    try:
        found = again(out, tmp_path / "report.html")
    finally:
        conflicts.unlink()
    assert "2 copies have another label than the keeper: errors in the data set." in found.text
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
    monkeypatch.setattr("fastphash.audit.group_rows", lambda *_: 1 / 0)
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
    assert names.visible(text).isprintable()
    assert names.visible(text) == text or not text.isprintable()


@given(st.binary(max_size=4096))
def test_names_are_short_and_can_be_written(name):
    shown = names.name(name)
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


# files that are not what they were


def lost(tmp_path, change, **options):
    """A report after a change to the files of an audit of two equal pictures in `all`."""
    folder = scenes(tmp_path / "all", [1])
    save(folder / "copy.bmp", scene(1)[::-1])
    out = audited(tmp_path / "out", ("all", folder), **options)
    change(folder)
    return again(out, tmp_path / "report.html")


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda folder: (folder / "001.png").unlink(), "the file is gone"),
        (lambda folder: save(folder / "001.png", scene(2)), "the file has changed since the audit"),
        (lambda folder: flip(folder / "001.png"), "the file has changed since the audit"),
        (lambda folder: fifo(folder / "001.png"), "the file has changed since the audit"),
        (lambda folder: nest(folder / "001.png"), "the file can't be read"),
    ],
    ids=["gone", "other", "flipped", "pipe", "folder"],
)
def test_a_lost_file_is_shown_by_its_thumbnail(tmp_path, change, note):
    found = lost(tmp_path, change)
    assert found.text.count(f"thumbnail: {note}") == 1
    sizes = {text: pixels(uri).shape for text, uri in sources_of(found).items()}
    assert sorted(set(sizes.values())) == [(32, 32, 3), (48, 64, 3)]
    small = [uri for uri in sources_of(found).values() if pixels(uri).shape[0] == 32]
    wanted = Image.fromarray(scene(1)).convert("L").resize((32, 32))
    assert any(np.abs(pixels(uri)[..., 0] - np.asarray(wanted, int)).mean() < 4 for uri in small)


def flip(path):
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def nest(path):
    path.unlink()
    path.mkdir()


def test_without_thumbnails_a_lost_file_has_no_picture(tmp_path):
    found = lost(
        tmp_path,
        lambda folder: (folder / "001.png").unlink(),
        layout=Layout(thumbnails=False),
    )
    assert "no picture: the file is gone, and the store has no thumbnail" in found.text
    assert len(found.attributes("img", "src")) in (1, 2)


def test_equal_files_are_read_once_from_whichever_is_left(tmp_path):
    folder = scenes(tmp_path / "all", [1])
    (folder / "again.png").write_bytes((folder / "001.png").read_bytes())
    out = audited(tmp_path / "out", ("all", folder))
    before = (out / "report.html").read_bytes()
    (folder / "001.png").unlink()
    again(out, out / "report.html")
    assert (out / "report.html").read_bytes() == before


def test_files_that_take_too_long_are_shown_by_their_thumbnails(data, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "_WORK", 0)
    found = again(data, tmp_path / "report.html")
    assert "thumbnail: the file is too large to be read for this page" in found.text
    assert {pixels(uri).shape for uri in found.attributes("img", "src")} == {(32, 32, 3)}


def test_pictures_have_a_budget(data, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "BUDGET", 5000)
    found = again(data, tmp_path / "report.html")
    sizes = [len(uri) for uri in found.attributes("img", "src")]
    assert 0 < sum(sizes) <= 5000
    assert pictures.NO_ROOM in found.text
    assert len(found.groups) == 6


@given(st.integers(0, 10**6), st.integers(1, 10**8))
def test_more_pictures_are_smaller_ones(count, budget):
    side = pictures._side(count, budget)
    assert 64 <= side <= 160
    assert side % 8 == 0
    assert side >= pictures._side(count + 1, budget)


# audits of every shape


def test_nothing_found(tmp_path):
    out = audited(
        tmp_path / "out",
        ("train", scenes(tmp_path / "train", range(5))),
        ("val", scenes(tmp_path / "val", range(10, 14))),
    )
    found = read_page(out / "report.html")
    assert "Safe to train and test on: no image of one split is in another." in found.text
    assert "There are none: nothing to look at." in found.text
    assert "Every image gave a hash." in found.text
    assert "form" not in {tag for tag, _ in found.tags}


def test_one_split_with_copies(tmp_path):
    folder = scenes(tmp_path / "all", range(4))
    save(folder / "copy.bmp", scene(2))
    found = read_page(audited(tmp_path / "out", ("all", folder)) / "report.html")
    assert "1 of 5 all images (20.0 %) is a copy of another image of the same split." in found.text
    assert "There is one split: nothing can leak." in found.text
    assert "across" not in found.text


def test_one_split_without(tmp_path):
    out = audited(tmp_path / "out", ("all", scenes(tmp_path / "all", range(4))))
    assert "No copies: all 4 images of all differ." in read_page(out / "report.html").text


def test_twelve_splits(tmp_path):
    splits = [(f"part {i}", scenes(tmp_path / f"{i}", [0, i + 1])) for i in range(12)]
    found = read_page(audited(tmp_path / "out", *splits) / "report.html")
    assert found.text.count("50.0 % 1 of 2") == 132
    assert "All 66 pairs of splits have images in common." in found.text
    assert "120 further leaks are in summary.json." in found.text


def test_a_near_copy_is_a_doubt(tmp_path):
    train = scenes(tmp_path / "train", range(3))
    save(tmp_path / "val" / "near.png", slightly(scene(1)))
    out = audited(tmp_path / "out", ("train", train), ("val", tmp_path / "val"))
    found = read_page(out / "report.html")
    assert "Look at the near copies before you trust a test score." in found.text
    assert "1 of 1 val image (100 %) is near one in train, at most 16 bits away" in found.text
    assert "alike by 0.5 of 1 at least: most are copies" in found.text
    said = {"min_score": 0.0, "chance": 12_345.6}
    audit = open_audit(out)
    write_report(replace(audit, summary=audit.summary | said), tmp_path / "all.html")
    page = read_page(tmp_path / "all.html")
    assert "however unlike they look: most may be no copies" in page.text
    assert "about 12,000 other images are that near" in page.text
    assert "all within the radius, however unlike, unless their colours differ" in page.text


def test_without_thumbnails_nothing_can_tell(tmp_path):
    train, val = scenes(tmp_path / "train", [1]), tmp_path / "val"
    save(val / "same.bmp", scene(1))
    layout = Layout(thumbnails=False, orientations=False)
    out = audited(tmp_path / "out", ("train", train), ("val", val), layout=layout)
    found = read_page(out / "report.html")
    assert "Whether images leak can't be told without thumbnails." in found.text
    assert "rotated and mirrored copies are not looked for" in found.text
    save(train / "same.bmp", scene(1))
    found = read_page(audited(tmp_path / "one", ("all", train), layout=layout) / "report.html")
    assert "Whether images are copies can't be told without thumbnails." in found.text
    assert "1 image has the hash of another one." in found.text
    assert "nothing can tell whether they are copies: 1 image in all" in found.text
    assert "differ" not in found.text


KINDS_OF_LEAK = st.fixed_dictionaries({kind: st.integers(0, 3) for kind in KINDS})


@given(KINDS_OF_LEAK, KINDS_OF_LEAK, st.booleans())
def test_only_an_audit_without_leaks_is_called_safe(one, other, thumbnails):
    def leak(needles, haystack, kinds):
        leaked = sum(kinds.values()) - kinds["collision"]
        return {"needles": needles, "haystack": haystack, "images": 20, "leaked": leaked} | {
            "kinds": kinds,
            "share": leaked / 20,
        }

    split = {"images": 20, "rejected": 0, "copies": {}}
    summary = {
        "splits": {"a": split, "b": split},
        "leaks": [leak("a", "b", one), leak("b", "a", other)],
        "thumbnails": thumbnails,
        "radius": 4,
        "min_score": 0.5,
    }
    counts = {kind: one[kind] + other[kind] for kind in KINDS}
    sure = counts["identical"] + counts["exact"] + counts["augmented"]
    doubt = counts["near"] or (counts["collision"] and not thumbnails)
    tone = verdict(summary, orientations=True).tone
    assert tone == ("bad" if sure else "doubt" if doubt else "good")


# sizes


def many_groups(audited, groups, size):
    """The audit of another, with so many groups of rows that have no files."""
    rows = groups * size
    copy = np.arange(rows) % size > 0
    of = np.arange(rows) // size

    def coded(codes, values):
        column = pa.array(codes.astype(np.int32), mask=None if values is SPLITS else ~copy)
        return pa.DictionaryArray.from_arrays(column, pa.array(values))

    columns = {
        "group": of,
        "split": coded(np.arange(rows) % 2, SPLITS),
        "path": pa.array([f"images/of/a/data/set/{i:09d}.jpg" for i in range(rows)]),
        "role": pa.DictionaryArray.from_arrays(copy.astype(np.int32), ["keeper", "copy"]),
        "kind": coded(of % 4, list(KINDS)),
        "distance": pa.array((of % 5).astype(np.uint8), mask=~copy),
        "orientation": coded(of % 8, list(ORIENTATIONS)),
        "score": pa.array(np.ones(rows, np.float32), mask=~copy),
        "colour": pa.nulls(rows, pa.string()),
        "colour_distance": pa.nulls(rows, pa.float32()),
        "path_bytes": pa.nulls(rows, pa.binary()),
    }
    made = Audited(audited.folder, audited.summary, audited.store)
    made.__dict__["groups"] = pa.table(columns).cast(GROUPS_SCHEMA)
    return made


SPLITS = ["train", "val"]


@pytest.mark.slow
def test_a_million_groups_make_a_page_of_the_usual_size(data, tmp_path):
    write_report(many_groups(open_audit(data), 1_000_000, 2), tmp_path / "report.html")
    found = read_page(tmp_path / "report.html")
    assert "The first 200 of 1,000,000 groups" in found.text
    assert "and 999,300 further groups in groups.parquet" in found.text
    assert len(found.html) < 2e6


def test_the_names_of_the_largest_page_are_bounded(data, tmp_path):
    write_report(many_groups(open_audit(data), 1000, 20), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 4e6


@pytest.mark.slow
def test_the_worst_pictures_stay_below_15_megabytes(tmp_path):
    rng = np.random.default_rng(0)
    for group in range(200):
        noise = rng.integers(0, 256, (160, 160, 3), np.uint8)
        for copy in range(chosen.COPIES + 1):
            turned = np.ascontiguousarray(np.rot90(noise, copy % 4))
            save(tmp_path / "all" / f"{group}_{copy}.jpg", turned, quality=95 - copy // 4)
    out = audited(tmp_path / "out", ("all", tmp_path / "all"), workers=2)
    found = read_page(out / "report.html")
    assert len(found.groups) == 200
    assert (out / "report.html").stat().st_size < 15_000_000


# the command


def test_the_command_writes_the_report_again(tmp_path):
    out = planted_audit(tmp_path)
    before = (out / "report.html").read_bytes()
    (out / "report.html").write_text("old")
    done = run("report", str(out))
    assert "6 groups with pictures" in done.stdout
    assert (out / "report.html").read_bytes() == before


def test_the_command_writes_elsewhere_but_over_nothing(data, tmp_path):
    target = tmp_path / "page.html"
    run("report", str(data), "-o", str(target), "--groups", "1")
    assert len(read_page(target).groups) == 1
    done = run("report", str(data), "-o", str(target), status=2)
    assert "--overwrite replaces it" in done.stderr
    run("report", str(data), "-o", str(target), "--overwrite")
    assert len(read_page(target).groups) == 6
    done = run("report", str(data), "-o", str(tmp_path / "no" / "page.html"), status=2)
    assert "no such folder" in done.stderr


def test_what_is_no_audit_has_no_report(tmp_path):
    assert "no such audit" in run("report", str(tmp_path / "no"), status=2).stderr
    assert "is no audit" in run("report", str(tmp_path), status=2).stderr


def test_a_damaged_table_is_one_line(tmp_path):
    out = planted_audit(tmp_path)
    (out / "groups.parquet").write_bytes(b"PAR1")
    assert "groups.parquet" in run("report", str(out), status=1).stderr
