"""TinyTorch: a small deep-learning framework on numpy, built module by module.

``import tinytorch as tt`` gives the public names of all modules that are in `tinytorch.core`:
``tt.Tensor``, ``tt.Dense``, ``tt.Variable``. A module is imported when one of its names is first
used; nothing else is.
"""

# Their names come before those of others, the first one's before all: autograd's relu takes
# Variables, that of module 2 only arrays; training's cross_entropy has reductions; optimizers' SGD
# has momentum.
COME_FIRST = "optimizers", "training", "autograd"
FOUND: dict[str, str] = {}  # name -> the module in tinytorch.core that has it


def __getattr__(name: str):
    """A public name of a module in `tinytorch.core`, or a package in `tinytorch` (PEP 562)."""
    from importlib import import_module

    if not name.startswith("_"):
        if name not in FOUND:
            FOUND.update(names_of_modules())  # again: a module may just have been exported
        if name in FOUND:
            return getattr(import_module(f"tinytorch.core.{FOUND[name]}"), name)
        if name in parts():
            return import_module(f"tinytorch.{name}")
    raise AttributeError(
        f"tinytorch has no {name!r}; dir(tinytorch) lists the public names of the modules that are "
        "in tinytorch/core"
    )


def __dir__() -> list[str]:
    """What is here, what is in the modules, and the packages."""
    return sorted({*globals(), *names_of_modules(), *parts()})


def names_of_modules() -> dict[str, str]:
    """Each name in the ``__all__`` of a module in `tinytorch.core`; no module is imported."""
    from pathlib import Path

    found: dict[str, str] = {}
    files = {file.stem: file for file in sorted(Path(__file__).with_name("core").glob("[!_]*.py"))}
    first = [module for module in COME_FIRST if module in files]
    for module in dict.fromkeys([*first, *files]):
        for name in names_in(files[module]):
            found.setdefault(name, module)
    return found


def names_in(file) -> list[str]:
    """What ``__all__ = [...]`` or ``__all__ = "...".split()`` in a file lists; else nothing."""
    import ast

    try:
        body = ast.parse(file.read_bytes()).body
        return [
            str(name)
            for line in body
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__all__"
            for name in listed(ast, line.value)
        ]
    except (OSError, SyntaxError, ValueError, TypeError):
        return []  # a module that is not finished yet: the names of the others are still there


def listed(ast, value) -> list[str]:
    """A list of names, written as a list or as one text that is split."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return ast.literal_eval(value.func.value).split()
    return ast.literal_eval(value)


def parts() -> list[str]:
    """The modules and packages next to this file, such as `graph` and `memory`."""
    from pathlib import Path

    files = Path(__file__).parent.glob("[!_]*")
    return [file.stem for file in files if file.suffix == ".py" or (file / "__init__.py").exists()]
