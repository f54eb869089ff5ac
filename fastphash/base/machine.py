"""Cores and memory of this machine, as far as this process may use them."""

import os
from collections.abc import Iterator


def core_count() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def free_memory() -> int:
    """Bytes that this process can take without swapping; 1 GiB where the system doesn't say.

    The limits of control groups count, because a batch system may allow less than the machine has.
    """
    try:
        lines = dict(line.split(":", 1) for line in _read("/proc/meminfo").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 1 << 30
    return max(min([free, *_group_limits()]), 0)


def _group_limits() -> Iterator[int]:
    """Bytes left in each control group of this process that has a limit."""
    try:
        groups = _read("/proc/self/cgroup").splitlines()
    except OSError:
        return
    folder = next((f"/sys/fs/cgroup{line[3:]}" for line in groups if line.startswith("0::")), "")
    while folder.startswith("/sys/fs/cgroup"):
        try:
            limit, used = int(_read(f"{folder}/memory.max")), int(_read(f"{folder}/memory.current"))
            parts = dict(line.split() for line in _read(f"{folder}/memory.stat").splitlines())
            # cached files don't count as used: the system drops them when memory is needed
            yield limit - used + int(parts.get("inactive_file", 0))
        except (OSError, ValueError):
            pass  # no limit here
        folder = folder.rpartition("/")[0]


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


def limit_memory(more: int) -> None:
    """Let this process take `more` bytes of address space; does nothing outside of Linux."""
    try:
        import resource  # missing on Windows

        used = int(_read("/proc/self/statm").split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([used + more, *limits]), hard))
