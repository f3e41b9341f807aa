"""How a kernel's parts are compiled: to code that is only ever linked into the kernel.

numba optimizes every function with all that it calls linked in, and turns it into machine code: a
function that stands n calls deep is optimized n times, and its machine code is thrown away. A part
stops before both. What calls it links it as it is, and the kernel at the top optimizes everything
once. This file and pins.py know numba's inside; numba is pinned (docs/adr/0002-kernels.md).
"""

from typing import Any, Final

from llvmlite.binding import Linkage
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.typed_passes import AnnotateTypes


class _NoEnvironment:
    """Stands in for the code generator where numba would bind a function to its module's globals.

    Parts have none: they touch no Python object.
    """

    def set_env(self, env_name: str, env: object) -> None:
        """Bind nothing."""


_NO_ENVIRONMENT: Final = _NoEnvironment()


class _PartLibrary(JITCodeLibrary):
    """Code that waits to be linked: neither optimized nor turned into machine code."""

    @property
    def codegen(self) -> _NoEnvironment:
        return _NO_ENVIRONMENT

    def _optimize_final_module(self) -> None:
        """The kernel that links this part optimizes it."""

    def _finalize_final_module(self) -> None:
        base: Any = super()
        base._finalize_dynamic_globals()  # noqa: SLF001 - its own base
        base._verify_declare_only_symbols()  # noqa: SLF001 - its own base
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002 - numba's signature
        """A part has no address."""
        return 0


class _WholeLibrary(JITCodeLibrary):
    """A kernel with all its parts, optimized once."""

    def _optimize_final_module(self) -> None:
        """Nobody else calls the parts: what has one caller then is inlined into it."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.linkonce_odr:
                function.linkage = Linkage.internal
        base: Any = super()
        base._optimize_final_module()  # noqa: SLF001 - its own base


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
