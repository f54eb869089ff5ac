"""What an audit's looks came to, in sentences."""

import pytest

from fastphash.audits.doubts import DoubtCounts
from fastphash.audits.looks import LookCounts
from fastphash.results.look_words import looks_in_words


def words(looks=None, doubts=None, **proposals):
    """The sentences of an audit that looked at every sure copy, changed as said."""
    counts = LookCounts(**{"limit": 100, "pairs": 5, "looked": 5, **(looks or {})})
    summary = {
        "looks": {**counts._asdict(), "doubts": DoubtCounts(**(doubts or {}))._asdict()},
        "proposals": {"given": 9, "pairs": 0, "unknown": 0, "unusable": 0, **proposals},
        "min_score": 0.8,
    }
    return looks_in_words(summary)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, ""),
        (1, "1 pair shows one thing in two colours by its pixels: it is no copy."),
        (1200, "1,200 pairs show one thing in two colours by their pixels: they are no copies."),
    ],
)
def test_pairs_in_two_colours_are_named(number, said):
    assert words({"pairs": 2000, "looked": 2000, "recoloured": number}) == said


def test_audits_of_earlier_versions_counted_no_colours():
    looks = LookCounts(100)._asdict()
    del looks["recoloured"]
    assert looks_in_words({"looks": looks, "min_score": 0.8}) == ""


@pytest.mark.parametrize(
    ("looked", "rescued", "said"),
    [
        (0, 0, "of which 0 were compared at their pixels: 0 are copies by these."),
        (1, 1, "of which 1 was compared at its pixels: 1 is a copy by these."),
        (3, 2, "of which 3 were compared at their pixels: 2 are copies by these."),
    ],
)
def test_how_many_of_the_proposed_pairs_were_compared(looked, rescued, said):
    doubts = {"proposed": 4, "proposed_looked": looked, "proposed_rescued": rescued, "pairs": 4}
    assert words(doubts=doubts, pairs=6) == (
        f"6 pairs were proposed; thumbnails left 4 in doubt, {said}"
    )


def test_pairs_that_were_proposed_and_decided_are_counted_once():
    doubts = {"pairs": 9, "looked": 9, "rescued": 3, "vetoed": 1, "proposed": 4}
    proposed = words(doubts=doubts | {"proposed_looked": 4, "proposed_rescued": 2}, pairs=6)
    said = "Pixels decided 4 pairs that thumbnails left in doubt{}: 3 are copies, 1 is none."
    assert said.format(", proposed ones included") in proposed
