"""New containers written side by side: in processes, or in threads where there is little to write.

Of containers of small members, most of the time goes into Python code that finds them, of which
threads run one at a time.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence

from fastphash.base.machine import core_count
from fastphash.base.supervisor import At, Supervisor, Work
from fastphash.base.threads import interleave
from fastphash.base.worker_start import preload
from fastphash.clean.shard_jobs import ShardJob, ShardOutcome, write_shard
from fastphash.errors import WorkerError
from fastphash.files.assembled import remove_drafts

preload(__name__)

_log = logging.getLogger(__name__)

# while one waits for the disk, another reads
_LEAST_WRITERS, _MOST_WRITERS = 4, 16
# bytes of containers for which it pays to start processes
_WORTH_PROCESSES = 512 << 20


def write_shards(jobs: Sequence[ShardJob]) -> Iterator[ShardOutcome]:
    """Write new containers; what becomes of them, in any order.

    If the caller stops or is interrupted, nothing half written stays.
    """
    supervisor = _start_processes(jobs)
    if supervisor is None:
        yield from interleave(_LEAST_WRITERS, (map(write_shard, [job]) for job in jobs))
        return
    said: set[str] = set()
    done = 0
    try:
        with supervisor:
            for outcome, messages in supervisor.map(jobs):
                done += 1
                _say(messages, said)
                yield outcome
    except BaseException:
        # the processes were killed
        for job in jobs[done:]:
            remove_drafts(job.destination)
        raise


def start_shard_worker() -> Work:
    """Make this process one that writes containers, and returns what it would have logged."""
    messages = _Messages()
    root = logging.getLogger()
    root.handlers = [messages]

    def work(job: ShardJob, refused: dict[int, str], at: At) -> tuple[ShardOutcome, list[str]]:
        at(0)
        if refused:
            # what the processes left that died of it
            remove_drafts(job.destination)
            problem = next(iter(refused.values()))
            return ShardOutcome(job.split, job.container, problem=problem), messages.take()
        return write_shard(job), messages.take()

    return work


class _Messages(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())

    def take(self) -> list[str]:
        """What was logged since the last time."""
        taken, self._messages = self._messages, []
        return taken


def _start_processes(jobs: Sequence[ShardJob]) -> Supervisor | None:
    """Processes, if they pay and can be started."""
    if len(jobs) < 2 or sum(job.stamp.size for job in jobs if _is_written(job)) < _WORTH_PROCESSES:
        return None
    count = min(max(core_count(), _LEAST_WRITERS), _MOST_WRITERS, len(jobs))
    try:
        # a container may take any time
        return Supervisor(count, math.inf, start_shard_worker, ())
    except WorkerError:
        return None


def _is_written(job: ShardJob) -> bool:
    return job.mode == "copy" or not all(job.images.values())


def _say(messages: Iterable[str], said: set[str]) -> None:
    """Log what processes have to say, but once what each of them says."""
    for message in messages:
        if message not in said:
            said.add(message)
            _log.warning("%s", message)
