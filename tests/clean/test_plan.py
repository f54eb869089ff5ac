import tempfile
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastphash.base.vocabulary import KINDS, ORIENTATIONS, SURE_KINDS, UNLOOKED
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import PLAN_SCHEMA, make_plan, plan_settings
from fastphash.clean.plan_counts import plan_summary
from fastphash.errors import StoreError, UsageError
from fastphash.results.decisions import Decision, Image, decide
from fastphash.results.groups import group_rows
from fastphash.results.priority import priority
from fastphash.verification.criteria import CopyCriteria
from tests.support import naive
from tests.support.audits import RADIUS, audited
from tests.support.thumbnails import POOL

ANY_SURE = [*SURE_KINDS, UNLOOKED]
BY_THUMBNAIL = "exact", "augmented"
WORDS = st.sampled_from([0, 1, 3, 7, 2**63, 2**64 - 1])


def image(audit, row):
    table = audit.rows.table
    path = table["path"][row].as_py().encode()
    return Image(table["split"][row].as_py(), path, table["digest"][row].as_py())


def removals(plan):
    """{row: row of its keeper} of a plan of an audit made by `audited`."""
    return {
        i: int(row["keeper_path"][:2])
        for i, row in enumerate(plan.to_pylist())
        if row["action"] == "remove"
    }


@st.composite
def kinds_to_clean(draw):
    by = draw(st.sets(st.sampled_from(KINDS)))
    return by | {UNLOOKED} if by & {*BY_THUMBNAIL} and draw(st.booleans()) else by


def as_looked(kinds, by, looked):
    """The kinds of pairs, but none for those that need a look and had none."""
    unlooked = [] if UNLOOKED in by else [pair for pair in kinds if frozenset(pair) not in looked]
    needy = {pair for pair in unlooked if kinds[pair][0] in BY_THUMBNAIL}
    return {pair: ("", *what[1:]) if pair in needy else what for pair, what in kinds.items()}


@st.composite
def cases(draw):
    count = draw(st.integers(1, 6))
    hashes = np.array([draw(st.tuples(*[WORDS] * 8)) for _ in range(count)], np.uint64)
    pictures = draw(st.lists(st.integers(0, len(POOL) - 1), min_size=count, max_size=count))
    contents = draw(st.lists(st.integers(0, count - 1), max_size=9))
    rows = len(contents)
    splits = draw(st.lists(st.sampled_from(["train", "val"]), min_size=rows, max_size=rows))
    layout = {"thumbnails": draw(st.booleans()), "orientations": draw(st.booleans())}
    pairs = list(permutations(range(rows), 2)) if rows > 1 else []
    decided = draw(st.lists(st.sampled_from(pairs), max_size=3)) if pairs else []
    words = [draw(st.sampled_from(["copies", "not_copies"])) for _ in decided]
    chosen = draw(st.lists(st.integers(0, rows - 1), max_size=2)) if rows else []
    by = draw(kinds_to_clean())
    return (
        (contents, hashes, pictures, splits),
        layout,
        list(zip(words, decided, strict=True)),
        chosen,
        by,
    )


def words_about(decided, contents):
    """What was decided about each pair of rows: the same of all rows with the same bytes."""
    last = {}
    for word, pair in decided:
        last.pop(frozenset(pair), None)
        last[frozenset(pair)] = word
    about = {}
    for (one, other), word in ((sorted(pair), word) for pair, word in last.items()):
        if contents[one] != contents[other]:
            for i, j in product(range(len(contents)), repeat=2):
                if (contents[i], contents[j]) == (contents[one], contents[other]):
                    about[frozenset((i, j))] = word
    return about | last


@pytest.mark.slow
@settings(max_examples=400)
@given(cases())
def test_a_plan_is_that_of_every_pair_compared(case):
    data, layout, decided, chosen, by = case
    contents, hashes, pictures, splits = data
    with tempfile.TemporaryDirectory() as folder:
        audit = audited(folder, contents, hashes, pictures, splits, **layout)
        for word, pair in decided:
            decide(audit.folder, Decision(word, tuple(image(audit, row) for row in pair)))
        for row in chosen:
            decide(audit.folder, Decision("keeper", (image(audit, row),)))
        plan = make_plan(audit, by=list(by))
        accepted = CheckedPlan(audit, plan).keeper
    known = hashes[contents] if contents else np.empty((0, 8), np.uint64)
    known = known if layout["orientations"] else known[:, :1]
    thumbnails = POOL[[pictures[c] for c in contents]] if layout["thumbnails"] else None
    rows = range(len(contents))
    kinds = {
        (i, j): naive.kind_of(known, thumbnails, contents, i, j) for i, j in permutations(rows, 2)
    }
    about = words_about(decided, contents)
    sets = [{pair for pair, word in about.items() if word == w} for w in ("copies", "not_copies")]
    first = list(dict.fromkeys(reversed(chosen)))
    ranked = priority(audit.rows, ["val", "train"]).tolist()
    order = first + [row for row in ranked if row not in first]
    allowed = {"identical", *by}
    radius = RADIUS if "near" in by else 0
    expected = naive.clean(order, allowed, radius, *sets, as_looked(kinds, by, looked=set()))
    goes = {row: keeper for row, keeper in expected.items() if row != keeper}
    assert removals(plan) == goes
    assert {row: accepted[row] for row in np.flatnonzero(accepted >= 0).tolist()} == goes
    for row, keeper in goes.items():
        planned = plan.slice(row, 1).to_pylist()[0]
        kind, distance, orientation, score = kinds[row, keeper]
        assert (planned["kind"], planned["distance"]) == (kind, distance)
        assert planned["orientation"] == ORIENTATIONS[orientation]
        assert planned["score"] == pytest.approx(None if np.isnan(score) else score, abs=5e-3)
        assert planned["confirmed"] == (frozenset((row, keeper)) in sets[0])
        assert planned["keeper_split"] == splits[keeper]


def one_of_each(tmp_path, **layout):
    """Row 1 has the bytes of row 0, 2 its thumbnail, 4 its hash alone; 3 is 2 bits from it."""
    hashes = np.array([[0] * 8, [0] * 8, [3] * 8, [0] * 8], np.uint64)
    return audited(
        tmp_path, [0, 0, 1, 2, 3], hashes, [2, 3, 2, 20], ["val"] + ["train"] * 4, **layout
    )


@pytest.mark.parametrize(
    ("by", "goes"),
    [
        ([], {1: 0}),
        (SURE_KINDS, {1: 0}),
        (ANY_SURE, {1: 0, 2: 0}),
        (["near"], {1: 0, 3: 0}),
        (["collision"], {1: 0, 4: 0}),
        ([*KINDS, UNLOOKED], {1: 0, 2: 0, 3: 0, 4: 0}),
    ],
)
def test_only_the_kinds_asked_for_go(tmp_path, by, goes):
    assert removals(make_plan(one_of_each(tmp_path), by=by)) == goes


def test_without_thumbnails_only_the_same_bytes_are_sure(tmp_path):
    assert removals(make_plan(one_of_each(tmp_path, thumbnails=False))) == {1: 0}


def test_of_identical_images_near_a_third_one_goes(tmp_path):
    hashes = np.array([[0] * 8, [1] * 8], np.uint64)
    audit = audited(tmp_path, [0, 1, 1], hashes, [2, 2], ["val", "train", "train"])
    assert removals(make_plan(audit, by=ANY_SURE)) == {2: 1}


def test_splits_keep_their_images_as_asked(tmp_path):
    audit = one_of_each(tmp_path)
    assert removals(make_plan(audit, by=ANY_SURE, keep_in=["train"])) == {0: 1, 2: 1}
    with pytest.raises(UsageError, match="no split 'test'"):
        make_plan(audit, keep_in=["test"])


@pytest.mark.parametrize(
    ("contents", "kinds"),
    [
        ([0, 1, 1, 1], {"identical": 2, "exact": 1}),
        ([0, 1, 2, 1, 2], {"identical": 2, "exact": 2}),
        ([0, 0, 1], {"identical": 1, "exact": 1}),
        ([0, 0, 0], {"identical": 2}),
    ],
)
def test_equal_bytes_count_as_identical_whatever_the_keeper_is(tmp_path, contents, kinds):
    """The plan counts as the audit does; its rows say how each copy relates to its keeper."""
    hashes = np.zeros((max(contents) + 1, 8), np.uint64)
    splits = ["val"] + ["train"] * (len(contents) - 1)
    audit = audited(tmp_path, contents, hashes, [2] * len(hashes), splits)
    plan = make_plan(audit, by=ANY_SURE)
    assert plan_summary(plan)["train"]["kinds"] == kinds
    order = priority(audit.rows, [])
    inside = group_rows(audit.rows.take(order), CopyCriteria(0)).count_copies().kinds
    assert {kind: number for kind, number in inside.items() if number} == kinds
    of_keeper = ["identical" if content == 0 else "exact" for content in contents[1:]]
    assert plan["kind"].to_pylist() == [None, *of_keeper]


def test_a_near_copy_by_decision_counts_as_confirmed(tmp_path):
    audit = one_of_each(tmp_path)
    decide(audit.folder, Decision("copies", (image(audit, 0), image(audit, 3))))
    kinds = plan_summary(make_plan(audit, by=ANY_SURE))["train"]["kinds"]
    assert kinds == {"identical": 1, "exact": 1, "confirmed": 1}


def test_an_unknown_kind_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="no kind 'nearly'"):
        make_plan(one_of_each(tmp_path), by=["nearly"])


def test_a_plan_holds_its_settings(tmp_path):
    audit = one_of_each(tmp_path)
    decide(tmp_path, Decision("keeper", (image(audit, 3)._replace(digest=bytes(16)),)))
    plan = make_plan(audit, by=["near"])
    assert plan.schema.equals(PLAN_SCHEMA)
    settings = plan_settings(plan)
    assert settings["kinds"] == ["identical", "near"]
    assert settings["radius"] == RADIUS
    assert (settings["decisions"], settings["stale_decisions"]) == (0, 1)
    assert plan_summary(plan) == {
        "train": {"keep": 2, "remove": 2, "kinds": {"identical": 1, "near": 1}},
        "val": {"keep": 1, "remove": 0, "kinds": {}},
    }
    with pytest.raises(StoreError, match="no plan"):
        plan_settings(plan.replace_schema_metadata({}))
