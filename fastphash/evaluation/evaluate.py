"""How accurate an audit is: precision and recall against a table of true pairs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import FURTHEST
from fastphash.defaults import MAX_PAIRS
from fastphash.evaluation.curves import RankedCandidates
from fastphash.evaluation.judging import STATUS_UNLISTED, JudgedPairs, find_candidates, judge_pairs
from fastphash.evaluation.metrics import Figures
from fastphash.evaluation.pair_tables import judged_table, rejected_table
from fastphash.evaluation.split_pairs import covered_split_pairs
from fastphash.evaluation.summary import summarise
from fastphash.evaluation.svg import Panel
from fastphash.evaluation.truth import Truth
from fastphash.joins.index import Index
from fastphash.joins.options import JoinOptions
from fastphash.results.audit_folder import AuditFolder, were_compared
from fastphash.store.rows import HashTable
from fastphash.verification.criteria import CopyCriteria

_ROWS_PER_TABLE = 1 << 19


@dataclass(frozen=True)
class Evaluation:
    """The results of an evaluation.

    Attributes
    ----------
    summary : dict
        Figures of pairs and of images: of the audit, by kind, by distance and by score.
    panels : list of Panel
        Precision against recall, by score and by distance alone.
    judged : JudgedPairs
    truth : Truth
    rows : HashTable
        Of the audit.
    """

    summary: Figures
    panels: list[Panel]
    judged: JudgedPairs
    truth: Truth
    rows: HashTable

    def tables(self) -> Iterator[pa.Table]:
        """All pairs as `JUDGED_SCHEMA`, by status and confidence, then pairs of rejected images."""
        judged = self.judged
        order = np.lexsort((judged.right, judged.left, -judged.confidence, judged.status))
        for start in range(0, order.size, _ROWS_PER_TABLE):
            yield self._table(order[start : start + _ROWS_PER_TABLE])
        yield rejected_table(self.rows, self.truth)

    def unlisted(self, most: int) -> pa.Table:
        """Accused pairs with status `unlisted`, the likeliest copies first, as `JUDGED_SCHEMA`."""
        chosen = np.flatnonzero(self.judged.accused & (self.judged.status == STATUS_UNLISTED))
        pairs = self.judged.take(chosen)
        order = np.lexsort((pairs.right, pairs.left, -pairs.confidence))
        return self._table(chosen[order[:most]])

    def missed(self, most: int) -> pa.Table:
        """Listed pairs that aren't accused, the likeliest copies first, as `JUDGED_SCHEMA`."""
        chosen = np.flatnonzero((self.judged.listing >= 0) & ~self.judged.accused)
        pairs = self.judged.take(chosen)
        order = np.lexsort((pairs.right, pairs.left, pairs.relation.distance, -pairs.confidence))
        hashed = self._table(chosen[order[:most]])
        rejected = rejected_table(self.rows, self.truth)
        return pa.concat_tables([hashed, rejected]).slice(0, most)

    def _table(self, chosen: NDArray[np.int64]) -> pa.Table:
        return judged_table(self.judged.take(chosen), self.rows, self.truth)


def evaluate(
    audited: AuditFolder,
    truth: Truth,
    *,
    radius: int | None = None,
    complete: bool = False,
    max_pairs: int = MAX_PAIRS,
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> Evaluation:
    """Compare every pair that an audit could call copies with the table of true pairs.

    An accused pair is right if it is listed, follows from listed pairs (a of b, b of c), or has the
    same bytes. An image is accused if one of its pairs is accused, and right if one of its accused
    pairs is right. Recall counts only listed pairs, and only listed images.

    What the audit found about a pair (`AuditFolder.findings`) counts instead of what the thumbnails
    say, at any distance. Decisions don't count: they are no work of the audit.

    Only pairs of splits count of which the table lists a pair of images, copies or not.

    Parameters
    ----------
    audited : AuditFolder
    truth : Truth
        See `fastphash.evaluation.truth.read_truth`.
    radius : int, optional
        The largest Hamming distance of candidates; by default the audit's radius. All figures are
        those of an audit with this radius, but for findings, which are those of the audit.
    complete : bool
        Whether the table lists all copies: then the pairs of all splits count.
    max_pairs : int
    options : JoinOptions, optional
    progress : Progress
        Called with the number of pairs compared.

    Raises
    ------
    UsageError
        The radius is out of range.
    TooManyPairsError
        More than `max_pairs` pairs are within the radius.
    """
    radius = audited.summary["radius"] if radius is None else radius
    criteria = CopyCriteria(radius, audited.summary["min_score"], options or JoinOptions())
    rows = audited.rows
    findings = audited.findings.spread(rows.digests)
    compared = were_compared(rows, audited.summary)
    pairs = find_candidates(Index(rows.hashes, rows.known), findings, criteria, max_pairs)
    pairs = pairs.take(np.flatnonzero(compared[pairs.left] & compared[pairs.right]))
    split_pairs = covered_split_pairs(rows, audited.splits, truth, complete=complete)
    by_splits = {"split_pairs": split_pairs.summary(pairs.left, pairs.right)}
    pairs = pairs.take(np.flatnonzero(split_pairs.are_judged(pairs.left, pairs.right)))
    beyond = _viewed_beyond(audited)
    judged = judge_pairs(rows, pairs, truth, criteria, findings, compared, beyond, progress)
    candidates = RankedCandidates(judged.take(slice(0, pairs.left.size)), truth, len(rows), radius)
    by_score, by_distance = candidates.by_score(), candidates.by_distance()
    hashes = audited.store.digest, rows.algorithm
    summary = summarise(judged, candidates, by_score, by_distance, criteria, hashes) | by_splits
    return Evaluation(summary, candidates.panels(by_score, by_distance), judged, truth, rows)


def _viewed_beyond(audited: AuditFolder) -> int:
    """The distance beyond which the audit compared windows of images; or the greatest if it didn't.

    Nearer pairs that are copies as whole images are left out there.
    """
    viewed = audited.summary.get("views", "none") != "none"
    return int(audited.summary["radius"]) if viewed else FURTHEST
