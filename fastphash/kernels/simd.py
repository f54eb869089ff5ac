"""Vector instructions that numba lacks, through LLVM: 8 hashes or 32 pixels at once."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from fastphash.kernels.vectors import (
    INT,
    LANES,
    WORD,
    data_of,
    distances,
    load_lanes,
    mask_of,
    splat,
    store,
    typed_intrinsic,
)

#: Rows and columns that `transpose_square` moves.
SQUARE = 8
#: Pixels of a row that `dot` and `combine` read.
PIXELS = 32
#: Rows and columns that `combine_block` makes at once.
BLOCK_ROWS, BLOCK_COLUMNS = 4, 16
#: Columns that `order_lines` orders.
LINES = 32
#: Columns that `weigh_pairs` makes.
WEIGHED = 32
_BYTE, _SHORT = ir.IntType(8), ir.IntType(16)


@typed_intrinsic
def popcount(_: Any, word: Any) -> Any:
    """How many bits of a uint64 are set: uint64."""

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(word), generate


@typed_intrinsic
def near(_: Any, array: Any, start: Any, word: Any, radius: Any) -> Any:
    """Bit i is set if array[start + i] is within `radius` of `word`: uint8, i < LANES."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, value, limit = arguments
        pointer = data_of(context, builder, signature, arguments)
        distance = distances(builder, pointer, index, splat(builder, value))
        return mask_of(builder, distance, splat(builder, limit))

    return types.uint8(array, start, word, radius), generate


@typed_intrinsic
def near_some(_: Any, array: Any, start: Any, word: Any, radius: Any) -> Any:
    """As `near`, for four windows at once: bit i is set if array[start + 8 j + i] is, j < 4."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, value, limit = arguments
        pointer = data_of(context, builder, signature, arguments)
        word = splat(builder, value)
        least = distances(builder, pointer, index, word)
        for step in range(1, 4):
            place = builder.add(index, ir.Constant(WORD, step * LANES))
            distance = distances(builder, pointer, place, word)
            smaller = builder.icmp_unsigned("<", distance, least)
            least = builder.select(smaller, distance, least)
        return mask_of(builder, least, splat(builder, limit))

    return types.uint8(array, start, word, radius), generate


@typed_intrinsic
def unlike(_: Any, array: Any, start: Any, word: Any) -> Any:
    """Bit i is set if array[start + i] and `word`, uint32, differ above the last bit: uint8."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, index, value = arguments
        pointer = data_of(context, builder, signature, arguments)
        words = load_lanes(builder, pointer, index, ir.VectorType(ir.IntType(32), LANES), 4)
        differing = builder.xor(words, splat(builder, value))
        last = splat(builder, ir.Constant(ir.IntType(32), 1))
        above = builder.icmp_unsigned(">", differing, last)
        return builder.bitcast(above, ir.IntType(LANES))

    return types.uint8(array, start, word), generate


@typed_intrinsic
def dot(_: Any, array: Any, start: Any, stride: Any, other: Any, other_start: Any) -> Any:
    """Sum of array[start + stride i + j] * other[other_start + 32 i + j], int8, i and j < 32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, place, step, _, other_place = arguments
        pointer = data_of(context, builder, signature, arguments)
        other_pointer = data_of(context, builder, signature, arguments, 3)
        total = ir.Constant(ir.VectorType(INT, PIXELS // 2), [0] * (PIXELS // 2))
        for _row in range(PIXELS):
            product = builder.mul(
                _pixels(builder, pointer, place), _pixels(builder, other_pointer, other_place)
            )
            # neighbours are added so that LLVM sees that 16 bits hold the factors
            total = builder.add(total, builder.add(*_halves(builder, product, 2)))
            place = builder.add(place, step)
            other_place = builder.add(other_place, ir.Constant(WORD, PIXELS))
        while total.type.count > 1:
            total = builder.add(*_halves(builder, total, 1))
        return builder.extract_element(total, ir.Constant(INT, 0))

    return types.int32(array, start, stride, other, other_start), generate


def _compile_combine(columns: int) -> Callable[..., Any]:
    """A row of the product of (n, 32) and (32, columns): float32 or float64.

    ``out[row, j] = sum of factors[row, k] * rows[k, j]``, added in the order of k.
    """

    @typed_intrinsic
    def combine(_: Any, factors: Any, row: Any, rows: Any, out: Any) -> Any:
        bits = factors.dtype.bitwidth
        vector = ir.VectorType(ir.FloatType() if bits == 32 else ir.DoubleType(), columns)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = data_of(context, builder, signature, arguments)
            source = data_of(context, builder, signature, arguments, 2)
            target = data_of(context, builder, signature, arguments, 3)
            start = builder.mul(arguments[1], ir.Constant(WORD, PIXELS))
            total = ir.Constant(vector, [0.0] * columns)
            for k in range(PIXELS):
                place = builder.add(start, ir.Constant(WORD, k))
                factor = splat(builder, builder.load(builder.gep(pointer, [place])), columns)
                line = load_lanes(
                    builder, source, ir.Constant(WORD, k * columns), vector, bits // 8
                )
                total = builder.fadd(total, builder.fmul(factor, line))
            end = builder.mul(arguments[1], ir.Constant(WORD, columns))
            store(builder, target, end, total, bits // 8)
            return context.get_dummy_value()

        return types.void(factors, row, rows, out), generate

    return combine


#: A row of a product with (32, 32).
combine = _compile_combine(PIXELS)
#: A row of a product with (32, 8).
combine_few = _compile_combine(LANES)


@typed_intrinsic
def combine_block(
    _: Any, factors: Any, row: Any, rows: Any, column: Any, out: Any, first: Any, last: Any
) -> Any:
    """A block of the product of two float32 arrays (32, 32), by some of the factors of each row.

    ``out[row + i, column + j] = sum of factors[row + i, k] * rows[k, column + j]`` for i <
    BLOCK_ROWS and j < BLOCK_COLUMNS, added in the order of k, from `first` up to and without
    `last`. The sums of a block don't wait for one another, as those of a single row do.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, row, _, column, _, first, last = arguments
        pointer, source, target = (
            data_of(context, builder, signature, arguments, which) for which in (0, 2, 4)
        )
        vector = ir.VectorType(ir.FloatType(), BLOCK_COLUMNS)
        zero = ir.Constant(vector, [0.0] * BLOCK_COLUMNS)
        totals = [cgutils.alloca_once_value(builder, zero) for _ in range(BLOCK_ROWS)]  # type: ignore[no-untyped-call]
        width = ir.Constant(WORD, PIXELS)
        starts = [
            builder.mul(builder.add(row, ir.Constant(WORD, i)), width) for i in range(BLOCK_ROWS)
        ]
        with cgutils.for_range_slice(builder, first, last, ir.Constant(WORD, 1)) as (k, _):
            place = builder.add(builder.mul(k, width), column)
            line = load_lanes(builder, source, place, vector, 4)
            for start, total in zip(starts, totals, strict=True):
                factor = builder.load(builder.gep(pointer, [builder.add(start, k)]))
                product = builder.fmul(splat(builder, factor, BLOCK_COLUMNS), line)
                builder.store(builder.fadd(builder.load(total), product), total)
        for start, total in zip(starts, totals, strict=True):
            store(builder, target, builder.add(start, column), builder.load(total), 4)
        return context.get_dummy_value()

    return types.void(factors, row, rows, column, out, first, last), generate


@typed_intrinsic
def order_lines(_: Any, lines: Any, one: Any, other: Any) -> Any:
    """Put the lesser values of two rows of a float64 array (n, LINES) into the first of them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = data_of(context, builder, signature, arguments)
        vector = ir.VectorType(ir.DoubleType(), LINES)
        places = [builder.mul(row, ir.Constant(WORD, LINES)) for row in arguments[1:]]
        low, high = (load_lanes(builder, pointer, place, vector, 8) for place in places)
        less = builder.fcmp_ordered("<", low, high)
        store(builder, pointer, places[0], builder.select(less, low, high), 8)
        store(builder, pointer, places[1], builder.select(less, high, low), 8)
        return context.get_dummy_value()

    return types.void(lines, one, other), generate


def _compile_transpose(lane: Any) -> Callable[..., Any]:
    """out[target + height * j + i] = image[place + width * i + j], of a whole square of lanes."""

    @typed_intrinsic
    def transpose(
        _: Any, image: Any, place: Any, width: Any, out: Any, target: Any, height: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, place, width, _, target, height = arguments
            source = data_of(context, builder, signature, arguments)
            sink = data_of(context, builder, signature, arguments, 3)
            lines = _load_rows(builder, source, place, width, ir.VectorType(lane, SQUARE))
            for j in range(SQUARE):
                order = [SQUARE * j + i for i in range(SQUARE)]
                lanes = ir.Constant(ir.VectorType(INT, SQUARE), order)
                column = builder.shuffle_vector(lines, lines, lanes)
                store(builder, sink, target, column, signature.args[0].dtype.bitwidth // 8)
                target = builder.add(target, height)
            return context.get_dummy_value()

        return types.void(image, place, width, out, target, height), generate

    return transpose


#: A square of float32.
transpose_square = _compile_transpose(ir.FloatType())
#: A square of pairs of uint8; places and strides count single ones.
transpose_pairs = _compile_transpose(_SHORT)


@typed_intrinsic
def weigh_pairs(
    _: Any, pairs: Any, place: Any, taps: Any, first: Any, last: Any, out: Any, target: Any
) -> Any:
    """Weighted sums of pairs of pixels, in units of 2**-22, rounded and clipped to uint8.

    out[target + j], j < WEIGHED, is made of the pairs at place + 2 * j and in the rows below, one
    for each two taps from `first` up to and without `last`. The first of these has the high parts
    of two weights, int16 in units of 2**11, and the second one the low parts: processors have one
    instruction for two products of 16 bits and their sum.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, start, _, *ends, _, goal = arguments
        source, factors, sink = (
            data_of(context, builder, signature, arguments, which) for which in (0, 2, 5)
        )
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        stride = builder.extract_value(array.strides, 0)
        total, twice = (ir.VectorType(INT, lanes) for lanes in (WEIGHED, 2 * WEIGHED))
        zero, bits, half, places, white = (
            ir.Constant(total, [value] * WEIGHED) for value in (0, 11, 1 << 21, 22, 255)
        )
        sums = [cgutils.alloca_once_value(builder, value) for value in (zero, half)]  # type: ignore[no-untyped-call]
        row = cgutils.alloca_once_value(builder, start)  # type: ignore[no-untyped-call]
        with cgutils.for_range_slice(builder, ends[0], ends[1], ir.Constant(WORD, 2)) as (k, _):
            at = builder.load(row)
            pixels = load_lanes(builder, source, at, ir.VectorType(_BYTE, twice.count), 1)
            for part, so_far in enumerate(sums):
                tap = builder.gep(factors, [builder.add(k, ir.Constant(WORD, part))])
                both = splat(builder, builder.load(tap), WEIGHED)
                weights = builder.bitcast(both, ir.VectorType(_SHORT, twice.count))
                product = builder.mul(builder.zext(pixels, twice), builder.sext(weights, twice))
                added = builder.add(*_halves(builder, product, 2))
                builder.store(builder.add(builder.load(so_far), added), so_far)
            builder.store(builder.add(at, stride), row)
        high, low = map(builder.load, sums)
        value = builder.ashr(builder.add(builder.shl(high, bits), low), places)
        for sign, limit in (("<", zero), (">", white)):
            value = builder.select(builder.icmp_signed(sign, value, limit), limit, value)
        store(builder, sink, goal, builder.trunc(value, ir.VectorType(_BYTE, WEIGHED)), 1)
        return context.get_dummy_value()

    return types.void(pairs, place, taps, first, last, out, target), generate


def _load_rows(builder: Any, source: Any, place: Any, width: Any, row: Any) -> Any:
    """The columns of eight rows, one after another in one vector."""
    rows = []
    for _row in range(SQUARE):
        rows.append(load_lanes(builder, source, place, row, 1))
        place = builder.add(place, width)
    while len(rows) > 1:
        half = len(rows) // 2
        rows = [_interleaved(builder, rows[i], rows[i + half]) for i in range(half)]
    return rows[0]


def _interleaved(builder: Any, one: Any, other: Any) -> Any:
    """The lanes of two vectors in turn."""
    lanes = one.type.count
    order = [lane for i in range(lanes) for lane in (i, lanes + i)]
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(INT, 2 * lanes), order))


def _pixels(builder: Any, pointer: Any, place: Any) -> Any:
    loaded = load_lanes(builder, pointer, place, ir.VectorType(_BYTE, PIXELS), 1)
    return builder.sext(loaded, ir.VectorType(INT, PIXELS))


def _halves(builder: Any, values: Any, step: int) -> tuple[Any, Any]:
    """The even and the odd lanes (step 2), or the first and the second half of them (step 1)."""
    half = values.type.count // 2
    undefined = ir.Constant(values.type, ir.Undefined)
    return tuple(
        builder.shuffle_vector(
            values,
            undefined,
            ir.Constant(
                ir.VectorType(INT, half),
                [step * i + second * (1 if step == 2 else half) for i in range(half)],
            ),
        )
        for second in range(2)
    )
