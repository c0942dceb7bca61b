"""The library under Pyodide, Python in a browser's own machine code, up to `import numpy`.

Pyodide's numpy is on a network of its own, and not in the npm package: what comes after is not tried.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

PYODIDE = "pyodide@314.0.7"
PROGRAM = """
import { loadPyodide } from "pyodide";
const python = await loadPyodide();
python.FS.mkdirTree("/library");
python.FS.mount(python.FS.filesystems.NODEFS, { root: process.argv[2] }, "/library");
console.log(python.runPython(process.argv[3]));
"""
IMPORT_ALL = """
import importlib, json, pkgutil, sys
sys.path.insert(0, "/library")
import tinytorch
found = {}
for module in pkgutil.walk_packages(tinytorch.__path__, "tinytorch.", lambda name: None):
    try:
        importlib.import_module(module.name)
        found[module.name] = "imported"
    except ModuleNotFoundError as error:
        found[module.name] = f"stops at {error.name}"
json.dumps([found, dir(tinytorch)])
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Path:
    """A folder in which node finds Pyodide."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node on this machine")
    folder = tmp_path_factory.mktemp("node")
    (folder / "program.mjs").write_text(PROGRAM)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PYODIDE]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{PYODIDE} cannot be had from npm's registry")
    return folder


@pytest.mark.skipif(os.name == "nt", reason="starts npm by its name")
def test_the_library_is_read_by_pyodide_up_to_numpy(node, tmp_path):
    shutil.copytree(ROOT / "tinytorch", tmp_path / "tinytorch")
    command = ["node", "program.mjs", str(tmp_path), IMPORT_ALL]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found, names = json.loads(done.stdout.splitlines()[-1])
    assert set(found.values()) == {"imported", "stops at numpy"}
    assert {"Tensor", "Variable", "Dense", "Adam", "compile"} <= set(names)
    assert len(found) > 50
