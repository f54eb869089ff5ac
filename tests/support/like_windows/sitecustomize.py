"""Python on Linux, made to look to fastphash as on Windows; its folder goes on PYTHONPATH.

Modules of fastphash, and no others, get an `os` and a `sys` without what Windows lacks. Below the
folder that WATCHED names, files can't be renamed or removed while this process has them open.
"""

import builtins
import errno
import fcntl
import multiprocessing
import os
import signal
import sys
from types import ModuleType

WATCHED = "FASTPHASH_WATCHED"

MISSING_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "syslog"}
MISSING_NAMES = {
    "os": """chown fchmod fchown fdatasync fork forkpty getegid geteuid getgid getpgid getuid
        getxattr killpg lchown listxattr mkfifo mknod openpty posix_fadvise posix_fallocate pread
        preadv pwrite pwritev readv register_at_fork sched_getaffinity sched_setaffinity sendfile
        setsid statvfs sync sysconf uname wait3 wait4 writev O_CLOEXEC O_DIRECTORY O_NOFOLLOW
        O_NONBLOCK O_PATH O_SYNC O_TMPFILE WNOHANG""",
    "signal": """SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1
        SIGUSR2 alarm pthread_kill pthread_sigmask setitimer sigwait""",
}


class StandIn(ModuleType):
    """A module without some of its names, and with others in place of its own."""

    def __init__(self, module, missing="", **others):
        super().__init__(module.__name__)
        vars(self).update(
            others, _module=module, _missing=frozenset(missing.split()), _others=others
        )

    def __getattr__(self, name):
        if name in self._missing:
            raise AttributeError(f"module {self._module.__name__!r} has no {name!r} on Windows")
        return getattr(self._module, name)

    def __setattr__(self, name, value):
        setattr(self._module, name, value)


def fsync(fd):
    """Only files that are open for writing."""
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    os.fsync(fd)


def open_file(path, *rest, **options):
    """No folders."""
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return os.open(path, *rest, **options)


def by_name(call):
    """A call without descriptors in place of names, and without links that aren't followed."""

    def named(path, *rest, follow_symlinks=True, **options):
        if isinstance(path, int) or not follow_symlinks or "dir_fd" in options:
            raise NotImplementedError(f"{call.__name__}: not on this platform")
        return call(path, *rest, **options)

    return named


def unless_open(call):
    """A call that refuses files that this process has open."""

    def checked(*paths, **options):
        watched = os.environ.get(WATCHED, "")
        for path in paths:
            name = os.path.abspath(os.fsdecode(path))
            if watched and name.startswith(watched) and name in open_files():
                raise PermissionError(errno.EACCES, "open in this process", name)
        return call(*paths, **options)

    return checked


def open_files():
    """Names of files that this process has open, or in its memory."""
    names = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            names.add(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            continue
    with open("/proc/self/maps", errors="surrogateescape") as maps:
        return names | {line.rstrip("\n").split(maxsplit=5)[5] for line in maps if " /" in line}


for name in ("replace", "rename", "unlink", "remove"):
    setattr(os, name, unless_open(getattr(os, name)))

stand_ins = {
    "os": StandIn(
        os,
        MISSING_NAMES["os"],
        name="nt",
        fsync=fsync,
        open=open_file,
        utime=by_name(os.utime),
        chmod=by_name(os.chmod),
        link=by_name(os.link),
    ),
    "signal": StandIn(signal, MISSING_NAMES["signal"]),
    "sys": StandIn(sys, platform="win32"),
    "multiprocessing": StandIn(multiprocessing, get_all_start_methods=lambda: ["spawn"]),
}
real_import = builtins.__import__


def import_module(name, globals=None, locals=None, fromlist=(), level=0):
    """Import for everybody, but in another way for fastphash."""
    for_fastphash = ((globals or {}).get("__name__") or "").split(".")[0] == "fastphash"
    if for_fastphash and name.split(".")[0] in MISSING_MODULES:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = real_import(name, globals, locals, fromlist, level)
    return stand_ins.get(name, module) if for_fastphash else module


builtins.__import__ = import_module
