import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastphash.errors import StoreError
from fastphash.results.decisions import (
    DECISIONS,
    WORDS,
    Decision,
    Image,
    decide,
    in_force,
    resolve,
    undo,
)
from fastphash.store.open import read_hashes
from tests.support.decisions import read_decisions
from tests.support.stores import write_store

NAMES = ["a.png", "b.png", "c.png"]
A, B, C = (Image("all", name.encode(), bytes([i]) * 16) for i, name in enumerate(NAMES))
NOT_UTF8 = Image("all", b"\xff.png", bytes(16))


@pytest.fixture
def rows(tmp_path):
    columns = {"path": NAMES, "phash": np.arange(3, dtype=np.uint64)}
    digests = np.array([[i] * 16 for i in range(3)], np.uint8)
    write_store(tmp_path / "hashes", columns | {"digest": digests})
    return read_hashes(str(tmp_path / "hashes"))


def decisions():
    two = st.permutations([A, B, C]).map(lambda images: tuple(images[:2]))
    pairs = st.builds(Decision, st.sampled_from(WORDS[:2]), two)
    keepers = st.builds(Decision, st.just("keeper"), st.sampled_from([A, B, C]).map(lambda i: (i,)))
    return st.lists(pairs | keepers, max_size=8)


def test_nothing_is_decided_at_first(tmp_path):
    assert read_decisions(tmp_path) == []
    assert undo(tmp_path) == []


def test_decisions_are_read_in_their_order_and_undone_from_the_last(tmp_path):
    first = Decision("copies", (A, NOT_UTF8))
    second = Decision("keeper", (B,))
    decide(tmp_path, first)
    decide(tmp_path, second)
    assert read_decisions(tmp_path) == [first, second]
    assert undo(tmp_path) == [second]
    assert read_decisions(tmp_path) == [first]


def test_what_is_decided_at_once_is_undone_at_once(tmp_path):
    first = Decision("keeper", (B,))
    decide(tmp_path, first)
    several = [Decision("not_copies", (A, B)), Decision("not_copies", (B, C))]
    decide(tmp_path, *several)
    assert read_decisions(tmp_path) == [first, *several]
    assert undo(tmp_path) == several
    assert read_decisions(tmp_path) == [first]


@given(decisions())
def test_of_decisions_about_the_same_images_the_last_is_in_force(made):
    last = {}
    for decision in made:
        last[frozenset(decision.images)] = decision
    found = in_force([made])
    assert len(found) == len(last)
    assert set(found) == set(last.values())


def test_decisions_become_rows(rows):
    made = [Decision("copies", (B, A)), Decision("not_copies", (C, A))]
    made += [Decision("keeper", (A,)), Decision("keeper", (C,))]
    found = resolve([[one] for one in made], rows)
    assert found.copies.tolist() == [[0, 1]]
    assert found.not_copies.tolist() == [[0, 2]]
    assert found.keepers.tolist() == [2, 0]
    assert (found.used, found.stale) == (4, 0)


def test_decisions_about_changed_or_missing_images_are_stale(rows):
    changed = A._replace(digest=bytes([9]) * 16)
    steps = [[Decision("keeper", (changed,))], [Decision("copies", (B, NOT_UTF8))]]
    found = resolve(steps, rows)
    assert found.stale == 2
    assert not found.keepers.size
    assert not found.copies.size


@pytest.mark.parametrize(
    ("steps", "used", "stale"),
    [
        ([], 0, 0),
        ([["AB", "A"]], 1, 0),
        ([["AB", "AC", "BC"], ["C"]], 2, 0),
        # replaced in part, and as a whole
        ([["AB", "A"], ["AB"]], 2, 0),
        ([["AB"], ["A", "AB"]], 1, 0),
        # stale in part, and as a whole
        ([["A?", "A"], ["B"]], 1, 1),
        ([["A?", "?"], ["?", "B"]], 0, 2),
    ],
)
def test_what_is_decided_in_one_step_counts_once(rows, steps, used, stale):
    image = {"A": A, "B": B, "C": C, "?": NOT_UTF8}
    made = [
        [Decision(WORDS[-len(names)], tuple(image[name] for name in names)) for names in step]
        for step in steps
    ]
    found = resolve(made, rows)
    assert (found.used, found.stale) == (used, stale)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"version": 2}',
        '{"version": 1}',
        '{"version": 1, "decisions": [{"decision": "delete", "images": []}]}',
        '{"version": 1, "decisions": [{"decision": "copies", "images": []}]}',
        *(
            json.dumps(
                {
                    "version": 1,
                    "decisions": [
                        {"decision": "keeper", "images": [{"split": s, "path": p, "digest": d}]}
                    ],
                }
            )
            for s, p, d in (
                (["val"], "a", "00" * 16),
                (None, "a", "00" * 16),
                ("val", 1, "00" * 16),
                ("val", "a", "00" * 15),
                ("val", "a", None),
                ("val", "a", "no digest"),
            )
        ),
        "no JSON",
    ],
)
def test_damaged_decisions_are_an_error_and_stay(tmp_path, text):
    (tmp_path / DECISIONS).write_text(text)
    with pytest.raises(StoreError, match=DECISIONS):
        read_decisions(tmp_path)
    with pytest.raises(StoreError, match=DECISIONS):
        undo(tmp_path)
    assert (tmp_path / DECISIONS).read_text() == text
