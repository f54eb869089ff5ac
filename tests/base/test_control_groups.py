"""Made trees of control groups, as /proc and /sys show them."""

import pytest

from fastphash.base.control_groups import cores_allowed, memory_left

MB = 1 << 20
NO_LIMIT = 9223372036854771712


class Machine:
    """A folder with proc/self and mounted groups."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "proc/self").mkdir(parents=True)
        self.mounts = []

    def process(self, *lines):
        (self.folder / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in lines))
        return self

    def mount(self, point, kind, options="rw", root="/"):
        self.mounts.append(
            f"31 23 0:28 {root} {point} rw,relatime shared:7 - {kind} none {options}"
        )
        lines = "".join(
            f"{line}\n" for line in ["22 1 8:1 / / rw - ext4 /dev/sda1 rw", *self.mounts]
        )
        (self.folder / "proc/self/mountinfo").write_text(lines)
        return self

    def group(self, path, **files):
        """Files of a group; two underscores in a keyword stand for a dot."""
        folder = self.folder / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(f"{content}\n")
        return self

    def v1(self, *controllers, root="/"):
        for name in controllers:
            self.mount(f"/sys/fs/cgroup/{name}", "cgroup", f"rw,{name}", root)
        return self

    def v2(self, point="/sys/fs/cgroup", root="/"):
        return self.mount(point, "cgroup2", "rw,nsdelegate", root)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def v1_memory(limit, used, cached=0):
    return {
        "memory__limit_in_bytes": limit,
        "memory__usage_in_bytes": used,
        "memory__stat": f"cache 1\ninactive_file 0\ntotal_inactive_file {cached}",
    }


def v2_memory(limit, used, cached=0, **more):
    stat = f"anon 5\ninactive_file {cached}"
    return {"memory__max": limit, "memory__current": used, "memory__stat": stat} | more


def v1_cpu(quota, period=100_000):
    return {"cpu__cfs_quota_us": quota, "cpu__cfs_period_us": period}


def test_half_a_core_and_800_mb_of_version_1(machine):
    machine.v1("cpu", "memory").process("4:memory:/job", "1:cpu:/job", "0::/")
    machine.group("/sys/fs/cgroup/cpu", **v1_cpu(-1))
    machine.group("/sys/fs/cgroup/cpu/job", **v1_cpu(50_000))
    machine.group("/sys/fs/cgroup/memory", **v1_memory(NO_LIMIT, 9 << 30))
    machine.group("/sys/fs/cgroup/memory/job", **v1_memory(800 * MB, 100 * MB, cached=30 * MB))
    assert cores_allowed(machine.folder) == 0.5
    assert memory_left(machine.folder) == 730 * MB


@pytest.mark.parametrize(
    ("outer", "inner"), [(150_000, 400_000), (400_000, 150_000), (150_000, -1)]
)
def test_the_tightest_of_nested_groups_counts_in_version_1(machine, outer, inner):
    machine.mount("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct")
    machine.process("3:cpu,cpuacct:/batch/user/step")
    machine.group("/sys/fs/cgroup/cpu,cpuacct/batch", **v1_cpu(outer))
    machine.group("/sys/fs/cgroup/cpu,cpuacct/batch/user/step", **v1_cpu(inner))
    assert cores_allowed(machine.folder) == 1.5


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("max 100000", "250000 100000", 2.5),
        ("25000 50000", "max 100000", 0.5),
        ("max 100000", "max 100000", None),
        ("300000", "400000 100000", 3),
        ("200000 100000", "", 2),
    ],
)
def test_cores_of_version_2(machine, outer, inner, expected):
    machine.v2().process("0::/system.slice/job.scope")
    machine.group("/sys/fs/cgroup/system.slice", cpu__max=outer)
    machine.group("/sys/fs/cgroup/system.slice/job.scope", cpu__max=inner)
    assert cores_allowed(machine.folder) == expected


def test_memory_of_version_2_counts_what_all_of_a_group_use(machine):
    machine.v2().process("0::/a/b")
    machine.group("/sys/fs/cgroup/a", **v2_memory(1000 * MB, 900 * MB, cached=50 * MB))
    machine.group("/sys/fs/cgroup/a/b", **v2_memory(500 * MB, 100 * MB))
    assert memory_left(machine.folder) == 150 * MB


def test_memory_that_is_only_slowed_down_counts_as_a_limit(machine):
    machine.v2().process("0::/a")
    machine.group("/sys/fs/cgroup/a", **v2_memory("max", 100 * MB, memory__high=300 * MB))
    assert memory_left(machine.folder) == 200 * MB


def test_a_group_above_its_limit_has_less_than_nothing_left(machine):
    machine.v2().process("0::/a")
    machine.group("/sys/fs/cgroup/a", **v2_memory(100 * MB, 120 * MB))
    assert memory_left(machine.folder) == -20 * MB


@pytest.mark.parametrize("limit", ["max", str(NO_LIMIT)])
def test_no_limit_of_memory(machine, limit):
    machine.v2().process("0::/a").group("/sys/fs/cgroup/a", **v2_memory(limit, MB))
    left = memory_left(machine.folder)
    assert left is None or left > 1 << 60


def test_a_container_with_a_namespace_sees_its_group_as_the_top(machine):
    machine.v2().process("0::/")
    machine.group("/sys/fs/cgroup", cpu__max="150000 100000", **v2_memory(64 * MB, MB))
    assert cores_allowed(machine.folder) == 1.5
    assert memory_left(machine.folder) == 63 * MB


def test_a_container_without_a_namespace_sees_a_part_of_the_tree(machine):
    machine.v1("cpu", "memory", root="/docker/0123")
    machine.process("5:cpu:/docker/0123/inner", "4:memory:/docker/0123")
    machine.group("/sys/fs/cgroup/cpu", **v1_cpu(200_000))
    machine.group("/sys/fs/cgroup/cpu/inner", **v1_cpu(100_000))
    machine.group("/sys/fs/cgroup/memory", **v1_memory(800 * MB, 0))
    assert cores_allowed(machine.folder) == 1
    assert memory_left(machine.folder) == 800 * MB


@pytest.mark.parametrize("path", ["/elsewhere/job", "/../sibling", "/docker/01234"])
def test_a_group_outside_of_what_is_mounted_has_the_limits_of_the_top(machine, path):
    machine.v2(root="/docker/0123").process(f"0::{path}")
    machine.group("/sys/fs/cgroup", cpu__max="50000 100000")
    assert cores_allowed(machine.folder) == 0.5


def test_both_versions_at_once(machine):
    """Time by version 1; memory by version 2, which is mounted beside it."""
    machine.v1("cpu", "cpuset").mount("/sys/fs/cgroup/systemd", "cgroup", "rw,name=systemd")
    machine.v2("/sys/fs/cgroup/unified")
    machine.process("9:name=systemd:/x", "1:cpu:/job", "3:cpuset:/", "0::/all")
    machine.group("/sys/fs/cgroup/cpu/job", **v1_cpu(50_000))
    machine.group("/sys/fs/cgroup/systemd/x", **v1_cpu(10_000))
    machine.group("/sys/fs/cgroup/unified/all", **v2_memory(70 * MB, 0))
    assert cores_allowed(machine.folder) == 0.5
    assert memory_left(machine.folder) == 70 * MB


def test_mounts_in_odd_places(machine):
    machine.v2(r"/my\040groups").process("0::/a:b").group("/my groups/a:b", cpu__max="20000 10000")
    assert cores_allowed(machine.folder) == 2


@pytest.mark.parametrize("lines", [(), ("",), ("0::/",), ("1:cpu:/", "2:memory:/")])
def test_no_groups_are_no_limits(machine, lines):
    if lines:
        machine.v1("cpu", "memory").process(*filter(None, lines))
    assert cores_allowed(machine.folder) is None
    assert memory_left(machine.folder) is None


def test_a_system_without_groups(tmp_path):
    assert cores_allowed(tmp_path) is None
    assert memory_left(tmp_path) is None
