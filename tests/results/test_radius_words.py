"""What the radius of an audit means, in words."""

import pytest

from fastphash.results.radius_words import CANDIDATES, GIVEN, meaning, radius_in_words

RULE = {
    "by": CANDIDATES,
    "meaning": meaning(6, 64),
    "candidates": 10.0,
    "limit": 16,
    "narrowed": True,
    "largest": 16,
    "at_largest": 123.0,
}


def test_a_radius_that_many_images_made_smaller_is_explained():
    said = radius_in_words({"radius": 6, "radius_rule": RULE})
    assert said == [
        "Radius 6: hashes that differ in up to 6 bits of 64",
        (
            "Fewer images would have a larger radius, 16 bits at most: within that, each of "
            "these has about 120 candidates by chance, and 10 are allowed"
        ),
    ]


def test_a_radius_of_256_bits_that_takes_too_long_is_explained():
    # more candidates would not help
    for at_largest in (0.5, 50.0):
        rule = RULE | {"limit": 30, "largest": 80, "at_largest": at_largest}
        said = radius_in_words({"radius": 30, "radius_rule": rule})
        why = "80 bits at most: within more bits, so many images would take too long to search"
        assert said[1].endswith(why)


@pytest.mark.parametrize("by", [GIVEN, CANDIDATES])
def test_a_radius_that_nothing_narrowed_has_one_sentence(by):
    rule = RULE | {"by": by, "narrowed": False, "meaning": meaning(0, 64)}
    assert radius_in_words({"radius": 0, "radius_rule": rule}) == ["Radius 0: equal hashes only"]


def test_nothing_is_said_of_an_audit_of_an_earlier_version():
    assert radius_in_words({"radius": 6}) == []
