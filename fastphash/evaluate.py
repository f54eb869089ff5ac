"""How right an audit is, held against a table of true pairs."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fastphash import tables
from fastphash.audited import Audited
from fastphash.errors import UsageError
from fastphash.hashes import Hashes
from fastphash.ingest import Progress, no_progress
from fastphash.joins import Index, Matches, check_radius, matches, relation
from fastphash.near import Effort
from fastphash.plot import Panel, write_curves
from fastphash.report import write_pairs
from fastphash.results import RELATION, coded, relation_columns, row_names
from fastphash.store import exact_paths
from fastphash.verify import Relation, judge, relate
from fastphash.words import COLLISION, KINDS, MAX_PAIRS, NEAR

#: Of a pair: it is listed as true, follows from listed ones, has the same bytes, or is none of
#: these; or it is listed and nobody accused it.
STATUSES = ("true", "implied", "same bytes", "unlisted", "missed")
_TRUE, _IMPLIED, _SAME, _UNLISTED, _MISSED = range(5)

_NAME = pa.dictionary(pa.int32(), pa.string())
#: A row for each pair that was accused or is listed as true.
JUDGED_SCHEMA = pa.schema(
    [
        ("status", _NAME),
        ("split", _NAME),
        ("path", pa.string()),
        ("other_split", _NAME),
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
#: Unlisted pairs on a page.
SHOWN = 100

_COLUMNS = ("needle", "haystack")
_SCORES = np.round(np.arange(0, 1.0001, 0.05), 2)
_WANTED = 0.99
_POINTS = 400


class Truth(NamedTuple):
    """Pairs that are copies.

    Attributes
    ----------
    pairs : int64 (n, 2)
        Rows of the audit, the lower first, each pair once.
    without_hash : int
        Further pairs, one image of which was rejected: nobody can find these.
    """

    pairs: NDArray[np.int64]
    without_hash: int


class _Judged(NamedTuple):
    """Pairs within the radius, and listed ones beyond it; `accused` are called copies."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    status: NDArray[np.uint8]
    accused: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    distance: NDArray[np.uint8]
    orientation: NDArray[np.uint8]
    score: NDArray[np.float32]
    colour: NDArray[np.uint8]
    colour_distance: NDArray[np.float32]

    def take(self, chosen: NDArray[Any]) -> "_Judged":
        return _Judged(*(column[chosen] for column in self))

    @property
    def right_ones(self) -> NDArray[np.bool_]:
        return np.asarray(self.status < _UNLISTED)

    @property
    def listed(self) -> NDArray[np.bool_]:
        return np.asarray(self.status == _TRUE)


@dataclass(frozen=True)
class Evaluation:
    """What came of it.

    Attributes
    ----------
    summary : dict
        Figures: of all pairs and images, by kind, by distance alone and by score.
    pairs : pyarrow.Table
        `JUDGED_SCHEMA`: first what is listed, then what isn't, most alike first.
    panels : list of Panel
        Precision against recall, by score and by distance alone.
    """

    summary: dict[str, Any]
    pairs: pa.Table
    panels: list[Panel]


def read_truth(path: Path, audited: Audited) -> Truth:
    """Read a table of true pairs: CSV with the columns needle and haystack; others are ignored.

    Images are named ``split/path``, or by the absolute names of their files. Which of a pair stands
    first doesn't matter, and a pair that is there twice counts once.

    Raises
    ------
    UsageError
        No such file, no such columns, no pairs, or a name that is no image of the audit's: the line
        is named.
    """
    named = _Names(audited)
    pairs, without_hash = set(), set()
    for line, names in _read_rows(path):
        where = f"{path}, line {line}"
        found = [named.find(name, where) for name in names]
        if names[0] == names[1]:
            raise UsageError(f"{where}: {names[0]!r} is no copy of itself")
        if min(found) < 0:
            without_hash.add(frozenset(names))
        else:
            pairs.add((min(found), max(found)))
    if not pairs and not without_hash:
        raise UsageError(f"{path} lists no pairs")
    return Truth(np.array(sorted(pairs), np.int64).reshape(-1, 2), len(without_hash))


def _read_rows(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UsageError(f"can't read {str(path)!r}: {error.strerror}") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise UsageError(
                f"{path} has no column {missing[0]!r}: its first line is needle,haystack"
            )
        for row in reader:
            needle, haystack = row["needle"], row["haystack"]
            if not needle or not haystack:
                raise UsageError(f"{path}, line {reader.line_num}: a pair has two names")
            yield reader.line_num, (needle, haystack)
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error


class _Names:
    """Rows of an audit by name; -1 for images that were rejected."""

    def __init__(self, audited: Audited) -> None:
        roots = {split: os.fsencode(audited.store.roots[split]) for split in audited.splits}
        self._roots = {os.path.join(root, b""): split for split, root in roots.items()}
        self._row: dict[bytes, int] = {}
        rejected = exact_paths(audited.rejected).to_pylist()
        splits = audited.rejected["split"].to_pylist()
        for split, path in zip(splits, rejected, strict=True):
            self._row[os.fsencode(split) + b"/" + path] = -1
        rows = audited.rows
        for row, (split, path) in enumerate(zip(rows.splits, rows.paths.to_pylist(), strict=True)):
            self._row[os.fsencode(split) + b"/" + path] = row

    def find(self, name: str, where: str) -> int:
        exact = os.fsencode(name)
        for root, split in self._roots.items():
            if exact.startswith(root):
                exact = os.fsencode(split) + b"/" + exact[len(root) :]
                break
        if exact not in self._row:
            raise UsageError(
                f"{where}: {name!r} is no image of this audit: images are named SPLIT/PATH, "
                f"such as {os.fsdecode(next(iter(self._row), b''))!r}"
            )
        return self._row[exact]


def evaluate(
    audited: Audited,
    truth: Truth,
    *,
    radius: int | None = None,
    max_pairs: int = MAX_PAIRS,
    effort: Effort | None = None,
) -> Evaluation:
    """Hold every pair that an audit would call copies against the true ones.

    A pair is right if it is listed, follows from listed ones (a of b, b of c), or has the same
    bytes. Recall is of the listed ones.

    Parameters
    ----------
    audited : Audited
    truth : Truth
    radius : int, optional
        How far apart candidates may be; as in the audit by default.
    max_pairs : int
    effort : Effort, optional

    Raises
    ------
    UsageError
        No such radius.
    TooManyPairsError
        More candidates than `max_pairs`.
    """
    radius = audited.summary["radius"] if radius is None else radius
    check_radius(radius)
    least = audited.summary["min_score"]
    judged = _judge_all(audited.rows, truth, radius, least, max_pairs, effort)
    total = len(truth.pairs) + truth.without_hash
    sure = judged.kind < NEAR
    # where nobody looked, the nearest are the most alike
    nearness = -judged.distance.astype(np.float64)
    unseen = bool(np.isnan(judged.score).all())
    likeness = np.where(sure, 2.0, nearness if unseen else np.nan_to_num(judged.score))
    within = judged.distance <= radius
    scores = [] if unseen else _SCORES.tolist()
    by_score = {f"{s:g}": _figures(judged, within & (likeness >= s), total) for s in scores}
    enough = [s for s in by_score if (by_score[s]["precision"] or 0) >= _WANTED]
    summary = {
        "radius": radius,
        "min_score": least,
        "true_pairs": total,
        "without_hash": truth.without_hash,
        "beyond_radius": int((judged.listed & ~within).sum()),
        "pairs": _figures(judged, judged.accused, total)
        | {"average_precision": _average_precision(judged, within, likeness, total)},
        "images": _image_figures(judged, truth),
        "by_kind": {
            kind: _figures(judged, judged.accused & (judged.kind == code), total)
            for code, kind in enumerate(KINDS[:COLLISION])
        },
        "by_distance": {
            str(d): _figures(judged, judged.distance <= d, total) for d in range(radius + 1)
        },
        "by_score": by_score,
        "min_score_for_99": float(enough[0]) if enough else None,
    }
    panels = [_panel("by distance alone", judged, within, nearness, total)]
    if scores:
        panels.insert(0, _panel("by score", judged, within, likeness, total))
    return Evaluation(summary, _table(audited.rows, judged, likeness), panels)


def _judge_all(
    rows: Hashes,
    truth: Truth,
    radius: int,
    min_score: float | None,
    max_pairs: int,
    effort: Effort | None,
) -> _Judged:
    index = Index(rows.phashes, rows.known)
    keys = truth.pairs[:, 0] * len(rows) + truth.pairs[:, 1]
    of_tree = _trees(truth.pairs, len(rows))
    pieces = []
    found = [np.empty(0, np.int64)]
    for block in matches(index, None, radius, max_pairs=max_pairs, effort=effort):
        judged = _judge(rows, block, min_score)
        key = block.left * len(rows) + block.right
        found.append(key[np.isin(key, keys)])
        status = np.full(key.size, _UNLISTED, np.uint8)
        status[judged.kind == 0] = _SAME
        status[of_tree[block.left] == of_tree[block.right]] = _IMPLIED
        status[np.isin(key, keys)] = _TRUE
        pieces.append(judged._replace(status=status))
    beyond = truth.pairs[~np.isin(keys, np.concatenate(found))]
    one, other = np.ascontiguousarray(beyond.T)
    far = _judge(rows, Matches(one, other, *relation(index, one, index, other)), min_score)
    nobody = np.zeros(one.size, np.bool_)
    pieces.append(far._replace(status=np.full(one.size, _TRUE, np.uint8), accused=nobody))
    return _Judged(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))


def _judge(rows: Hashes, block: Matches, min_score: float | None) -> _Judged:
    verdicts = judge(
        block,
        rows.thumbnails,
        rows.thumbnails,
        chroma=(rows.chroma, rows.chroma),
        near=min_score is not None,
    )
    same = np.zeros(block.left.size, np.bool_)
    if rows.digests is not None:
        same = (rows.digests[block.left] == rows.digests[block.right]).all(axis=1)
    relation = relate(block.distance, verdicts, same, min_score)
    unlisted = np.full(block.left.size, _UNLISTED, np.uint8)
    return _Judged(block.left, block.right, unlisted, relation.kind < COLLISION, *relation)


def _trees(pairs: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """A number for each row, the same for all that pairs connect."""
    graph = coo_array((np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1])), (rows, rows))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _figures(judged: _Judged, accused: NDArray[np.bool_], total: int) -> dict[str, Any]:
    number, right = int(accused.sum()), int((accused & judged.right_ones).sum())
    return _shares(number, right, int((accused & judged.listed).sum()), total)


def _image_figures(judged: _Judged, truth: Truth) -> dict[str, Any]:
    accused = judged.take(judged.accused)
    named = np.union1d(accused.left, accused.right)
    certain = accused.take(accused.right_ones)
    copies = np.union1d(truth.pairs, np.concatenate((certain.left, certain.right)))
    right = int(np.isin(named, copies).sum())
    return _shares(int(named.size), right, right, int(copies.size))


def _shares(accused: int, right: int, found: int, total: int) -> dict[str, Any]:
    """Figures of some accused, of which some are right; of all true ones some are found."""
    precision = right / accused if accused else None
    recall = found / total if total else None
    f1 = None
    if precision is not None and recall is not None:
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {
        "accused": accused,
        "right": right,
        "found": found,
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def _curve(
    judged: _Judged, within: NDArray[np.bool_], likeness: NDArray[Any], total: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall, ascending, and precision, at each likeness that pairs have, the highest first."""
    order = np.flatnonzero(within)
    order = order[np.argsort(-likeness[order], kind="stable")]
    value = likeness[order]
    ends = np.flatnonzero(np.append(value[1:] != value[:-1], True)) if order.size else order
    right, found = (np.cumsum(some[order]) for some in (judged.right_ones, judged.listed))
    return found[ends] / max(total, 1), right[ends] / (ends + 1)


def _average_precision(
    judged: _Judged, within: NDArray[np.bool_], likeness: NDArray[Any], total: int
) -> float:
    recall, precision = _curve(judged, within, likeness, total)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def _panel(
    title: str, judged: _Judged, within: NDArray[np.bool_], likeness: NDArray[Any], total: int
) -> Panel:
    recall, precision = _curve(judged, within, likeness, total)
    some = np.unique(np.linspace(0, max(recall.size - 1, 0), _POINTS).astype(np.int64))
    x, y = (values[some[: values.size]].tolist() for values in (recall, precision))
    ticks = (0, 0.25, 0.5, 0.75, 1)
    return Panel(f"Precision against recall, {title}", "recall", x, y, y, y, ticks)


def _table(rows: Hashes, judged: _Judged, likeness: NDArray[Any]) -> pa.Table:
    status = np.where(judged.listed & ~judged.accused, _MISSED, judged.status)
    shown = np.flatnonzero(judged.accused | judged.listed)
    order = np.lexsort((judged.right[shown], judged.left[shown], -likeness[shown], status[shown]))
    shown = shown[order]
    some = judged.take(shown)
    own, other = row_names(rows, some.left), row_names(rows, some.right)
    columns = [
        coded(status[shown], STATUSES),
        *own[:2],
        *other[:2],
        *relation_columns(Relation(*some[4:])),
        own[2],
        other[2],
    ]
    return pa.table(columns, schema=JUDGED_SCHEMA)


def write_evaluation(
    evaluation: Evaluation,
    audited: Audited,
    folder: Path,
    *,
    shown: int = SHOWN,
    progress: Progress = no_progress,
) -> None:
    """Write figures, pairs, curves and a page of unlisted pairs into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    tables.write_table(folder / PAIRS, evaluation.pairs)
    write_curves(folder / CURVES, evaluation.panels)
    unlisted = evaluation.pairs.filter(
        pc.equal(evaluation.pairs["status"].cast(pa.string()), STATUSES[_UNLISTED])
    )
    number = min(shown, unlisted.num_rows)
    which = "All" if number == unlisted.num_rows else "The most alike"
    write_pairs(
        audited,
        unlisted.slice(0, number),
        folder / UNLISTED,
        title="Accused, but not listed as true",
        text=f"{which} {number:,} of {unlisted.num_rows:,} pairs that were called copies and that "
        "the table doesn't list: false accusations, or gaps in the table.",
        progress=progress,
    )
    # last: where it is, everything is
    tables.write_json(folder / FIGURES, evaluation.summary)
