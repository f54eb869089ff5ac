"""The figures of an evaluation: evaluation.json."""

import numpy as np

from fastphash.base.versions import version_of
from fastphash.base.vocabulary import COPY_KINDS
from fastphash.evaluation.curves import RankedCandidates
from fastphash.evaluation.judging import STATUS_NOT_COPIES, STATUS_UNLISTED, JudgedPairs
from fastphash.evaluation.losses import count_losses
from fastphash.evaluation.metrics import Figures, Ranking, best
from fastphash.evaluation.truth import Truth
from fastphash.hashing.algorithms import Algorithm
from fastphash.verification.criteria import CopyCriteria

# the thresholds of `by_score`
_SCORES = np.arange(101) / 100


def summarise(
    judged: JudgedPairs,
    candidates: RankedCandidates,
    by_score: Ranking,
    by_distance: Ranking,
    criteria: CopyCriteria,
    hashes: tuple[str, Algorithm],
) -> Figures:
    """Figures of pairs and of images: of the audit, by kind, by distance and by score.

    Parameters
    ----------
    judged : JudgedPairs
    candidates : RankedCandidates
        The judged pairs but for listed ones that are no candidates.
    by_score, by_distance : Ranking
        The candidates, ranked.
    criteria : CopyCriteria
    hashes : (str, Algorithm)
        What was compared: the digest of the store, and the algorithm.
    """
    pairs, truth, images, _ = candidates
    at_scores = by_score.at(_SCORES) if candidates.scored else []
    at_distances = by_distance.at(-np.arange(criteria.radius + 1))
    rejected = int((truth.pairs[:, 1] >= images).sum())
    return {
        "fastphash": version_of("fastphash"),
        "store": hashes[0],
        "hash": hashes[1].name,
        "bits": hashes[1].bits,
        "radius": criteria.radius,
        "min_score": criteria.min_score,
        "candidates": len(pairs.left),
        "unlisted": int((pairs.accused & (pairs.status == STATUS_UNLISTED)).sum()),
        "not_copies": {
            "listed": len(truth.not_copies),
            "accused": int((pairs.accused & (pairs.status == STATUS_NOT_COPIES)).sum()),
        },
        "true": {"pairs": len(truth.pairs), "images": int(np.unique(truth.pairs).size)},
        "lost": count_losses(judged.loss, rejected),
        "audit": candidates.figures(pairs.accused),
        "average_precision": by_score.average_precision,
        "average_precision_by_distance": by_distance.average_precision,
        "by_kind": {
            kind: candidates.figures(pairs.accused & (pairs.relation.kind == code))
            for code, kind in enumerate(COPY_KINDS)
        },
        "by_listed_kind": _by_listed_kind(judged, truth),
        "by_distance": {str(d): row for d, row in enumerate(at_distances)},
        "by_score": {f"{s:.2f}": row for s, row in zip(_SCORES, at_scores, strict=False)},
        "best": {
            "score": best(_SCORES.tolist(), at_scores),
            "distance": best(range(criteria.radius + 1), at_distances),
        },
    }


def _by_listed_kind(judged: JudgedPairs, truth: Truth) -> dict[str, Figures]:
    """Recall of each kind in the table of true pairs."""
    if not truth.kinds:
        return {}
    accused = np.zeros(len(truth.pairs), np.bool_)
    accused[judged.listing[judged.accused & (judged.listing >= 0)]] = True
    names, kind_of_pair = np.unique(np.array(truth.kinds, np.str_), return_inverse=True)
    listed_counts = np.bincount(kind_of_pair)
    found_counts = np.bincount(kind_of_pair, accused).astype(int)
    return {
        name: {"listed": listed, "found": found, "recall": found / listed}
        for name, listed, found in zip(
            names.tolist(), listed_counts.tolist(), found_counts.tolist(), strict=True
        )
    }
