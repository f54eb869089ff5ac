"""Plain counting: the figures of an evaluation."""

import numpy as np
import pyarrow as pa

from fastphash.evaluation.truth import Truth
from fastphash.evaluation.writing import CURVES, FIGURES, PAIRS, UNLISTED
from fastphash.verification.findings import NO_FINDINGS
from tests.support.audits import audited as audit_of
from tests.support.thumbnails import POOL

FILES = {FIGURES, PAIRS, CURVES, UNLISTED}
# what a file may hold, as a hash: contents of one hash differ in their thumbnails, if at all
HASHES = [0, 0, 0, 3, 7, 2**64 - 1]
CONTENTS = len(HASHES)
PICTURES = np.arange(CONTENTS) % len(POOL)


def plain_audit(
    contents, *, hashes=HASHES, thumbnails=True, min_score=0.5, findings=NO_FINDINGS, views="none"
):
    """An audit of images of which nothing is known but hashes, bytes and maybe thumbnails."""
    rows = np.repeat(np.array(hashes, np.uint64)[:, None], 8, axis=1)
    splits = [split_of(i) for i in range(len(contents))]
    found = audit_of(
        "/", contents, rows, PICTURES, splits, thumbnails=thumbnails, findings=findings
    )
    found.summary["min_score"] = min_score if thumbnails else None
    found.summary["views"] = views
    return found


def split_of(image):
    return ("train", "val")[image % 2]


def truth_of(*pairs, kinds=(), rejected=0, not_copies=()):
    images = tuple(("val", f"{i}.jpg".encode()) for i in range(rejected))
    listed, apart = (
        np.array(sorted(some), np.int64).reshape(-1, 2) for some in (pairs, not_copies)
    )
    return Truth(listed, tuple(kinds), images, apart)


def judged_rows(found):
    """Every pair that was looked at, by the numbers of its images, as the table says it."""
    return {
        (int(row["path"][:2]), int(row["other_path"][:2])): row
        for row in pa.concat_tables(list(found.tables())).to_pylist()
        if row["lost_by"] != "rejected"
    }


def connected(count, links):
    """The first of all that each is connected with."""
    first = list(range(count))
    for _ in range(count):
        for a, b in links:
            first[a] = first[b] = min(first[a], first[b])
    return first


def plain_figures(accused, right, listed):
    """Of sets: what is accused, is right, and is listed."""
    precision = len(accused & right) / len(accused) if accused else None
    recall = len(accused & right & listed) / len(listed) if listed else None
    f1 = None
    if precision is not None and recall is not None:
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
    return {
        "accused": len(accused),
        "right": len(accused & right),
        "found": len(accused & right & listed),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def plain_average_precision(strengths, right, listed):
    """The mean precision, over what is listed, where it is just rightly accused.

    `strengths` of all that is accused, and of what is right, by name.
    """
    total = 0
    for one in listed & right.keys():
        accused, rightly = (
            sum(value >= right[one] for value in some.values()) for some in (strengths, right)
        )
        total += rightly / accused
    return total / max(len(listed), 1)
