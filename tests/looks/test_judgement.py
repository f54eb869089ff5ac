"""What aligned detail settles about pairs in doubt."""

import numpy as np
import pytest

from fastphash.base.vocabulary import DIFFERENT, FADED, SAME, SWAPPED
from fastphash.looks.judgement import IS_COPY, IS_NO_COPY, UNSETTLED, judge_doubts
from fastphash.looks.table import Looks


def look(correlation, keypoints, matched=0.1, covered=0.5, loose=False, alike=0.5):
    looks = Looks.none(1)
    looks.looked[:], looks.correlation[:], looks.keypoints[:] = True, correlation, keypoints
    looks.matched[:], looks.covered[:], looks.loose[:] = matched, covered, loose
    looks.alike[:] = alike
    looks.window[:] = looks.other_window[:] = (0, 0, 1, 1)
    return looks


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        (look(0.9, 100), IS_NO_COPY),
        # nothing could be compared
        (look(0.0, 300, covered=0.0), UNSETTLED),
        # too few keypoints count against nobody
        (look(0.1, 99), UNSETTLED),
        # text, or a logo, was added
        (look(0.5, 300, matched=0.6), UNSETTLED),
        (look(0.5, 300, alike=0.96), UNSETTLED),
        # saved again
        (look(0.99, 300, matched=0.2), UNSETTLED),
        # detail all over
        (look(0.0, 600, covered=0.9), UNSETTLED),
        # another shot
        (look(0.96, 300, matched=0.6, loose=True), IS_NO_COPY),
        (look(0.9, 300, matched=0.6, alike=0.96, loose=True), IS_NO_COPY),
        (look(0.95, 300, matched=0.6, alike=0.98, loose=True), UNSETTLED),
        (look(0.99, 300, matched=0.4, loose=True), IS_NO_COPY),
        # all detail agrees: turned by a degree, or cropped off its middle
        (look(0.99, 300, matched=0.6, loose=True), UNSETTLED),
        (look(0.99, 300, matched=0.4, alike=0.96, loose=True), UNSETTLED),
        (look(0.99, 300, matched=0.6, loose=True, covered=1.0), UNSETTLED),
    ],
)
def test_a_copy_by_thumbnails_turns_out_to_be_none(looks, verdict):
    assert judge_doubts(looks, np.array([True])).tolist() == [verdict]


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        (look(0.95, 100, covered=1.0), IS_COPY),
        (look(0.96, 300, matched=0.6), IS_COPY),
        (look(0.9, 300, covered=1.0), IS_COPY),
        # some six keypoints always agree
        (look(0.9, 60, covered=1.0), UNSETTLED),
        (look(0.9, 600, matched=0.04, covered=1.0), UNSETTLED),
        (look(0.2, 600, covered=1.0), UNSETTLED),
        # on a plain ground nothing but the same shot is a copy
        (look(0.92, 300), UNSETTLED),
        (look(0.99, 300, matched=0.6, loose=True), UNSETTLED),
    ],
)
def test_another_pair_turns_out_to_be_a_copy(looks, verdict):
    assert judge_doubts(looks, np.array([False])).tolist() == [verdict]


def test_neighbours_that_overlap_are_no_copies():
    looks = look(0.99, 300, matched=0.6, covered=1.0)
    looks.window[:], looks.other_window[:] = (0.4, 0, 1, 0.8), (0, 0.2, 0.6, 1)
    assert judge_doubts(looks, np.array([False])).tolist() == [UNSETTLED]
    looks.other_window[:] = (0, 0, 1, 1)
    assert judge_doubts(looks, np.array([False])).tolist() == [IS_COPY]


@pytest.mark.parametrize("accused", [True, False])
def test_a_pair_that_nobody_could_look_at_stays_in_doubt(accused):
    looks = look(-1.0 if accused else 1.0, 600)
    looks.looked[:] = False
    assert judge_doubts(looks, np.array([accused])).tolist() == [UNSETTLED]
    assert judge_doubts(Looks.none(1), np.array([accused])).tolist() == [UNSETTLED]


@pytest.mark.parametrize(
    ("colour", "verdict"),
    [(SAME, IS_COPY), (FADED, IS_COPY), (SWAPPED, IS_COPY), (DIFFERENT, UNSETTLED)],
)
def test_pairs_that_are_alike_but_for_their_colours(colour, verdict):
    # the detail of things in two colours agrees as well
    looks, accused = look(1.0, 600, matched=1.0, covered=1.0), np.array([False])
    looks.colour[:] = colour
    assert judge_doubts(looks, accused, ~accused).tolist() == [verdict]
    looks.looked[:] = False
    assert judge_doubts(looks, accused, ~accused).tolist() == [UNSETTLED]


def test_two_things_of_one_outline_are_none_in_any_colours():
    looks, accused = look(0.8, 300), np.array([False])
    looks.colour[:] = FADED
    assert judge_doubts(looks, accused, ~accused).tolist() == [UNSETTLED]


@pytest.mark.parametrize(("recoloured", "verdict"), [(True, IS_NO_COPY), (False, UNSETTLED)])
def test_near_copies_that_may_be_things_in_other_colours(recoloured, verdict):
    looks, accused = look(1.0, 600, matched=1.0, covered=1.0), np.array([True])
    looks.recoloured[:] = recoloured
    assert judge_doubts(looks, accused, ~accused, accused).tolist() == [verdict]
