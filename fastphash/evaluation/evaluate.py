"""How right an audit is, held against a table of true pairs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fastphash.base.progress import Progress, no_progress
from fastphash.base.vocabulary import COLLISION, COPY_KINDS, DIFFERENT, IDENTICAL, NEAR
from fastphash.defaults import MAX_PAIRS, SHOWN_PAIRS
from fastphash.errors import StoreError, TooManyPairsError, UsageError
from fastphash.evaluation.metrics import Figures, Ranked, Ranking, best
from fastphash.evaluation.truth import Truth
from fastphash.files import atomic, parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.joins.index import Index, check_radius, collapse
from fastphash.joins.matching import matches
from fastphash.joins.options import JoinOptions
from fastphash.joins.relation import Matches, concatenated, row_distances
from fastphash.report.pairs import write_pairs
from fastphash.report.svg import Panel, write_curves
from fastphash.results.audit_folder import AuditFolder
from fastphash.results.schemas import RELATION, coded, relation_columns, row_names
from fastphash.store.rows import HashTable
from fastphash.store.schema import path_columns
from fastphash.verify.verdicts import Relation, relate_matches

#: Of a pair: it is listed as true, follows from listed ones, has the same bytes, or none of these.
STATUSES = ("true", "implied", "same bytes", "unlisted")
_TRUE, _IMPLIED, _SAME, _UNLISTED = range(4)
#: What lost a listed pair: an image without a hash, a distance beyond the radius, no thumbnails to
#: look at, or a closer look.
LOSSES = ("rejected", "radius", "unseen", "score", "colour")
_REJECTED, _RADIUS, _UNSEEN, _SCORE, _COLOUR, _FOUND = range(6)

#: A row for each pair that was looked at or is listed.
JUDGED_SCHEMA = pa.schema(
    [
        ("status", NAME_TYPE),
        ("accused", pa.bool_()),
        ("lost_by", NAME_TYPE),
        ("listed_as", pa.string()),
        ("split", NAME_TYPE),
        ("path", pa.string()),
        ("other_split", NAME_TYPE),
        ("other_path", pa.string()),
        *RELATION,
        ("path_bytes", pa.binary()),
        ("other_path_bytes", pa.binary()),
    ]
)
FIGURES = "evaluation.json"
PAIRS = "pairs.parquet"
CURVES = "precision-recall.svg"
UNLISTED = "unlisted.html"

# thresholds of score
_SCORES = np.arange(101) / 100
# pairs that are compared, or become rows of a table, at once; points of a curve
_AT_ONCE = 1 << 19
_POINTS = 400
# stronger than any score
_SURE = 2.0


class JudgedPairs(NamedTuple):
    """Pairs within the radius, and after them those beyond that are listed.

    Attributes
    ----------
    left, right : int64 (n,)
        Rows of the audit.
    listing : int64 (n,)
        Where the truth lists them, or -1.
    status : uint8 (n,)
        Index into `STATUSES`.
    accused : bool (n,)
        Whether an audit of this radius calls them copies.
    relation : Relation
        Beyond the radius, as if it reached them. Scores are NaN where there are no thumbnails.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    listing: NDArray[np.int64]
    status: NDArray[np.uint8]
    accused: NDArray[np.bool_]
    relation: Relation

    def take(self, chosen: Any) -> "JudgedPairs":
        """Some of the pairs: rows, or a slice of them."""
        return JudgedPairs(
            self.left[chosen],
            self.right[chosen],
            self.listing[chosen],
            self.status[chosen],
            self.accused[chosen],
            self.relation.take(chosen),
        )

    @property
    def strength(self) -> NDArray[np.float32]:
        """How soon each is accused: the sure kinds, then by score; by distance without any.

        Those in different colours never are.
        """
        kind, distance, _, score, colour, _ = self.relation
        likeness = np.where(np.isnan(score), -1 - distance.astype(np.float32), score)
        likeness[colour == DIFFERENT] = -np.inf
        return np.where(kind < NEAR, np.float32(_SURE), likeness).astype(np.float32)


@dataclass(frozen=True)
class Evaluation:
    """What came of it.

    Attributes
    ----------
    summary : dict
        Figures of pairs and of images: of the audit, by kind, by distance and by score.
    panels : list of Panel
        Precision against recall, by score and by distance alone.
    judged : Judged
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
        """All pairs as `JUDGED_SCHEMA`, by status, the strongest first; then those unhashed."""
        judged = self.judged
        order = np.lexsort((judged.right, judged.left, -judged.strength, judged.status))
        for start in range(0, order.size, _AT_ONCE):
            yield self._table(order[start : start + _AT_ONCE])
        yield self._unhashed()

    def unlisted(self, most: int) -> pa.Table:
        """The strongest accused pairs that nothing says are true, as `JUDGED_SCHEMA`."""
        judged = self.judged
        some = np.flatnonzero(judged.accused & (judged.status == _UNLISTED))
        part = judged.take(some)
        return self._table(some[np.lexsort((part.right, part.left, -part.strength))[:most]])

    def missed(self, most: int) -> pa.Table:
        """Listed pairs that aren't accused, the strongest first, as `JUDGED_SCHEMA`."""
        judged = self.judged
        some = np.flatnonzero((judged.listing >= 0) & ~judged.accused)
        part = judged.take(some)
        order = np.lexsort((part.right, part.left, part.relation.distance, -part.strength))
        found = pa.concat_tables([self._table(some[order[:most]]), self._unhashed()])
        return found.slice(0, most)

    def _table(self, chosen: NDArray[np.int64]) -> pa.Table:
        some = self.judged.take(chosen)
        lost = _losses(some, self.summary["radius"], self.summary["min_score"])
        named = some.listing >= 0 if self.truth.kinds else np.zeros(chosen.size, np.bool_)
        listed_as = np.full(chosen.size, None, object)
        listed_as[named] = np.array(self.truth.kinds, object)[some.listing[named]]
        own, other = row_names(self.rows, some.left), row_names(self.rows, some.right)
        columns = [
            coded(some.status, STATUSES),
            pa.array(some.accused),
            coded(np.where(lost < _FOUND, lost, 0), LOSSES, lost == _FOUND),
            pa.array(listed_as, pa.string()),
            *own[:2],
            *other[:2],
            *relation_columns(some.relation),
            own[2],
            other[2],
        ]
        return pa.table(columns, schema=JUDGED_SCHEMA)

    def _unhashed(self) -> pa.Table:
        """The listed pairs with an image that was rejected."""
        truth, hashed = self.truth, len(self.rows)
        which = np.flatnonzero(truth.pairs[:, 1] >= hashed)
        known = np.unique(truth.pairs[which])
        known = known[known < hashed]
        names = zip(
            self.rows.splits[known], self.rows.paths.take(pa.array(known)).to_pylist(), strict=True
        )
        place = dict(zip(known.tolist(), names, strict=True))
        place |= {hashed + i: image for i, image in enumerate(truth.rejected)}
        columns: dict[str, Any] = {
            "status": [STATUSES[_TRUE]] * which.size,
            "accused": [False] * which.size,
            "lost_by": [LOSSES[_REJECTED]] * which.size,
        }
        if truth.kinds:
            columns["listed_as"] = [truth.kinds[i] for i in which]
        for side, images in zip(("", "other_"), truth.pairs[which].T.tolist(), strict=True):
            columns[f"{side}split"] = [place[image][0] for image in images]
            columns[f"{side}path"], columns[f"{side}path_bytes"] = path_columns(
                [place[image][1] for image in images]
            )
        nothing = pa.nulls(which.size)
        return pa.table(
            [columns.get(name, nothing) for name in JUDGED_SCHEMA.names], JUDGED_SCHEMA.names
        ).cast(JUDGED_SCHEMA)


def evaluate(
    audited: AuditFolder,
    truth: Truth,
    *,
    radius: int | None = None,
    max_pairs: int = MAX_PAIRS,
    options: JoinOptions | None = None,
    progress: Progress = no_progress,
) -> Evaluation:
    """Hold every pair that an audit would call copies against the true ones.

    A pair is right if it is listed, follows from listed ones (a of b, b of c), or has the same
    bytes; recall is of the listed ones alone. An image is accused if a pair of it is, rightly if a
    right pair of it is, and recall is of the images that are listed.

    Parameters
    ----------
    audited : AuditFolder
    truth : Truth
        As `fastphash.evaluation.truth.read_truth` gives it.
    radius : int, optional
        How far apart candidates may be, in bits; as in the audit by default. Figures are those of
        an audit of this radius.
    max_pairs : int
    options : JoinOptions, optional
    progress : Progress
        Told of the pairs looked at.

    Returns
    -------
    Evaluation

    Raises
    ------
    UsageError
        No such radius.
    TooManyPairsError
        More candidates than `max_pairs`.
    """
    radius = audited.summary["radius"] if radius is None else radius
    check_radius(radius)
    rows, least = audited.rows, audited.summary["min_score"]
    index = Index(rows.phashes, rows.known)
    try:
        blocks = [*matches(index, None, radius, max_pairs=max_pairs, options=options)]
    except TooManyPairsError as error:
        raise TooManyPairsError(error.pairs, error.limit, "a smaller --radius") from None
    near = sum(block.left.size for block in blocks)
    tree = _trees(rows, truth)
    judged = _judge_all(rows, *_with_listed(index, blocks, truth), tree, radius, least, progress)
    within = judged.take(slice(0, near))
    rank = partial(_rank, within, truth, len(rows))
    nearness = -within.relation.distance.astype(np.float32)
    by_score, by_distance = rank(within.strength), rank(nearness)
    seen = not np.isnan(within.relation.score).any()
    at_scores = by_score.at(_SCORES) if seen else []
    at_distances = by_distance.at(-np.arange(radius + 1))
    summary = {
        "fastphash": version("fastphash"),
        "store": audited.store.digest,
        "radius": radius,
        "min_score": least,
        "candidates": len(within.left),
        "unlisted": int((within.accused & (within.status == _UNLISTED)).sum()),
        "true": {"pairs": len(truth.pairs), "images": int(np.unique(truth.pairs).size)},
        "lost": _lost(judged, truth, len(rows), radius, least),
        "audit": _chosen(rank, within.accused),
        "average_precision": by_score.average_precision,
        "average_precision_by_distance": by_distance.average_precision,
        "by_kind": {
            kind: _chosen(rank, within.accused & (within.relation.kind == code))
            for code, kind in enumerate(COPY_KINDS)
        },
        "by_listed_kind": _by_listed_kind(judged, truth),
        "by_distance": {str(d): row for d, row in enumerate(at_distances)},
        "by_score": {f"{s:.2f}": row for s, row in zip(_SCORES, at_scores, strict=False)},
        "best": {
            "score": best(_SCORES.tolist(), at_scores),
            "distance": best(range(radius + 1), at_distances),
        },
    }
    panels = [_panel("by distance alone", by_distance.pairs)]
    if seen:
        panels.insert(0, _panel("by score", by_score.pairs))
    return Evaluation(summary, panels, judged, truth, rows)


def _with_listed(
    index: Index, blocks: list[Matches], truth: Truth
) -> tuple[Matches, NDArray[np.int64]]:
    """The pairs within the radius and the listed ones beyond, and where each is listed, or -1."""
    rows, near = len(index), concatenated(blocks)
    listing = np.full(near.left.size, -1)
    hashed = np.flatnonzero(truth.pairs[:, 1] < rows)
    one, other = truth.pairs[hashed, 0], truth.pairs[hashed, 1]
    # both are in order
    keys, wanted = near.left * rows + near.right, one * rows + other
    place = np.searchsorted(keys, wanted)
    there = place < keys.size
    there[there] = keys[place[there]] == wanted[there]
    listing[place[there]] = hashed[there]
    one, other = one[~there], other[~there]
    far = Matches(one, other, *row_distances(index, one, index, other))
    return concatenated([near, far]), np.concatenate((listing, hashed[~there]))


def _judge_all(
    rows: HashTable,
    found: Matches,
    listing: NDArray[np.int64],
    tree: NDArray[np.int64],
    radius: int,
    min_score: float | None,
    progress: Progress,
) -> JudgedPairs:
    # thumbnails of these rows only are read
    needed = np.zeros(len(rows), np.bool_)
    needed[found.left] = needed[found.right] = True
    content = rows.take(np.flatnonzero(needed)).content
    number = np.cumsum(needed) - 1
    size = found.left.size
    judged = JudgedPairs(
        found.left,
        found.right,
        listing,
        np.full(size, _UNLISTED, np.uint8),
        np.empty(size, np.bool_),
        Relation.collisions(size),
    )
    for start in range(0, size, _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        block = found.take(some)
        small = block._replace(left=number[block.left], right=number[block.right])
        # a closer look tells even where the audit took none
        found_out = relate_matches(small, content, content, min_score)
        judged.relation.put(some, found_out)
        judged.accused[some] = (found_out.kind < COLLISION) & (block.distance <= radius)
        status = judged.status[some]
        status[tree[block.left] == tree[block.right]] = _IMPLIED
        status[found_out.kind == IDENTICAL] = _SAME
        status[listing[some] >= 0] = _TRUE
        progress("looking", start + block.left.size, size)
    return judged


def _trees(rows: HashTable, truth: Truth) -> NDArray[np.int64]:
    """A number for each image, the same for all that true pairs and equal bytes connect."""
    own = np.arange(len(rows)) if rows.digests is None else collapse(rows.digests).of_row
    unhashed = len(rows) + np.arange(len(truth.rejected))
    node = np.concatenate((own, unhashed))
    ends = node[truth.pairs.T]
    graph = coo_array((np.ones(len(truth.pairs), np.bool_), tuple(ends)), (node.size, node.size))
    return np.asarray(connected_components(graph, directed=False)[1][node], np.int64)


def _rank(within: JudgedPairs, truth: Truth, rows: int, strength: NDArray[np.float32]) -> Ranking:
    """Pairs by some strength, and the images, as many as there are rows, by that of their pairs."""
    never = np.float32(-np.inf)
    right = np.where(within.status < _UNLISTED, strength, never)
    pairs = Ranked(strength, right, within.status == _TRUE, len(truth.pairs))
    strongest, rightly = np.full((2, rows), never)
    for ends in (within.left, within.right):
        np.maximum.at(strongest, ends, strength)
        np.maximum.at(rightly, ends, right)
    named = np.unique(truth.pairs)
    listed = np.zeros(rows, np.bool_)
    listed[named[named < rows]] = True
    return Ranking(pairs, Ranked(strongest, rightly, listed, named.size))


def _chosen(rank: Callable[[NDArray[np.float32]], Ranking], some: NDArray[np.bool_]) -> Figures:
    """Figures where just these pairs are accused."""
    return rank(np.where(some, np.float32(0), np.float32(-np.inf))).at(np.zeros(1))[0]


def _losses(judged: JudgedPairs, radius: int, min_score: float | None) -> NDArray[np.uint8]:
    """Why each listed pair isn't accused, as an index into `LOSSES`, or `_FOUND`."""
    _, distance, _, score, colour, _ = judged.relation
    alike = score >= np.float32(min_score or 0)
    why = np.where((colour == DIFFERENT) & alike, _COLOUR, _SCORE)
    why = np.where(np.isnan(score), _UNSEEN, why)
    why = np.where(distance > radius, _RADIUS, why)
    return np.where(judged.accused | (judged.listing < 0), _FOUND, why).astype(np.uint8)


def _lost(
    judged: JudgedPairs, truth: Truth, rows: int, radius: int, min_score: float | None
) -> dict[str, int]:
    counts = np.bincount(_losses(judged, radius, min_score), minlength=_FOUND)
    counts[_REJECTED] = (truth.pairs[:, 1] >= rows).sum()
    return {why: int(counts[i]) for i, why in enumerate(LOSSES)}


def _by_listed_kind(judged: JudgedPairs, truth: Truth) -> dict[str, Figures]:
    """How many of each kind that the truth names are found."""
    if not truth.kinds:
        return {}
    accused = np.zeros(len(truth.pairs), np.bool_)
    accused[judged.listing[judged.accused & (judged.listing >= 0)]] = True
    names, of_pair = np.unique(np.array(truth.kinds, np.str_), return_inverse=True)
    totals, found = np.bincount(of_pair), np.bincount(of_pair, accused).astype(int)
    return {
        name: {"listed": total, "found": number, "recall": number / total}
        for name, total, number in zip(names.tolist(), totals.tolist(), found.tolist(), strict=True)
    }


def _panel(title: str, side: Ranked) -> Panel:
    recall, precision = side.curve()
    if not recall.size:
        recall, precision = np.zeros(1), np.zeros(1)
    some = np.unique(np.linspace(0, recall.size - 1, _POINTS).astype(np.int64))
    # the first pairs are as right from recall 0 on
    x, y = [0.0, *recall[some].tolist()], [precision[0].item(), *precision[some].tolist()]
    ticks = (0, 0.25, 0.5, 0.75, 1)
    return Panel(f"Precision against recall, {title}", "recall", x, y, y, y, ticks)


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise UsageError if a folder holds anything but an evaluation, unless it may be replaced."""
    if overwrite or not folder.exists() or not any(folder.iterdir()):
        return
    try:
        ours = atomic.read_json(folder / FIGURES)
    except StoreError:
        ours = None
    if not isinstance(ours, dict) or not {"fastphash", "by_score", "lost"} <= ours.keys():
        raise UsageError(
            f"{str(folder)!r} exists and is no evaluation: --overwrite writes into it all the same"
        )


def write_evaluation(
    evaluation: Evaluation,
    audited: AuditFolder,
    folder: Path,
    *,
    shown: int = SHOWN_PAIRS,
    progress: Progress = no_progress,
) -> None:
    """Write figures, pairs, curves and a page of unlisted pairs into a folder, which is made.

    Parameters
    ----------
    evaluation : Evaluation
    audited : AuditFolder
    folder : Path
        Files of an evaluation that are in it are replaced: see `check_folder`.
    shown : int
        Pairs on the page.
    progress : Progress
        Told of the pictures drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # figures of another evaluation must not stand beside new pairs, if this run is killed
    (folder / FIGURES).unlink(missing_ok=True)
    parquet.write_tables(folder / PAIRS, JUDGED_SCHEMA, evaluation.tables(), count_by="status")
    write_curves(folder / CURVES, evaluation.panels)
    unlisted = evaluation.unlisted(shown)
    write_pairs(
        audited,
        unlisted,
        folder / UNLISTED,
        title="Accused, but not listed as true",
        text=_about(unlisted.num_rows, evaluation.summary["unlisted"]),
        progress=progress,
    )
    # last: where it is, everything is
    atomic.write_json(folder / FIGURES, evaluation.summary)


def _about(shown: int, every: int) -> str:
    if not every:
        return "There are none: every accused pair is listed, or follows from what is."
    if every == 1:
        which = "The one pair that was accused, and neither is listed nor follows"
    else:
        first = "All" if shown == every else f"The {shown:,} most alike of"
        which = f"{first} {every:,} pairs that were accused, and neither are listed nor follow"
    return f"{which} from what is: no copies after all, or missing in the table."
