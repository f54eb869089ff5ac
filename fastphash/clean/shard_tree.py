"""New containers with the samples that stay, in a clean tree."""

import os
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.base.vocabulary import CleanMode
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.container_state import container_problems
from fastphash.clean.outcome import CHANGED, NAME_TAKEN, Applied, Skipped, WrittenShards
from fastphash.clean.samples import SplitSamples
from fastphash.clean.shards import open_shard
from fastphash.clean.shards.shard import Range, Shard, copy_range
from fastphash.files.assembled import Output, assemble_file
from fastphash.files.durable_transfer import ChangedError, link_file, symlink_file
from fastphash.files.own_copies import TakenError
from fastphash.sources.containers.input import FileInput
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Stamp


def make_shards(
    plan: CheckedPlan,
    target: Path,
    mode: CleanMode,
    keep: NDArray[np.bool_],
    applied: Applied,
    progress: Progress,
) -> None:
    """Write ``SPLIT/container`` of each container of the plan, without the samples that go.

    A container that loses nothing is copied, or linked if links are asked for. One that loses all
    is not written. Images of containers that can't be read were skipped before.

    Parameters
    ----------
    plan, target, mode
        As for `make_tree`.
    keep : bool (n,)
        Whether each image of the plan stays.
    applied : Applied
        Counts what was done.
    progress : Progress
    """
    readable = [key for key, problem in container_problems(plan).items() if not problem]
    samples = {split: SplitSamples(plan, split, keep) for split in plan.container_splits}
    applied.shards = dict.fromkeys(samples, WrittenShards())
    for done, (split, container) in enumerate(readable):
        progress("writing containers", done, len(readable))
        source = _Source(plan, split, container)
        destination = os.path.join(
            os.path.abspath(os.fsencode(target)), os.fsencode(split), container
        )
        make = partial(_make, source, samples[split], destination, mode, applied)
        skip = partial(Skipped, split, container)
        applied.attempt(make, skip, samples[split].images_left(container))


class _Source:
    """A container of a plan, to be copied as it was when it was hashed."""

    def __init__(self, plan: CheckedPlan, split: str, container: bytes) -> None:
        origin = plan.origin(split)
        self.split = split
        self.container = container
        self.image_column = origin.image_column
        self.file = plan.audited.file(split, container)
        self._stamp: Stamp = origin.containers[container].stamp

    def check(self) -> None:
        """Raise ChangedError unless it is as it was."""
        if LocalReader(b"").stamp(self.file) != self._stamp:
            raise ChangedError(f"{CHANGED}: run the audit again")


def _make(
    source: _Source,
    samples: SplitSamples,
    destination: bytes,
    mode: CleanMode,
    applied: Applied,
) -> bool:
    """Write or link a container; False if an earlier run did."""
    counts = applied.shards[source.split]
    if not samples.loses_any(source.container):
        made = _copy_whole(source, destination, mode)
        whole = counts._replace(whole=counts.whole + 1)
    else:
        with open_shard(source.file, source.image_column) as shard:
            stays = samples.samples(source.container, shard.members())
            made = _copy_part(source, shard, stays, destination, mode)
        left = sum(stays.values())
        whole = counts._replace(
            whole=counts.whole + (left == len(stays)),
            emptied=counts.emptied + (not left),
            samples=counts.samples + left,
            samples_gone=counts.samples_gone + len(stays) - left,
        )
    applied.shards[source.split] = whole._replace(containers=counts.containers + 1)
    return made


def _copy_part(
    source: _Source, shard: Shard, stays: dict[bytes, bool], destination: bytes, mode: CleanMode
) -> bool:
    """Write what stays of a container; False if an earlier run did."""
    if all(stays.values()):
        return _copy_whole(source, destination, mode)
    if not any(stays.values()):
        source.check()
        if os.path.lexists(destination):
            raise TakenError(NAME_TAKEN)
        return False
    going = frozenset(sample for sample, one_stays in stays.items() if not one_stays)
    write = partial(shard.write, going)
    return assemble_file(destination, source.file, write, source.check)


def _copy_whole(source: _Source, destination: bytes, mode: CleanMode) -> bool:
    if mode == "hardlink":
        return link_file(source.file, destination)
    if mode == "symlink":
        return symlink_file(source.file, destination)
    return assemble_file(destination, source.file, partial(_write_all, source), source.check)


def _write_all(source: _Source, output: Output) -> None:
    file = FileInput(source.file)
    try:
        copy_range(file.read_at, Range(0, file.size), output)
    finally:
        file.close()
