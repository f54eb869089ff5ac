"""What LLVM can do with vectors and numba has no word for: 8 hashes compared at once."""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

#: Hashes compared by one `near`; arrays that it reads must reach this far beyond what is used.
LANES = 8
_WORD = ir.IntType(64)
_WORDS = ir.VectorType(_WORD, LANES)
_intrinsic = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", intrinsic)


@_intrinsic
def popcount(_: Any, word: Any) -> Any:
    """How many bits of a uint64 are set."""

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(word), generate


@_intrinsic
def near(_: Any, array: Any, start: Any, word: Any, radius: Any) -> Any:
    """Bit i is set if array[start + i] is within `radius` of `word`: uint8, i < LANES."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, value, limit = arguments
        pointer = _data(context, builder, signature, arguments)
        distance = _distances(builder, pointer, index, _splat(builder, value))
        return _mask(builder, distance, _splat(builder, limit))

    return types.uint8(array, start, word, radius), generate


@_intrinsic
def near_some(_: Any, array: Any, start: Any, word: Any, radius: Any) -> Any:
    """As `near` for array[start + 8 j + i], j < 4: bit i is set if it would be for some j."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, value, limit = arguments
        pointer = _data(context, builder, signature, arguments)
        splat = _splat(builder, value)
        least = _distances(builder, pointer, index, splat)
        for step in range(1, 4):
            place = builder.add(index, ir.Constant(_WORD, step * LANES))
            distance = _distances(builder, pointer, place, splat)
            smaller = builder.icmp_unsigned("<", distance, least)
            least = builder.select(smaller, distance, least)
        return _mask(builder, least, _splat(builder, limit))

    return types.uint8(array, start, word, radius), generate


@_intrinsic
def unlike(_: Any, array: Any, start: Any, word: Any) -> Any:
    """Bit i is set if array[start + i] and `word`, uint32, differ above the last bit: uint8."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, value = arguments
        pointer = _data(context, builder, signature, arguments)
        words = _load(builder, pointer, index, ir.VectorType(ir.IntType(32), LANES), 4)
        differing = builder.xor(words, _splat(builder, value))
        last = _splat(builder, ir.Constant(ir.IntType(32), 1))
        above = builder.icmp_unsigned(">", differing, last)
        return builder.bitcast(above, ir.IntType(LANES))

    return types.uint8(array, start, word), generate


def _data(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.args[0]
    return context.make_array(kind)(context, builder, arguments[0]).data


def _load(builder: Any, pointer: Any, index: Any, vector: Any, align: int) -> Any:
    place = builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())
    return builder.load(place, align=align)


def _distances(builder: Any, pointer: Any, index: Any, splat: Any) -> Any:
    differing = builder.xor(_load(builder, pointer, index, _WORDS, 8), splat)
    count = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, ir.FunctionType(_WORDS, [_WORDS]), f"llvm.ctpop.v{LANES}i64"
    )
    return builder.call(count, [differing])


def _splat(builder: Any, value: Any) -> Any:
    vector = ir.VectorType(value.type, LANES)
    one = builder.insert_element(
        ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _mask(builder: Any, distance: Any, limit: Any) -> Any:
    return builder.bitcast(builder.icmp_unsigned("<=", distance, limit), ir.IntType(LANES))
