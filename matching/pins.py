"""Tuples of arrays by reference: what kernels pass on is one word, not every array's parts.

numba passes a NamedTuple of arrays by value: hundreds of words at each call from Python and at each
call between kernels, and as many lines in the code of every one of them. `pin` writes where the
arrays are into a row of words, once; kernels take the address of that row, and reading a field of
the tuple loads from it. In kernels' sources nothing changes: `state.book.orders` is what it was.

A pin is true as long as its arrays are neither replaced nor resized: whoever replaces one pins
anew. Kernels cannot write to the row, so its words are invariant for as long as a kernel runs, and
the compiler is told so. Without compilation `pin` returns the tuple itself.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)
from numpy.typing import NDArray

from matching.jit import COMPILED
from matching.tables import Table

Tuple = TypeVar("Tuple", bound=tuple[Any, ...])

_WORD_BYTES: Final = 8
_WORD: Final = ir.IntType(64)


class PinnedType(types.Type):
    """numba's type of a pinned tuple."""

    def __init__(self, fields: types.NamedTuple) -> None:
        self.fields = fields
        # The name becomes part of every symbol: a digest, not a page.
        digest = hashlib.sha256(str(fields).encode()).hexdigest()[:12]
        base: Any = super()
        base.__init__(name=f"Pinned{fields.instance_class.__name__}{digest}")


class Pin:
    """A pinned tuple, for the call of a kernel."""

    __slots__ = ("_numba_type_", "_pinned", "_words", "address")

    def __init__(self, pinned: tuple[Any, ...], words: NDArray[np.uintp]) -> None:
        self._pinned = pinned
        """Keeps the arrays alive."""
        self._words = words
        self.address = int(words.ctypes.data)
        self._numba_type_ = _kind_of(pinned)

    def __getattr__(self, name: str) -> "Pin":
        """A tuple in the tuple is pinned with it, and shares its words."""
        names: tuple[str, ...] = getattr(type(self._pinned), "_fields", ())
        if name not in names:
            raise AttributeError(name)
        place = names.index(name)
        first = sum(_count(part) for part in self._pinned[:place])
        return Pin(self._pinned[place], self._words[first:])


def pin(arrays: Tuple) -> Tuple:
    """A tuple of arrays, or of such tuples, ready for kernels to take by reference.

    Returns:
        To the type checker the tuple itself, as kernels see it. The caller keeps what is returned
        for as long as kernels use it, and pins anew after replacing an array.
    """
    if not COMPILED:
        return arrays
    return cast("Tuple", Pin(arrays, np.array(list(_words_of(arrays)), np.uintp)))


_kinds: Final[dict[object, PinnedType]] = {}
"""What numba calls each kind of tuple pinned so far: a millisecond's work, for every growth."""


def _kind_of(pinned: tuple[Any, ...]) -> PinnedType:
    """The type that numba gives a tuple, found once for all tuples of the same arrays."""
    key = _key_of(pinned)
    if key not in _kinds:
        _kinds[key] = PinnedType(typeof(pinned))
    return _kinds[key]


def _key_of(part: Any) -> tuple[object, ...]:  # noqa: ANN401 - an array, or a tuple of such
    """All that a type says of an array or a tuple."""
    if isinstance(part, tuple):
        return type(part), *(_key_of(each) for each in part)
    return part.dtype, part.ndim, part.flags.carray, part.flags.farray


def _words_of(pinned: tuple[Any, ...]) -> Iterator[int]:
    """An array is its address, its size, its shape and its strides in bytes."""
    for part in pinned:
        if isinstance(part, tuple):
            yield from _words_of(part)
        else:
            yield from (part.ctypes.data, part.size, *part.shape, *part.strides)


def _count(part: Any) -> int:  # noqa: ANN401 - an array, or a tuple of such
    """How many words `_words_of` gives for a part."""
    if isinstance(part, tuple):
        return sum(_count(each) for each in part)
    return 2 + 2 * int(part.ndim)


def _length(kind: Any) -> int:  # noqa: ANN401 - numba has no types
    """How many words a field takes."""
    if isinstance(kind, types.NamedTuple):
        return sum(_length(part) for part in kind.types)
    return 2 + 2 * int(kind.ndim)


@cache
def _find(fields: types.NamedTuple, name: str) -> tuple[int, Any]:
    """Where a field begins, in words, and what it is."""
    place = fields.fields.index(name)
    return sum(_length(part) for part in fields.types[:place]), fields.types[place]


@register_model(PinnedType)
class _PinnedModel(models.PrimitiveModel):
    """An address."""

    def __init__(self, dmm: object, fe_type: PinnedType) -> None:
        base: Any = super()
        base.__init__(dmm, fe_type, _WORD.as_pointer())


@unbox(PinnedType)
def _unbox(_kind: PinnedType, pinned: object, c: Any) -> NativeValue:  # noqa: ANN401 - numba has no types
    number = c.pyapi.object_getattr_string(pinned, "address")
    address = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(c.builder.bitcast(address, _WORD.as_pointer()))


@infer_getattr
class _PinnedAttributes(AttributeTemplate):
    key = PinnedType

    # numba declares it as a value.
    def generic_resolve(self, pinned: PinnedType, name: str) -> Any:  # type: ignore[override]  # noqa: ANN401
        """The type of a field; a tuple in a tuple is pinned with it."""
        if name not in pinned.fields.fields:
            return None
        _, kind = _find(pinned.fields, name)
        if isinstance(kind, types.NamedTuple):
            return PinnedType(kind)
        return Table(kind.dtype, kind.ndim, kind.layout, readonly=not kind.mutable)


@lower_getattr_generic(PinnedType)
def _field(context: Any, builder: Any, pinned: PinnedType, row: Any, name: str) -> Any:  # noqa: ANN401 - numba has no types
    first, kind = _find(pinned.fields, name)
    at = builder.gep(row, [ir.Constant(_WORD, first)])
    if isinstance(kind, types.NamedTuple):
        return at
    words = [_load(builder, at, place) for place in range(_length(kind))]
    # A table is laid out as its array is.
    array = context.make_array(kind)(context, builder)
    array.data = builder.inttoptr(words[0], array.data.type)
    array.nitems = words[1]
    array.itemsize = ir.Constant(_WORD, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    array.shape = cgutils.pack_array(builder, words[2 : 2 + kind.ndim])
    array.strides = cgutils.pack_array(builder, words[2 + kind.ndim :])
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()  # noqa: SLF001 - numba's way to read it


def _load(builder: Any, row: Any, place: int) -> Any:  # noqa: ANN401 - numba has no types
    word = builder.load(builder.gep(row, [ir.Constant(_WORD, place)]))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word
