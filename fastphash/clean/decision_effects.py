"""What decisions change in a plan, and which of them change nothing."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fastphash.clean.removals import Disagreements, Removals
from fastphash.results.decisions import DecidedRows
from fastphash.store.rows import HashTable

#: Why a step changes nothing: the plan is the same without it; an image of it goes for the sake of
#: another one; its images stay because of their labels; or because the audit left them out, as
#: masks or for the quality of their hashes.
Reason = Literal["same", "other", "labels", "left_out"]
REASONS: tuple[Reason, ...] = get_args(Reason)


def find_effects(
    rows: HashTable,
    decided: Iterable[DecidedRows],
    removals: Removals,
    by_rule: Removals,
    disagreements: Disagreements,
) -> dict[str, Any]:
    """Hold what goes against what would go if nothing had been decided.

    Parameters
    ----------
    rows : HashTable
    decided : iterable of DecidedRows
        Those that count.
    removals, by_rule : Removals
        What goes, with the decisions and without.
    disagreements : Disagreements
        What stays because of its labels, with the decisions.

    Returns
    -------
    dict
        Values for JSON: `stay` and `go`, images that do and would not without decisions; and
        `unchanged`, steps that count and change nothing, by `Reason`.
    """
    goes, would_go = (np.zeros(len(rows), np.bool_) for _ in range(2))
    goes[removals.row] = would_go[by_rule.row] = True
    by_labels = frozenset(disagreements.pairs.row.tolist())
    changed = _contents(rows, np.flatnonzero(goes != would_go))
    reasons: dict[int, Reason | None] = {}
    for one in decided:
        has_effect = not changed.isdisjoint(_contents(rows, np.array(one.rows)))
        reason = None if has_effect else _why_unchanged(one, goes, by_labels)
        # a step has an effect if one of its decisions has
        reasons[one.step] = reason and reasons.get(one.step, reason)
    counts = Counter(filter(None, reasons.values()))
    return {
        "stay": int((would_go & ~goes).sum()),
        "go": int((goes & ~would_go).sum()),
        "unchanged": {reason: counts[reason] for reason in REASONS if counts[reason]},
    }


def _contents(rows: HashTable, chosen: NDArray[np.int64]) -> frozenset[bytes]:
    """The digests of rows: what is decided of one file holds for all with its bytes."""
    return frozenset(rows.table["digest"].take(chosen).to_pylist())


def _why_unchanged(
    decision: DecidedRows, goes: NDArray[np.bool_], by_labels: frozenset[int]
) -> Reason:
    one_goes = bool(goes[[*decision.rows]].any())
    if decision.word == "copies":
        if one_goes:
            return "same"
        return "left_out" if by_labels.isdisjoint(decision.rows) else "labels"
    return "other" if one_goes else "same"
