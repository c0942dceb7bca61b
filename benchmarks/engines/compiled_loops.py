"""TinyTorch's steps, compiled by module 16, run by numpy's inner loops."""

from __future__ import annotations

from functools import partial

from engines import compiled

scalar_expression = partial(compiled.scalar_expression, backend="loops")
small_chain = partial(compiled.small_chain, backend="loops")
mlp_step = partial(compiled.mlp_step, backend="loops")
large_chain = partial(compiled.large_chain, backend="loops")
hessian_vector_product = partial(compiled.hessian_vector_product, backend="loops")
