"""Fault 48 again: plans of which somebody changed a few cells, against a loop over every pair."""

import json
import random

import numpy as np
import pyarrow as pa
import pytest

from fastphash.base.vocabulary import KINDS, ORIENTATIONS, UNLOOKED
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.plan import PLAN_METADATA, PLAN_SCHEMA, make_plan, plan_settings
from fastphash.errors import StoreError
from fastphash.results.decisions import Decision, decide
from tests.clean.test_plan import image
from tests.support import naive
from tests.support.audits import RADIUS, audited
from tests.support.thumbnails import POOL

SPLITS = ["train", "val"]
# what a cell may be changed to; keepers are named by their paths
CELLS = {
    "action": ["keep", "remove"],
    "kind": [*KINDS, None],
    "distance": [0, 0, 0, 1, 2, 64],
    "orientation": [*ORIENTATIONS, None],
    "looked": [True, False, None],
    "confirmed": [True, False],
    "keeper_split": SPLITS,
    "keeper_path": [f"{i:02d}.png" for i in range(9)],
    "disagrees": [None],
}
SETTINGS = {"radius": [0, 1, 2, 8, 64], "conflicts": ["keep", "drop"]}
# pictures of POOL: 2 and 3 are nearly the same, 0 is flat
PICTURES = [0, 2, 3, 11]
BY = (["identical"], ["exact", UNLOOKED], ["exact", "augmented", "near", UNLOOKED], ["collision"])


class Case:
    """An audit of nine rows of a few contents, and what every pair of them is."""

    def __init__(self, folder, rng):
        self.rng = rng
        words = [0, 1, 7, 2**64 - 1]
        hashes = np.array([[rng.choice(words)] * 8 for _ in range(6)], np.uint64)
        contents = [rng.randrange(6) for _ in range(9)]
        pictures = [rng.choice(PICTURES) for _ in range(6)]
        splits = [rng.choice(SPLITS) for _ in contents]
        self.audit = audited(folder, contents, hashes, pictures, splits)
        self.apart = rng.sample(range(9), 2)
        if rng.random() < 0.5:
            pair = tuple(image(self.audit, row) for row in self.apart)
            decide(self.audit.folder, Decision("not_copies", pair))
        else:
            self.apart = []
        thumbnails = POOL[[pictures[content] for content in contents]]
        self.what = {
            (i, j): naive.kind_of(hashes[contents], thumbnails, contents, i, j)
            for i in range(9)
            for j in range(9)
            if i != j
        }
        self.plan = make_plan(self.audit, by=list(rng.choice(BY)))
        self.settings = plan_settings(self.plan)

    def edited(self):
        """The plan with one to three other cells, of one row if any of them is."""
        rows = self.plan.to_pylist()
        settings = dict(self.settings)
        row = self.rng.randrange(9)
        for _ in range(self.rng.randint(1, 3)):
            name = self.rng.choice([*CELLS, *SETTINGS])
            if name in SETTINGS:
                settings[name] = self.rng.choice(SETTINGS[name])
            else:
                rows[row][name] = self.rng.choice(CELLS[name])
        return with_settings(rows, settings)

    def wanted(self):
        """The plan with a row that goes, said to be of a kind that the plan takes."""
        rows = self.plan.to_pylist()
        stay = [i for i, row in enumerate(rows) if row["action"] == "keep"]
        row, keeper = self.rng.randrange(9), self.rng.choice(stay)
        kinds = [kind for kind in self.settings["kinds"] if kind != UNLOOKED]
        rows[row] |= {
            "action": "remove",
            "kind": self.rng.choice(kinds),
            "distance": self.rng.choice([0, self.what.get((row, keeper), ("", 0))[1]]),
            "orientation": "identity",
            "confirmed": self.rng.random() < 0.5,
            "keeper_split": rows[keeper]["split"],
            "keeper_path": rows[keeper]["path"],
        }
        return with_settings(rows, self.settings | {"radius": self.rng.choice([0, RADIUS, 64])})

    def check(self, accepted):
        """What goes is what the kinds of the plan take, at the audit's radius."""
        kinds = accepted.settings["kinds"]
        radius = RADIUS if "near" in kinds else 0
        for row in np.flatnonzero(accepted.keeper >= 0).tolist():
            keeper = int(accepted.keeper[row])
            kind, distance, *_ = self.what[row, keeper]
            assert kind in kinds
            assert distance <= (0 if kind in ("collision", "unverified") else radius)
            assert {row, keeper} != set(self.apart)
            assert accepted.keeper[keeper] < 0


def with_settings(rows, settings):
    table = pa.Table.from_pylist(rows, PLAN_SCHEMA)
    return table.replace_schema_metadata({PLAN_METADATA: json.dumps(settings).encode()})


@pytest.mark.slow
def test_48_a_few_cells_edited(tmp_path):
    """Ten edits of each plan; nothing goes that the audit's rule wouldn't take."""
    cases, refused = 150, 0
    for number in range(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        case = Case(folder, random.Random(number))
        case.check(CheckedPlan(case.audit, case.plan))
        for edit in [case.edited] * 6 + [case.wanted] * 4:
            try:
                accepted = CheckedPlan(case.audit, edit())
            except StoreError:
                refused += 1
            else:
                case.check(accepted)
    assert cases * 2 < refused < cases * 10


def test_48_a_collision_that_is_said_to_be_exact(tmp_path):
    """Equal hashes, other pictures: by any radius the plan says it was made with."""
    hashes = np.zeros((2, 8), np.uint64)
    audit = audited(tmp_path, [0, 1], hashes, [2, 11], ["val", "train"])
    plan = make_plan(audit, by=["exact", "augmented", "near", UNLOOKED])
    rows = plan.to_pylist()
    assert [row["action"] for row in rows] == ["keep", "keep"]
    claims = {"action": "remove", "distance": 0, "orientation": "identity"}
    named = {"keeper_split": "val", "keeper_path": "00.png"}
    for kind in ("exact", "augmented", "near"):
        rows[1] |= claims | named | {"kind": kind}
        with pytest.raises(StoreError, match=f"was found to be collision, not {kind}"):
            CheckedPlan(audit, with_settings(rows, plan_settings(plan)))
    wider = plan_settings(plan) | {"radius": 64}
    with pytest.raises(StoreError, match="says that it was made with radius 64"):
        CheckedPlan(audit, with_settings(rows, wider))
