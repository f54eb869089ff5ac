"""Plans of audits that found something about pairs, against a loop over every pair."""

import tempfile
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.base.vocabulary import ALTERED, CROPPED, EXACT, KINDS, ORIENTATIONS, SURE_KINDS
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import make_plan
from fastphash.clean.plan_counts import plan_summary
from fastphash.errors import StoreError
from fastphash.results.decisions import Decision, decide
from fastphash.results.priority import priority
from tests.clean.test_plan import (
    as_looked,
    image,
    kinds_to_clean,
    removals,
    words_about,
)
from tests.support import naive
from tests.support.audits import RADIUS, audited
from tests.support.examples import examples
from tests.support.findings import findings_of, some_findings
from tests.support.plain_tables import by_pair
from tests.support.thumbnails import POOL

WORDS = st.sampled_from([0, 1, 7, 2**64 - 1])


def make(folder, data, findings):
    """An audit with findings of which the distances are real."""
    contents, hashes, pictures, splits = data
    audit = audited(folder, contents, hashes, pictures, splits, findings=findings)
    for i, (one, other) in enumerate(findings.pairs.tolist()):
        found = naive.kind_of(hashes[contents], None, range(len(contents)), one, other)
        findings.relation.distance[i] = found[1]
    return audit


@st.composite
def cases(draw):
    count = draw(st.integers(2, 6))
    hashes = np.array([draw(st.tuples(*[WORDS] * 8)) for _ in range(count)], np.uint64)
    # 2 and 3 are nearly the same, and POOL[0] is flat
    pictures = draw(st.lists(st.sampled_from([0, 2, 3, 11]), min_size=count, max_size=count))
    contents = draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=9))
    rows = len(contents)
    splits = draw(st.lists(st.sampled_from(["train", "val"]), min_size=rows, max_size=rows))
    findings = some_findings(rows, draw(st.integers(0, 2**32 - 1)), most=draw(st.integers(1, 8)))
    # what was found about files of the same bytes is the same
    _, first = np.unique(np.sort(np.array(contents)[findings.pairs]), axis=0, return_index=True)
    findings = findings.take(np.sort(first))
    pairs = list(permutations(range(rows), 2))
    decided = draw(
        st.lists(
            st.tuples(st.sampled_from(["copies", "not_copies"]), st.sampled_from(pairs)),
            max_size=2,
        )
    )
    by = draw(kinds_to_clean())
    return (contents, hashes, pictures, splits), findings, decided, by


@examples(400, fast=6)
@given(cases())
def test_a_plan_is_that_of_every_pair_compared(case):
    data, findings, decided, by = case
    contents, hashes, pictures, _ = data
    with tempfile.TemporaryDirectory() as folder:
        audit = make(folder, data, findings)
        for word, pair in decided:
            decide(audit.folder, Decision(word, tuple(image(audit, row) for row in pair)))
        plan = make_plan(audit, by=list(by))
        accepted = CheckedPlan(audit, plan).keeper
    order = priority(audit.rows, ["val", "train"])
    ranked = findings.among(order).spread(audit.rows.digests[order])
    found = {(int(order[i]), int(order[j])): what for (i, j), what in by_pair(ranked).items()}
    kinds = {}
    for i, j in permutations(range(len(contents)), 2):
        kinds[i, j] = naive.kind_of(
            hashes[contents], POOL[[pictures[c] for c in contents]], contents, i, j
        )
        if (i, j) in found:
            kind, orientation, score, *_ = found[i, j]
            kinds[i, j] = kind, kinds[i, j][1], orientation, score
    # what was found to be a copy is one at any distance
    reach = {
        pair: (what[0], 0 if pair in found and what[0] != "collision" else what[1])
        for pair, what in kinds.items()
    }
    about = words_about(decided, contents)
    sets = [{pair for pair, word in about.items() if word == w} for w in ("copies", "not_copies")]
    radius = RADIUS if "near" in by else 0
    reach = as_looked(reach, by, looked_at(findings, contents))
    expected = naive.clean(order.tolist(), {"identical", *by}, radius, *sets, reach)
    goes = {row: keeper for row, keeper in expected.items() if row != keeper}
    assert removals(plan) == goes
    assert {row: accepted[row] for row in np.flatnonzero(accepted >= 0).tolist()} == goes
    for row, keeper in goes.items():
        planned = plan.slice(row, 1).to_pylist()[0]
        kind, distance, orientation, score = kinds[row, keeper]
        assert (planned["kind"], planned["distance"]) == (kind, distance)
        assert planned["orientation"] == ORIENTATIONS[orientation]
        assert planned["score"] == pytest.approx(score, abs=5e-3)


def looked_at(findings, contents):
    """Pairs of rows whose bytes were compared."""
    looked = {
        frozenset((contents[i], contents[j])) for i, j in findings.pairs[findings.looked].tolist()
    }
    rows = permutations(range(len(contents)), 2)
    return {frozenset((i, j)) for i, j in rows if frozenset((contents[i], contents[j])) in looked}


def three(folder, kind, contents=(0, 1, 2)):
    """Three pictures of one hash and thumbnail; something was found about the last two."""
    hashes = np.zeros((3, 8), np.uint64)
    pairs = [(len(contents) - 2, len(contents) - 1)]
    return make(
        folder,
        (list(contents), hashes, [2, 2, 2], ["val"] * len(contents)),
        findings_of(pairs, [kind]),
    )


@pytest.mark.parametrize("kind", [CROPPED, ALTERED])
def test_what_differs_in_a_place_goes_only_if_asked_for(tmp_path, kind):
    audit = three(tmp_path, kind, contents=(1, 2))
    plan = make_plan(audit, by=SURE_KINDS)
    assert removals(plan) == {}
    assert plan_summary(plan)["val"]["keep"] == 2
    asked = make_plan(audit, by=[*SURE_KINDS, KINDS[kind]])
    assert removals(asked) == {1: 0}
    assert plan_summary(asked)["val"]["kinds"] == {KINDS[kind]: 1}


def test_files_of_the_same_bytes_are_altered_too(tmp_path):
    """Rows 0 and 1 have the same bytes; row 2 was found to differ from 1 in a place."""
    audit = three(tmp_path, ALTERED, contents=(0, 0, 1))
    assert removals(make_plan(audit, by=SURE_KINDS)) == {1: 0}
    asked = make_plan(audit, by=["altered"])
    assert removals(asked) == {1: 0, 2: 0}
    assert asked["kind"].to_pylist() == [None, "identical", "altered"]
    assert CheckedPlan(audit, asked).keeper.tolist() == [-1, 0, 0]


def test_a_pair_that_was_called_altered_is_none_by_decision(tmp_path):
    audit = three(tmp_path, ALTERED, contents=(1, 2))
    decide(audit.folder, Decision("copies", (image(audit, 0), image(audit, 1))))
    assert removals(make_plan(audit, by=SURE_KINDS)) == {1: 0}
    decide(audit.folder, Decision("not_copies", (image(audit, 0), image(audit, 1))))
    assert removals(make_plan(audit, by=KINDS)) == {}


def test_copies_far_apart_go_if_they_were_found(tmp_path):
    hashes = np.array([[0] * 8, [2**64 - 1] * 8], np.uint64)
    data = ([0, 1], hashes, [2, 11], ["val", "train"])
    audit = make(tmp_path, data, findings_of([(0, 1)], [CROPPED]))
    plan = make_plan(audit, by=["cropped"])
    assert removals(plan) == {1: 0}
    assert plan["distance"].to_pylist() == [0, 64]
    assert CheckedPlan(audit, plan).keeper.tolist() == [-1, 0]
    assert removals(make_plan(audit, by=["near"])) == {}


@pytest.mark.parametrize(
    ("kind", "said"), [("exact", "altered, not exact"), ("near", "altered, not near")]
)
def test_a_plan_can_not_call_altered_pictures_copies(tmp_path, kind, said):
    audit = three(tmp_path, ALTERED, contents=(1, 2))
    plan = make_plan(audit, by=KINDS)
    edited = plan.set_column(
        plan.column_names.index("kind"),
        plan.schema.field("kind"),
        pa.array([None, kind]).cast(plan.schema.field("kind").type),
    )
    with pytest.raises(StoreError, match=said):
        CheckedPlan(audit, edited)


def test_a_plan_can_not_name_a_crop_that_nobody_found(tmp_path):
    audit = three(tmp_path, EXACT, contents=(1, 2))
    plan = make_plan(audit, by=KINDS)
    kind = plan.schema.field("kind")
    edited = plan.set_column(
        plan.column_names.index("kind"), kind, pa.array([None, "cropped"]).cast(kind.type)
    )
    with pytest.raises(StoreError, match="exact, not cropped"):
        CheckedPlan(audit, edited)
