"""Cells that look as if they tried to get marks without solving.

It is said to the instructor, who judges; marks do not depend on it, for none of these tricks gains
anything. Nothing is flagged that the reference of the module does as well, nor anything for which
an honest student has a use: in a cell that does not go into the module, one may read files, measure
threads, or look into one's own objects.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable

from tito.judge.pack import Pack
from tito.notebook.export import notebook_cells, without_magics
from tito.syntax import parse

FRAMES = set("_getframe currentframe f_back f_locals f_globals tb_frame gi_frame".split())
OBJECTS = set(
    "__subclasses__ __globals__ __builtins__ co_consts co_code get_objects get_referrers "
    "_current_frames getsource getsourcelines getouterframes getinnerframes".split()
)
NOTEBOOK = set(
    "ast_transformers input_transformers_cleanup input_transformers_post user_ns user_global_ns "
    "history_manager displayhook display_pub set_custom_exc".split()
)
IMPORTS = set("sys.meta_path sys.path_hooks sys.path_importer_cache".split())
MODULES = set(
    "sys.modules sys.settrace sys.setprofile importlib.import_module importlib.util "
    "importlib.machinery".split()
)
ENDS = set("os._exit os.kill os.abort os.fork os.execv os.killpg signal.raise_signal".split())
THREADS = set("threading.Thread threading.Timer Thread Timer _thread.start_new_thread".split())
LIBRARIES = set(
    "torch jax tensorflow autograd mygrad dezero tinygrad micrograd theano mxnet chainer".split()
)
WALLS = set(
    "ctypes socket subprocess linecache marshal multiprocessing atexit _thread signal".split()
)
REPLACED = sys.stdlib_module_names | {"np", "numpy", "builtins", "tito"}
OWN = set("sys.stdout sys.stderr sys.path sys.argv".split())  # to capture what is printed, say
DATA = re.compile(r"(?![/~])(?!.*\.\.)[^:]*\.(csv|tsv|txt|json|npy|npz|pkl|png|jpe?g|md|log)")


def suspicious(pack: Pack, nb) -> list[str]:
    """What is suspicious in a notebook.

    Parameters
    ----------
    pack : Pack
        The module; the cells that it gives to everybody are not looked at.
    nb : NotebookNode
        A submission.

    Returns
    -------
    list of str
        A sentence for each kind of thing.
    """
    graded = {cell.name: cell for cell in notebook_cells(nb)}
    theirs = []
    for number, cell in enumerate(nb.cells, 1):
        nbgrader = cell.metadata.get("nbgrader", {})
        name = nbgrader.get("grade_id") or f"cell {number}"
        if cell.cell_type == "code" and not nbgrader.get("grade") and not pack.gives(cell.source):
            text = graded[name].source if name in graded else without_magics(cell.source)
            theirs.append((name, text, name in graded))
    return flags(theirs, [cell.source for cell in pack.reference], pack.import_name)


def flags(
    cells: Iterable[tuple[str, str, bool]], reference: Iterable[str], module: str
) -> list[str]:
    """What is suspicious in some cells.

    Parameters
    ----------
    cells : iterable of (str, str, bool)
        The name and the text of each cell that a student wrote or changed, and whether it goes into
        the module under test.
    reference : iterable of str
        The texts of the reference; what it does is not suspicious.
    module : str
        What the module under test is imported as.

    Returns
    -------
    list of str
        A sentence for each kind of thing, with the cell in which it stands.
    """
    usual = {what for text in reference for what in _found(text, True, module)}
    seen: dict[str, str] = {}
    for name, text, is_graded in cells:
        for what in sorted(_found(text, is_graded, module)):
            if what not in usual:
                seen.setdefault(what, name)
    return [f"the cell {name!r} {what}" for what, name in seen.items()]


@functools.lru_cache(maxsize=1024)
def _found(text: str, is_graded: bool, module: str) -> frozenset[str]:
    try:
        tree = parse(text)
        modules = _modules(tree)
        found = {what for node in ast.walk(tree) for what in _anywhere(node, modules)}
        if is_graded:
            own = _own_names(tree)
            found |= {w for node in ast.walk(tree) for w in _in_the_module(node, module, own)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(found)


def _modules(tree: ast.Module) -> set[str]:
    """The names by which a text knows what a cheat would replace a part of."""
    names = {"np", "numpy", "builtins", "tito"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                (a.asname or a.name).partition(".")[0]
                for a in node.names
                if a.name.partition(".")[0] in REPLACED
            }
    return names


def _own_names(tree: ast.Module) -> set[str]:
    """The functions that a text defines, and the parameters of all of them."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    parameters = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {function.name for function in functions} | parameters


def _anywhere(node: ast.AST, modules: set[str]) -> Iterable[str]:
    """What has no honest use in any cell of a notebook."""
    if isinstance(node, ast.Attribute):
        dotted = _dotted(node)
        if node.attr in FRAMES:
            yield "looks into the program that runs it"
        if node.attr in NOTEBOOK:
            yield "changes how the notebook runs"
        if dotted in IMPORTS:
            yield "changes what is imported"
        if dotted in ENDS:
            yield "ends the process"
    for target in _assigned(node):
        if _root(target) in modules and _dotted(target) not in OWN:
            yield "replaces a part of a library"
        if isinstance(target, ast.Name) and target.id in ("AssertionError", "__import__"):
            yield f"replaces {target.id}"
    if _is_call(node, "setattr", "delattr") and node.args and _root(node.args[0]) in modules:
        yield "replaces a part of a library"
    if isinstance(node, ast.ClassDef) and any(_always_true(item) for item in node.body):
        yield "makes objects that equal everything"


def _in_the_module(node: ast.AST, module: str, own: set[str]) -> Iterable[str]:
    """What no solution of an exercise needs."""
    for name in _imported(node):
        top = name.partition(".")[0]
        if top in LIBRARIES or top in WALLS:
            yield f"imports {top}"
        elif name == module or (top == "tito" and not re.match(r"tito(\.checks(\..*)?)?$", name)):
            yield f"imports {name}"
    if isinstance(node, ast.Attribute):
        if node.attr in OBJECTS:
            yield "looks into the program that runs it"
        if _dotted(node) in MODULES:
            yield "changes what is imported"
    if isinstance(node, ast.Call) and _dotted(node.func) in THREADS - own:
        yield "starts a thread"
    if _is_call(node, *{"exec", "eval", "compile", "__import__"} - own):
        yield f"calls {node.func.id}"
    if _is_call(node, *{"open"} - own) and not _opens_data(node, own):
        yield "calls open"


def _opens_data(call: ast.Call, own: set[str]) -> bool:
    """Whether it is data that is opened, or whatever a function was asked to open."""
    path = call.args[0] if call.args else None
    if isinstance(path, ast.Constant):
        return isinstance(path.value, str) and bool(DATA.fullmatch(path.value))
    return isinstance(path, ast.Name) and path.id in own


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _assigned(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, (ast.Assign, ast.Delete)):
        return list(node.targets)
    if isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        return [node.target]
    return []


def _dotted(node: ast.expr) -> str:
    """A name with its attributes, ``a.b.c``; nothing for what is more than that."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _root(node: ast.expr) -> str:
    """The name at the root of ``a.b.c``; nothing for a plain name, which is one's own."""
    if not isinstance(node, ast.Attribute):
        return node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) else ""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_call(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _always_true(item: ast.stmt) -> bool:
    if not isinstance(item, ast.FunctionDef) or item.name != "__eq__":
        return False
    last = item.body[-1]
    value = last.value if isinstance(last, ast.Return) else None
    return isinstance(value, ast.Constant) and value.value is True
