"""Figures of an evaluation against plain counting."""

import os
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastphash.base.vocabulary import (
    ALTERED,
    COLLISION,
    COPY_KINDS,
    CROPPED,
    INVERSE,
    KINDS,
    NEAR,
    ORIENTATIONS,
)
from fastphash.errors import TooManyPairsError, UsageError
from fastphash.evaluation.evaluate import evaluate
from fastphash.evaluation.metrics import Ranked
from fastphash.evaluation.pair_tables import JUDGED_SCHEMA
from fastphash.files import parquet
from fastphash.results.audit_folder import open_audit
from fastphash.results.pairs import find_pairs
from fastphash.verification.criteria import CopyCriteria
from tests.support.audits import RADIUS
from tests.support.findings import KINDS_FOUND, findings_of
from tests.support.parts_audit import FOUND, parts_audit
from tests.support.plain_evaluation import (
    CONTENTS,
    HASHES,
    connected,
    judged_rows,
    plain_audit,
    plain_average_precision,
    plain_figures,
    split_of,
    truth_of,
)
from tests.support.report_pages import audited as audit_folders
from tests.support.scenes import save, scene

IMAGES = 7


def splits_of(pair):
    """The splits of a pair of images, in order; the image after all others was rejected, of val."""
    return tuple(sorted("val" if i == IMAGES else split_of(i) for i in pair))


pairs_of_images = st.sets(
    st.tuples(st.integers(0, IMAGES), st.integers(0, IMAGES)).filter(lambda ab: ab[0] < ab[1]),
    max_size=6,
)


# kinds of what was found about pairs of contents, and so about all images that have these
found_kinds = st.dictionaries(
    st.tuples(st.integers(0, CONTENTS - 1), st.integers(0, CONTENTS - 1)).filter(
        lambda ab: ab[0] < ab[1]
    ),
    st.sampled_from(KINDS_FOUND),
    max_size=3,
)


@given(
    st.lists(st.integers(0, CONTENTS - 1), min_size=IMAGES, max_size=IMAGES),
    pairs_of_images,
    st.integers(0, 5) | st.just(64),
    st.booleans(),
    st.sampled_from([0.0, 0.5, None]),
    pairs_of_images,
    st.booleans(),
    found_kinds,
    st.sampled_from(["none", "all"]),
)
@example(
    [0, 0, 1, 2, 3, 4, 5],
    {(0, 2), (1, 7), (4, 7)},
    1,
    True,
    0.5,
    {(1, 2), (3, 7)},
    False,
    {},
    "none",
)
@example([0, 0, 1, 2, 3, 4, 5], set(), 3, False, None, set(), True, {}, "none")
@example([0, 0, 1, 2, 3, 4, 5], {(0, 2), (0, 5)}, 0, False, None, set(), False, {}, "none")
@example(
    [0, 0, 1, 2, 3, 4, 5],
    {(0, 5), (0, 6), (4, 6)},
    2,
    True,
    0.5,
    set(),
    True,
    {(0, 4): CROPPED, (1, 5): ALTERED, (0, 1): COLLISION, (2, 4): COLLISION},
    "all",
)
@example([0, 0, 1, 2, 3, 4, 5], {(0, 5), (0, 6)}, 64, True, 0.5, set(), True, {}, "all")
def test_figures_are_those_of_plain_counting(
    contents, true, radius, thumbnails, min_score, apart, complete, found_kinds, views
):
    kind_found = {
        (a, b): found_kinds[key]
        for a, b in combinations(range(IMAGES), 2)
        if (key := tuple(sorted((contents[a], contents[b])))) in found_kinds
    }
    # the audit keeps one pair of each two contents
    first = {tuple(sorted((contents[a], contents[b]))): (a, b) for a, b in reversed(kind_found)}
    kept = sorted(first.values())
    findings = findings_of(kept, [kind_found[pair] for pair in kept])
    audit = plain_audit(
        contents, thumbnails=thumbnails, min_score=min_score, findings=findings, views=views
    )
    apart -= true
    # the last image was rejected
    truth = truth_of(*true, rejected=1, not_copies=apart)
    found = evaluate(audit, truth, radius=radius, complete=complete)
    summary, rows = found.summary, judged_rows(found)
    bits = {
        (a, b): (HASHES[contents[a]] ^ HASHES[contents[b]]).bit_count()
        for a, b in combinations(range(IMAGES), 2)
    }
    covered = {splits_of(pair) for pair in true | apart}
    within = {
        pair
        for pair, distance in bits.items()
        if (distance <= radius or kind_found.get(pair, COLLISION) < COLLISION)
        and (complete or splits_of(pair) in covered)
    }
    hashed = {pair for pair in true if IMAGES not in pair}
    assert rows.keys() == within | hashed
    for pair in rows.keys() & kind_found.keys():
        assert rows[pair]["kind"] == KINDS[kind_found[pair]]
        assert rows[pair]["distance"] == bits[pair]
    same = {(a, b) for a, b in bits if contents[a] == contents[b]}
    tree = connected(IMAGES + 1, true | same)
    right = {(a, b) for a, b in bits if tree[a] == tree[b]} - (apart - same)
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
    for most, row in summary["by_distance"].items():
        assert row == figures({pair for pair in within if bits[pair] <= int(most)})
    sure = {pair for pair in within if kind[pair] in COPY_KINDS[:3]}
    assert (summary["by_score"] == {}) == (None in score.values())
    vetoed = {pair for pair in within | hashed if kind_found.get(pair) == COLLISION}
    for least, row in summary["by_score"].items():
        above = {pair for pair in within - sure - vetoed if score[pair] >= np.float32(float(least))}
        assert row == figures(sure | above)

    confidence = {
        pair: 2 if pair in sure else -bits[pair] - 1 if score[pair] is None else score[pair]
        for pair in within - vetoed
    }
    true_confidence = {pair: confidence[pair] for pair in confidence.keys() & right}

    def of_images(pairs):
        images = {i for pair in pairs for i in pair}
        return {i: max(pairs[pair] for pair in pairs if i in pair) for i in images}

    average = summary["average_precision"]
    assert average["pairs"] == pytest.approx(
        plain_average_precision(confidence, true_confidence, true)
    )
    assert average["images"] == pytest.approx(
        plain_average_precision(of_images(confidence), of_images(true_confidence), listed_images)
    )
    by_distance = {pair: -bits[pair] for pair in within if bits[pair] <= radius}
    right_by_distance = {pair: by_distance[pair] for pair in by_distance.keys() & right}
    assert summary["average_precision_by_distance"]["pairs"] == pytest.approx(
        plain_average_precision(by_distance, right_by_distance, true)
    )
    # windows were compared beyond the radius of the audit
    viewed = {pair for pair in hashed - within - vetoed if bits[pair] > RADIUS and views == "all"}
    unlike = (hashed & within) - accused - vetoed
    unseen = {pair for pair in unlike if score[pair] is None}
    assert summary["lost"] == {
        "rejected": len(true - hashed),
        "left_out": 0,
        "radius": len(hashed - within - viewed - vetoed),
        "views": len(viewed),
        "unseen": len(unseen),
        "score": len(unlike - unseen),
        "colour": 0,
        "pixels": len(hashed & vetoed),
    }
    assert thumbnails or unseen == {pair for pair in unlike if pair not in kind_found}
    assert summary["unlisted"] == len(accused - right - true - apart)
    assert summary["not_copies"] == {
        "listed": len(apart),
        "accused": len((accused & apart) - same),
    }
    for one in summary["split_pairs"]:
        splits = tuple(one["splits"])
        listed = [pair for pair in true | apart if splits_of(pair) == splits]
        near = [
            pair
            for pair in bits
            if (bits[pair] <= radius or kind_found.get(pair, COLLISION) < COLLISION)
            and splits_of(pair) == splits
        ]
        assert one["judged"] == (complete or splits in covered)
        assert (one["listed"], one["candidates"]) == (len(listed), len(near))


@given(
    st.lists(st.integers(0, CONTENTS - 1), min_size=2, max_size=8),
    st.integers(0, 4) | st.just(64),
    st.booleans(),
    st.sampled_from([0.0, 0.5, None]),
)
def test_pairs_are_judged_as_join_does(contents, radius, thumbnails, min_score):
    audit = plain_audit(contents, thumbnails=thumbnails, min_score=min_score)
    rows = judged_rows(evaluate(audit, truth_of((0, 1)), radius=radius, complete=True))
    criteria = CopyCriteria(radius, audit.summary["min_score"])
    joined = find_pairs(audit.rows, audit.rows, criteria, 10**6)
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
def test_average_precision_of_any_ranking(candidates, more):
    confidence = {i: value for i, (value, _, _) in enumerate(candidates)}
    right = {i: value - less for i, (value, less, _) in enumerate(candidates) if less is not None}
    listed = {i for i, (_, _, is_listed) in enumerate(candidates) if is_listed}
    never = {("never", i) for i in range(more)}
    ranked = Ranked(
        np.array([*confidence.values()], np.float32),
        np.array([right.get(i, -np.inf) for i in confidence], np.float32),
        np.array([i in listed for i in confidence], np.bool_),
        len(listed) + more,
    )
    expected = plain_average_precision(confidence, right, listed | never)
    assert ranked.average_precision == pytest.approx(expected)
    recall, precision = ranked.curve()
    assert (np.diff(recall) >= 0).all()
    values = {*confidence.values(), *right.values()}
    assert len(recall) == len(precision) == len(values)


def test_pairs_that_follow_from_listed_pairs_are_right_but_not_in_the_recall():
    # 0, 1, 2 are far from one another but for equal hashes; 3 has the bytes of 2
    audit = plain_audit([0, 1, 2, 2], thumbnails=False)
    found = evaluate(audit, truth_of((0, 1), (1, 2)), radius=0, complete=True)
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


def test_only_pairs_of_splits_that_the_table_covers_count():
    # all images are near one another: even ones are in train, odd ones in val
    audit = plain_audit(range(6), hashes=[0] * 6, thumbnails=False, min_score=None)
    across = {(a, b) for a, b in combinations(range(6), 2) if (a + b) % 2}
    inside = {(0, 2), (0, 4), (2, 4)}
    found = evaluate(audit, truth_of(*across))
    assert found.summary["candidates"] == 9
    assert judged_rows(found).keys() == across
    assert evaluate(audit, truth_of(*inside)).summary["candidates"] == 3
    # a pair that is no copy covers its splits as well
    found = evaluate(audit, truth_of(*inside, not_copies=[(1, 3)])).summary
    assert [one["judged"] for one in found["split_pairs"]] == [True, False, True]
    assert [one["splits"] for one in found["split_pairs"]] == [
        ["train", "train"],
        ["train", "val"],
        ["val", "val"],
    ]
    assert found["candidates"] == 6


def test_a_pair_that_is_listed_as_no_copies_is_wrong_though_it_follows():
    audit = plain_audit(range(3), hashes=[0, 1, 3], thumbnails=False, min_score=None)
    truth = truth_of((0, 1), (1, 2), not_copies=[(0, 2)])
    found = evaluate(audit, truth, radius=2)
    assert judged_rows(found)[0, 2]["status"] == "not copies"
    assert found.summary["not_copies"] == {"listed": 1, "accused": 1}
    assert found.summary["audit"]["pairs"]["precision"] == pytest.approx(2 / 3)
    assert found.summary["unlisted"] == found.unlisted(9).num_rows == 0


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


def test_kinds_of_the_table_of_true_pairs():
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
    # a pair beyond the radius has a distance, one with a rejected image has not
    assert rows["00.png", "02.png"]["distance"] == 4
    assert rows["03.png", "0.jpg"]["distance"] is None
    assert rows["00.png", "02.png"]["listed_as"] == "crop"
    assert evaluate(audit, truth._replace(kinds=())).summary["by_listed_kind"] == {}


def test_a_pair_lost_by_a_look_at_its_pixels():
    vetoed = findings_of([(0, 1)], [COLLISION])
    audit = plain_audit([0, 1, 5], findings=vetoed)
    found = evaluate(audit, truth_of((0, 1)))
    assert {why: number for why, number in found.summary["lost"].items() if number} == {"pixels": 1}
    of_pairs = [row["pairs"] for row in found.summary["by_score"].values()]
    assert {row["found"] for row in of_pairs} == {0}


def test_a_pair_lost_by_its_colours(tmp_path):
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
    # an audit never accuses them, whatever the least score
    assert {row["pairs"]["accused"] for row in found.summary["by_score"].values()} == {0}
    assert found.summary["average_precision"] == {"pairs": 0, "images": 0}


def test_what_the_audit_found_counts(tmp_path):
    """Cropped and altered copies are accused in the orientation that was found."""
    planted = {name: FOUND[name] for name in ("turned.png", "turned_caption.png")}
    audit = open_audit(parts_audit(tmp_path, found=planted))
    paths = [os.fsdecode(path) for path in audit.rows.paths.to_pylist()]
    splits = audit.rows.splits.tolist()
    place = {name: i for i, name in enumerate(zip(splits, paths, strict=True))}
    pairs = {
        tuple(sorted((place["train", f"{original}.png"], place["val", copy]))): kind
        for copy, (original, kind, *_) in planted.items()
    }
    truth = truth_of(*pairs, kinds=[KINDS[pairs[pair]] for pair in sorted(pairs)])
    found = evaluate(audit, truth)
    for kind in ("cropped", "altered"):
        assert found.summary["by_kind"][kind]["pairs"]["right"] == 1
        assert found.summary["by_listed_kind"][kind]["recall"] == 1
    assert not any(found.summary["lost"].values())
    table = parquet.concat(JUDGED_SCHEMA, found.tables())
    for row in table.filter(table["accused"]).to_pylist():
        to_train = row["other_split"] == "train"
        copy = row["path"] if to_train else row["other_path"]
        turn = FOUND[copy][2] if to_train else INVERSE[FOUND[copy][2]]
        assert row["orientation"] == ORIENTATIONS[turn]
    leaks = {(row["needle_path"], row["haystack_path"]) for row in audit.leaks.to_pylist()}
    accused = table.filter(table["accused"]).select(["path", "other_path"])
    pairs_accused = [tuple(row.values()) for row in accused.to_pylist()]
    assert leaks == {*pairs_accused, *(pair[::-1] for pair in pairs_accused)}


def test_no_radius_of_its_own_leaves_out_what_was_found():
    findings = findings_of([(0, 1), (1, 2)], [CROPPED, NEAR])
    audit = plain_audit([0, 4, 5], thumbnails=False, findings=findings, views="all")
    found = evaluate(audit, truth_of((0, 1), (0, 2)), radius=0, complete=True).summary
    assert found["audit"]["pairs"]["accused"] == found["candidates"] == 2
    assert found["by_distance"]["0"]["pairs"]["accused"] == 0
    assert found["lost"]["views"] == 1
    # up to the audit's own radius nobody looked for windows
    audit = plain_audit([0, 3], thumbnails=False, views="all")
    lost = evaluate(audit, truth_of((0, 1)), radius=1).summary["lost"]
    assert (lost["radius"], lost["views"]) == (1, 0)


def test_pairs_are_limited():
    audit = plain_audit([0] * 8)
    with pytest.raises(TooManyPairsError, match=r"the limit of 27: .* or use a smaller `radius`"):
        evaluate(audit, truth_of((0, 1)), max_pairs=27)
    found = evaluate(audit, truth_of((0, 1)), max_pairs=28, complete=True)
    assert found.summary["candidates"] == 28
    with pytest.raises(UsageError, match="65"):
        evaluate(audit, truth_of((0, 1)), radius=65)


def test_the_size_of_the_pieces_changes_nothing(monkeypatch):
    audit = plain_audit([0, 1, 2, 3, 4, 0, 1])
    truth = truth_of((0, 1), (2, 3))
    whole = evaluate(audit, truth)
    monkeypatch.setattr("fastphash.evaluation.judging._PAIRS_AT_ONCE", 3)
    monkeypatch.setattr("fastphash.evaluation.evaluate._ROWS_PER_TABLE", 3)
    pieces = evaluate(audit, truth)
    assert pieces.summary == whole.summary
    assert judged_rows(pieces) == judged_rows(whole)
