"""The least score of near copies, from the scores of the images at hand."""

from dataclasses import replace
from typing import Any

from fastphash.audits.options import AuditOptions
from fastphash.calibration.estimates import Estimate
from fastphash.calibration.near_copies import ScoreChoice, choose_score
from fastphash.calibration.near_sample import sample_near_scores
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria


def calibrate_score(
    rows: HashTable, criteria: CopyCriteria, chance: float, options: AuditOptions
) -> tuple[CopyCriteria, dict[str, Any] | None]:
    """Raise the least score if it is clear that too few of the near pairs are copies by it.

    Parameters
    ----------
    rows : HashTable
        All that are compared.
    criteria : CopyCriteria
        With the least score that was asked for.
    chance : float
        Candidates that an image has by chance.
    options : AuditOptions
        The share that is wanted, and whether the score may be raised.

    Returns
    -------
    CopyCriteria
        With the least score to use.
    dict or None
        ``calibration`` of summary.json; None if the scores don't say.
    """
    asked = criteria.min_score
    if asked is None:
        return criteria, None
    scores = sample_near_scores(rows, criteria, chance)
    choice = choose_score(scores, asked, options.precision)
    if choice is None:
        return criteria, None
    if choice.too_few and choice.score is not None and not options.keep_score:
        criteria = replace(criteria, min_score=choice.score)
    return criteria, _describe(choice, asked, options)


def _describe(choice: ScoreChoice, asked: float, options: AuditOptions) -> dict[str, Any]:
    recommended = None
    if choice.score is not None:
        recommended = {"min_score": choice.score, **_shares(choice.estimate)}
    raised = choice.too_few and recommended is not None and not options.keep_score
    return {
        "precision_wanted": options.precision,
        **_shares(choice.estimate if raised else choice.asked),
        "min_score_given": options.keep_score,
        "raised_from": {"min_score": asked, **_shares(choice.asked)} if raised else None,
        "recommended": recommended,
    }


def _shares(estimate: Estimate) -> dict[str, Any]:
    low, high = estimate.bounds
    return {"pairs": estimate.pairs, "share": estimate.precision, "low": low, "high": high}
