"""Cores and memory of this machine, as far as this process may use them."""

import math
import os
import sys

import psutil

from fastphash.base import control_groups

#: Bytes of address space; with less the libraries abort, or wait for ever. Measured on two cores.
LEAST_ADDRESS_SPACE = 1_000_000 << 10


def core_count() -> int:
    """The number of cores that this process may use, at least one.

    Its affinity counts, and so does the time that its control groups may take: of half a core, or
    of two and a half, the part is a core too.
    """
    try:
        cores = len(psutil.Process().cpu_affinity())
    except AttributeError:  # macOS has none
        cores = psutil.cpu_count() or 1
    except psutil.Error:  # no /proc
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    allowed = control_groups.cores_allowed()
    return cores if allowed is None else max(1, min(cores, math.ceil(allowed)))


def free_memory() -> int:
    """Bytes that this process can take without swapping.

    The limits of control groups count, because a batch system may allow less than the machine has.
    """
    try:
        free = int(psutil.virtual_memory().available)
    except OSError:  # no /proc
        if not hasattr(os, "sysconf"):
            raise
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    left = control_groups.memory_left()
    return free if left is None else max(min(free, left), 0)


def processes_that_fit(memory: int) -> int:
    """One process for each core, or fewer, at least one, if each needs these bytes of memory."""
    return max(1, min(core_count(), free_memory() // memory))


def address_space() -> int | None:
    """Bytes of address space that this process may take (``ulimit -v``); None without a limit."""
    if sys.platform == "win32":
        return None
    import resource  # missing on Windows

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def limit_memory(more: int) -> None:
    """Let this process take `more` bytes of address space.

    Does nothing outside of Linux, and where no /proc says what it takes already.
    """
    if sys.platform != "linux":
        return
    import resource  # missing on Windows

    try:
        used = psutil.Process().memory_info().vms
    except psutil.Error:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([used + more, *limits]), hard))
