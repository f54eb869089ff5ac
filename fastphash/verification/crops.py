"""Pairs of which one image shows a window of the other: crops, bordered and shifted copies.

Joins of views propose them. What the two have in common is cut out of both thumbnails, enlarged,
and compared as whole thumbnails are.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.pair_keys import pair_keys
from fastphash.base.vocabulary import COLLISION, COPY_KINDS, CROPPED, DIFFERENT, ViewSet
from fastphash.hashing.views import make_views
from fastphash.hashing.windows import MIDDLE
from fastphash.joins.distances import row_distances
from fastphash.joins.index import Index
from fastphash.joins.matches import Matches
from fastphash.joins.view_sets import find_batches_of_sets
from fastphash.joins.views import (
    ViewedRows,
    ViewMatches,
    choose_view_radius,
)
from fastphash.store.content import Content
from fastphash.verification.criteria import CopyCriteria
from fastphash.verification.decide_kind import Relation, relate_matches
from fastphash.verification.findings import NO_FINDINGS, Findings
from fastphash.verification.window_scores import WindowScores, score_windows

#: Least score of a cropped copy: more than of two whole images, since many windows were tried, and
#: a single straight edge of one may lie on an edge of another. Measured by
#: benchmarks/accuracy/edited_copies.py.
MIN_CROPPED_SCORE = 0.55
# a pair with this score has the right window: no other candidates of it are scored
_SURE_SCORE = 0.9
# candidates that are judged at once
_AT_ONCE = 1 << 14
_NO_WINDOW = np.full(4, np.nan, np.float32)


class Doubts(NamedTuple):
    """Which pairs leave a doubt: those whose windows score less than a copy's.

    Attributes
    ----------
    least : float
        The least score in doubt.
    most : int
        How many are wanted: those with the highest scores.
    """

    least: float
    most: int


class CroppedPairs(NamedTuple):
    """What windows say of pairs.

    Attributes
    ----------
    copies : Findings
        Pairs of kind `cropped`.
    doubtful : Findings
        Pairs that leave a doubt, of kind `collision`.
    more : bool
        Whether there are more of these, with lower scores.
    """

    copies: Findings
    doubtful: Findings = NO_FINDINGS
    more: bool = False


def find_cropped(
    frames: Index,
    content: Content,
    criteria: CopyCriteria,
    views: ViewSet = "all",
    splits: NDArray[np.int64] | None = None,
    representative: NDArray[np.int64] | None = None,
    doubts: Doubts | None = None,
    compared: Index | None = None,
) -> CroppedPairs:
    """The pairs of rows of which one shows a window of the other, and that are no nearer copies.

    Parameters
    ----------
    frames : Index
        The phash of n rows, which those of windows are compared with.
    content : Content
        Of these rows. Without thumbnails nothing is found.
    criteria : CopyCriteria
        Pairs that are copies by them, as whole images, are left out.
    views : {"none", "centre", "all"}
    splits : int64 (n,), optional
        See `ViewedRows`.
    representative : int64 (n,), optional
        See `find_batches_of_sets`; by default each row stands for itself.
    doubts : Doubts, optional
        Pairs that are wanted as well; by default none are.
    compared : Index, optional
        Hashes of n rows that tell copies and distances of whole images; by default their frames.
    """
    if content.thumbnails is None or views == "none" or len(frames) < 2:
        return CroppedPairs(NO_FINDINGS)
    rows = ViewedRows(frames, make_views(content.placed(content.thumbnails), views), splits)
    if representative is None:
        representative = np.arange(len(frames))
    # the fewer windows, the wider they may be searched; so that all find what the centres find
    centres = rows._replace(views=rows.views.centres)
    wide, radius = choose_view_radius(centres), choose_view_radius(rows)
    searches = [(rows, radius)]
    if wide > radius:
        # each window is searched once
        beyond = rows._replace(views=rows.views.beyond_centres, own=False)
        searches = [(centres, wide), (beyond, radius)]
    batches = (
        batch
        for some, within in searches
        for batch in find_batches_of_sets(some, representative, within, options=criteria.options)
    )
    return judge_windows(batches, compared or frames, content, criteria, doubts)


def judge_windows(
    batches: Iterable[ViewMatches],
    compared: Index,
    content: Content,
    criteria: CopyCriteria,
    doubts: Doubts | None = None,
) -> CroppedPairs:
    """Those of the candidates within one table that are cropped copies, each pair once.

    Candidates come in batches, each by pair and the nearest first. Once the windows of a pair agree
    well, further candidates of it are left out. The rows are compared, as whole images, by the
    hashes `compared`.
    """
    judge = _Judge(compared, content, criteria, doubts or Doubts(1, 0))
    for batch in batches:
        for start in range(0, batch.left.size, _AT_ONCE):
            judge.add(batch.take(np.arange(start, min(start + _AT_ONCE, batch.left.size))))
    return judge.pairs()


class _Scored(NamedTuple):
    """Candidates and how they were scored."""

    matches: ViewMatches
    scores: WindowScores

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> "_Scored":
        return _Scored(self.matches.take(chosen), self.scores.take(chosen))

    @classmethod
    def best(cls, several: "list[_Scored]") -> "_Scored":
        """Of each pair the candidate with the highest score."""
        every = cls(
            ViewMatches.joined([one.matches for one in several]),
            WindowScores.joined([one.scores for one in several]),
        )
        matches, scores = every
        every = every.take(np.lexsort((-scores.score, matches.right, matches.left)))
        return every.take(_first_of_pairs(every.matches))


class _Judge:
    """Candidates judged batch by batch; only cropped copies and those in doubt are held."""

    def __init__(
        self, compared: Index, content: Content, criteria: CopyCriteria, doubts: Doubts
    ) -> None:
        self._compared = compared
        self._content = content
        self._criteria = criteria
        self._least = max(MIN_CROPPED_SCORE, criteria.min_score or 0)
        # keys of pairs about which nothing more is asked, ascending
        self._settled = np.empty(0, np.uint64)
        self._found: list[_Scored] = []
        self._doubts = doubts
        self._in_doubt: list[_Scored] = []
        self._dropped = False

    def add(self, matches: ViewMatches) -> None:
        """Judge candidates, ordered by pair."""
        # without their hashes, nobody asked for other orientations
        known = np.uint8(sum(1 << orientation for orientation in self._compared.known))
        matches = matches._replace(mask=matches.mask & known)
        matches = self._no_copies(self._unsettled(matches.take(matches.mask > 0)))
        while matches.left.size:
            first = _first_of_pairs(matches)
            self._score(matches.take(first))
            matches = self._unsettled(matches.take(~first))

    def pairs(self) -> CroppedPairs:
        """What all candidates came to, each pair with its best one."""
        copies, doubtful = NO_FINDINGS, NO_FINDINGS
        if self._found:
            copies = self._describe(_Scored.best(self._found), CROPPED)
        if self._in_doubt:
            self._drop_doubts()
            doubtful = self._describe(self._in_doubt[0], COLLISION)
            doubtful = doubtful.take(np.flatnonzero(~np.isin(doubtful.keys, copies.keys)))
        return CroppedPairs(copies, doubtful, self._dropped)

    def _unsettled(self, matches: ViewMatches) -> ViewMatches:
        keys = pair_keys(matches.left, matches.right)
        if not (keys.size and self._settled.size):
            return matches
        place = np.minimum(np.searchsorted(self._settled, keys), self._settled.size - 1)
        return matches.take(self._settled[place] != keys)

    def _settle(self, matches: ViewMatches) -> None:
        keys = np.sort(pair_keys(matches.left, matches.right))
        self._settled = np.insert(self._settled, np.searchsorted(self._settled, keys), keys)

    def _no_copies(self, matches: ViewMatches) -> ViewMatches:
        """Candidates that are no copies as whole images, nor alike but in other colours."""
        pairs = matches.take(_first_of_pairs(matches))
        distance, mask = row_distances(self._compared, pairs.left, self._compared, pairs.right)
        near = np.flatnonzero(distance <= self._criteria.radius)
        if not near.size:
            return matches
        relation = relate_matches(
            Matches(pairs.left[near], pairs.right[near], distance[near], mask[near]),
            self._content,
            self._content,
            self._criteria.min_score,
            score_near=self._criteria.score_near,
        )
        recoloured = relation.colour == DIFFERENT
        recoloured &= relation.score >= np.float32(self._criteria.min_score or 0)
        self._settle(pairs.take(near[(relation.kind < len(COPY_KINDS)) | recoloured]))
        return self._unsettled(matches)

    def _score(self, matches: ViewMatches) -> None:
        doubtful_from = min(self._doubts.least, self._least)
        scores = score_windows(matches, self._content, self._content, doubtful_from)
        scored = _Scored(matches, scores)
        shown = scores.colour != DIFFERENT
        alike = shown & (scores.score >= self._least)
        if alike.any():
            self._found.append(scored.take(alike))
            self._settle(matches.take(alike & (scores.score >= _SURE_SCORE)))
        doubtful = shown & ~alike & (scores.score >= self._doubts.least)
        if self._doubts.most and doubtful.any():
            self._in_doubt.append(scored.take(doubtful))
            if sum(one.scores.score.size for one in self._in_doubt) > 4 * self._doubts.most:
                self._drop_doubts()

    def _drop_doubts(self) -> None:
        """Keep the pairs in doubt with the highest scores, each once."""
        best = _Scored.best(self._in_doubt)
        highest = np.argsort(-best.scores.score, kind="stable")[: self._doubts.most]
        self._in_doubt = [best.take(np.sort(highest))]
        if highest.size < best.scores.score.size:
            self._dropped = True
            # lower ones would be dropped as well
            self._doubts = self._doubts._replace(least=float(best.scores.score[highest[-1]]))

    def _describe(self, scored: _Scored, kind: int) -> Findings:
        matches, scores = scored
        left, right = matches.left, matches.right
        relation = Relation.collisions(left.size)
        relation.kind[:] = kind
        relation.distance[:] = row_distances(self._compared, left, self._compared, right)[0]
        relation.orientation[:] = scores.orientation
        relation.score[:] = scores.score
        relation.colour[:] = scores.colour
        relation.colour_distance[:] = scores.colour_distance
        relation.same_pixels[:] = self._content.same_pixels(left, self._content, right)
        return Findings(
            np.stack([left, right], axis=1),
            relation,
            shown_windows(matches),
            matches.viewed,
            np.tile(_NO_WINDOW, (left.size, 1)),
            np.zeros(left.size, np.bool_),
        )


def _first_of_pairs(matches: ViewMatches) -> NDArray[np.bool_]:
    """Whether each candidate is the first of its pair."""
    first = np.ones(matches.left.size, np.bool_)
    first[1:] = (matches.left[1:] != matches.left[:-1]) | (matches.right[1:] != matches.right[:-1])
    return first


def shown_windows(matches: ViewMatches) -> NDArray[np.float32]:
    """What the other image shows of the viewed one, as far as it reaches: float32 (n, 4).

    Where middles were compared, as much as the rest of the other image adds on each side.
    """
    windows = matches.window.copy()
    middle = (matches.other_window == np.array(MIDDLE, np.float32)).all(axis=1)
    sides = np.tile(windows[middle, 2:] - windows[middle, :2], 2)
    added = sides * np.array([-1, -1, 1, 1], np.float32)
    windows[middle] += added * np.float32(MIDDLE.left / (1 - 2 * MIDDLE.left))
    return np.clip(windows, 0, 1)
