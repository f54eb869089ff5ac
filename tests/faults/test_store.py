"""Runs that are killed, disks that fill, bits that flip, and two at once."""

import itertools
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from fastphash.errors import StoreError
from fastphash.files.digest import hex_digest_of
from fastphash.hashing.definition import Definition
from fastphash.ingest import part_writer
from fastphash.ingest.api import hash_into
from fastphash.ingest.options import IngestOptions
from fastphash.store import part_files
from fastphash.store.open import read_hashes
from fastphash.store.schema import READABLE_VERSIONS
from fastphash.store.store import MANIFEST, Store, open_store
from tests.support.command_line import run, run_process
from tests.support.examples import campaign_of, slow_but
from tests.support.executors import ONE_WORKER
from tests.support.fault_runs import contents, unprivileged, update_here
from tests.support.forks import update
from tests.support.scenes import save, scene, scenes, source
from tests.support.skipping import missing
from tests.support.stores import read_store, write_store

# what a run does to last: from here on these calls are counted
DURABLE = "write,pwrite64,fsync,fdatasync,rename,renameat2,unlink,mkdir,ftruncate"


@pytest.fixture(scope="module")
def strace():
    if shutil.which("strace") is None:
        missing("no strace")
    return shutil.which("strace")


def store_files(store):
    """Every path below which an update writes."""
    names = [MANIFEST, "_rejected.parquet", *(f"part-{i:06d}.parquet" for i in range(9))]
    return [
        store,
        *(store / name for name in names),
        *(store / f"_{name}.fastphash.tmp" for name in names),
    ]


def traced(strace, store, *words):
    """The words before a program that trace what it does to a store."""
    paths = [word for path in store_files(store) for word in ("-P", str(path))]
    return [strace, "-qq", *paths, "-e", f"trace={DURABLE}", *words]


def durable_calls(forks, strace, store, *folders):
    """The durable system calls that one run makes to a store: name, and the how manieth of it."""
    log = store.parent / "strace.log"
    words = traced(strace, store, "-o", str(log))
    done = forks.run(update, store, *folders, before=words)
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE)
    assert set(names) <= set(DURABLE.split(","))
    return [(name, names[: i + 1].count(name)) for i, name in enumerate(names)]


def first_run(folder):
    """Twelve images, one of them broken, in a new store: three parts."""
    scenes(folder, range(12))
    (folder / "005.png").write_bytes(b"broken")


def second_run(folder):
    """Changed, gone and new images: parts are rewritten, one is added."""
    save(folder / "001.png", scene(100))
    (folder / "007.png").unlink()
    (folder / "003.png").write_bytes(b"broken")
    save(folder / "005.png", scene(101))
    scenes(folder, range(20, 24))


class Cases:
    """A run to be killed: the images, the store before it and the store after it."""

    def __init__(self, tmp_path, forks, strace, second):
        self._forks = forks
        self.folder, self.before, self.after = (tmp_path / n for n in ("in", "before", "after"))
        first_run(self.folder)
        self.store = tmp_path / "store"
        if second:
            update_here(self.store, self.folder)
            second_run(self.folder)
            shutil.copytree(self.store, self.before)
        self.calls = durable_calls(forks, strace, self.store, self.folder)
        self.wanted = contents(self.store)

    def reset(self):
        shutil.rmtree(self.store, ignore_errors=True)
        if self.before.exists():
            shutil.copytree(self.before, self.store)

    def inject(self, strace, what, when):
        words = traced(strace, self.store, "-o", "/dev/null", "-e", f"inject={what}:when={when}")
        return self._forks.run(update, self.store, self.folder, before=words)


def kill_at(tmp_path, forks, strace, second, step):
    case = Cases(tmp_path, forks, strace, second)
    assert len(case.calls) > 40
    for name, when in case.calls[::step]:
        case.reset()
        killed = case.inject(strace, f"{name}:signal=KILL", when)
        assert killed.returncode == -signal.SIGKILL, (name, when, killed.stderr)
        update_here(case.store, case.folder)
        assert contents(case.store) == case.wanted, (name, when)


def test_28_killed(tmp_path, forks, strace):
    kill_at(tmp_path, forks, strace, second=True, step=40)


@pytest.mark.slow
@pytest.mark.parametrize("second", [False, True], ids=["new", "changed"])
def test_28_killed_at_every_durable_call(tmp_path, forks, strace, second):
    kill_at(tmp_path, forks, strace, second, step=1)


@pytest.mark.slow
@pytest.mark.parametrize("times", campaign_of(200, least=40))
def test_28_killed_at_random_times(tmp_path, forks, times):
    """The same store, killed again and again until it is done; then the next one."""
    folder = tmp_path / "in"
    scenes(folder, range(80))
    began = time.monotonic()
    assert forks.run(update, tmp_path / "whole", folder).returncode == 0
    whole = time.monotonic() - began
    wanted = contents(tmp_path / "whole")
    rng = np.random.default_rng(28)
    kills = finished = patience = 0
    store = tmp_path / "store"
    while kills < times:
        began = time.monotonic()
        # killed so often, it is let go on: the machine is slower than when it was measured
        limit = whole * rng.uniform(0, 1.1) if patience < 15 else None
        done = forks.run(update, store, folder, seconds=limit)
        if done.returncode == -signal.SIGKILL:
            kills += 1
            patience += 1
            continue
        assert done.returncode == 0, done.stderr
        assert contents(store) == wanted
        finished += 1
        if patience in (0, 15):
            whole = time.monotonic() - began
        patience = 0
        shutil.rmtree(store)
    assert finished > times // 20


def limited(limit, number):
    """What limits a resource of a process that is to be started."""
    return lambda: resource.setrlimit(limit, (number, number))


@pytest.mark.slow
def test_29_disk_full(tmp_path):
    folder = scenes(tmp_path / "in", range(12))
    words = ("hash", str(folder), "-o", str(tmp_path / "s"))
    # no file may grow over so many bytes: a part is larger, the manifest not
    done = run_process(*words, status=1, preexec_fn=limited(resource.RLIMIT_FSIZE, 8_000))
    assert "File too large" in done.stderr
    # no part was finished, and an empty store is not left behind
    assert not (tmp_path / "s").exists()
    run(*words)
    assert len(read_hashes(str(tmp_path / "s"))) == 12


@pytest.mark.slow
def test_29_disk_full_on_a_small_file_system(tmp_path, forks):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "none", disk], check=False
    ).returncode:
        pytest.skip("may not mount a file system; RLIMIT_FSIZE did for the one above")
    try:
        folder = tmp_path / "in"
        first_run(folder)
        update_here(disk / "s", folder)
        wanted = contents(disk / "s")
        shutil.rmtree(disk / "s")
        # room for one part of three
        used = sum(map(len, wanted.values()))
        (disk / "ballast").write_bytes(bytes(100 * 1024 - used // 2 // 4096 * 4096 - 16384))
        full = forks.run(update, disk / "s", folder)
        assert full.returncode == 1
        assert b"No space left on device" in full.stderr
        kept = contents(disk / "s")
        parts = [name for name in kept if name.startswith("part-")]
        assert len(parts) < 3
        assert all(kept[name] == wanted[name] for name in parts)
        assert not [name for name in kept if name.endswith(".tmp")]
        (disk / "ballast").unlink()
        update_here(disk / "s", folder)
        assert contents(disk / "s") == wanted
    finally:
        subprocess.run(["umount", disk], check=True)


def test_30_what_gets_its_name_was_synced(tmp_path, forks, strace):
    calls = Cases(tmp_path, forks, strace, second=False).calls
    # a draft that has got its name is looked for once more
    names = [name for name, _ in calls if name != "unlink"]
    renamed = [i for i, name in enumerate(names) if name in ("rename", "renameat2")]
    assert len(renamed) > 6
    assert names.count("renameat2") == 3
    # the file before, the folder after; a part's file before the manifest lists it
    assert {(names[i - 1], names[i + 1]) for i in renamed} == {("fsync", "fsync")}


@pytest.mark.slow
def test_30_fsync_fails(tmp_path, forks, strace):
    case = Cases(tmp_path, forks, strace, second=False)
    for when in range(1, 10):
        case.reset()
        failed = case.inject(strace, "fsync:error=EIO", f"{when}+")
        assert failed.returncode == 1, when
        assert b"Input/output error" in failed.stderr
        with pytest.raises((StoreError, OSError)):
            open_store(case.store).verify()
        update_here(case.store, case.folder)
        assert contents(case.store) == case.wanted, when


@pytest.mark.parametrize("error", slow_but(["EINVAL"], ["EINVAL", "EOPNOTSUPP"]))
def test_30_a_folder_cannot_be_synced(tmp_path, forks, strace, error):
    folder = tmp_path / "in"
    first_run(folder)
    update_here(tmp_path / "whole", folder)
    store = tmp_path / "s"
    words = [strace, "-qq", "-o", "/dev/null", "-e", "trace=fsync"]
    of_folder = [*words, "-P", str(store), "-e", f"inject=fsync:error={error}"]
    done = forks.run(update, store, folder, before=of_folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().count(f"{str(store)!r} can't be synced") == 1
    assert contents(store) == contents(tmp_path / "whole")
    third = [*words, "-e", f"inject=fsync:error={error}:when=3"]
    failed = forks.run(update, tmp_path / "t", folder, before=third)
    assert failed.returncode == 1
    assert b"can't be synced" not in failed.stderr


@pytest.mark.slow
def test_30_an_audit_goes_on_without_syncs_of_folders(tmp_path, strace):
    scenes(tmp_path / "in", range(3))
    words = [strace, "-qq", "-o", "/dev/null", "-e", "trace=fsync"]
    folders = [tmp_path / name for name in ("a/b", "a/b/hashes")]
    words += [word for path in folders for word in ("-P", str(path))]
    words += ["-e", "inject=fsync:error=EINVAL"]
    done = run_process("audit", "t=in", "-o", "a/b", cwd=tmp_path, before=words)
    assert done.stderr.count("can't be synced (Invalid argument)") == 1
    assert (tmp_path / "a" / "b" / "summary.json").exists()


def error_of(store):
    """What is wrong with a store, or None."""
    try:
        open_store(store).verify()
    except StoreError as error:
        return str(error)
    return None


@pytest.mark.parametrize("flips", slow_but([500], [500, 10_000]))
def test_31_flipped_bits(tmp_path, flips):
    folder = tmp_path / "in"
    first_run(folder)
    store = tmp_path / "s"
    update_here(store, folder)
    files = sorted(path for path in store.iterdir() if path.stat().st_size)
    assert len(files) == 5
    rng = np.random.default_rng(31)
    for i in range(flips):
        path = files[i % len(files)]
        data = bytearray(path.read_bytes())
        whole = bytes(data)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        # everything but the empty lock has a digest
        error = error_of(store)
        assert error is not None
        assert path.name in error
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "name", slow_but(["part-000001.parquet"], ["part-000001.parquet", "_rejected.parquet"])
)
def test_31_a_damaged_part_is_made_again(tmp_path, forks, name):
    folder = tmp_path / "in"
    first_run(folder)
    update_here(tmp_path / "s", folder)
    wanted = contents(tmp_path / "s")
    path = tmp_path / "s" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    error = run("info", str(tmp_path / "s"), status=1).stderr
    assert f"{name} is damaged" in error
    done = forks.run(update, tmp_path / "s", folder)
    assert name.encode() in done.stderr
    assert contents(tmp_path / "s") == wanted


@pytest.mark.parametrize("other", [min(READABLE_VERSIONS) - 1, max(READABLE_VERSIONS) + 1])
def test_32_other_schema(tmp_path, monkeypatch, other):
    folder = scenes(tmp_path / "in", range(3))
    run("hash", str(folder), "-o", str(tmp_path / "s"))
    save_store_as(tmp_path / "s", monkeypatch, other)
    for words in (("info", "s"), ("group", "s", "-o", "g.parquet"), ("hash", "in", "-o", "s")):
        error = run(*words, status=1, cwd=tmp_path).stderr
        assert f"has schema {other}, this version reads 3, 4, 5, 6 and 7" in error


def save_store_as(path, monkeypatch, other):
    """Save a store as a version with another schema would."""
    store = open_store(path)
    monkeypatch.setattr("fastphash.store.store.schema_version", lambda *_: other)
    store.save()
    monkeypatch.undo()


def test_33_mixed_definitions(tmp_path):
    columns = {"path": ["a.png"], "phash": np.array([7], np.uint64)}
    write_store(tmp_path / "one", columns)
    write_store(tmp_path / "other", columns, definition=Definition(decode="reduced"))
    for words in (("join", "one", "other", "-o", "p"), ("group", "one", "other", "-o", "g")):
        done = run(*words, cwd=tmp_path, status=2 if words[0] == "group" else 1)
        assert "full" in done.stderr or "split" in done.stderr
        assert not (tmp_path / words[-1]).exists()
    error = run("join", "one", "other", "-o", "p", cwd=tmp_path, status=1).stderr
    assert "full, pass order pillow13" in error
    assert "reduced, pass order pillow13" in error


def test_34_two_writers(tmp_path):
    folder = scenes(tmp_path / "in", range(3))
    hash_into(tmp_path / "s", [source("in", folder)], ONE_WORKER)
    before = contents(tmp_path / "s")
    run("audit", str(folder), "-o", "audit", cwd=tmp_path)
    save(folder / "new.png", scene(9))
    words = [sys.executable, "-c", HOLD, "s", "audit/hashes"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        error = run("hash", str(folder), "-o", "s", status=1, cwd=tmp_path).stderr
        assert "another process is writing 's'" in error
        error = run("audit", str(folder), "-o", "audit", status=1, cwd=tmp_path).stderr
        assert "another process is writing 'audit/hashes'" in error
        assert contents(tmp_path / "s") == before
        # it ends without a word, and the lock with it
        holder.kill()
    run("hash", str(folder), "-o", "s", cwd=tmp_path)
    assert contents(tmp_path / "s") != before


@pytest.mark.slow
@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_34_no_locks(tmp_path, strace, error):
    scenes(tmp_path / "in", range(3))
    words = [strace, "-qq", "-o", "/dev/null", "-e", "trace=flock"]
    words += ["-e", f"inject=flock:error={error}"]
    # twice: the second run finds the file of the lock
    for count in (1, 2):
        done = run_process("hash", "t=in", "-o", "a", cwd=tmp_path, before=words)
        said = [line for line in done.stderr.splitlines() if "has no locks" in line]
        # of the last, the library makes a lock of another sort
        assert len(said) == (error != "ENOSYS"), (count, done.stderr)
    assert all("make sure that no other process writes there" in line for line in said)
    open_store(tmp_path / "a").verify()


@pytest.mark.slow
def test_34_a_lock_that_fails_otherwise(tmp_path, strace):
    scenes(tmp_path / "in", range(3))
    words = [strace, "-qq", "-o", "/dev/null", "-e", "trace=flock"]
    words += ["-e", "inject=flock:error=EIO"]
    done = run_process("audit", "t=in", "-o", "a", cwd=tmp_path, status=1, before=words)
    assert "can't write 'a/hashes': Input/output error" in done.stderr


HOLD = """
import sys
from pathlib import Path
from fastphash.store.lock import locked
with locked(Path(sys.argv[1])), locked(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize("outs", slow_but(["made"], ["made", "closed"]))
def test_35_read_only_output(tmp_path, outs):
    scenes(tmp_path / "in", range(3))
    (tmp_path / "closed").mkdir(0o555)
    run("hash", "in", "-o", "made", cwd=tmp_path)
    save(tmp_path / "in" / "new.png", scene(9))
    (tmp_path / "made").chmod(0o555)
    for out in ("closed/s", "closed") if outs == "closed" else ("made",):
        done = unprivileged("hash", "in", "-o", out, cwd=tmp_path)
        assert done.returncode == 1
        assert f"can't write '{out}'" in done.stderr
        assert "hashing" not in done.stderr
    if outs == "closed":
        done = unprivileged("audit", "in", "-o", "closed/audit", cwd=tmp_path)
    assert (done.returncode, "can't write" in done.stderr) == (1, True)


@pytest.mark.parametrize("verb", ["hash", "audit"])
def test_36_clashing_splits(tmp_path, verb):
    scenes(tmp_path / "a" / "in", range(2))
    scenes(tmp_path / "b", range(2))
    for one, other in (("x=a", "y=a"), ("x=a", "y=a/in"), ("x=a", "x=b"), ("x=a", "y=b/../a")):
        error = run(verb, one, other, "-o", "out", status=2, cwd=tmp_path).stderr
        flat = "".join(error.split())
        for word in (one, other):
            name, path = word.split("=")
            assert name in flat
            assert os.path.abspath(tmp_path / path) in flat
        assert not (tmp_path / "out").exists()


def test_37_orphans(tmp_path):
    folder = tmp_path / "in"
    first_run(folder)
    store = tmp_path / "s"
    store.mkdir()
    (store / f"_{MANIFEST}.fastphash.tmp").write_bytes(b"half")
    update_here(store, folder)
    wanted = contents(store)
    (store / "_part-000003.parquet.fastphash.tmp").write_bytes(b"half")
    assert len(read_hashes(str(store))) == 11
    update_here(store, folder)
    assert contents(store) == wanted
    assert hex_digest_of(store / "part-000000.parquet") == open_store(store).parts[0].digest


class KilledError(Exception):
    pass


def killed_at(store, folder, *, save=None, unlinked=None):
    """Stop an update at the save of so manieth manifest, or at the removal of a part."""
    saves = itertools.count(1)
    save_manifest, unlink = Store.save, Path.unlink

    def save_or_stop(self):
        if next(saves) == save:
            raise KilledError
        save_manifest(self)

    def unlink_or_stop(self, **options):
        if self.name == unlinked:
            raise KilledError
        unlink(self, **options)

    with (
        mock.patch.object(Store, "save", save_or_stop),
        mock.patch.object(Path, "unlink", unlink_or_stop),
        pytest.raises(KilledError),
    ):
        update_here(store, folder)


@pytest.mark.parametrize("change", ["add", "replace", "lose"])
def test_37_only_what_a_killed_run_left_is_removed(tmp_path, caplog, change):
    folder, store, whole = (tmp_path / name for name in ("in", "s", "whole"))
    first_run(folder)
    update_here(store, folder)
    if change == "add":
        scenes(folder, range(20, 22))
    elif change == "replace":
        save(folder / "001.png", scene(100))
    else:
        for name in ("000", "001", "002", "003", "004"):
            (folder / f"{name}.png").unlink()
        (store / "part-000000.parquet").write_bytes(b"damaged")
    shutil.copytree(store, whole)
    update_here(whole, folder)
    strangers = {
        "part-mine.parquet": (store / "part-000001.parquet").read_bytes(),
        # under the next name, and after that
        "part-000003.parquet": b"a table of somebody's",
        "part-000005.parquet": (store / "part-000001.parquet").read_bytes(),
        "part-000009.parquet": (store / "part-000001.parquet").read_bytes(),
    }
    for name, data in strangers.items():
        (store / name).write_bytes(data)
    before_manifest, after_manifest = {"save": 2}, {"unlinked": "part-000000.parquet"}
    stops = {"add": [before_manifest], "lose": [after_manifest]}
    for stop in stops.get(change, [before_manifest, after_manifest]):
        killed_at(store, folder, **stop)
        assert open_store(store).unfinished == ["in"]
    caplog.clear()
    update_here(store, folder)
    assert {name: (store / name).read_bytes() for name in strangers} == strangers
    (said,) = [record.getMessage() for record in caplog.records if "left alone" in record.msg]
    assert all(name in said for name in [*sorted(strangers)[:3], "1 more", str(store)])
    kept = {part.name for part in open_store(store).parts}
    assert {path.name for path in store.glob("part-*.parquet")} == kept | {*strangers}
    assert read_store(store).equals(read_store(whole))


def run_with_naming(store, folder, name_part):
    """Update a store; `name_part` stands for the step that gives parts their names."""
    with mock.patch.object(part_writer, "name_part", name_part):
        update_here(store, folder)


@pytest.mark.parametrize("damage", [False, True])
def test_37_a_part_that_was_listed_gets_its_name_from_the_next_run(tmp_path, caplog, damage):
    folder, store = tmp_path / "in", tmp_path / "s"
    first_run(folder)

    def killed(*_):
        raise KilledError

    if damage:
        update_here(store, folder)
        (store / "part-000000.parquet").write_bytes(b"damaged")
    with pytest.raises(KilledError):
        run_with_naming(store, folder, killed)
    assert not (store / "part-000000.parquet").exists()
    caplog.clear()
    assert update_here(store, folder)["in"].kept >= 5
    assert caplog.text == ""
    update_here(tmp_path / "whole", folder)
    assert contents(store) == contents(tmp_path / "whole")


def test_37_a_file_that_gets_the_name_of_a_part_meanwhile_stays(tmp_path):
    folder, store = tmp_path / "in", tmp_path / "s"
    first_run(folder)
    update_here(store, folder)
    scenes(folder, range(20, 26))
    theirs = (store / "part-000000.parquet").read_bytes()

    def taken(*arguments):
        for number in (3, 4):
            (store / f"part-{number:06d}.parquet").write_bytes(theirs)
        part_files.name_part(*arguments)

    run_with_naming(store, folder, taken)
    for number in (3, 4):
        assert (store / f"part-{number:06d}.parquet").read_bytes() == theirs
    update_here(tmp_path / "whole", folder)
    assert read_store(store).equals(read_store(tmp_path / "whole"))
    open_store(store).verify()


def replace_by(path, data):
    other = path.parent.parent / "other"
    other.write_bytes(data)
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


OVERWRITES = {
    "in place": lambda path, data: path.write_bytes(data),
    "by another file": replace_by,
}


@pytest.mark.parametrize("overwrite", OVERWRITES.values(), ids=OVERWRITES)
def test_58_other_bytes_of_the_same_size_and_time_are_noticed(tmp_path, overwrite):
    folder = tmp_path / "in"
    for seed in range(2):
        # unpacked from an archive that keeps no times
        os.utime(save(folder / f"{seed}.bmp", scene(seed)), ns=(0, 315_532_800 * 10**9))
    hash_into(tmp_path / "s", [source("all", folder)], IngestOptions(workers=0))
    before = (folder / "1.bmp").stat()
    overwrite(folder / "1.bmp", (folder / "0.bmp").read_bytes())
    os.utime(folder / "1.bmp", ns=(0, before.st_mtime_ns))
    assert (folder / "1.bmp").stat().st_size == before.st_size
    tally = hash_into(tmp_path / "s", [source("all", folder)], IngestOptions(workers=0))["all"]
    assert (tally.inputs, tally.kept, tally.changed, tally.hashed) == (2, 1, 1, 1)
    digests = read_store(tmp_path / "s")["digest"].to_pylist()
    assert digests[0] == digests[1]
