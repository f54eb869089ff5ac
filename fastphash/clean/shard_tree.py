"""New containers with the samples that stay, in a clean tree."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastphash.base.progress import Progress
from fastphash.base.threads import interleave
from fastphash.base.vocabulary import CleanMode
from fastphash.clean.checked_plan import CheckedPlan
from fastphash.clean.container_state import container_problems
from fastphash.clean.outcome import CHANGED, NAME_TAKEN, Applied, Skipped, WrittenShards
from fastphash.clean.samples import SplitSamples
from fastphash.clean.shards import open_shard
from fastphash.clean.shards.shard import Range, Shard, copy_range
from fastphash.errors import FastphashError
from fastphash.files.assembled import Output, assemble_file
from fastphash.files.durable_transfer import ChangedError, link_file, symlink_file
from fastphash.files.own_copies import TakenError
from fastphash.sources.containers.input import FileInput
from fastphash.sources.local import LocalReader
from fastphash.sources.protocol import Stamp

# threads that write: while one waits for the disk, another reads
_THREADS = 4


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
    is not written. Containers that can't be read are skipped: their images were before.

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
    problems = container_problems(plan)
    readable = [key for key, problem in problems.items() if not problem]
    samples = {split: SplitSamples(plan, split, keep) for split in plan.container_splits}
    applied.shards = dict.fromkeys(samples, WrittenShards())
    applied.skipped += [
        Skipped(split, container, problem)
        for (split, container), problem in problems.items()
        if problem and not samples[split].has_hashes(container)
    ]
    folder = os.path.abspath(os.fsencode(target))
    jobs = (
        _run(_Source(plan, split, container), samples[split], folder, mode)
        for split, container in readable
    )
    skipped_before = len(applied.skipped)
    progress("writing containers", 0, len(readable))
    for done, outcome in enumerate(interleave(_THREADS, jobs), 1):
        progress("writing containers", done, len(readable))
        split, container = outcome.source.split, outcome.source.container
        skip = partial(Skipped, split, container)
        if applied.attempt(outcome.result, skip, samples[split].images_left(container)):
            counts = zip(applied.shards[split], outcome.counts, strict=True)
            applied.shards[split] = WrittenShards(*map(sum, counts))
    # threads come to their ends in any order
    applied.skipped[skipped_before:] = sorted(applied.skipped[skipped_before:])


class _Source:
    """A container of a plan, to be copied as it was when it was hashed."""

    def __init__(self, plan: CheckedPlan, split: str, container: bytes) -> None:
        origin = plan.origin(split)
        self.split = split
        self.container = container
        self.image_column = origin.image_column
        self.key = origin.key
        self.file = plan.audited.file(split, container)
        self._stamp: Stamp = origin.containers[container].stamp

    def check(self) -> None:
        """Raise ChangedError unless it is as it was."""
        if LocalReader(b"").stamp(self.file) != self._stamp:
            raise ChangedError(f"{CHANGED}: run the audit again")


class _Outcome(NamedTuple):
    """What became of a container: whether this run made it, or why it couldn't."""

    source: _Source
    made: bool = False
    counts: WrittenShards = WrittenShards()
    error: Exception | None = None

    def result(self) -> bool:
        """Whether this run made it; raises what kept it from that."""
        if self.error is not None:
            raise self.error
        return self.made


def _run(
    source: _Source, samples: SplitSamples, folder: bytes, mode: CleanMode
) -> Iterator[_Outcome]:
    """Write or link a container below a folder, as a job for a thread."""
    destination = os.path.join(folder, os.fsencode(source.split), source.container)
    try:
        yield _make(source, samples, destination, mode)
    except (FastphashError, OSError) as error:
        yield _Outcome(source, error=error)


def _make(source: _Source, samples: SplitSamples, destination: bytes, mode: CleanMode) -> _Outcome:
    if not samples.loses_any(source.container):
        made = _copy_whole(source, destination, mode)
        return _Outcome(source, made, WrittenShards(containers=1, whole=1))
    with open_shard(source.file, source.image_column, source.key) as shard:
        stays = samples.samples(source.container, shard.members())
        made = _copy_part(source, shard, stays, destination, mode)
    left = sum(stays.values())
    counts = WrittenShards(
        containers=1,
        whole=int(left == len(stays)),
        emptied=int(not left),
        samples=left,
        samples_gone=len(stays) - left,
    )
    return _Outcome(source, made, counts)


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
