"""Bare loops over arrays, compiled by numba: no checks, no files, no Python objects.

Every kernel is compiled for one signature when its module is first imported, and cached on disk.
Workers that are forked later share the machine code, and an array of another type is an error
instead of a second compilation.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import types

P = ParamSpec("P")
R = TypeVar("R")


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
            return _compile(function, signed, cache=False)

    return decorate


def _compile(function: Callable[P, R], signature: Any, *, cache: bool) -> Callable[P, R]:
    kernel: Any = numba.njit(signature, cache=cache, nogil=True, error_model="numpy")(function)
    return cast("Callable[P, R]", kernel)


def inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only kernels call, for the types that they call it with."""
    kernel: Callable[..., Any] = numba.njit(function, nogil=True, error_model="numpy")
    return kernel
