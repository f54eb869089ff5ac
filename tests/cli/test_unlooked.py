"""What a plan says of sure copies that nobody looked at."""

import pytest

from fastphash.cli.unlooked import unlooked_in_words
from fastphash.results.look_words import wanted_looks

LOOKS = {"limit": 100, "pairs": 90, "looked": 90, "altered": 4, "unreadable": 0}
SUMMARY = {"min_score": 0.5, "keep_in": ["val"], "looks": LOOKS}


@pytest.mark.parametrize(
    ("changed", "keep_in", "said"),
    [
        ({"looks": None}, [], "the audit is of a version that looked at none, so audit again"),
        ({"min_score": None}, [], "audit again without --no-verify"),
        ({"looks": LOOKS | {"pairs": 56_002, "looked": 100, "limit": 100}}, [], "--looks 60000"),
        ({}, ["train", "val"], "had other keepers, so audit again with --keep-in train,val"),
        ({"looks": LOOKS | {"looked": 80, "unreadable": 10}}, ["val"], "files are gone, have"),
        ({}, ["val"], "pixels; audit again, or add"),
    ],
)
def test_a_plan_says_why_nobody_looked_and_what_helps(changed, keep_in, said):
    words = unlooked_in_words(1234, "+unlooked", SUMMARY | changed, keep_in)
    assert words.startswith("1,234 copies stay: nobody looked at their pixels; ")
    assert said in words
    assert words.endswith(", or add them with --kinds +unlooked")


def test_a_single_copy():
    words = unlooked_in_words(1, "+unlooked,+near", SUMMARY, ["val"])
    assert words == (
        "1 copy stays: nobody looked at its pixels; audit again, or add it with --kinds "
        "+unlooked,+near"
    )


@pytest.mark.parametrize(
    ("pairs", "wanted"), [(1, 1), (9, 9), (11, 20), (99, 100), (100, 100), (100_001, 200_000)]
)
def test_looks_are_wanted_for_a_round_number_of_pairs(pairs, wanted):
    looks = {"limit": 0, "pairs": pairs, "looked": 0, "unreadable": 0}
    assert wanted_looks(looks) == wanted
