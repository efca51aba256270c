"""What the documentation shows runs: the examples of the docstrings and the README's Python."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.models import LatentModel

README = Path(__file__).parents[1] / "README.md"


def examples():
    """Every docstring of the package that has an example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for info in pkgutil.walk_packages(keras_vae.__path__, "keras_vae."):
        if info.name.startswith(("keras_vae.cli", "keras_vae.serving")):
            continue  # they import what is not needed here, and have no Python for users
        module = importlib.import_module(info.name)
        for test in finder.find(module, module.__name__, extraglobs={"np": np}):
            if test.examples:
                yield pytest.param(test, id=test.name)


EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES)
def test_docstring_example(example):
    report = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert not report, "".join(report)


def test_every_public_model_has_an_example():
    shown = {param.id.split(".")[-1] for param in EXAMPLES}
    public = [getattr(keras_vae, name) for name in keras_vae.__all__]
    models = {
        cls.__name__ for cls in public if inspect.isclass(cls) and issubclass(cls, LatentModel)
    }
    assert {"VAE", "CVAE", "Autoencoder"} <= models
    assert models <= shown


@pytest.mark.skipif(not README.exists(), reason="there is no README.md beside the tests")
def test_readme(tmp_path, monkeypatch):
    """All blocks, one after the other, in an empty folder and without the full data sets."""
    monkeypatch.delenv("KERAS_VAE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    names = {"np": np, "keras": keras, "keras_vae": keras_vae}
    for block in blocks:
        exec(compile(block, f"{README.name}: {block.splitlines()[0]}", "exec"), names)
