"""Arrays whose places count from their beginning only: what kernels see of a pinned array.

In numpy -1 is the last place, so numba asks of every index whether it is negative, before every
load and store. Kernels never count from the end: a negative index is NIL by mistake. With
NUMBA_BOUNDSCHECK=1 it is an IndexError; else nobody asks (docs/adr/0002-kernels.md).
"""

import operator
from typing import Any

from numba.core import cgutils, types
from numba.extending import lower_builtin, models, register_model
from numba.np import arrayobj

_numpys: Any = arrayobj
_build: Any = cgutils
_lower: Any = lower_builtin


class Table(types.Array):
    """numba's type of such an array."""

    def __init__(self, dtype: Any, ndim: int, layout: str, **more: Any) -> None:  # noqa: ANN401 - numba has no types
        base: Any = super()
        name = f"table({dtype}, {ndim}d, {layout})"
        base.__init__(dtype=dtype, ndim=ndim, layout=layout, name=name, **more)

    def copy(  # type: ignore[override] # numba's stub names each dtype
        self,
        dtype: Any = None,  # noqa: ANN401 - numba has no types
        ndim: int | None = None,
        layout: str | None = None,
        readonly: bool | None = None,  # noqa: FBT001 - numba's own signature
    ) -> "Table":
        """Called by numba for a column or a part: that is a table too."""
        return Table(
            self.dtype if dtype is None else dtype,
            self.ndim if ndim is None else ndim,
            self.layout if layout is None else layout,
            readonly=not self.mutable if readonly is None else readonly,
            aligned=self.aligned,
        )


register_model(Table)(models.ArrayModel)


def _unsigned(context: Any, builder: Any, kind: Any, index: Any) -> tuple[Any, Any]:  # noqa: ANN401 - LLVM's builders are untyped
    """The same index as (type, value), of a type that is never asked for its sign."""
    if isinstance(kind, types.Integer):
        return types.uintp, context.cast(builder, index, kind, types.intp)
    kinds: Any = getattr(kind, "types", ()) if isinstance(kind, types.BaseTuple) else ()
    if kinds and all(isinstance(its, types.Integer) for its in kinds):
        pair: Any = types.UniTuple
        wide = pair(types.uintp, len(kinds))
        parts = _build.unpack_tuple(builder, index)
        casts = [
            context.cast(builder, part, its, types.intp)
            for part, its in zip(parts, kinds, strict=True)
        ]
        return wide, context.make_tuple(builder, wide, casts)
    return kind, index


def _get(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401 - LLVM's builders are untyped
    kind, index = _unsigned(context, builder, signature.args[1], args[1])
    asked = signature.replace(args=(signature.args[0], kind))
    return _numpys.getitem_arraynd_intp(context, builder, asked, (args[0], index))


def _get_pair(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401 - LLVM's builders are untyped
    kind, index = _unsigned(context, builder, signature.args[1], args[1])
    asked = signature.replace(args=(signature.args[0], kind))
    return _numpys.getitem_array_tuple(context, builder, asked, (args[0], index))


def _set(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401 - LLVM's builders are untyped
    kind, index = _unsigned(context, builder, signature.args[1], args[1])
    asked = signature.replace(args=(signature.args[0], kind, signature.args[2]))
    return _numpys.setitem_array(context, builder, asked, (args[0], index, args[2]))


_lower(operator.getitem, Table, types.Integer)(_get)
_lower(operator.getitem, Table, types.BaseTuple)(_get_pair)
_lower(operator.setitem, Table, types.Any, types.Any)(_set)
