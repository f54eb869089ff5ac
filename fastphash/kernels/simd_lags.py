"""Vector instructions that compare an array of hashes with itself, so many places further on."""

from typing import Any

from llvmlite import ir
from numba import types

from fastphash.kernels.vectors import (
    INT,
    LANES,
    WORD,
    WORDS,
    data_of,
    distances,
    load_lanes,
    mask_of,
    splat,
    typed_intrinsic,
)

#: Lags that `near_lags` looks at.
LAGS = 4
_INTS = ir.VectorType(INT, LANES)
_BOTH = ir.IntType(2 * LANES)


@typed_intrinsic
def near_lags(_: Any, array: Any, start: Any, lag: Any, radius: Any, key: Any) -> Any:
    """Which of LANES hashes from `start` on have a near one, and which one of equal key: uint16.

    Bit i is set if array[start + i] is within `radius` of array[start + i + lag + j] for some j <
    LAGS. Bit LANES + i is set if it agrees with the last of these in the bits of `key`.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, lag, limit, key = arguments
        pointer = data_of(context, builder, signature, arguments)
        own = load_lanes(builder, pointer, index, WORDS, 8)
        least = None
        for step in range(LAGS):
            place = builder.add(builder.add(index, lag), ir.Constant(WORD, step))
            distance = distances(builder, pointer, place, own)
            if least is None:
                least = distance
            else:
                smaller = builder.icmp_unsigned("<", distance, least)
                least = builder.select(smaller, distance, least)
        zero = ir.Constant(WORDS, [0] * LANES)
        differing = builder.xor(load_lanes(builder, pointer, place, WORDS, 8), own)
        apart = builder.and_(differing, splat(builder, key))
        same = builder.bitcast(builder.icmp_unsigned("==", apart, zero), ir.IntType(LANES))
        near = builder.zext(mask_of(builder, least, splat(builder, limit)), _BOTH)
        upper = builder.shl(builder.zext(same, _BOTH), ir.Constant(_BOTH, LANES))
        return builder.or_(near, upper)

    return types.uint16(array, start, lag, radius, key), generate


@typed_intrinsic
def near_lag(_: Any, array: Any, start: Any, lag: Any, radius: Any) -> Any:
    """Bit i is set if array[start + i] is within `radius` of array[start + i + lag]: uint8."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, lag, limit = arguments
        pointer = data_of(context, builder, signature, arguments)
        own = load_lanes(builder, pointer, index, WORDS, 8)
        distance = distances(builder, pointer, builder.add(index, lag), own)
        return mask_of(builder, distance, splat(builder, limit))

    return types.uint8(array, start, lag, radius), generate


@typed_intrinsic
def unlike_lag(_: Any, array: Any, start: Any, lag: Any) -> Any:
    """Bit i is set if array[start + i] and array[start + i + lag] differ above the last bit: uint8.

    The array is of uint32.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, lag = arguments
        pointer = data_of(context, builder, signature, arguments)
        own, other = (
            load_lanes(builder, pointer, place, _INTS, 4)
            for place in (index, builder.add(index, lag))
        )
        last = ir.Constant(_INTS, [1] * LANES)
        above = builder.icmp_unsigned(">", builder.xor(own, other), last)
        return builder.bitcast(above, ir.IntType(LANES))

    return types.uint8(array, start, lag), generate
