"""`import tinytorch as tt` gives the public names of the modules that are there, when they are used."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinytorch as tt

ROOT = Path(tt.__file__).parent
MODULES = sorted(file.stem for file in (ROOT / "core").glob("[!_]*.py"))


def run(program: str, folder: Path = ROOT.parent) -> str:
    """What a program prints in a process of its own, with a library in some folder."""
    program = f"import sys; sys.path.insert(0, {str(folder)!r})\n{program}"
    found = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, cwd=folder
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_of_a_module_is_there_and_listed(name):
    module = importlib.import_module(f"tinytorch.core.{name}")
    first = [importlib.import_module(f"tinytorch.core.{m}") for m in tt.COME_FIRST]
    for public in module.__all__:
        owner = next(m for m in [*first, module] if public in m.__all__)
        assert getattr(tt, public) is getattr(owner, public)
        assert public in dir(tt)


def test_a_name_in_two_modules_is_the_one_that_can_do_more():
    names = [n for m in MODULES for n in importlib.import_module(f"tinytorch.core.{m}").__all__]
    twice = {n for n in names if names.count(n) > 1}
    again = {"clip_grad_norm_", "clip_grad_value_", "cross_entropy", "Adam", "Optimizer", "SGD"}
    assert twice == {"getitem", "linear", "log_softmax", "relu", "sigmoid", "softmax"} | again
    assert tt.SGD([tt.Variable(1.0)], 0.1, momentum=0.9).param_groups
    assert tt.cross_entropy(tt.Variable([[1.0, 2.0]]), [0], "none").shape == (1,)
    for name in ("relu", "sigmoid", "softmax", "log_softmax"):
        x = tt.Variable([1.0, 2.0])
        assert getattr(tt, name)(x).requires_grad


def test_the_names_that_everybody_uses():
    x = tt.Variable([[1.0, 2.0]])
    tt.Dense(2, 1)(x).sum().backward()
    assert x.grad.shape == (1, 2) and type(tt.Tensor([1.0])).__module__ == "tinytorch.core.tensor"
    assert tt.memory.keep_freed_blocks and tt.graph.draw


@pytest.mark.parametrize("name", ["Variabel", "numpy", "__wrapped__", "_private", "no_module"])
def test_an_unknown_name_is_refused_in_one_sentence(name):
    with pytest.raises(AttributeError, match=f"tinytorch has no '{name}'; dir"):
        getattr(tt, name)
    assert not hasattr(tt, name)


def test_importing_the_library_imports_nothing_else():
    imported = run("before = set(sys.modules); import tinytorch; print(*set(sys.modules) - before)")
    assert imported == "tinytorch"


def test_names_are_listed_without_importing_a_module():
    program = "import tinytorch\nassert 'Variable' in dir(tinytorch)\n"
    assert run(program + "print('numpy' in sys.modules, 'tinytorch.core' in sys.modules)") == (
        "False False"
    )


def test_a_name_imports_its_own_module_and_what_that_one_needs():
    program = "import tinytorch\ntinytorch.Tensor\nprint('tinytorch.core.layers' in sys.modules)"
    assert run(program) == "False"


READ = """
import sys
read = []
sys.addaudithook(lambda event, given: event == "open" and read.append(str(given[0])))
import tinytorch
{then}
print(*(path for path in read if path.startswith({root!r}) and "pycache" not in path), sep="\\n")
"""


def test_importing_the_library_reads_no_file_but_its_own():
    """Counted, not timed: benchmarks/run.py measures its milliseconds."""
    read = run("import importlib.util\n" + READ.format(then="", root=str(ROOT)))
    assert set(read.splitlines()) <= {str(ROOT / "__init__.py")}


def test_listing_the_names_reads_each_module_once_and_no_other_file():
    listing = "read.clear(); tinytorch.names_of_modules()"
    read = run(READ.format(then=listing, root=str(ROOT))).splitlines()
    assert sorted(read) == [str(ROOT / "core" / f"{name}.py") for name in MODULES]


@pytest.fixture
def kit(tmp_path) -> Path:
    """A library with module 1 and nothing else."""
    shutil.copytree(ROOT, tmp_path / "tinytorch", ignore=shutil.ignore_patterns("__pycache__"))
    for file in (tmp_path / "tinytorch" / "core").glob("[!_]*.py"):
        if file.stem != "tensor":
            file.unlink()
    return tmp_path


def test_a_kit_with_one_module_has_the_names_of_that_module(kit):
    program = (
        "import tinytorch as tt\nprint(tt.Tensor([1.0]), 'Dense' in dir(tt), hasattr(tt, 'Dense'))"
    )
    assert run(program, kit) == "Tensor([1.]) False False"


def test_a_kit_without_any_module_can_be_imported(kit):
    shutil.rmtree(kit / "tinytorch" / "core")
    assert run("import tinytorch as tt\nprint(hasattr(tt, 'Tensor'))", kit) == "False"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def relu(x:\n",
        "raise NotImplementedError",
        "__all__ = [name",
        "__all__ = names()",
        "\x00",
    ],
    ids=["blank", "not Python", "fails", "not closed", "computed", "a zero byte"],
)
def test_a_module_that_is_not_finished_breaks_no_other(kit, text):
    (kit / "tinytorch" / "core" / "activations.py").write_text(text)
    program = (
        "import tinytorch as tt\nprint(tt.Tensor([1.0]), hasattr(tt, 'relu'), len(dir(tt)) > 9)"
    )
    assert run(program, kit) == "Tensor([1.]) False True"


def test_a_module_that_is_exported_later_is_found(kit):
    later = kit / "tinytorch" / "core" / "layers.py"
    program = (
        "import tinytorch as tt, pathlib\nassert not hasattr(tt, 'Dense')\n"
        f"pathlib.Path({str(later)!r}).write_text('__all__ = [\"Dense\"]\\nDense = 3')\nprint(tt.Dense)"
    )
    assert run(program, kit) == "3"


def test_a_module_whose_import_fails_says_so_itself_and_breaks_no_other(kit):
    (kit / "tinytorch" / "core" / "layers.py").write_text('__all__ = ["Dense"]\n1 / 0\n')
    program = (
        "import tinytorch as tt\ntry:\n    tt.Dense\nexcept ZeroDivisionError:\n"
        "    print(tt.Tensor([1.0]))"
    )
    assert run(program, kit) == "Tensor([1.])"
