"""TinyTorch's steps, compiled by module 16, as lines of numpy."""

from __future__ import annotations

from functools import partial

from engines import compiled

scalar_expression = partial(compiled.scalar_expression, backend="lines")
small_chain = partial(compiled.small_chain, backend="lines")
mlp_step = partial(compiled.mlp_step, backend="lines")
large_chain = partial(compiled.large_chain, backend="lines")
hessian_vector_product = partial(compiled.hessian_vector_product, backend="lines")
