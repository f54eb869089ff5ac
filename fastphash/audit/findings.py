"""What an audit finds out about pairs of images beyond their hashes and thumbnails as a whole."""

import numpy as np

from fastphash.audit.options import AuditOptions
from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import ViewSet
from fastphash.joins.index import Index
from fastphash.store.rows import HashTable
from fastphash.verify.criteria import CopyCriteria
from fastphash.verify.crops import find_cropped
from fastphash.verify.findings import NO_FINDINGS, Findings


def find_findings(
    rows: HashTable,
    criteria: CopyCriteria,
    options: AuditOptions,
    progress: Progress = no_progress,
) -> Findings:
    """The pairs of these rows of which one image shows a window of the other.

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
        return NO_FINDINGS
    progress("comparing windows", 0, 0)
    _, splits = np.unique(rows.splits, return_inverse=True)
    frames = Index(rows.phashes, rows.known)
    return find_cropped(frames, rows.content, criteria, views, splits)


def views_compared(criteria: CopyCriteria, options: AuditOptions, *, thumbnails: bool) -> ViewSet:
    """The views that an audit compares: none where there are no thumbnails, or nobody looks."""
    return options.views if thumbnails and criteria.score_near else "none"
