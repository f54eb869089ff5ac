"""How many containers and samples a plan leaves, by what the store knows of them."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fastphash.clean.plan import KEEP
from fastphash.results.audit_folder import AuditFolder
from fastphash.sources.containers.keys import key_finder
from fastphash.sources.member_paths import member_path, split_path
from fastphash.sources.origins import Origin, origin_of
from fastphash.store.schema import exact_paths


def count_containers(audited: AuditFolder, plan: pa.Table) -> dict[str, dict[str, int]]:
    """Containers and samples of each split of containers, and what becomes of them.

    Counted are samples with an image. What gave no hash stays.

    Parameters
    ----------
    audited : AuditFolder
    plan : pyarrow.Table
        As `make_plan` makes it of this audit.

    Returns
    -------
    dict of str to dict of str to int
        By split: `containers`, `changed` (they lose a sample), `emptied` (they lose all; these are
        changed, too), `samples` and `samples_gone`.
    """
    splits = [split for split in audited.splits if audited.in_containers(split)]
    if not splits:
        return {}
    table = pa.concat_tables([_hashed(audited, plan), _rejected(audited)])
    table = table.filter(pc.is_in(table["split"], pa.array(splits)))
    samples = table.group_by(["split", "container", "sample"]).aggregate([("stays", "max")])
    containers = samples.group_by(["split", "container"]).aggregate(
        [("stays_max", "count"), ("stays_max", "sum")]
    )
    return {split: _count(containers, split) for split in splits}


def _count(containers: pa.Table, split: str) -> dict[str, int]:
    of_split = containers.filter(pc.equal(containers["split"], split))
    samples, stay = of_split["stays_max_count"], of_split["stays_max_sum"]
    numbers: dict[str, Any] = {
        "containers": of_split.num_rows,
        "changed": pc.sum(pc.less(stay, samples)).as_py(),
        "emptied": pc.sum(pc.equal(stay, 0)).as_py(),
        "samples": pc.sum(samples).as_py(),
        "samples_gone": pc.sum(pc.subtract(samples, stay)).as_py(),
    }
    return {name: int(number or 0) for name, number in numbers.items()}


def _hashed(audited: AuditFolder, plan: pa.Table) -> pa.Table:
    rows = audited.rows.table
    container = rows["container"].cast(pa.string())
    path = rows["path"].cast(pa.string())
    by_row = pc.ends_with(container, ".parquet", ignore_case=True)
    sample = pc.if_else(by_row, path, pc.coalesce(rows["key"], path))
    stays = pc.equal(plan["action"].cast(pa.string()), KEEP).cast(pa.int64())
    columns = [rows["split"].cast(pa.string()), container, sample, stays]
    return pa.table(columns, ["split", "container", "sample", "stays"])


def _rejected(audited: AuditFolder) -> pa.Table:
    rejected = audited.rejected
    splits = rejected["split"].to_pylist()
    named = [split_path(path) for path in exact_paths(rejected).to_pylist()]
    origins = {split: origin_of(audited.store.origins.get(split)) for split in {*splits}}
    samples = [_sample(origins[split], *pair) for split, pair in zip(splits, named, strict=True)]
    columns = [
        rejected["split"].cast(pa.string()),
        pa.array([_text(container) for container, _ in named], pa.string()),
        pa.array(samples, pa.string()),
        pa.array([1] * len(named), pa.int64()),
    ]
    table = pa.table(columns, ["split", "container", "sample", "stays"])
    # a container that couldn't be read as a whole has no name of a member
    return table.filter(pa.array([bool(name) for _, name in named], pa.bool_()))


def _sample(origin: Origin | None, container: bytes, name: bytes) -> str:
    """Name of the sample of a member that has no row in the store, as of those that have one."""
    key = b""
    if origin is not None and not container.lower().endswith(b".parquet"):
        key = key_finder(container, origin.key)(name)
    return _text(key or member_path(container, name))


def _text(name: bytes) -> str:
    return name.decode(errors="replace")
