"""What vector instructions are made of: vectors loaded, stored and compared, in LLVM's words."""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

#: Hashes that are compared at once; arrays must extend this far beyond what is used.
LANES = 8
#: Integers of 32 and 64 bits, and LANES of the latter.
INT, WORD = ir.IntType(32), ir.IntType(64)
WORDS = ir.VectorType(WORD, LANES)
#: Makes a function of numba from one that generates LLVM's code.
typed_intrinsic = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", intrinsic)


def data_of(context: Any, builder: Any, signature: Any, arguments: Any, which: int = 0) -> Any:
    """The pointer to the data of an array, the argument `which`."""
    kind = signature.args[which]
    return context.make_array(kind)(context, builder, arguments[which]).data


def load_lanes(builder: Any, pointer: Any, index: Any, vector: Any, align: int) -> Any:
    """A vector of an array from `index` on."""
    place = builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())
    return builder.load(place, align=align)


def store(builder: Any, pointer: Any, index: Any, values: Any, align: int) -> None:
    """Write a vector to an array from `index` on."""
    place = builder.bitcast(builder.gep(pointer, [index]), values.type.as_pointer())
    builder.store(values, place, align=align)


def distances(builder: Any, pointer: Any, index: Any, word: Any) -> Any:
    """In how many bits LANES hashes from `index` on differ from those of a vector."""
    differing = builder.xor(load_lanes(builder, pointer, index, WORDS, 8), word)
    count = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module, ir.FunctionType(WORDS, [WORDS]), f"llvm.ctpop.v{LANES}i64"
    )
    return builder.call(count, [differing])


def splat(builder: Any, value: Any, lanes: int = LANES) -> Any:
    """A vector with one value in all lanes."""
    vector = ir.VectorType(value.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(INT, 0))
    zeros = ir.Constant(ir.VectorType(INT, lanes), [0] * lanes)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def mask_of(builder: Any, distance: Any, limit: Any) -> Any:
    """Which distances are within a limit, a bit each."""
    return builder.bitcast(builder.icmp_unsigned("<=", distance, limit), ir.IntType(LANES))
