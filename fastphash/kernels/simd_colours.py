"""Weighted sums of red, green and blue, through LLVM: 32 pixels at once."""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: Pixels that `weigh_colours` reads.
PIXELS = 32
_BYTE, _INT, _FLOAT = ir.IntType(8), ir.IntType(32), ir.FloatType()
_intrinsic = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", intrinsic)


@_intrinsic
def luma_of_pixels(_: Any, pixels: Any, place: Any, out: Any, to: Any) -> Any:
    """out[to + i] = (299 R + 587 G + 114 B) / 1000 of the pixel at pixels[place + 3 i].

    `pixels` is uint8, `out` float32, and i < PIXELS. The three colours are taken apart by shuffles
    of 32 bytes; numba has LLVM do it for eight pixels at a time, in three times as long.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        target = context.make_array(signature.args[2])(context, builder, arguments[2]).data
        start = builder.bitcast(
            builder.gep(source, [arguments[1]]), ir.VectorType(_BYTE, 3 * PIXELS).as_pointer()
        )
        octets = builder.load(start, align=1)
        total = None
        for colour, weight in enumerate((299, 587, 114)):
            which = ir.Constant(
                ir.VectorType(_INT, PIXELS), [3 * i + colour for i in range(PIXELS)]
            )
            taken = builder.shuffle_vector(octets, octets, which)
            wide = builder.zext(taken, ir.VectorType(_INT, PIXELS))
            weighed = builder.mul(wide, _splat(_INT, weight))
            total = weighed if total is None else builder.add(total, weighed)
        luma = builder.fdiv(
            builder.sitofp(total, ir.VectorType(_FLOAT, PIXELS)), _splat(_FLOAT, 1000.0)
        )
        end = builder.bitcast(builder.gep(target, [arguments[3]]), luma.type.as_pointer())
        builder.store(luma, end, align=4)
        return context.get_dummy_value()

    return types.void(pixels, place, out, to), generate


def _splat(kind: Any, value: float) -> Any:
    return ir.Constant(ir.VectorType(kind, PIXELS), [value] * PIXELS)
