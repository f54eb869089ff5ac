"""Bare loops over arrays, compiled by numba: no checks, no files, no Python objects.

Every kernel is compiled for one signature when its module is first imported, and cached on disk.
Workers that are forked later share the machine code, and an array of another type is an error
instead of a second compilation. That kernels are compiled, and not loaded, is logged.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import types
from numba.core import event

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger(__name__)
_announced: set[str] = set()
# numba compiles two wrappers beside each function, for C and for Python; without those that nobody
# calls, compiling takes an eighth less time. The types of numba lack these options
_KERNEL: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_INNER: dict[str, Any] = {**_KERNEL, "no_cpython_wrapper": True}


def array(dtype: Any, ndim: int = 1) -> Any:
    """Type of a C-contiguous array that a kernel writes."""
    return types.Array(dtype, ndim, "C")


def const(dtype: Any, ndim: int = 1) -> Any:
    """Type of a C-contiguous array that a kernel only reads; it accepts writeable ones as well."""
    return types.Array(dtype, ndim, "C", readonly=True)


def compiled(
    *signature: Any, returns: Any = types.void
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a kernel for one signature, or load it from the cache on disk."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signed = returns(*signature)
        try:
            return _compile(function, signed, cache=True)
        except RuntimeError as error:
            # neither the package's folder nor the user's cache folder is writeable
            if "cannot cache" not in str(error):
                raise
            _announce(
                "compiling in every run, because neither the package's folder nor the user's cache "
                "folder can be written: NUMBA_CACHE_DIR names another one"
            )
            return _compile(function, signed, cache=False)

    return decorate


def _compile(function: Callable[P, R], signature: Any, *, cache: bool) -> Callable[P, R]:
    with _jit_enabled(), event.install_listener("numba:compile", _CompilationListener()):
        kernel: Any = numba.njit(signature, cache=cache, **_KERNEL)(function)
    return cast("Callable[P, R]", kernel)


def inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only kernels call, for the types that they call it with."""
    with _jit_enabled():
        kernel: Callable[..., Any] = numba.njit(function, **_INNER)
    return kernel


@contextlib.contextmanager
def _jit_enabled() -> Iterator[None]:
    """Compile although NUMBA_DISABLE_JIT is set: Python lacks vector instructions and overflow."""
    config: Any = numba.config
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        yield
    finally:
        config.DISABLE_JIT = disabled


class _CompilationListener(event.Listener):
    """Says that kernels are compiled; those that lie in the cache are not."""

    def on_start(self, _: event.Event) -> None:
        _announce("compiling, once: this takes half a minute or so")

    def on_end(self, _: event.Event) -> None:
        pass


def _announce(message: str) -> None:
    """Log a message, but only the first of its kind in this process."""
    if not _announced:
        _log.info(message)
    _announced.add(message)
