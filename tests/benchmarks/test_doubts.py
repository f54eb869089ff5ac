"""The figures of benchmarks/accuracy/doubts.py."""

import numpy as np

from benchmarks.accuracy.doubts import Judged, print_edited, print_objects
from benchmarks.support.doubts import (
    COPY,
    OTHER,
    OTHER_SHOT,
    LookedAt,
    Pair,
    as_looks,
    looked_in_rounds,
)
from fastphash.looks.aligned import Alignment

UNLIKE = Alignment(0.1, (300, 400), 9, 1.0, 0.0, (0.0, 0.0), (0.0, 0.0, 1.0, 1.0), 0.4)
ALIKE = UNLIKE._replace(correlation=0.99, matches=240, alike=0.95)
MOVED = ALIKE._replace(correlation=0.96, loose=True)


def judged(*pairs):
    truths, groups, scores, alignments = zip(*pairs, strict=True)
    made = [
        Pair(0, i, 0, score, truth, group)
        for i, (truth, group, score) in enumerate(zip(truths, groups, scores, strict=True))
    ]
    return Judged(LookedAt(made, as_looks(alignments), 0.5))


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_looks_hold_what_alignments_tell():
    looks = as_looks([UNLIKE, MOVED])
    assert looks.looked.all()
    np.testing.assert_allclose(looks.matched, [0.03, 0.8])
    assert looks.keypoints.tolist() == [300, 300]
    assert looks.loose.tolist() == [False, True]
    np.testing.assert_allclose(looks.alike, [0, 0.95])


def test_objects_are_counted_before_and_after_a_look(capsys):
    print_objects(
        judged(
            (COPY, "near", 0.7, ALIKE),
            (OTHER, "near", 0.8, UNLIKE),
            (OTHER, "near", 0.6, ALIKE),
            (OTHER_SHOT, "near", 0.6, MOVED),
            (COPY, "collision", 0.4, ALIKE),
        )
    )
    header, _, collision, near, everything = capsys.readouterr().out.splitlines()
    assert cells(header)[0] == "objects"
    assert cells(collision)[1:] == ["0", "0", "0", "-", "1", "0", "0", "100.00"]
    assert cells(near)[1:] == ["1", "1", "2", "25.00", "1", "0", "1", "50.00"]
    assert cells(everything)[1:] == ["1", "1", "2", "25.00", "2", "0", "1", "66.67"]


def test_copies_that_are_cleared_or_proven_are_counted_by_edit(capsys):
    print_edited(
        judged(
            (COPY, "JPEG 95", 0.9, UNLIKE),
            (COPY, "JPEG 95", 1.0, UNLIKE),
            (COPY, "JPEG 95", 0.3, ALIKE),
            (COPY, "JPEG 95", 0.3, UNLIKE),
            (OTHER, "JPEG 95", 0.3, ALIKE),
        )
    )
    lines = {cells(line)[0]: cells(line)[1:] for line in capsys.readouterr().out.splitlines()}
    assert lines["JPEG 95"] == ["2", "1", "50.00", "2", "1", "50.00"]
    assert lines["no copies"] == ["0", "0", "-", "1", "1", "100.00"]
    assert lines["ALL"] == lines["JPEG 95"]


def test_rounds_end_where_few_are_decided():
    decided = np.zeros(400, np.bool_)
    # the first round is of 32 pairs: with an eighth of them decided, so many more are looked at
    decided[:4] = True
    assert looked_in_rounds(decided, 1 / 8, 100) == 64
    assert looked_in_rounds(decided[4:], 1 / 8, 100) == 32
    assert looked_in_rounds(np.ones(400, np.bool_), 1 / 8, 100) == 400
    assert looked_in_rounds(decided[:0], 1 / 8, 100) == 0
