"""The engines that are compared.

Each has a module here, named as in `ENGINES`, with one function for each workload that it can do:
`scalar_expression`, `small_chain`, `mlp_step`, `large_chain`, `checkpointed`, `convolution`,
`pooling`, `hessian_vector_product`. Such a function takes the workload's data, does once what
training does once (parameters, buffers), and returns a function without arguments. That one
performs one step, forward and backward (of a convolution and a pool only forward), and returns a
list of the result and the gradients (or of the products with the Hessian), as anything that numpy
makes arrays of. A function that is not there is one that the engine cannot do.
"""

from __future__ import annotations

from typing import NamedTuple


class Engine(NamedTuple):
    """One column of the table.

    Parameters
    ----------
    title : str
        What the table calls it.
    imports : str
        The modules that a user of it imports, separated by commas.
    distribution : str
        Where its version stands.
    lacking : str
        What the table says about a workload that it cannot do.
    """

    title: str
    imports: str
    distribution: str
    lacking: str = "–"


LIMIT = "numpy_by_hand"
OURS = "tinytorch"
ENGINES = {
    LIMIT: Engine("numpy by hand", "numpy", "numpy"),
    OURS: Engine("TinyTorch", "tinytorch.core.autograd", "tinytorch"),
    "torch_eager": Engine("PyTorch", "torch", "torch"),
    "hips": Engine("HIPS autograd", "autograd, autograd.numpy", "autograd"),
    "mygrad": Engine("MyGrad", "mygrad", "mygrad"),
    "micrograd": Engine("micrograd", "micrograd.engine", "micrograd"),
    "torch_compile": Engine("torch.compile", "torch", "torch"),
    "jax_jit": Engine("JAX, jit", "jax", "jax"),
    "compiled_lines": Engine("compiled, lines", "tinytorch.core.compiler", "tinytorch"),
    "compiled_loops": Engine("compiled, loops", "tinytorch.core.compiler", "tinytorch"),
    "compiled_c": Engine("compiled, C", "tinytorch.core.compiler", "tinytorch"),
}
COMPILED = ("compiled_lines", "compiled_loops", "compiled_c")  # take part where they are asked for
COMPILERS = ("torch_compile", "jax_jit")  # so do others' compilers
