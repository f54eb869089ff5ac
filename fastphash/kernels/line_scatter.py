"""Values scattered to many places at once, a whole line of memory at a time.

To write a part of a line, a processor first fetches the line. With more parts than it can foresee,
64 or so, it waits for each, which takes more than half of a plain loop's time. So eight values of a
part are collected, and written past the caches as one line. That helps only where `out` is larger
than they.

See Balkesen, Teubner, Alonso and Özsu: Main-memory hash joins on multi-core CPUs, 2013.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import int64, types, uint16, uint64
from numpy.typing import NDArray

from fastphash.kernels import array, compiled, const, inner
from fastphash.kernels.vectors import INT, LANES, WORDS, data_of, load_lanes, typed_intrinsic

# lines have as many values as vectors have lanes
_LAST = LANES - 1


@typed_intrinsic
def _write_line(_: Any, out: Any, index: Any, lines: Any, start: Any) -> Any:
    """Write a line of `out`, which begins at `index`, past the caches."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, _, start = arguments
        source = data_of(context, builder, signature, arguments, 2)
        place = builder.gep(data_of(context, builder, signature, arguments), [index])
        line = load_lanes(builder, source, start, WORDS, 8)
        write = builder.store(line, builder.bitcast(place, WORDS.as_pointer()), align=8 * LANES)
        one = builder.module.add_metadata([ir.Constant(INT, 1)])
        write.set_metadata("nontemporal", one)
        return context.get_dummy_value()

    return types.void(out, index, lines, start), generate


@typed_intrinsic
def _finish_writing(_: Any) -> Any:
    """Let all threads see what was written past the caches."""

    def generate(context: Any, builder: Any, _: Any, __: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@inner
def _put(
    value: int,
    part: int,
    starts: NDArray[np.int64],
    place: NDArray[np.int64],
    lines: NDArray[np.uint64],
    skew: int,
    out: NDArray[np.uint64],
) -> None:
    """Put a value behind those of its part: into its line, which `out` gets when it is full."""
    last = np.uint64(_LAST)
    at = np.uint64(place[part])
    place[part] += 1
    line = part * np.uint64(LANES)
    slot = (at + skew) & last
    lines[line + slot] = value
    if slot == last:
        start = np.int64(at) - _LAST
        if start >= starts[part]:
            _write_line(out, np.uint64(start), lines, line)
        else:
            # what comes before is of another part
            for i in range(starts[part], start + LANES):
                out[np.uint64(i)] = lines[line + ((np.uint64(i) + skew) & last)]


@inner
def _put_rest(
    starts: NDArray[np.int64],
    place: NDArray[np.int64],
    lines: NDArray[np.uint64],
    skew: int,
    out: NDArray[np.uint64],
) -> None:
    """Write the values of all lines that aren't full."""
    last = np.uint64(_LAST)
    for part in range(place.size):
        stop = place[part]
        start = stop - np.int64((np.uint64(stop) + skew) & last)
        for i in range(max(starts[part], start), stop):
            out[np.uint64(i)] = lines[np.uint64(part * LANES) + ((np.uint64(i) + skew) & last)]
    _finish_writing()


@inner
def _skew_of(out: NDArray[np.uint64]) -> Any:
    """How many values before out[0] its line begins."""
    return np.uint64(out.ctypes.data // 8) & np.uint64(_LAST)


@compiled(const(uint64), uint64, array(int64), array(uint64))
def scatter_digits(
    values: NDArray[np.uint64], shift: int, place: NDArray[np.int64], out: NDArray[np.uint64]
) -> None:
    """As `radix.scatter`, for many values and digits."""
    starts, lines = place.copy(), np.empty(place.size * LANES, np.uint64)
    skew = _skew_of(out)
    mask = np.uint64(place.size - 1)
    for value in values:
        _put(value, (value >> shift) & mask, starts, place, lines, skew, out)
    _put_rest(starts, place, lines, skew, out)


@compiled(const(uint64), const(uint16), uint64, array(int64), array(uint64))
def scatter_parts(
    values: NDArray[np.uint64],
    parts: NDArray[np.uint16],
    shift: int,
    place: NDArray[np.int64],
    out: NDArray[np.uint64],
) -> None:
    """As `pieces.scatter_parts`, for many values and parts."""
    starts, lines = place.copy(), np.empty(place.size * LANES, np.uint64)
    skew = _skew_of(out)
    mask = np.uint64(parts.size - 1)
    for value in values:
        part = np.uint64(parts[(value >> shift) & mask])
        _put(value, part, starts, place, lines, skew, out)
    _put_rest(starts, place, lines, skew, out)
