"""Rivals timed in turn, and how their times are written."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

Timings = dict[str, list[float]]

SPREAD = "median (min to max)"
SECONDS = f"seconds: {SPREAD}"
CPU_SECONDS = f"seconds of all cores: {SPREAD}"


def cpu_seconds() -> float:
    """What this process and its ended workers have taken of all cores, whatever else runs."""
    # the process's own are counted in more than ticks of 10 ms here
    return time.process_time() + sum(os.times()[2:4])


def time_in_turn(
    rivals: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Timings:
    """Seconds of each rival: one warm-up each, then `rounds` runs in turn (A B A B ...).

    Without a round they are those of the warm-up: a trial, and no measurement.
    """
    seconds: Timings = {name: [] for name in rivals}
    for _ in range(1 + rounds):
        for name, run in rivals.items():
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return {name: taken[1:] or taken for name, taken in seconds.items()}


def spread(values: Sequence[float], pattern: str = ",.1f") -> str:
    """``median (min to max)``, each formatted with the pattern."""
    median, least, most = (format(f(values), pattern) for f in (statistics.median, min, max))
    return f"{median} ({least} to {most})"


def ratio(seconds: Timings, slow: str, fast: str) -> str:
    """How many times as long `slow` takes as `fast`, round by round."""
    return spread([a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)], ".2f")


def microseconds_each(seconds: Sequence[float], items: int) -> str:
    return spread([second / items * 1e6 for second in seconds])
