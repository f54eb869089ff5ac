import numpy as np
import pytest

from fastphash.base.vocabulary import (
    COLOURS,
    KINDS,
    OTHER_PIXELS,
    SAME_PIXELS,
    UNKNOWN_COLOUR,
    UNKNOWN_PIXELS,
)
from fastphash.verification.comparison import Comparison
from fastphash.verification.decide_kind import decide_kinds, relate


def comparison_of(
    agrees,
    orientation,
    score,
    colour=UNKNOWN_COLOUR,
    *,
    flat=False,
    same_pixels=UNKNOWN_PIXELS,
):
    return Comparison(
        np.array([agrees]),
        np.array([orientation], np.uint8),
        np.array([score], np.float32),
        np.array([colour], np.uint8),
        np.array([np.nan], np.float32),
        np.array([flat]),
        np.array([same_pixels], np.uint8),
    )


@pytest.mark.parametrize(
    ("distance", "agrees", "score", "same", "kind"),
    [
        (0, True, 0.9, False, "collision"),
        (0, True, 0.9, True, "identical"),
        (0, False, 0.9, False, "collision"),
        (4, False, 0.9, False, "collision"),
        (4, False, np.nan, False, "near"),
    ],
)
def test_pictures_in_other_colours_are_no_copies(distance, agrees, score, same, kind):
    distances = np.array([distance], np.uint8)
    codes = {}
    for colour, name in enumerate(COLOURS):
        comparison = comparison_of(agrees, 0, score, colour)
        codes[name] = KINDS[decide_kinds(distances, comparison, np.array([same]))[0]]
    assert codes["different"] == kind
    assert codes["same"] == codes["faded"] != "collision"


@pytest.mark.parametrize(
    ("distance", "agrees", "orientation", "score", "same", "kind"),
    [
        (0, True, 0, 0.9, False, "exact"),
        (0, True, 1, 0.9, False, "augmented"),
        (0, True, 7, 0.2, False, "augmented"),
        (0, False, 0, 0.49, False, "collision"),
        (0, False, 3, 0.5, False, "near"),
        (0, False, 3, np.nan, False, "unverified"),
        (0, True, 0, np.nan, True, "identical"),
        (0, True, 0, 1, True, "identical"),
        (0, True, 2, 1, True, "identical"),
        (0, False, 0, 0, True, "identical"),
        (1, False, 0, 0.5, False, "near"),
        (1, False, 0, 0.49, False, "collision"),
        (64, False, 3, np.nan, False, "near"),
    ],
)
def test_kind_of_a_pair(distance, agrees, orientation, score, same, kind):
    comparison = comparison_of(agrees, orientation, score)
    codes = decide_kinds(np.array([distance], np.uint8), comparison, np.array([same]))
    assert codes.dtype == np.uint8
    assert KINDS[codes[0]] == kind


@pytest.mark.parametrize(("distance", "kind"), [(0, "collision"), (1, "near")])
def test_without_a_score_the_distance_decides(distance, kind):
    comparison = comparison_of(agrees=False, orientation=0, score=0)
    codes = decide_kinds(np.array([distance], np.uint8), comparison, np.zeros(1, bool), None)
    assert KINDS[codes[0]] == kind


@pytest.mark.parametrize(
    ("distance", "same_pixels", "same_bytes", "kind"),
    [
        (0, UNKNOWN_PIXELS, False, "collision"),
        (0, OTHER_PIXELS, False, "collision"),
        (0, SAME_PIXELS, False, "exact"),
        (0, UNKNOWN_PIXELS, True, "identical"),
        (3, OTHER_PIXELS, False, "collision"),
    ],
)
@pytest.mark.parametrize("min_score", [None, 0, 0.5])
@pytest.mark.parametrize("score", [0, 0.9, np.nan])
def test_flat_pictures_are_copies_by_their_pixels_only(
    distance, same_pixels, same_bytes, kind, min_score, score
):
    comparison = comparison_of(distance == 0, 0, score, flat=True, same_pixels=same_pixels)
    distances = np.array([distance], np.uint8)
    codes = decide_kinds(distances, comparison, np.array([same_bytes]), min_score)
    assert KINDS[codes[0]] == kind


def test_the_same_pixels_are_exact_whatever_else_was_compared():
    comparison = comparison_of(False, 3, 0.1, COLOURS.index("different"), same_pixels=SAME_PIXELS)
    relation = relate(np.zeros(1, np.uint8), comparison, np.zeros(1, bool))
    assert KINDS[relation.kind[0]] == "exact"
    assert relation.orientation[0] == 0
    assert relation.score[0] == 1
    assert relation.same_pixels[0] == SAME_PIXELS
