"""What a clean plan comes to: how many images stay and go, and why."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastphash.base.vocabulary import KINDS
from fastphash.clean.plan import ACTIONS, REMOVE, plan_settings
from fastphash.files import parquet
from fastphash.results.counts import count_kinds, counted_kinds


def plan_summary(plan: pa.Table) -> dict[str, dict[str, Any]]:
    """How many images of each split stay, and how many are removed, by the kind they count as."""
    removed = _removed(plan)
    split = removed["split"].cast(pa.string()).to_numpy(zero_copy_only=False)
    contents = _numbered(removed["digest"]).astype(np.uint64)[:, None]
    codes = pc.index_in(removed["kind"].cast(pa.string()), pa.array(KINDS)).to_numpy()
    kind = counted_kinds(codes.astype(np.uint8), _keeper_numbers(removed), contents)
    confirmed = removed["confirmed"].to_numpy()
    summary = {}
    for name in plan_settings(plan)["roots"]:
        rows = plan.filter(pc.equal(plan["split"].cast(pa.string()), name))
        actions = parquet.count_values(rows["action"])
        own = split == name
        kinds = count_kinds(kind[own], confirmed[own])
        summary[name] = {
            **{action: actions.get(action, 0) for action in ACTIONS},
            "kinds": {kind: number for kind, number in kinds.items() if number},
        }
    return summary


def _keeper_numbers(rows: pa.Table) -> NDArray[np.int64]:
    """The same number for rows of a plan with the same keeper, int64 (n,)."""
    exact = pc.coalesce(rows["keeper_path_bytes"], rows["keeper_path"].cast(pa.binary()))
    numbers: NDArray[np.int64] = _numbered(rows["keeper_split"]) * (rows.num_rows + 1)
    return numbers + _numbered(exact)


def _numbered(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The same number for the same value, int64 (n,)."""
    values = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    indices = values.combine_chunks().dictionary_encode().indices
    numbers: NDArray[np.int64] = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


def count_keeper_reasons(plan: pa.Table) -> dict[str, int]:
    """How many images go because their keeper has priority for each reason, most frequent first."""
    return _most_first(_removed(plan)["keeper_reason"])


def count_disagreements(plan: pa.Table) -> dict[str, int]:
    """How many copies stay because of their labels, by what disagrees, most frequent first."""
    return _most_first(plan["disagrees"])


def list_disagreements(plan: pa.Table, most: int) -> list[dict[str, Any]]:
    """The first copies that stay because of their labels, as rows of the plan."""
    rows = plan.filter(plan["disagrees"].is_valid()).slice(0, most)
    columns = ["split", "path", "keeper_split", "keeper_path", "disagrees"]
    found: list[dict[str, Any]] = rows.select(columns).to_pylist()
    return found


def _removed(plan: pa.Table) -> pa.Table:
    return plan.filter(pc.equal(plan["action"].cast(pa.string()), REMOVE))


def _most_first(column: pa.ChunkedArray) -> dict[str, int]:
    counts = parquet.count_values(column)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
