"""What an audit finds out about pairs of images beyond their hashes and thumbnails as a whole."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastphash.audits.frames import find_frames
from fastphash.audits.options import AuditOptions
from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import ViewSet
from fastphash.groups.grouping import find_keepers
from fastphash.joins.distinct import find_distinct_rows
from fastphash.joins.index import Index
from fastphash.looks.judgement import DOUBT_START
from fastphash.store.content import Content
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.crops import CroppedPairs, Doubts, find_cropped
from fastphash.verification.findings import NO_FINDINGS

#: The largest distance, in bits, of a row that another one stands for. More would save comparisons
#: and lose copies: the windows of a row and those of its representative differ as their frames do.
SET_RADIUS = 4


def find_findings(
    rows: HashTable,
    criteria: CopyCriteria,
    options: AuditOptions,
    progress: Progress = no_progress,
) -> CroppedPairs:
    """The pairs of these rows of which one image shows a window of the other, or may do so.

    Parameters
    ----------
    rows : HashTable
        Those that are compared. Without thumbnails nothing is found.
    criteria : CopyCriteria
        What makes two whole images copies. Where no thumbnails are compared, no windows are.
    options : AuditOptions
        Which windows are compared.
    progress : Progress
    """
    views = views_compared(criteria, options, thumbnails=rows.has_thumbnails)
    if views == "none":
        return CroppedPairs(NO_FINDINGS)
    progress("comparing windows", 0, 0)
    _, splits = np.unique(rows.splits, return_inverse=True)
    frames, content = find_frames(rows), rows.content
    representative = stand_for_copies(frames, content, criteria, splits)
    # rows of equal hashes in other colours are not equal
    equal = find_distinct_rows(splits[:, None], *content.appearance).of_row
    doubts = Doubts(DOUBT_START, options.looks)
    compared = Index(rows.hashes, rows.known)
    return find_cropped(frames, content, criteria, views, equal, representative, doubts, compared)


def stand_for_copies(
    frames: Index, content: Content, criteria: CopyCriteria, splits: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The row that stands for each row where windows are searched, int64 (n,).

    It is a near copy of the same split, at most `SET_RADIUS` bits away. Of two rows that others
    stand for, a window in common is found only by way of these.
    """
    tight = replace(criteria, radius=min(criteria.radius, SET_RADIUS))
    representative = np.arange(splits.size)
    for split in range(splits.max(initial=-1) + 1):
        own = np.flatnonzero(splits == split)
        keepers = find_keepers(frames.take(own), content.take(own), tight)
        representative[own] = own[keepers]
    return representative


def views_compared(criteria: CopyCriteria, options: AuditOptions, *, thumbnails: bool) -> ViewSet:
    """The views that an audit compares: none where there are no thumbnails, or nobody looks."""
    return options.views if thumbnails and criteria.score_near else "none"
