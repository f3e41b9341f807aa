"""The machine operations that numba has no word for, each with a plain Python twin.

Compiled, they are LLVM instructions; with NUMBA_DISABLE_JIT=1 the twins run. One test suite holds
both to Python's integers.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj
from numpy.typing import NDArray

from matching.jit import COMPILED
from matching.tables import Table

_WORD = 1 << 64


def _plain_wide_product(a: int, b: int, c: int, addend: int) -> tuple[int, int]:
    wide = int(a) * int(b) * int(c) + int(addend)
    low = wide % _WORD
    return wide >> 64, low - _WORD if low >> 63 else low


def _plain_lowest_bit(word: int) -> int:
    return (int(word) & -int(word)).bit_length() - 1


def _emit_wide_product(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401 - LLVM's builders are untyped
    wide, word = ir.IntType(128), ir.IntType(64)
    a, b, c, addend = (builder.sext(arg, wide) for arg in args)
    total = builder.add(builder.mul(builder.mul(a, b), c), addend)
    high = builder.trunc(builder.ashr(total, wide(64)), word)
    low = builder.trunc(total, word)
    return context.make_tuple(builder, signature.return_type, [high, low])


def _emit_lowest_bit(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401 - LLVM's builders are untyped
    return builder.cttz(args[0], ir.IntType(1)(1))


def _type_wide_product(_typing: Any, a: Any, b: Any, c: Any, addend: Any) -> Any:  # noqa: ANN401, ARG001 - numba calls it with types
    pair: Any = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call] # numba has no types
    return pair(types.int64, types.int64, types.int64, types.int64), _emit_wide_product


def _type_lowest_bit(_typing: Any, word: Any) -> Any:  # noqa: ANN401, ARG001 - numba calls it with types
    return types.int64(types.int64), _emit_lowest_bit


def _type_prefetch(_typing: Any, table: Any, index: Any) -> Any:  # noqa: ANN401 - numba calls it with types
    def emit(context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401 - LLVM's builders are untyped
        view = context.make_array(table)(context, builder, args[0])
        build: Any = cgutils  # numba has no types
        wide = isinstance(index, types.BaseTuple)
        parts = build.unpack_tuple(builder, args[1]) if wide else [args[1]]
        kinds_of: Any = index if wide else [index]
        places = [
            context.cast(builder, part, kind, types.int64)
            for part, kind in zip(parts, kinds_of, strict=True)
        ]
        item = build.get_item_pointer(context, builder, table, view, places)
        address = builder.bitcast(item, ir.IntType(8).as_pointer())
        kinds = [address.type, *[ir.IntType(32)] * 3]
        hint = build.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0"
        )
        # To read, keep in all levels, data.
        builder.call(hint, [address, *(ir.IntType(32)(word) for word in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(table, index), emit


def _type_array_at(_typing: Any, address: Any, count: Any, dtype: Any) -> Any:  # noqa: ANN401, ARG001 - numba calls it with types
    kind: Any = Table(dtype.dtype, 1, "C")

    def emit(context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401 - LLVM's builders are untyped
        table = context.make_array(kind)(context, builder)
        item = context.get_data_type(kind.dtype)
        size = ir.IntType(64)(context.get_abi_sizeof(item))
        build: Any = arrayobj  # numba has no types
        build.populate_array(
            table,
            data=builder.inttoptr(args[0], item.as_pointer()),
            shape=[args[1]],
            strides=[size],
            itemsize=size,
            meminfo=None,
        )
        return table._getvalue()  # noqa: SLF001 - numba's own name for it

    return kind(types.int64, types.int64, dtype), emit


if TYPE_CHECKING or not COMPILED:

    def wide_product(a: int, b: int, c: int, addend: int) -> tuple[int, int]:
        """A * b * c + addend in 128 bits, as (high word, low word), both int64.

        The caller proves that the sum stays within 127 bits. The low word's sign is its top bit.
        """
        return _plain_wide_product(a, b, c, addend)

    def lowest_bit(word: int) -> int:
        """The place of the lowest set bit of a 64-bit word, 0..63; the word is not zero."""
        return _plain_lowest_bit(word)

    def prefetch(table: NDArray[Any], index: int | tuple[int, int]) -> None:
        """Ask the processor to fetch table[index], a hint that changes nothing.

        The index is within the table: a tuple when that has two dimensions.
        """
        places = index if isinstance(index, tuple) else (index,)
        assert all(0 <= at < size for at, size in zip(places, table.shape, strict=True))

    def array_at(address: int, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """The `count` items of memory at an address, which compiled code alone can look at."""
        raise NotImplementedError(address, count, dtype)

else:
    wide_product = intrinsic(_type_wide_product)
    lowest_bit = intrinsic(_type_lowest_bit)
    prefetch = intrinsic(_type_prefetch)
    array_at = intrinsic(_type_array_at)
