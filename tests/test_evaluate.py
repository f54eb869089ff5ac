"""An audit held against true pairs: figures against plain counting, the command, and the page."""

import csv
import json
import os
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from browser import overflows, picture, violations
from helpers import run, save, scene, scenes
from hypothesis import example, given
from hypothesis import strategies as st
from reports import HOSTILE, hostile_audit, read_page, slightly
from reports import audited as audit_folders
from test_clean import audited as audit_of
from test_cli import FAILED, USAGE, error_of, too_wide
from test_groups import POOL

from fastphash import demo, results, tables
from fastphash.audited import open_audit
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.evaluate import (
    CURVES,
    FIGURES,
    JUDGED_SCHEMA,
    PAIRS,
    UNLISTED,
    check_folder,
    evaluate,
    write_evaluation,
)
from fastphash.measures import Side
from fastphash.report import write_pairs
from fastphash.truth import Truth, read_truth
from fastphash.words import COPY_KINDS

FILES = {FIGURES, PAIRS, CURVES, UNLISTED}
# what a file may hold, as a hash: contents of one hash differ in their thumbnails, if at all
HASHES = [0, 0, 0, 3, 7, 2**64 - 1]
CONTENTS = len(HASHES)
PICTURES = np.arange(CONTENTS) % len(POOL)


def plain_audit(contents, *, hashes=HASHES, thumbnails=True, min_score=0.5):
    """An audit of images of which nothing is known but hashes, bytes and maybe thumbnails."""
    rows = np.repeat(np.array(hashes, np.uint64)[:, None], 8, axis=1)
    splits = [("train", "val")[i % 2] for i in range(len(contents))]
    found = audit_of("/", contents, rows, PICTURES, splits, thumbnails=thumbnails)
    found.summary["min_score"] = min_score if thumbnails else None
    return found


def truth_of(*pairs, kinds=(), rejected=0):
    images = tuple(("val", f"{i}.jpg".encode()) for i in range(rejected))
    return Truth(np.array(sorted(pairs), np.int64).reshape(-1, 2), tuple(kinds), images)


def judged_rows(found):
    """Every pair that was looked at, by the numbers of its images, as the table says it."""
    return {
        (int(row["path"][:2]), int(row["other_path"][:2])): row
        for row in pa.concat_tables(list(found.tables())).to_pylist()
        if row["lost_by"] != "rejected"
    }


def connected(count, links):
    """The first of all that each is connected with."""
    first = list(range(count))
    for _ in range(count):
        for a, b in links:
            first[a] = first[b] = min(first[a], first[b])
    return first


def plain_figures(accused, right, listed):
    """Of sets: what is accused, is right, and is listed."""
    precision = len(accused & right) / len(accused) if accused else None
    recall = len(accused & right & listed) / len(listed) if listed else None
    f1 = None
    if precision is not None and recall is not None:
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
    return {
        "accused": len(accused),
        "right": len(accused & right),
        "found": len(accused & right & listed),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def plain_average_precision(strengths, right, listed):
    """The mean precision, over what is listed, where it is just rightly accused.

    `strengths` of all that is accused, and of what is right, by name.
    """
    total = 0
    for one in listed & right.keys():
        accused, rightly = (
            sum(value >= right[one] for value in some.values()) for some in (strengths, right)
        )
        total += rightly / accused
    return total / max(len(listed), 1)


IMAGES = 7
pairs_of_images = st.sets(
    st.tuples(st.integers(0, IMAGES), st.integers(0, IMAGES)).filter(lambda ab: ab[0] < ab[1]),
    max_size=6,
)


@given(
    st.lists(st.integers(0, CONTENTS - 1), min_size=IMAGES, max_size=IMAGES),
    pairs_of_images,
    st.integers(0, 5) | st.just(64),
    st.booleans(),
    st.sampled_from([0.0, 0.5, None]),
)
@example([0, 0, 1, 2, 3, 4, 5], {(0, 2), (1, 7), (4, 7)}, 1, True, 0.5)
@example([0, 0, 1, 2, 3, 4, 5], set(), 3, False, None)
@example([0, 0, 1, 2, 3, 4, 5], {(0, 2), (0, 5)}, 0, False, None)
def test_figures_are_those_of_plain_counting(contents, true, radius, thumbnails, min_score):
    audit = plain_audit(contents, thumbnails=thumbnails, min_score=min_score)
    # the last image was rejected
    truth = truth_of(*true, rejected=1)
    found = evaluate(audit, truth, radius=radius)
    summary, rows = found.summary, judged_rows(found)
    apart = {
        (a, b): (HASHES[contents[a]] ^ HASHES[contents[b]]).bit_count()
        for a, b in combinations(range(IMAGES), 2)
    }
    within = {pair for pair, bits in apart.items() if bits <= radius}
    hashed = {pair for pair in true if IMAGES not in pair}
    assert rows.keys() == within | hashed
    same = {(a, b) for a, b in apart if contents[a] == contents[b]}
    tree = connected(IMAGES + 1, true | same)
    right = {(a, b) for a, b in apart if tree[a] == tree[b]}
    listed_images = {i for pair in true for i in pair}

    def figures(accused):
        rightly = {i for pair in accused & right for i in pair}
        return {
            "pairs": plain_figures(accused, right, true),
            "images": plain_figures({i for pair in accused for i in pair}, rightly, listed_images),
        }

    kind = {pair: rows[pair]["kind"] for pair in within}
    score = {pair: rows[pair]["score"] for pair in within}
    accused = {pair for pair in within if kind[pair] in COPY_KINDS}
    assert summary["audit"] == figures(accused)
    for name, row in summary["by_kind"].items():
        assert row == figures({pair for pair in within if kind[pair] == name})
    for bits, row in summary["by_distance"].items():
        assert row == figures({pair for pair in within if apart[pair] <= int(bits)})
    sure = {pair for pair in within if kind[pair] in COPY_KINDS[:3]}
    assert (summary["by_score"] == {}) == (None in score.values())
    for least, row in summary["by_score"].items():
        above = {pair for pair in within if score[pair] >= np.float32(float(least))}
        assert row == figures(sure | above)

    strength = {
        pair: 2 if pair in sure else -apart[pair] - 1 if score[pair] is None else score[pair]
        for pair in within
    }
    rightly = {pair: strength[pair] for pair in within & right}

    def of_images(pairs):
        images = {i for pair in pairs for i in pair}
        return {i: max(pairs[pair] for pair in pairs if i in pair) for i in images}

    average = summary["average_precision"]
    assert average["pairs"] == pytest.approx(plain_average_precision(strength, rightly, true))
    assert average["images"] == pytest.approx(
        plain_average_precision(of_images(strength), of_images(rightly), listed_images)
    )
    assert summary["lost"] == {
        "rejected": len(true - hashed),
        "radius": len(hashed - within),
        "unseen": 0 if thumbnails else len((hashed & within) - accused),
        "score": len((hashed & within) - accused) if thumbnails else 0,
        "colour": 0,
    }
    assert summary["unlisted"] == len(accused - right - true)


@given(
    st.lists(st.integers(0, CONTENTS - 1), min_size=2, max_size=8),
    st.integers(0, 4) | st.just(64),
    st.booleans(),
    st.sampled_from([0.0, 0.5, None]),
)
def test_pairs_are_judged_as_join_does(contents, radius, thumbnails, min_score):
    audit = plain_audit(contents, thumbnails=thumbnails, min_score=min_score)
    rows = judged_rows(evaluate(audit, truth_of((0, 1)), radius=radius))
    joined = results.find_pairs(audit.rows, audit.rows, radius, 10**6, audit.summary["min_score"])
    expected = {
        pair: row
        for row in pa.concat_tables(list(joined)).to_pylist()
        if (pair := (int(row["needle_path"][:2]), int(row["haystack_path"][:2])))[0] < pair[1]
    }
    assert rows.keys() == expected.keys() | {(0, 1)}
    for pair, row in expected.items():
        assert [rows[pair][name] for name in ("kind", "distance")] == [row["kind"], row["distance"]]
        if min_score is not None:
            assert rows[pair]["score"] == row["score"]
            assert rows[pair]["orientation"] == row["orientation"]


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.none() | st.integers(0, 2), st.booleans()), max_size=9
    ),
    st.integers(0, 3),
)
def test_average_precision_of_any_ranking(things, more):
    strengths = {i: strength for i, (strength, _, _) in enumerate(things)}
    right = {i: strength - less for i, (strength, less, _) in enumerate(things) if less is not None}
    listed = {i for i, (_, _, is_listed) in enumerate(things) if is_listed}
    never = {("never", i) for i in range(more)}
    side = Side(
        np.array([*strengths.values()], np.float32),
        np.array([right.get(i, -np.inf) for i in strengths], np.float32),
        np.array([i in listed for i in strengths], np.bool_),
        len(listed) + more,
    )
    expected = plain_average_precision(strengths, right, listed | never)
    assert side.average_precision == pytest.approx(expected)
    recall, precision = side.curve()
    assert (np.diff(recall) >= 0).all()
    values = {*strengths.values(), *right.values()}
    assert len(recall) == len(precision) == len(values)


def test_what_follows_from_listed_pairs_is_never_false_and_never_asked_for():
    # 0, 1, 2 are far from one another but for equal hashes; 3 has the bytes of 2
    audit = plain_audit([0, 1, 2, 2], thumbnails=False)
    found = evaluate(audit, truth_of((0, 1), (1, 2)), radius=0)
    status = {pair: row["status"] for pair, row in judged_rows(found).items()}
    assert status == {
        (0, 1): "true",
        (1, 2): "true",
        (0, 2): "implied",
        (0, 3): "implied",
        (1, 3): "implied",
        (2, 3): "same bytes",
    }
    assert found.summary["by_distance"]["0"]["pairs"] == plain_figures(
        set(status), set(status), {(0, 1), (1, 2)}
    )


def test_the_best_thresholds():
    # true at 0 and 4 bits, false at 6
    audit = plain_audit(range(4), hashes=[0, 0, 15, 63 << 8], thumbnails=False)
    found = evaluate(audit, truth_of((0, 1), (0, 2), (1, 2)), radius=6).summary
    best = found["best"]["distance"]
    assert best["f1"]["threshold"] == best["precision_99"]["threshold"] == 4
    assert best["precision_99"]["recall"] == 1
    wrong = evaluate(audit, truth_of((0, 3)), radius=6).summary["best"]
    assert wrong["distance"]["precision_99"] is None
    assert wrong["score"] == {"f1": None, "precision_99": None}


def test_what_the_table_calls_its_pairs():
    audit = plain_audit(range(4), hashes=[0, 1, 15, 2**64 - 1], thumbnails=False)
    pairs = {(0, 1): "crop", (0, 2): "crop", (2, 3): "", (3, 4): "turned"}
    truth = truth_of(*pairs, kinds=pairs.values(), rejected=1)
    found = evaluate(audit, truth, radius=2)
    assert found.summary["by_listed_kind"] == {
        "": {"listed": 1, "found": 0, "recall": 0},
        "crop": {"listed": 2, "found": 1, "recall": 0.5},
        "turned": {"listed": 1, "found": 0, "recall": 0},
    }
    table = pa.concat_tables(list(found.tables()))
    assert table.schema.equals(JUDGED_SCHEMA)
    rows = {(row["path"], row["other_path"]): row for row in table.to_pylist()}
    lost = {pair: row["lost_by"] for pair, row in rows.items() if row["status"] == "true"}
    assert lost == {
        ("00.png", "01.png"): None,
        ("00.png", "02.png"): "radius",
        ("02.png", "03.png"): "radius",
        ("03.png", "0.jpg"): "rejected",
    }
    missed = [row["lost_by"] for row in found.missed(9).to_pylist()]
    assert missed == ["radius", "radius", "rejected"]
    assert found.missed(1).to_pylist() == [rows["00.png", "02.png"]]
    # beyond the radius the distance is told, and of rejected images nothing
    assert rows["00.png", "02.png"]["distance"] == 4
    assert rows["03.png", "0.jpg"]["distance"] is None
    assert rows["00.png", "02.png"]["listed_as"] == "crop"
    assert evaluate(audit, truth._replace(kinds=())).summary["by_listed_kind"] == {}


def test_what_is_lost_by_its_colour(tmp_path):
    grey = np.repeat(scene(1)[:, :, :1] // 3 + 80, 3, axis=2)
    # as light as one another
    for name, levels in (("green", (-56, 42, -56)), ("red", (70, -28, -28))):
        save(tmp_path / "all" / f"{name}.png", (grey + np.array(levels)).astype(np.uint8))
    save(tmp_path / "all" / "other.png", scene(2))
    audit = open_audit(audit_folders(tmp_path / "out", ("all", tmp_path / "all")))
    found = evaluate(audit, truth_of((0, 2)))
    assert {why: number for why, number in found.summary["lost"].items() if number} == {"colour": 1}
    (row,) = (row for table in found.tables() for row in table.to_pylist())
    assert row["lost_by"] == "colour"
    assert row["colour"] == "different"
    assert row["score"] > 0.9
    # whatever the least score, an audit doesn't accuse them
    assert {row["pairs"]["accused"] for row in found.summary["by_score"].values()} == {0}
    assert found.summary["average_precision"] == {"pairs": 0, "images": 0}


def test_pairs_are_limited():
    audit = plain_audit([0] * 8)
    with pytest.raises(TooManyPairsError, match=r"the limit of 27: .* or use a smaller --radius"):
        evaluate(audit, truth_of((0, 1)), max_pairs=27)
    assert evaluate(audit, truth_of((0, 1)), max_pairs=28).summary["candidates"] == 28
    with pytest.raises(UsageError, match="65"):
        evaluate(audit, truth_of((0, 1)), radius=65)


def test_few_pairs_at_once_change_nothing(monkeypatch):
    audit = plain_audit([0, 1, 2, 3, 4, 0, 1])
    truth = truth_of((0, 1), (2, 3))
    whole = evaluate(audit, truth)
    monkeypatch.setattr("fastphash.evaluate._AT_ONCE", 3)
    pieces = evaluate(audit, truth)
    assert pieces.summary == whole.summary
    assert judged_rows(pieces) == judged_rows(whole)


# the command


def write(path, pairs, header=("needle", "haystack", "kind")):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *pairs])
    return path


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The demo's data set and a file that is no image, audited, with a table of what is planted."""
    folder = tmp_path_factory.mktemp("evaluate")
    truth = demo.make(folder / "data")
    (folder / "data" / "train" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    audit_folders(
        folder / "out", ("train", folder / "data" / "train"), ("val", folder / "data" / "val")
    )
    write(folder / "truth.csv", [(copy, original, done) for done, copy, original in truth])
    half = [(copy, original, done) for done, copy, original in truth if done != "rotate_90"]
    write(folder / "half.csv", [*half, ("train/broken.png", "train/scene_000.png", "broken")])
    return folder


def test_what_was_planted_is_found_and_nothing_else(planted):
    done = run("evaluate", "out", "truth.csv", "--json", cwd=planted)
    found = json.loads(done.stdout)
    assert done.stderr == ""
    folder = planted / "out" / "evaluation"
    assert json.loads((folder / FIGURES).read_text()) == found
    for side in ("pairs", "images"):
        shares = [found["audit"][side][name] for name in ("precision", "recall", "f1")]
        assert [*shares, found["average_precision"][side]] == [1, 1, 1, pytest.approx(1)]
    assert {row["recall"] for row in found["by_listed_kind"].values()} == {1}
    pairs = tables.read_table(folder / PAIRS)
    assert pairs.schema.equals(JUDGED_SCHEMA)
    assert pairs.num_rows == found["candidates"]
    accused = {row["status"] for row in pairs.to_pylist() if row["accused"]}
    assert accused == {"true", "same bytes"}
    assert "There are none" in read_page(folder / UNLISTED).text


def test_what_is_not_listed_is_shown(planted, tmp_path):
    done = run("evaluate", "out", "half.csv", "-o", tmp_path / "e", "--shown", "3", cwd=planted)
    shown = done.stdout
    assert too_wide(shown) == []
    words = " ".join(shown.split())
    assert "1 lost: an image was rejected" in words
    assert "train/scene_000.png and train/broken.png: rejected" in words
    assert "accused pairs that aren't listed: 5; look at them in unlisted.html" in words
    assert "rotate_180 5 5 100.0 %" in words
    page = read_page(tmp_path / "e" / UNLISTED)
    assert len(page.groups) == 3
    assert "The 3 most alike of 5 pairs" in page.text
    assert all("augmented, 0 bits, rotate_" in group.text for group in page.groups)
    assert {path.name for path in (tmp_path / "e").iterdir()} == FILES
    root = ET.parse(tmp_path / "e" / CURVES).getroot()
    assert len(root.findall(".//{*}polyline")) == 2


def test_a_radius_of_its_own(planted, tmp_path):
    words = ["evaluate", "out", "truth.csv", "-o", tmp_path / "e"]
    shown = " ".join(run(*words, "--radius", "0", cwd=planted).stdout.split())
    assert "Lost pairs, the most alike first train/" in shown
    assert shown.count(": 2 bits, score ") == 3
    words.append("--json")
    narrow = json.loads(run(*words, "--radius", "0", cwd=planted).stdout)
    assert list(narrow["by_distance"]) == ["0"]
    assert narrow["lost"]["radius"] == 3
    wide = json.loads(run(*words, "--radius", "18", cwd=planted).stdout)
    assert wide["candidates"] > narrow["candidates"]
    assert wide["audit"]["pairs"]["recall"] == 1


def test_an_audit_that_took_no_look(tmp_path):
    scenes(tmp_path / "train", range(6))
    save(tmp_path / "train" / "near.png", slightly(scene(0)))
    write(tmp_path / "truth.csv", [("train/near.png", "000.png", "")])
    for option in ("--no-verify", "--no-thumbnails"):
        run("audit", "train", "-o", option[2:], option, "--radius", "20", cwd=tmp_path)
        done = run("evaluate", option[2:], "truth.csv", cwd=tmp_path)
        assert too_wide(done.stdout) == []
        assert "Lost pairs" not in done.stdout
        assert ("By score" in done.stdout) == (option == "--no-verify")
        found = json.loads((tmp_path / option[2:] / "evaluation" / FIGURES).read_text())
        assert found["audit"]["pairs"]["recall"] == 1
        assert found["audit"]["pairs"]["accused"] == found["candidates"] > 1
        assert len(ET.parse(tmp_path / option[2:] / "evaluation" / CURVES).findall("{*}g")) == (
            1 + (option == "--no-verify")
        )


def test_what_nobody_could_look_at_is_lost_by_that(tmp_path):
    scenes(tmp_path / "train", [0, 1])
    save(tmp_path / "train" / "same.bmp", scene(0))
    write(tmp_path / "truth.csv", [("train/same.bmp", "000.png", "")])
    run("audit", "train", "-o", "out", "--no-thumbnails", cwd=tmp_path)
    shown = run("evaluate", "out", "truth.csv", cwd=tmp_path).stdout
    assert "1 lost: of one hash, but without thumbnails nobody could look" in shown
    found = json.loads((tmp_path / "out" / "evaluation" / FIGURES).read_text())
    assert {why: number for why, number in found["lost"].items() if number} == {"unseen": 1}
    pairs = tables.read_table(tmp_path / "out" / "evaluation" / PAIRS)
    assert pairs["lost_by"].to_pylist() == ["unseen"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["out", "none.csv"], USAGE, "can't read 'none.csv': No such file or directory"),
        (["out", "bad.csv"], USAGE, "line 2 of 'bad.csv': 'train/x.png' is no image"),
        (["nothing", "truth.csv"], USAGE, "no such audit: 'nothing'"),
        (["out", "truth.csv", "--max-pairs", "3"], FAILED, "more than the limit of 3"),
        (["out", "truth.csv", "-o", "data"], USAGE, "'data' exists and is no evaluation"),
        (["out", "truth.csv", "-o", "out"], USAGE, "'out' exists and is no evaluation"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(planted, words, status, message):
    write(planted / "bad.csv", [("train/x.png", "train/scene_000.png", "")])
    assert message in error_of(run("evaluate", *words, status=status, cwd=planted))


def test_only_an_evaluation_is_replaced_unasked(planted, tmp_path):
    words = ["evaluate", planted / "out", planted / "truth.csv", "--shown", "0", "-o"]
    run(*words, tmp_path / "deep" / "e")
    (tmp_path / "deep" / "e" / "notes.txt").write_text("mine")
    before = (tmp_path / "deep" / "e" / FIGURES).read_text()
    run(*words, tmp_path / "deep" / "e")
    assert (tmp_path / "deep" / "e" / FIGURES).read_text() == before
    other = tmp_path / "other"
    other.mkdir()
    for content in ("{}", "[1]", "none"):
        (other / FIGURES).write_text(content)
        with pytest.raises(UsageError, match="--overwrite"):
            check_folder(other, overwrite=False)
    (other / "notes.txt").write_text("mine")
    run(*words, other, "--overwrite")
    assert (other / "notes.txt").read_text() == "mine"
    assert {path.name for path in other.iterdir()} == FILES | {"notes.txt"}


def test_the_same_audit_and_truth_give_the_same_bytes(planted, tmp_path):
    audit = open_audit(planted / "out")
    for name in ("a", "b"):
        found = evaluate(audit, read_truth(planted / "half.csv", audit))
        write_evaluation(found, audit, tmp_path / name)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_evaluation_that_fails_leaves_no_figures_of_another(planted, tmp_path, monkeypatch):
    audit = open_audit(planted / "out")
    found = evaluate(audit, read_truth(planted / "half.csv", audit))
    write_evaluation(found, audit, tmp_path, shown=0)

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastphash.evaluate.write_pairs", fail)
    with pytest.raises(KeyboardInterrupt):
        write_evaluation(found, audit, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {FIGURES}


# the page


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
    pairs = tables.concat(JUDGED_SCHEMA, evaluate(audit, truth_of((0, 1))).tables())
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
