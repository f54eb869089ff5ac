import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from fastphash.base import control_groups, machine
from fastphash.base.machine import core_count, free_memory, limit_memory, processes_that_fit
from fastphash.ingest.options import worker_count
from fastphash.joins.options import JoinOptions

GB = 1 << 30


@pytest.fixture
def has(monkeypatch):
    """has(cores, free, allowed, left): a machine of this size, and limits of control groups."""

    def make(cores=8, free=64 * GB, allowed=None, left=None):
        process = SimpleNamespace(cpu_affinity=lambda: list(range(cores)))
        monkeypatch.setattr(psutil, "Process", lambda: process)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
        monkeypatch.setattr(control_groups, "cores_allowed", lambda: allowed)
        monkeypatch.setattr(control_groups, "memory_left", lambda: left)

    return make


def test_this_machine_has_cores_and_memory():
    assert core_count() >= 1
    assert free_memory() > 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_the_affinity_counts():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from fastphash.base.machine import core_count; print(core_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_cores_of_a_system_without_affinities(monkeypatch, has):
    has()
    monkeypatch.setattr(psutil, "Process", SimpleNamespace)
    for count, expected in ((6, 6), (None, 1)):
        monkeypatch.setattr(psutil, "cpu_count", lambda count=count: count)
        assert core_count() == expected


@pytest.mark.parametrize(
    ("allowed", "expected"), [(None, 8), (0.5, 1), (0.01, 1), (1, 1), (2.5, 3), (8, 8), (64, 8)]
)
def test_a_part_of_a_core_is_a_core(has, allowed, expected):
    has(cores=8, allowed=allowed)
    assert core_count() == expected


@pytest.mark.parametrize(
    ("left", "expected"), [(None, 4 * GB), (GB, GB), (9 * GB, 4 * GB), (-GB, 0)]
)
def test_memory_is_what_machine_and_groups_leave(has, left, expected):
    has(free=4 * GB, left=left)
    assert free_memory() == expected
    assert JoinOptions().memory == expected // 2


@pytest.mark.parametrize(
    ("free", "expected"), [(64 * GB, 8), (GB, 4), (GB // 2, 2), (GB // 8, 1), (0, 1)]
)
def test_there_are_no_more_workers_than_memory_holds(has, free, expected):
    has(cores=8, free=free)
    assert processes_that_fit(GB // 4) == expected
    assert worker_count(None) == expected
    assert worker_count(5) == 5


def test_joins_have_the_threads_that_the_groups_allow(has):
    has(cores=8, allowed=0.5)
    assert JoinOptions().threads == 1


LIMITED = """
import psutil, resource
from fastphash.base.machine import limit_memory
limit_memory(64 << 20)
try:
    bytearray(128 << 20)
except MemoryError:
    print("refused", len(bytearray(16 << 20)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no limit there")
def test_memory_is_limited():
    words = [sys.executable, "-c", LIMITED]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"refused {16 << 20}\n"


def test_elsewhere_memory_is_not_limited(monkeypatch):
    monkeypatch.setattr(machine, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setitem(sys.modules, "resource", None)
    machine.limit_memory(1)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux has /proc")
def test_a_machine_without_proc_has_cores_and_memory(monkeypatch, tmp_path):
    """As in a sandbox or a bare chroot."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(OSError, match="meminfo"):
        psutil.virtual_memory()
    assert core_count() >= 1
    assert free_memory() > 0
    limit_memory(GB)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
