"""TinyTorch's steps, compiled by module 16, run by functions of C and numpy's inner loops."""

from __future__ import annotations

from functools import partial

from engines import compiled

scalar_expression = partial(compiled.scalar_expression, backend="c")
small_chain = partial(compiled.small_chain, backend="c")
mlp_step = partial(compiled.mlp_step, backend="c")
large_chain = partial(compiled.large_chain, backend="c")
hessian_vector_product = partial(compiled.hessian_vector_product, backend="c")
