"""Processes that any program can start: a script on standard input, a thread, a pool's worker."""

from collections.abc import Callable
from multiprocessing import context as contexts
from multiprocessing import spawn
from typing import Any

# begins the names of these processes
_PREFIX = "fastphash-"


class _Apart:
    """A process that doesn't run the main module again, and that only its starter knows of.

    multiprocessing gives each new process the main module of the program. A script on standard
    input has none that can be run again, and a script without a guard would start over.
    """

    def start(self: Any) -> None:
        """As `multiprocessing.Process.start`, but for any thread and for daemonic processes.

        `Process.start` refuses to start one from the worker of a pool, which is daemonic. It also
        polls every process that it has started: if two threads poll one that has just ended, one
        thread loses its exit status.
        """
        self._popen = self._Popen(self)
        self._sentinel = self._popen.sentinel


class _Spawned(_Apart, contexts.SpawnProcess):
    """Starts a new interpreter."""


# Windows has no fork server
_FORK_SERVER: Any = getattr(contexts, "ForkServerProcess", contexts.SpawnProcess)


class _Forked(_Apart, _FORK_SERVER):  # type: ignore[misc]  # a class known at run time
    """Forks the fork server."""


_CLASSES: dict[str, Any] = {"spawn": _Spawned, "forkserver": _Forked}


def new_process(method: str, target: Callable[..., object], arguments: tuple[Any, ...] = ()) -> Any:
    """A process that isn't started yet, and that is to call ``target(*arguments)``.

    `method` is "spawn" or "forkserver". Nobody ends the process when the program ends: `target`
    must see to that.
    """
    name = f"{_PREFIX}{target.__name__}"
    return _CLASSES[method](target=target, args=arguments, name=name, daemon=True)


_prepare = spawn.get_preparation_data


def _prepare_without_main(name: str) -> dict[str, Any]:
    prepared: dict[str, Any] = _prepare(name)
    if name.startswith(_PREFIX):
        prepared.pop("init_main_from_name", None)
        prepared.pop("init_main_from_path", None)
    return prepared


# multiprocessing has no other way to leave the main module out; other processes keep theirs
spawn.get_preparation_data = _prepare_without_main
