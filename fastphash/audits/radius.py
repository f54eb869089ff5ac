"""The radius of an audit: given, or chosen by the candidates that an image may have by chance."""

from typing import Any, NamedTuple

from fastphash.audits.options import AuditOptions
from fastphash.joins.chance import (
    chance_neighbours,
    largest_radius,
    neighbours_of_sample,
    widest_radius,
)
from fastphash.joins.index import Index
from fastphash.joins.radii import usual_radius
from fastphash.results.radius_words import CANDIDATES, GIVEN, USUAL, meaning
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria


class ChosenRadius(NamedTuple):
    """What two images must agree in to be compared, and why.

    Attributes
    ----------
    criteria : CopyCriteria
    chance : float
        Candidates that an image has by chance within the radius, by an estimate.
    rule : dict
        ``radius_rule`` of summary.json.
    """

    criteria: CopyCriteria
    chance: float
    rule: dict[str, Any]


def choose_criteria(
    rows: HashTable, options: AuditOptions, *, thumbnails: bool, sample: Index | None = None
) -> ChosenRadius:
    """The criteria of an audit.

    Parameters
    ----------
    rows : HashTable
        Those that are compared.
    options : AuditOptions
        A radius that is given holds. Otherwise it is the widest one at which an image has no more
        than `candidates` by chance, or if nobody compares thumbnails, that at which the distance
        alone tells copies.
    thumbnails : bool
        Whether the store has any.
    sample : Index, optional
        The hashes of `sample_rows` of the rows, where these have names alone.
    """
    if sample is None:
        expected = chance_neighbours(Index(rows.hashes, rows.known))
    else:
        expected = neighbours_of_sample(sample, len(rows))
    min_score = options.min_score if thumbnails else None
    bits = rows.algorithm.bits
    by, radius = GIVEN, options.radius
    if radius is None and min_score is None:
        by, radius = USUAL, usual_radius(rows.algorithm, len(rows))
    elif radius is None:
        by, radius = CANDIDATES, widest_radius(expected, len(rows), options.candidates)
    limit, largest = (
        (largest_radius(bits, number) for number in (len(rows), 1))
        if by == CANDIDATES
        else (radius, radius)
    )
    rule = {
        "by": by,
        "meaning": meaning(radius, bits),
        "candidates": options.candidates,
        "limit": limit,
        "narrowed": radius < largest,
        "largest": largest,
        "at_largest": float(expected[: largest + 1].sum()),
    }
    return ChosenRadius(
        CopyCriteria(radius, min_score, options.join),
        float(expected[: radius + 1].sum()),
        rule,
    )
