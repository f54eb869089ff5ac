"""How worker processes start, and how they ended."""

import contextlib
import errno
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

from fastphash.base import early_start
from fastphash.base.processes import new_process
from fastphash.base.system import start_method
from fastphash.errors import WorkerError

# modules of workers, see `preload`
_PRELOADED: list[str] = []
_SAFE_PATH = "PYTHONSAFEPATH"
# files that the start of a process opens, its server included, and a few to spare
_DESCRIPTORS = 12
# what limits the errors of a start, as shells call it
_LIMITS = {errno.EMFILE: "ulimit -n", errno.EAGAIN: "ulimit -u"}
# processes that have started another one: see `_start_first_process`
_PROVEN_PARENTS: set[int] = set()


def preload(module: str) -> None:
    """Let the server that workers are forked from import a module before it forks the first.

    A module that has a start of workers calls this, with its name, when it is imported. The server
    starts but once: what its first workers don't need, later ones would each import.
    """
    if module not in _PRELOADED:
        _PRELOADED.append(module)


def start_early(*modules: str) -> None:
    """Start the server that workers are forked from, and don't wait for it.

    It imports these modules, as `preload` has it, while this process imports its own. It ends with
    this thread. What keeps it from starting is said when the first worker starts.
    """
    for module in modules:
        preload(module)
    if start_method() == "forkserver":
        with contextlib.suppress(WorkerError), _environment(early_start.STARTED_BY, os.getpid()):
            _start_server(early_start.__name__)


def worker_context() -> Any:
    """How workers start: forked from a server that has imported everything, or else spawned."""
    method = start_method()
    if method == "forkserver" and not _start_server():
        method = "spawn"
    context: Any = multiprocessing.get_context(method)
    parent = _parent(method)
    if parent not in _PROVEN_PARENTS:
        _start_first_process(context)
        _PROVEN_PARENTS.add(parent)
    return context


def _parent(method: str) -> int:
    """The number of the process that workers are started by: the server, or this one."""
    if method == "spawn":
        return os.getpid()
    from multiprocessing import forkserver  # missing on Windows

    # it has no public name; another server may take the place of one that has died
    server: Any = forkserver._forkserver  # noqa: SLF001
    number: int = server._forkserver_pid  # noqa: SLF001
    return number


def _start_first_process(context: Any) -> None:
    """Start a process that does nothing, and wait for it.

    It shows whether processes can start. It also waits for the imports of a new server, because
    workers that are interrupted while they import print tracebacks.
    """
    probe = new_process(context.get_start_method(), _do_nothing)
    start_process(probe, context)
    probe.join()
    if probe.exitcode:
        raise WorkerError(
            f"worker processes can't be started: the first one ended {how_ended(probe)}. "
            "In Python, workers=0 does without them"
        )


def _start_server(*first: str) -> bool:
    """Start the server that workers are forked from; False if this process can have none.

    It imports the modules `first` before those of workers.
    """
    from multiprocessing import forkserver  # missing on Windows

    multiprocessing.get_context("forkserver").set_forkserver_preload([*first, *_PRELOADED])
    with _interrupts_ignored(), _start_errors(), _folder_left_out():
        _check_descriptors()
        try:
            forkserver.ensure_running()
        except ChildProcessError:  # this process was forked from one that has a server
            return False
        except OSError as error:
            # the name of its socket, in the folder for temporary files, is too long: no number
            if error.errno is None:
                return False
            raise
    return True


def start_process(process: Any, context: Any) -> None:
    """Start a process that ignores Ctrl-C from the first moment on."""
    # those that a server forks do so already
    spawned = context.get_start_method() == "spawn"
    kept_quiet = _interrupts_ignored() if spawned else contextlib.nullcontext()
    with _start_errors(), kept_quiet, _folder_left_out():
        _check_descriptors()
        process.start()


@contextlib.contextmanager
def _start_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, RuntimeError) as error:
        said = str(error)
        if isinstance(error, OSError) and error.errno in _LIMITS:
            limit = _LIMITS[error.errno]
            said = f"{error.strerror}. Use fewer workers, or raise the limit ({limit})"
        raise WorkerError(f"worker processes can't be started: {said}") from error


def _check_descriptors() -> None:
    """Raise OSError if too few files can be opened to start a process.

    A start that fails half way makes the server that workers are forked from print a traceback.
    """
    with contextlib.ExitStack() as opened:
        for _ in range(_DESCRIPTORS):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))


def _do_nothing() -> None:
    """The work of the first process."""


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in here, so that processes started in here always ignore it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous_handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)


@contextlib.contextmanager
def _folder_left_out() -> Iterator[None]:
    """Start Python without the working folder, where a data set may have files called as modules.

    A worker gets the environment and the module path of the process that it works for.
    """
    with _environment(_SAFE_PATH, 1):
        yield


@contextlib.contextmanager
def _environment(name: str, value: int) -> Iterator[None]:
    """Set a variable of the environment for what is started in here."""
    before = os.environ.get(name)
    os.environ[name] = str(value)
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def how_ended(process: Any) -> str:
    """How a process ended: by which signal, or with which status."""
    code = process.exitcode
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with exit status {code}"
