import errno
import logging
import multiprocessing
import os
import socket
import subprocess
import sys
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest

from fastphash.base import system


@pytest.fixture(autouse=True)
def said(monkeypatch, caplog):
    """Nothing was said before."""
    monkeypatch.setattr(system, "_said", set())
    caplog.set_level(logging.WARNING)


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(system, "WINDOWS", True)
    monkeypatch.setattr(system.time, "sleep", lambda _: None)


def failing(number, when=lambda *_: True):
    """os.fsync that fails with an error of this number."""
    real = os.fsync

    def fsync(fd):
        if when(fd):
            raise OSError(number, os.strerror(number))
        real(fd)

    return fsync


def is_folder(fd):
    return os.path.isdir(f"/proc/self/fd/{fd}")


REFUSED = [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF, errno.ENOSYS]


@pytest.mark.parametrize("number", REFUSED)
def test_a_folder_that_cant_be_synced_is_said_once(tmp_path, monkeypatch, caplog, number):
    monkeypatch.setattr(os, "fsync", failing(number))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        system.sync_folder(tmp_path / name)
        system.sync_folder(os.fsencode(tmp_path / name))
    assert len(caplog.messages) == 1
    assert f"'{tmp_path}/a' can't be synced ({os.strerror(number)})" in caplog.text


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fails_to_sync_a_folder_is_an_error(tmp_path, monkeypatch, caplog, number):
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        system.sync_folder(tmp_path)
    assert not caplog.messages


def test_a_folder_that_may_be_written_but_not_opened_is_said(tmp_path, monkeypatch, caplog):
    def denied(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    system.sync_folder(tmp_path)
    assert "can't be synced (Permission denied)" in caplog.text


@pytest.mark.parametrize("number", [*REFUSED, errno.EIO])
def test_a_file_that_cant_be_synced_is_an_error(tmp_path, monkeypatch, number):
    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        system.sync_file(tmp_path / "a")


def test_only_files_that_are_open_for_writing_are_synced(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "a").write_bytes(b"kept")
    modes = []
    read_mode = lambda fd: modes.append(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE)  # noqa: E731
    monkeypatch.setattr(os, "fsync", read_mode)
    system.sync_file(tmp_path / "a")
    assert modes == [os.O_RDWR]
    assert (tmp_path / "a").read_bytes() == b"kept"


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_a_copy_has_the_times_of_its_original(tmp_path, monkeypatch, platform):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform=platform))
    if platform == "win32":
        monkeypatch.delattr(os, "fchmod")
        monkeypatch.setattr(os, "utime", by_name_only(os.utime))
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.write_bytes(b"data")
    original.chmod(0o640)
    os.utime(original, ns=(1_000_000_100, 2_000_000_300))
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    with open(copy, "wb") as file:
        file.write(b"data")
        status = system.finish_copy(file, original.stat())
    assert os.path.samestat(status, copy.stat())
    assert status.st_mtime_ns == copy.stat().st_mtime_ns
    assert synced == [4]
    assert copy.stat().st_mtime_ns == 2_000_000_300
    assert (copy.stat().st_mode == original.stat().st_mode) is (platform == "linux")


def by_name_only(utime):
    def named(path, **options):
        assert not isinstance(path, int)
        utime(path, **options)

    return named


def test_windows_syncs_no_folders(tmp_path, monkeypatch, windows):
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    system.sync_folder(tmp_path)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOLCK, "No locks available"), True),
        (OSError(errno.EOPNOTSUPP, "Operation not supported"), True),
        (OSError(errno.ENOSYS, "Function not implemented"), True),
        (NotImplementedError("FileSystem does not appear to support flock"), True),
        (OSError(errno.EIO, "Input/output error"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (TimeoutError("held"), False),
    ],
)
def test_which_errors_mean_that_there_are_no_locks(error, expected):
    assert system.has_no_locks(error) is expected


def test_no_locks_are_said_once_for_each_device(tmp_path, caplog):
    error = NotImplementedError("no flock here")
    for folder in (tmp_path, os.fsencode(tmp_path), "/proc"):
        system.warn_of_no_locks(folder, error)
    assert len(caplog.messages) == 2
    assert f"'{tmp_path}' has no locks (no flock here)" in caplog.text


def test_a_file_that_is_open_elsewhere_is_renamed_when_it_is_free(tmp_path, monkeypatch, windows):
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    real, attempts = os.replace, []

    def replace(source, target):
        attempts.append(target)
        if len(attempts) < 3:
            raise PermissionError(errno.EACCES, "in use")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    system.replace_file(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_bytes() == b"new"
    assert len(attempts) == 3


@pytest.mark.parametrize("on_windows", [False, True])
def test_a_file_that_stays_open_is_an_error(tmp_path, monkeypatch, on_windows):
    monkeypatch.setattr(system, "WINDOWS", on_windows)
    monkeypatch.setattr(system.time, "sleep", lambda _: None)
    attempts = []

    def replace(*names):
        attempts.append(names)
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(PermissionError):
        system.replace_file(tmp_path / "new", tmp_path / "old")
    assert len(attempts) == (6 if on_windows else 1)


@pytest.mark.parametrize("has_flag", [True, False])
def test_links_are_followed_or_refused(tmp_path, monkeypatch, has_flag):
    (tmp_path / "file").write_bytes(b"data")
    (tmp_path / "link").symlink_to("file")
    if not has_flag:
        monkeypatch.delattr(os, "O_NOFOLLOW")
        monkeypatch.delattr(os, "O_NONBLOCK")
    for name, follow in (("file", True), ("file", False), ("link", True)):
        with open(system.open_to_read(tmp_path / name, follow_links=follow), "rb") as file:
            assert file.read() == b"data"
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        system.open_to_read(os.fsencode(tmp_path / "link"), follow_links=False)


@pytest.mark.parametrize("exclusive", [None, socket.SO_KEEPALIVE])
def test_the_option_of_a_port_is_the_systems(monkeypatch, exclusive):
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", exclusive, raising=False)
    with closing(socket.socket()) as listener:
        system.claim_port(listener)
        used = listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert bool(used) is (exclusive is None)
        assert listener.getsockopt(socket.SOL_SOCKET, exclusive or socket.SO_REUSEADDR)


@pytest.mark.parametrize(
    ("macos", "methods", "expected"),
    [
        (False, ["fork", "spawn", "forkserver"], "forkserver"),
        (True, ["spawn", "fork", "forkserver"], "spawn"),
        (False, ["spawn"], "spawn"),
    ],
)
def test_processes_are_forked_only_where_that_is_safe(monkeypatch, macos, methods, expected):
    monkeypatch.setattr(system, "MACOS", macos)
    monkeypatch.setattr(system, "get_all_start_methods", lambda: methods)
    assert system.start_method() == expected


@pytest.mark.parametrize("most", [1, 3, 60])
def test_any_number_of_pipes_is_waited_for(most):
    pipes = [multiprocessing.Pipe() for _ in range(70)]
    ends = [reader for reader, _ in pipes]
    assert system.wait_for(ends, 0.02, most) == []
    for i in (2, 69):
        pipes[i][1].send(i)
    assert system.wait_for(ends, 5, most) == [ends[2], ends[69]]
    for pair in pipes:
        for end in pair:
            end.close()


def test_the_wait_ends_with_the_first_pipe_that_is_ready():
    (one, sender), (other, _other_sender) = multiprocessing.Pipe(), multiprocessing.Pipe()
    late = multiprocessing.get_context("spawn").Process(target=_send_later, args=(sender,))
    late.start()
    assert system.wait_for([other, one], 60, 1) == [one]
    late.join()


def _send_later(sender):
    sender.send("late")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no glibc")
def test_freed_arrays_are_returned_where_glibc_can(monkeypatch):
    asked = []
    glibc = SimpleNamespace(mallopt=lambda *setting: asked.append(setting))
    monkeypatch.setattr(system.ctypes, "CDLL", lambda _: glibc)
    system.return_freed_arrays()
    assert asked == [(-3, 1 << 20)]
    # musl has no such function
    del glibc.mallopt
    system.return_freed_arrays()


def test_what_is_held_is_not_removed(tmp_path):
    path = tmp_path / "file"
    system.remove_unless_held(path)
    with open(path, "wb") as file:
        assert system.try_to_hold(file.fileno())
        assert system.is_held(path)
        system.remove_unless_held(path)
        assert system.has_name(file.fileno(), path)
    assert not system.is_held(path)
    system.remove_unless_held(path)
    assert not path.exists()


def test_a_file_that_has_got_the_name_meanwhile_is_not_removed(tmp_path, monkeypatch):
    path, newer = tmp_path / "file", tmp_path / "newer"
    path.write_bytes(b"left by a killed run")
    newer.write_bytes(b"being written")

    def replaced_before(descriptor):
        os.replace(newer, path)
        return hold(descriptor)

    hold = system.try_to_hold
    monkeypatch.setattr(system, "try_to_hold", replaced_before)
    system.remove_unless_held(path)
    assert path.read_bytes() == b"being written"


def test_giving_back_freed_arrays_keeps_those_in_use():
    array = np.arange(1_000_000)
    del_soon = [np.arange(100_000) for _ in range(50)]
    del del_soon
    system.give_back_freed_arrays()
    assert array.sum() == 499_999_500_000


@pytest.mark.parametrize("ended", [False, True])
def test_a_process_ends_whose_parent_has_ended(ended):
    program = f"""
import os
from fastphash.base.system import end_with_parent
end_with_parent(os.getppid() + {ended:d})
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == ended
