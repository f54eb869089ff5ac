"""Lists for loaders: which samples of containers stay, by number and by key."""

import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.drafts import Drafts
from fastphash.errors import StoreError
from fastphash.files import atomic, parquet
from fastphash.files.parquet import NAME_TYPE
from fastphash.sources.container_source import list_container
from fastphash.sources.member_paths import member_path
from fastphash.sources.origins import origin_of
from fastphash.store.schema import exact_paths

KEEP_NUMBERS = "{}.keep.npy"
KEEP_KEYS = "{}.keys.parquet"
#: A row for each image of a split, in the order of its containers.
KEYS_SCHEMA = pa.schema(
    [
        ("container", NAME_TYPE),
        ("key", pa.string()),
        ("path", pa.string()),
        ("keep", pa.bool_()),
        ("path_bytes", pa.binary()),
    ]
)


class _Sample(NamedTuple):
    """An image of a sample."""

    row: int
    number: int


def add_container_lists(
    plan: CheckedPlan, split: str, keep: NDArray[np.bool_], target: Path, drafts: Drafts
) -> None:
    """Write ``SPLIT.keep.npy`` and ``SPLIT.keys.parquet`` of a split of containers.

    The numbers, int64, are those of samples in the order of the containers, from 0: of Parquet
    files all rows; else samples with an image, where members of one key are one sample. A sample
    stays as long as an image of it does.

    Parameters
    ----------
    plan : CheckedPlan
    split : str
    keep : bool (n,)
        Whether each image of the plan stays.
    target : Path
        Folder of the lists.
    drafts : Drafts

    Raises
    ------
    StoreError
        A container has changed since it was hashed.
    """
    samples = _find_samples(plan, split)
    rows = np.array([sample.row for sample in samples], np.int64)
    numbers = np.array([sample.number for sample in samples], np.int64)
    drafts.add(
        target / KEEP_NUMBERS.format(split), partial(_write_array, np.unique(numbers[keep[rows]]))
    )
    images = plan.audited.rows.table.take(pa.array(rows))
    columns = {
        **{name: images[name] for name in ("container", "key", "path", "path_bytes")},
        "keep": pa.array(keep[rows]),
    }
    table = pa.table({name: columns[name] for name in KEYS_SCHEMA.names}).cast(KEYS_SCHEMA)
    drafts.add(target / KEEP_KEYS.format(split), lambda path: parquet.write_table(path, table))


def _find_samples(plan: CheckedPlan, split: str) -> list[_Sample]:
    """The images of a split with the numbers of their samples, in the order of its containers."""
    store = plan.audited.store
    origin = origin_of(store.origins[split])
    assert origin is not None
    row_of = {plan.paths[row]: row for row in np.flatnonzero(plan.splits == split).tolist()}
    rejected = plan.audited.rejected
    of_split = rejected.filter(pa.array(np.array(rejected["split"].to_pylist()) == split))
    without_hash = {*exact_paths(of_split).to_pylist()}
    samples: list[_Sample] = []
    number = 0
    for container, record in origin.containers.items():
        root = os.fsencode(store.roots[split])
        listing = list_container(root, container, origin.image_column)
        if record.is_whole and listing.stamp != record.stamp:
            raise StoreError(
                f"{os.path.join(store.roots[split], os.fsdecode(container))!r} has changed since "
                "it was hashed, so that its samples can't be numbered: run the audit again"
            )
        by_row = container.lower().endswith(b".parquet")
        keys: dict[bytes, int] = {}
        for place, member in enumerate(listing.members):
            path = member_path(container, member.name)
            if path not in row_of and path not in without_hash:
                continue
            key = member.key or member.name
            at = place if by_row else keys.setdefault(key, len(keys))
            if path in row_of:
                samples.append(_Sample(row_of[path], number + at))
        number += len(listing.members) if by_row else len(keys)
    return samples


def _write_array(numbers: NDArray[np.int64], path: Path) -> None:
    with atomic.replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, numbers)
