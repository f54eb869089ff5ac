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
from fastphash.clean.outcome import Applied, Skipped, WrittenShards
from fastphash.clean.samples import SplitSamples
from fastphash.clean.shard_jobs import ShardJob
from fastphash.clean.shard_writers import write_shards


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
    origins = {split: plan.origin(split) for split in samples}
    jobs = [
        ShardJob(
            split,
            container,
            plan.audited.file(split, container),
            os.path.join(folder, os.fsencode(split), container),
            origins[split].containers[container].stamp,
            origins[split].image_column,
            origins[split].key,
            mode,
            samples[split].images(container),
        )
        for split, container in readable
    ]
    skipped_before = len(applied.skipped)
    progress("writing containers", 0, len(jobs))
    for done, outcome in enumerate(write_shards(jobs), 1):
        progress("writing containers", done, len(jobs))
        split, container = outcome.split, outcome.container
        skip = partial(Skipped, split, container)
        if applied.attempt(outcome.result, skip, samples[split].images_left(container)):
            counts = zip(applied.shards[split], outcome.counts, strict=True)
            applied.shards[split] = WrittenShards(*map(sum, counts))
    # they come to their ends in any order
    applied.skipped[skipped_before:] = sorted(applied.skipped[skipped_before:])
