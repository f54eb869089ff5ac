import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers import planted, run, save, scene, source, write_hashes
from hypothesis import given
from hypothesis import strategies as st
from inspecting import Served, pair, write_audit
from PIL import Image as PillowImage

from fastphash import images, tables
from fastphash.audit import audit
from fastphash.audited import open_audit
from fastphash.decisions import Decision, Image, decide, read_decisions, resolve, undo
from fastphash.discover import folder_source
from fastphash.errors import StoreError, UsageError
from fastphash.inspector.catalog import Catalog
from fastphash.inspector.guard import Access
from fastphash.inspector.judged import Conflicts, Guide, Judged
from fastphash.inspector.pictures import OutsideError, Pictures
from fastphash.inspector.query import ORDERS, VIEWS, Filter, Query
from fastphash.words import COLOURS, COPY_KINDS, ORIENTATIONS

SPLITS = ("train", "val", "test")


@pytest.fixture
def audited(tmp_path):
    """The planted splits in a folder of their own, audited into out/."""
    sources = [folder_source(text) for text in planted(tmp_path)]
    audit(tmp_path / "out", sources, workers=1)
    return tmp_path


@pytest.fixture(scope="module")
def planted_audit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    audit(folder / "out", [folder_source(text) for text in planted(folder)], workers=1)
    return folder


@pytest.fixture(scope="module")
def served(planted_audit):
    """Their inspector, for tests that decide nothing."""
    with Served(planted_audit / "out") as running:
        yield running


def catalog_of(out):
    return Catalog(open_audit(out))


def copies(count, split="train", start=0):
    """A keeper and copies of it."""
    return [pair(split, b"%03d.png" % i) for i in range(start, start + count)]


# state in the query string

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FILTERS = st.builds(
    Filter,
    kind=st.sampled_from(["", *COPY_KINDS]),
    least=st.none() | st.integers(0, 64),
    most=st.none() | st.integers(0, 64),
    split=st.sampled_from(["", *SPLITS]),
    name=TEXTS,
    leaks=st.booleans(),
    undecided=st.booleans(),
    conflicts=st.booleans(),
    order=st.sampled_from(list(ORDERS)),
)


@given(st.builds(Query, FILTERS, st.integers(1, 10**9), st.sampled_from(VIEWS)))
def test_a_query_string_says_the_whole_state(query):
    assert Query.parse(query.text(), list(SPLITS)) == query


@pytest.mark.parametrize(
    "text",
    [
        *[
            "kind=other",
            "split=other",
            "order=other",
            "view=other",
            "leaks=2",
            "most=x",
            "most=%C2%B2",
        ],
        *["least=65", "least=-1", "page=0", "page=99999999999999"],
    ],
)
def test_a_state_that_there_is_not_is_wrong_usage(text):
    with pytest.raises(UsageError, match=text.split("=")[0]):
        Query.parse(text, list(SPLITS))


# filters and orders, against plain loops


@st.composite
def audits(draw):
    image = st.tuples(
        st.sampled_from(SPLITS),
        st.sampled_from(COPY_KINDS),
        st.integers(0, 4),
        st.sampled_from(ORIENTATIONS),
        st.none() | st.integers(0, 4).map(lambda n: n / 4),
        st.none() | st.sampled_from(COLOURS),
    )
    found = []
    for g, group in enumerate(draw(st.lists(st.lists(image, min_size=2, max_size=4), max_size=6))):
        found.append(
            [
                (s, b"%s/%d_%d.PNG" % (k.encode(), g, i), k, *rest)
                for i, (s, k, *rest) in enumerate(group)
            ]
        )
    return found


def passes(group, wanted):
    """Whether a group passes a filter, image by image."""
    copies = [
        image
        for image in group[1:]
        if wanted.kind in ("", image[2])
        and image[3] >= (wanted.least or 0)
        and image[3] <= (64 if wanted.most is None else wanted.most)
    ]
    splits = {image[0] for image in group}
    return (
        bool(copies)
        and (not wanted.split or wanted.split in splits)
        and any(wanted.name.lower() in image[1].decode().lower() for image in group)
        and (not wanted.leaks or len(splits) > 1)
    )


RANKS = {
    "group": lambda _: 0,
    "size": lambda group: -len(group),
    "distance": lambda group: -max(image[3] for image in group[1:]),
    "score": lambda group: min(2 if image[5] is None else image[5] for image in group[1:]),
}


@given(audits(), st.lists(FILTERS, min_size=1, max_size=4), st.sampled_from(["", "_1", "near/"]))
def test_filters_and_orders_are_those_of_a_plain_loop(tmp_path_factory, groups, filters, name):
    out = write_audit(tmp_path_factory.mktemp("audit") / "out", groups)
    catalog = catalog_of(out)
    assert len(catalog) == len(groups)
    for wanted in (*filters, replace(filters[0], name=name, split="")):
        if wanted.split and wanted.split not in catalog.splits:
            continue
        expected = [number for number, group in enumerate(groups) if passes(group, wanted)]
        expected.sort(key=lambda number: RANKS[wanted.order](groups[number]))
        assert catalog.select(wanted).tolist() == expected
        assert catalog.select(wanted).tolist() == expected  # remembered


@given(audits())
def test_rows_are_those_of_the_tables(tmp_path_factory, groups):
    catalog = catalog_of(write_audit(tmp_path_factory.mktemp("audit") / "out", groups))
    number = 0
    for g, group in enumerate(groups):
        assert catalog.images(g) == range(number, number + len(group))
        for split, path, kind, distance, orientation, score, colour in group:
            row = catalog.row(number)
            assert row.image == Image(split, path, number.to_bytes(16))
            assert (row.group, row.width, row.height) == (g, 64, 48)
            if not row.is_keeper:
                assert (row.kind, row.distance, row.turn) == (kind, distance, orientation)
                assert row.score == score
                assert row.colour == (colour or "")
            assert catalog.find([row.image]).tolist() == [number]
            assert catalog.find([row.image._replace(digest=b"x" * 16)]).tolist() == [-1]
            number += 1


def test_names_that_are_not_utf8_and_equal_names_in_two_splits(tmp_path):
    names = [b"\xff.png", b"\xfe.png", "\N{SNOWMAN}.png".encode()]
    groups = [[pair("train", name), pair("val", name)] for name in names]
    catalog = catalog_of(write_audit(tmp_path / "out", groups))
    for row in range(catalog.rows):
        image = catalog.row(row).image
        assert image.path == names[row // 2]
        assert catalog.find([image]).tolist() == [row]


def test_groups_that_the_store_does_not_know_are_refused(tmp_path):
    out = write_audit(tmp_path / "out", [copies(3)])
    table = tables.read_table(out / "groups.parquet")
    other = table.set_column(2, "path", pa.array(["a.png", "b.png", "c.png"]))
    tables.write_table(out / "groups.parquet", other)
    with pytest.raises(StoreError, match="run the audit again"):
        catalog_of(out)
    other = table.set_column(0, "group", pa.array([3, 1, 2]))
    tables.write_table(out / "groups.parquet", other)
    with pytest.raises(StoreError, match="damaged"):
        catalog_of(out)


# decisions


def judged_of(out):
    catalog = catalog_of(out)
    judged = Judged(catalog)
    return catalog, judged, Guide(catalog, judged, Conflicts(catalog.audited, catalog))


def test_what_is_decided_shows_at_once_and_is_undone_at_once(tmp_path):
    out = write_audit(tmp_path / "out", [copies(4), copies(2, "val")])
    _catalog, judged, _ = judged_of(out)
    assert judged.state.undecided.tolist() == [3, 1]
    judged.decide([judged.pair(2, "not_copies")])
    judged.decide([judged.keeper(3)])
    judged.decide(judged.whole_group(0, "copies"))
    state = judged.state
    assert state.status.tolist() == [0, 1, 2, 1, 0, 0]
    assert (state.chosen.tolist(), state.undecided.tolist()) == ([3, -1], [0, 1])
    assert (state.decided, state.stale, len(state.last), state.left) == (4, 0, 2, 1)
    again = Judged(catalog_of(out)).state
    assert again.status.tolist() == state.status.tolist()
    assert [len(judged.undo()) for _ in range(4)] == [2, 1, 1, 0]
    assert judged.state.undecided.tolist() == [3, 1]
    assert read_decisions(out) == []


def test_none_of_a_group_are_copies_of_one_another_either(tmp_path):
    out = write_audit(tmp_path / "out", [copies(4), copies(66, "val")])
    catalog, judged, _ = judged_of(out)
    judged.decide([judged.pair(1, "copies")])
    judged.decide(judged.whole_group(0, "not_copies"))
    decided = {decision.about for decision in read_decisions(out)[1:]}
    image = [catalog.row(row).image for row in range(4)]
    assert decided == {frozenset((image[a], image[b])) for a, b in [(0, 2), (0, 3), (2, 3)]}
    assert judged.whole_group(0, "not_copies") == []
    with pytest.raises(UsageError, match="64"):
        judged.whole_group(1, "not_copies")


def test_what_was_no_copy_before_is_told_apart_from_the_rest_too(tmp_path):
    """Otherwise 2 would go for the sake of 1 once neither goes for the sake of 0."""
    out = write_audit(tmp_path / "out", [copies(4)])
    _, judged, _ = judged_of(out)
    judged.decide([judged.pair(1, "not_copies")])
    judged.decide([judged.pair(3, "copies")])
    judged.decide(judged.whole_group(0, "not_copies"))
    rows = open_audit(out).rows
    apart = resolve(read_decisions(out), rows).not_copies
    assert sorted(map(tuple, apart.tolist())) == [(0, 1), (0, 2), (1, 2)]
    assert resolve(read_decisions(out), rows).copies.tolist() == [[0, 3]]


def test_decisions_of_another_process_are_seen(tmp_path):
    out = write_audit(tmp_path / "out", [copies(3)])
    catalog, judged, _ = judged_of(out)
    assert judged.state.decided == 0
    images = [catalog.row(row).image for row in range(3)]
    decide(out, Decision("copies", (images[2], images[0])))
    assert judged.state.status.tolist() == [0, 0, 1]
    gone = images[1]._replace(digest=bytes(16))
    decide(out, Decision("keeper", (gone,)), Decision("copies", (gone, images[0])))
    assert (judged.state.decided, judged.state.stale) == (3, 2)
    assert len(undo(out)) == 2
    assert (judged.state.decided, judged.state.stale) == (1, 0)


def test_an_image_that_is_in_no_group_any_more_is_not_stale(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    image = [catalog_of(out).row(row).image for row in range(2)]
    decide(out, Decision("copies", tuple(image)))
    groups = tables.read_table(out / "groups.parquet")
    tables.write_table(out / "groups.parquet", groups.slice(0, 0))
    state = Judged(catalog_of(out)).state
    assert (state.decided, state.stale, state.left) == (1, 0, 0)


def test_a_damaged_log_is_refused(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    for text in ("[]", '{"version": 1, "decisions": 3}', '{"version": 1, "decisions": [{}]}'):
        (out / "decisions.json").write_text(text)
        with pytest.raises(StoreError, match=r"decisions\.json"):
            _ = Judged(catalog_of(out)).state


@given(st.data())
def test_one_comes_past_every_undecided_pair_once(tmp_path_factory, data):
    sizes = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=4))
    starts = np.cumsum([0, *sizes])
    groups = [copies(n, "train", int(s)) for n, s in zip(sizes, starts, strict=False)]
    out = write_audit(tmp_path_factory.mktemp("audit") / "out", groups)
    wanted = Filter(undecided=data.draw(st.booleans()), order=data.draw(st.sampled_from([*ORDERS])))
    catalog, judged, guide = judged_of(out)
    everything = np.flatnonzero(catalog.is_copy).tolist()
    row = data.draw(st.sampled_from(everything))
    seen = []
    while row is not None:
        seen.append(row)
        judged.decide([judged.pair(row, "copies")])
        row = guide.next_undecided(wanted, row)
    assert sorted(seen) == everything


def test_groups_before_and_after_are_those_of_the_filter(tmp_path):
    groups = [copies(n, "train", 10 * n) for n in (3, 2, 4)]
    _catalog, judged, guide = judged_of(write_audit(tmp_path / "out", groups))
    by_size = Filter(order="size", undecided=True)
    assert guide.groups(by_size).tolist() == [2, 0, 1]
    assert guide.around(by_size, 0) == (2, 1)
    judged.decide(judged.whole_group(0, "copies"))
    assert guide.groups(by_size).tolist() == [2, 1]
    assert guide.around(by_size, 0) == (2, 1)
    assert guide.around(Filter(kind="exact"), 0) == (None, None)


def test_labels_of_names_that_are_not_utf_8(tmp_path):
    out = write_audit(
        tmp_path / "out",
        [[pair("train", name, "exact", 0) for name in (b"a\xff", b"a\xfe")]],
    )
    columns = {"group": [0], "split": ["train"], "path": ["a\ufffd"], "path_bytes": [b"a\xfe"]}
    columns |= {"label": ["cat"], "keeper_label": ["dog"], "source": ["coco"]}
    write_hashes(out / "conflicts.parquet", **columns)
    audited = open_audit(out)
    conflicts = Conflicts(audited, Catalog(audited))
    assert (conflicts.of_row(0), conflicts.of_row(1)) == ([], [("cat", "dog", "coco")])


def test_labels_that_disagree(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2), copies(2, "val")])
    audited = open_audit(out)
    catalog = Catalog(audited)
    assert not Conflicts(audited, catalog).there
    columns = {"group": [1, 9], "split": ["val", "val"], "path": ["001.png", "gone.png"]}
    columns |= {"label": ["cat", "x"], "keeper_label": ["dog", "y"], "source": ["folders", "z"]}
    write_hashes(out / "conflicts.parquet", **columns)
    conflicts = Conflicts(audited, catalog)
    assert conflicts.of_group.tolist() == [False, True]
    assert conflicts.of_row(3) == [("cat", "dog", "folders")]
    assert conflicts.of_row(1) == []
    with Served(out) as served:
        assert "Group 1" in served.get("/?conflicts=1").words
        assert "Group 0" not in served.get("/?conflicts=1").words
        for page in ("/group/1", "/pair/3"):
            said = served.get(page).words
            assert "Labels disagree: cat, but the keeper's is dog (folders)" in said
    del columns["keeper_label"]
    write_hashes(out / "conflicts.parquet", **columns)
    with pytest.raises(StoreError, match="keeper_label"):
        Conflicts(audited, catalog)


# pictures


def pixels_of(data):
    import io

    return np.asarray(PillowImage.open(io.BytesIO(data)))


def test_a_copy_is_turned_into_its_keepers_frame(planted_audit):
    catalog = catalog_of(planted_audit / "out")
    pictures = Pictures(catalog)
    turned = 0
    for number in np.flatnonzero(catalog.is_copy).tolist():
        row = catalog.row(number)
        copy = pictures.preview(row, 320, row.orientation)
        keeper = pictures.preview(catalog.row(row.keeper), 320, 0)
        assert copy.trouble == keeper.trouble == ""
        a, b = pixels_of(copy.data).astype(int), pixels_of(keeper.data).astype(int)
        assert a.shape == b.shape
        assert np.abs(a - b).mean() < 4
        turned += row.orientation > 0
    assert turned >= 2


def planted_copy(folder, out="out"):
    """Catalog, pictures, and a row whose file may be changed, with the file."""
    catalog = catalog_of(folder / out)
    row = catalog.find_names(["train"], [b"again.png"])[0]
    return catalog, Pictures(catalog), catalog.row(int(row)), folder / "train" / "again.png"


def test_a_file_that_changed_is_not_shown(audited):
    _, pictures, row, path = planted_copy(audited)
    whole, other = path.read_bytes(), bytes(path.stat().st_size)
    assert pictures.state(row) == "there"
    before = pictures.etag(row, 160, 0)
    os.utime(path, ns=(1, 1))
    assert pictures.state(row, thoroughly=True) == "there"
    assert pictures.preview(row, 160, 0).trouble == ""
    path.write_bytes(other)
    assert pictures.state(row, thoroughly=True) == "changed"
    shown = pictures.preview(row, 160, 0)
    assert "changed" in shown.trouble
    assert pixels_of(shown.data).shape == (32, 32)
    assert pictures.etag(row, 160, 0) != before
    path.write_bytes(whole + b"more")
    assert pictures.state(row) == "changed"
    assert "changed" in pictures.preview(row, 160, 0).trouble


def test_a_file_that_is_gone_or_no_file_is_not_waited_for(audited):
    _, pictures, row, path = planted_copy(audited)
    thumbnail = pixels_of(pictures.thumbnail(row, 0).data)
    path.unlink()
    for make in (lambda: None, lambda: os.mkfifo(path), path.mkdir):
        make()
        assert pictures.state(row) == "gone"
        shown = pictures.preview(row, 160, 2)
        assert "gone" in shown.trouble
        assert np.array_equal(pixels_of(shown.data), thumbnail[::-1, ::-1])
        if path.exists() and not path.is_dir():
            path.unlink()


def test_what_cannot_be_decoded_says_so(audited, monkeypatch):
    _, pictures, row, _ = planted_copy(audited)

    def refuse(*_, **__):
        raise images.ImageError("decode", "out of memory")

    monkeypatch.setattr(images, "preview", refuse)
    assert "decode: out of memory" in pictures.preview(row, 160, 0).trouble


def test_without_thumbnails_there_is_a_grey_place(tmp_path):
    out = write_audit(tmp_path / "out", [copies(2)])
    catalog = catalog_of(out)
    shown = Pictures(catalog).preview(catalog.row(0), 160, 0)
    assert "gone" in shown.trouble
    assert np.ptp(pixels_of(shown.data)) == 0


def test_the_cache_is_bounded(audited, monkeypatch):
    _, pictures, row, _ = planted_copy(audited)
    first = pictures.preview(row, 160, 0)
    assert pictures.preview(row, 160, 0) is first
    monkeypatch.setattr("fastphash.inspector.pictures._CACHED_BYTES", len(first.data) + 100)
    pictures.preview(row, 160, 1)
    assert pictures._cached_bytes <= len(first.data) + 100
    assert pictures.preview(row, 160, 0) is not first


def test_files_of_a_list_may_lie_anywhere(tmp_path):
    save(tmp_path / "else" / "a.png", scene(1))
    out = write_audit(
        tmp_path / "out",
        [[pair("train", os.fsencode(tmp_path / "else" / "a.png"))] * 1 + [pair("train", b"b.png")]],
    )
    catalog = catalog_of(out)
    assert Pictures(catalog).state(catalog.row(0)) == "changed"
    (tmp_path / "secret").write_text("x")
    (tmp_path / "else" / "a.png").unlink()
    (tmp_path / "else" / "a.png").symlink_to(tmp_path / "secret")
    assert Pictures(catalog).state(catalog.row(0)) == "outside"
    with pytest.raises(OutsideError):
        Pictures(catalog).preview(catalog.row(0), 160, 0)


# pages


def test_every_link_of_every_page_leads_somewhere(served):
    todo, seen = ["/", "/?leaks=1&order=size", "/?name=zzz"], set()
    while todo:
        path = todo.pop()
        if path in seen or path.startswith("#"):
            continue
        seen.add(path)
        answer = served.get(path)
        assert answer.status == 200, path
        if answer.headers["Content-Type"].startswith("text/html"):
            todo += answer.links + answer.images
    assert len(seen) > 60
    assert any(path.startswith("/image/") for path in seen)


def test_the_list_says_what_a_group_is(served):
    words = served.get("/?kind=augmented&leaks=1").words
    assert "1 group of 6" in words
    assert "across splits" in words
    assert "val/mirrored.png" in words


def test_images_are_asked_for_again_and_not_sent_again(served):
    first = served.get("/image/1?side=320&turn=4")
    assert first.headers["Content-Type"] == "image/jpeg"
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = served.get("/image/1?side=320&turn=4", If_None_Match=first.headers["ETag"])
    assert (again.status, again.data) == (304, b"")
    assert served.get("/image/1?side=320", If_None_Match=first.headers["ETag"]).status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(
            (path, 404)
            for path in ["/nothing", "/group/99", "/group/x", "/pair/0", "/pair/99", "/image/99"]
        ),
        *((path, 404) for path in ["/group/99999999999999999999", "/static/none.css"]),
        *((path, 400) for path in ["/image/1?side=7", "/image/1?turn=8", "/?kind=x"]),
        ("/decide", 405),
    ],
)
def test_errors_are_plain_pages(served, path, status):
    answer = served.get(path)
    assert answer.status == status
    assert "<h1>" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "form",
    [{}, {"row": "1"}, {"row": "x", "decision": "copies"}, {"row": "0", "decision": "copies"}],
)
def test_decisions_that_there_are_not_are_refused(served, form):
    assert served.post("/decide", **form).status == 400


def test_deciding_goes_on_to_the_next_undecided_pair(audited):
    with Served(audited / "out") as served:
        place = "/pair/1"
        verdicts = ["copies", "not_copies"] * 3
        for verdict in verdicts:
            row = re.match(r"/pair/(\d+)", place)[1]
            answer = served.post("/decide", row=row, decision=verdict, state="", back="pair")
            assert answer.status == 303
            place = answer.headers["Location"]
        assert place == "/"
        words = served.get("/").words
        assert "decisions: 6; undecided pairs: 0" in words
        assert "Last decision: " in words
        answer = served.post("/undo", state="order=size")
        assert re.fullmatch(r"/pair/\d+\?order=size", answer.headers["Location"])
        assert "decisions: 5; undecided pairs: 1" in served.get("/").words
        kept = served.post("/decide", row="1", decision="keeper", back="group").headers["Location"]
        assert "stays: decided" in served.get(kept).words
    assert [d.word for d in read_decisions(audited / "out")] == [*verdicts[:5], "keeper"]


def test_decisions_outlive_a_second_audit_and_stale_ones_are_counted(audited):
    with Served(audited / "out") as served:
        served.post("/decide", row="1", decision="not_copies")
        decided = read_decisions(audited / "out")
        scenes = [source(name, audited / name) for name in ("train", "val")]
        save(audited / "train" / "new.png", scene(99))
        audit(audited / "out", scenes, workers=1)
        assert "The audit has been run again" in served.get("/").words
    assert read_decisions(audited / "out") == decided
    with Served(audited / "out") as served:
        assert "decisions: 1; undecided pairs: 5" in served.get("/").words
        assert "The audit has been run again" not in served.get("/").words
    for image in decided[0].images:
        save(audited / image.split / os.fsdecode(image.path), scene(50, 96, 96))
    audit(audited / "out", scenes, workers=1)
    with Served(audited / "out") as served:
        said = served.get("/").words
        assert "decisions: 1 (1 stale: images that are gone or have changed)" in said


def test_while_the_audit_is_run_again_pictures_say_so(audited):
    with Served(audited / "out") as served:
        (audited / "out" / "summary.json").unlink()
        for part in (audited / "out" / "hashes").glob("part-*.parquet"):
            part.unlink()
        answer = served.get("/thumbnail/1")
        assert answer.status == 503
        assert "The audit is being run again" in answer.words
        assert str(audited) not in answer.words


def test_one_undecided_copy_is_one(tmp_path):
    with Served(write_audit(tmp_path / "out", [copies(2), copies(3, "val")])) as served:
        assert "The one undecided is a copy It is no copy" in served.get("/group/0").words
        assert "All 2 undecided are copies" in served.get("/group/1").words


def test_two_at_once_lose_nothing(audited):
    import threading

    with Served(audited / "out") as served:
        posts = [
            threading.Thread(
                target=served.post, args=("/decide",), kwargs={"row": "1", "decision": verdict}
            )
            for verdict in ["copies", "not_copies"] * 5
        ]
        for post in posts:
            post.start()
        for post in posts:
            post.join()
    assert len(read_decisions(audited / "out")) == 10


def test_a_log_that_another_process_holds_is_a_page(audited):
    from fastphash.store import locked

    with Served(audited / "out") as served, locked(audited / "out"):
        answer = served.post("/decide", row="1", decision="copies")
    assert answer.status == 503
    assert "another process is writing" in answer.words


# the command


def test_the_command_prints_its_url_and_ends_on_ctrl_c(audited):
    served = Served(audited / "out")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", served.url)
    status, out, said = served.stop()
    assert status == 130
    assert out == ""
    assert said.splitlines() == ["Ctrl-C stops it.", "", "Interrupted."]
    with socket.socket() as free:
        free.bind(("127.0.0.1", served.port))


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_what_to_install(planted_audit, missing):
    code = f"import sys; sys.modules[{missing!r}] = None; from fastphash.cli import main; main()"
    words = [sys.executable, "-c", code, "inspect", str(planted_audit / "out")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"Error: {missing} is not installed: pip install 'fastphash[inspect]'\n"


def test_a_port_that_is_taken(planted_audit):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("inspect", str(planted_audit / "out"), "--port", str(port), status=2)
    assert f"port {port} is taken: --port 0 takes any that is free" in done.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nowhere"], 2, "no such audit"),
        (["."], 2, "is no audit"),
        (["OUT", "--host", "no such host"], 2, "no such host: 'no such host'"),
        (["OUT", "--host", "192.0.2.1", "--port", "0"], 1, "can't serve at 192.0.2.1"),
        (["OUT", "--port", "65536"], 2, "65536"),
    ],
)
def test_what_cannot_be_served(planted_audit, tmp_path, words, status, said):
    out = str(planted_audit / "out")
    done = run("inspect", *(out if w == "OUT" else w for w in words), status=status, cwd=tmp_path)
    assert said in done.stderr


def test_served_to_others_it_warns(audited):
    served = Served(audited / "out", "--host", "0.0.0.0", "--port", "0")
    assert served.get("/").status == 200
    assert served.get("/", Host=f"192.0.2.7:{served.port}").status == 200
    assert served.get("/", Host=f"evil.example:{served.port}").status == 403
    *_, said = served.stop()
    assert "Warning: served at 0.0.0.0: anybody who knows the URL can see the images" in said


def test_the_url_of_an_address_of_six():
    assert Access("::1", 80).origin == "http://[::1]:80"
    assert Access("::1", 80).knows_host("[::1]")
    assert Access("::", 81).origin == "http://[::1]:81"
    assert Access("localhost", 81).knows_host("LOCALHOST:81")
    assert not Access("localhost", 81).knows_host("192.0.2.1:81")


def test_a_browser_is_opened_by_a_file_that_only_the_user_reads(monkeypatch):
    from fastphash.inspector.serve import browser

    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with browser("http://127.0.0.1:1/?token=secret"):
        (uri,) = opened
        assert "secret" not in uri
        path = Path(uri.removeprefix("file://"))
        assert path.stat().st_mode & 0o77 == 0
        assert path.parent.stat().st_mode & 0o77 == 0
        assert "url=http://127.0.0.1:1/?token=secret" in path.read_text()
    assert not path.exists()


def test_an_audit_of_no_copies_and_one_that_moved(audited):
    shutil.move(audited / "train", audited / "moved")
    with Served(audited / "out") as served:
        words = served.get("/pair/1").words
        assert "the file is gone or can't be read: this is the stored thumbnail" in words
    out = write_audit(audited / "empty", [])
    with Served(out) as served:
        assert "The audit found no copies" in served.get("/").words
