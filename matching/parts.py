"""How a kernel's parts are compiled: to code that is only ever linked into the kernel.

numba links all that a function calls into it, optimizes the whole, and makes machine code of it: a
function that stands n calls deep is linked and optimized n times, and its machine code is thrown
away. A part stops before all three. The kernel at the top links every part once, and optimizes
everything once. This file, shelf.py, pins.py and tables.py know numba's inside; numba is pinned
(docs/adr/0002-kernels.md).
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from llvmlite.binding import Linkage
from numba import types
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import AnnotateTypes

from matching.shelf import Shelf


class _NoEnvironment:
    """Stands in for the code generator where numba would bind a function to its module's globals.

    Parts have none: they touch no Python object.
    """

    def set_env(self, env_name: str, env: object) -> None:
        """Bind nothing."""


_NO_ENVIRONMENT: Final = _NoEnvironment()
_NARROW: Final = frozenset(
    {types.int8, types.int16, types.int32, types.uint8, types.uint16, types.uint32}
)

_FRAME_WORDS: Final = 70_000
"""Just over half of a MiB."""

_PART: Final[dict[str, Any]] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""No way in from Python."""


class _PartLibrary(JITCodeLibrary):
    """Code that waits to be linked: neither optimized nor turned into machine code."""

    _linking_libraries: list[Any]

    @property
    def codegen(self) -> _NoEnvironment:
        return _NO_ENVIRONMENT

    def parts(self) -> list[Any]:
        """The libraries that this one calls."""
        return self._linking_libraries

    def finalize(self) -> None:
        """The kernel links what this part calls, and optimizes it."""
        base: Any = super()
        base._raise_if_finalized()  # noqa: SLF001 - its own base
        base._finalize_dynamic_globals()  # noqa: SLF001 - its own base
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002 - numba's signature
        """A part has no address."""
        return 0


class _WholeLibrary(JITCodeLibrary):
    """A kernel with all its parts, linked once and optimized once."""

    _linking_libraries: list[Any]

    def finalize(self) -> None:
        """Link all parts, those that only parts call too."""
        self._linking_libraries = list(_closure(self._linking_libraries))
        base: Any = super()
        base.finalize()

    def _optimize_final_module(self) -> None:
        """Nobody else calls the parts: what has one caller then is inlined into it."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.linkonce_odr:
                function.linkage = Linkage.internal
        base: Any = super()
        base._optimize_final_module()  # noqa: SLF001 - its own base


def _closure(libraries: list[Any]) -> Iterator[Any]:
    """The libraries and all that their parts call, each once, in an order that never changes."""
    waiting, seen = list(reversed(libraries)), set()
    while waiting:
        library = waiting.pop()
        if library in seen:
            continue
        seen.add(library)
        yield library
        if isinstance(library, _PartLibrary):
            waiting.extend(reversed(library.parts()))


class _Begin(LoweringPass):
    """Choose the library that lowering fills."""

    library: Any
    caches: bool

    def __init__(self) -> None:
        base: Any = super()
        base.__init__()

    def run_pass(self, state: Any) -> bool:  # noqa: ANN401 - numba has no types
        """Called by numba's pass manager; True: the state was changed."""
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        if self.caches:
            state.library.enable_object_caching()
        return True


_registering: Any = register_pass
_register: Any = _registering(mutates_CFG=False, analysis_only=False)


@_register
class _BeginPart(_Begin):
    _name = "begin_part"
    library = _PartLibrary
    caches = False


@_register
class _BeginWhole(_Begin):
    _name = "begin_whole"
    library = _WholeLibrary
    caches = True


class _Beginning(Compiler):
    """numba's own pipeline, with a library of ours."""

    begin: Any

    def define_pipelines(self) -> list[Any]:
        """Called by numba."""
        base: Any = super()
        pipelines: list[Any] = base.define_pipelines()
        for pipeline in pipelines:
            pipeline.add_pass_after(self.begin, AnnotateTypes)
            pipeline.finalize()
        return pipelines


class PartCompiler(_Beginning):
    """Ends in a part."""

    begin = _BeginPart


class WholeCompiler(_Beginning):
    """Makes the parts the kernel's own."""

    begin = _BeginWhole


def _plain(kind: Any) -> Any:  # noqa: ANN401 - numba has no types
    """The one type that stands for a literal and for every narrower integer."""
    kind = types.unliteral(kind)
    return types.int64 if kind in _NARROW else kind


class Part(CPUDispatcher):
    """A function as kernels see it."""

    def __init__(self, function: Callable[..., object], options: Mapping[str, object]) -> None:
        base: Any = super()
        base.__init__(function, targetoptions={**_PART, **options}, pipeline_class=PartCompiler)
        self._name = function.__qualname__

    def fold_argument_types(self, args: Any, kws: Any) -> Any:  # noqa: ANN401 - numba has no types
        """Called by numba to type a call: one version serves all widths and constants."""
        base: Any = super()
        signature, kinds = base.fold_argument_types(args, kws)
        return signature, tuple(_plain(kind) for kind in kinds)

    def get_call_template(self, args: Any, kws: Any) -> Any:  # noqa: ANN401 - numba has no types
        """Called by numba to type a call, and to compile what it calls."""
        base: Any = super()
        return base.get_call_template(self.fold_argument_types(args, kws)[1], {})

    def __call__(self, *_arguments: object) -> None:
        """Python has no way into a part."""
        message = f"{self._name} is called by kernels only"
        raise AssertionError(message)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Compiling makes millions of objects that stay: searching them for cycles is a fifth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _on_one_chunk(call: Callable[[Any], Any], argument: Any) -> Any:  # noqa: ANN401 - numba has no types
    """Call, with room for a deep stack of Python frames behind this function's own."""
    return call(argument)


# CPython keeps frames in chunks of 16 KiB, and gives a chunk back to the system as soon as it is
# empty: where the calls of a loop cross a chunk's end, each maps and unmaps memory, and numba calls
# deep enough for that to be a fifth of a compile. A frame that claims to need more than half of a
# larger chunk gets one, and what is left of it serves all the frames that follow.
_on_one_chunk.__code__ = _on_one_chunk.__code__.replace(co_stacksize=_FRAME_WORDS)


class Kernel(CPUDispatcher):
    """A function as Python sees it; a kernel that calls it links its part."""

    def __init__(self, part: Part, options: Mapping[str, object], shelf: Shelf) -> None:
        self.part = part
        base: Any = super()
        base.__init__(part.py_func, targetoptions=dict(options), pipeline_class=WholeCompiler)
        self._cache = shelf

    def compile(self, sig: Any) -> Any:  # noqa: ANN401 - numba has no types
        """Called by numba at the first call with arguments of these types; loads what is kept."""
        base: Any = super()
        with _no_collection():
            return _on_one_chunk(base.compile, sig)

    def is_kept(self) -> bool:
        """Whether the disk has machine code of it, for any types, that suits this processor."""
        own: Any = self
        return self._cache.has_any(own.targetctx)

    @property
    def _type(self) -> Any:  # noqa: ANN401 - numba has no types
        """What numba enters into its table of globals."""
        return types.Dispatcher(self.part)

    @_type.setter
    def _type(self, _kind: object) -> None:
        """As it is, numba would have kernels call what Python calls."""

    @property
    def _numba_type_(self) -> Any:  # noqa: ANN401 - numba has no types
        return self._type


class CEntry:
    """A kernel that C can call: int64 words in, an int64 word out."""

    def __init__(
        self,
        function: Callable[..., int],
        arguments: int,
        options: Mapping[str, object],
        shelf: Shelf,
    ) -> None:
        signature = ((types.int64,) * arguments, types.int64)
        compiled: Any = CFunc(function, signature, {}, dict(options), WholeCompiler)
        compiled._cache = shelf  # noqa: SLF001 - numba's decorator would choose its own
        compiled.compile()
        self.address: Final[int] = compiled.address
        """Where it starts in this process."""
        self.call: Final[Callable[..., int]] = compiled.ctypes
        """The same through ctypes."""
