"""What the control groups of Linux, versions 1 and 2, leave this process of a machine.

Containers and batch systems set such limits. They bind a group and all groups in it: the tightest
of a process's own group and of those above it counts.
"""

import re
from collections.abc import Iterator
from pathlib import Path

_DEFAULT_PERIOD = 100_000
_OCTAL = re.compile(r"\\([0-7]{3})")


def cores_allowed(system: Path = Path("/")) -> float | None:
    """Cores' worth of time that this process may use, such as 0.5; None without a limit.

    Parameters
    ----------
    system : Path
        Where ``proc/self`` and the mounted groups are.
    """
    quotas = (_cpu_quota(folder) for folder in _groups(system, "cpu"))
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_left(system: Path = Path("/")) -> int | None:
    """Bytes that this process's groups may still take, possibly below 0; None without a limit.

    Cached files don't count as used: the system drops them when memory is needed.
    """
    groups = _groups(system, "memory")
    return min((left for folder in groups for left in _left(folder)), default=None)


def _cpu_quota(folder: Path) -> float | None:
    """Cores that one group may use."""
    quota, _, period = _read(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = (_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    microseconds = _number(quota)
    # -1 is no limit in version 1, as "max" is in version 2
    if microseconds is None or microseconds <= 0:
        return None
    return microseconds / (_number(period) or _DEFAULT_PERIOD)


def _left(folder: Path) -> Iterator[int]:
    """Bytes that one group may still take, by each of its limits."""
    parts = dict(line.partition(" ")[::2] for line in _read(folder / "memory.stat").splitlines())
    for usage, cached, limits in (
        ("memory.current", "inactive_file", ("memory.max", "memory.high")),
        ("memory.usage_in_bytes", "total_inactive_file", ("memory.limit_in_bytes",)),
    ):
        used = _number(_read(folder / usage))
        for limit in (_number(_read(folder / name)) for name in limits):
            if used is not None and limit is not None:
                yield limit - used + (_number(parts.get(cached, "")) or 0)


def _groups(system: Path, controller: str) -> Iterator[Path]:
    """Folders of the groups that this process is in, each followed by those above it."""
    paths = dict(_own_groups(system))
    for controllers, root, point in _mounts(system):
        key = controller if "" not in controllers else ""
        if key not in controllers or key not in paths:
            continue
        path = paths[key]
        folder = top = system / point.lstrip("/")
        # a mount shows a part of the tree: what lies above isn't seen, as in a container
        if path == root or path.startswith(root.rstrip("/") + "/"):
            folder = top / path[len(root) :].lstrip("/")
        while folder != top:
            yield folder
            folder = folder.parent
        yield top


def _own_groups(system: Path) -> Iterator[tuple[str, str]]:
    """Each controller of version 1, and "" for version 2, with the path of this process's group."""
    for line in _read(system / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _mounts(system: Path) -> Iterator[tuple[set[str], str, str]]:
    """Each mounted tree of groups: its controllers ("" in version 2), its top, and where it is."""
    for line in _read(system / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        root, point = (_OCTAL.sub(_unescaped, word) for word in before.split(" ")[3:5])
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2":
            yield {""}, root, point
        elif kind == "cgroup":
            yield set(options.split(",")), root, point


def _unescaped(octal: re.Match[str]) -> str:
    return chr(int(octal[1], 8))


def _number(text: str) -> int | None:
    """A whole number; None for "max", and for what isn't there."""
    try:
        return int(text)
    except ValueError:
        return None


def _read(path: Path) -> str:
    """What a file says; nothing if it isn't there."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
