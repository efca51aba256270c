"""What a user gets from the wheel: installed into an empty folder and used from there."""

import ast
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "keras_vae": "keras_vae",
    "cli": "keras_vae/cli",
    "serving": "keras_vae/serving",
    "saved_models": "keras_vae/saved_models",
}
LATER_VERSIONS = re.compile("([2-9]|[1-9][0-9]+)$")
"""Of models, which are the user's own."""


def files(folder: Path) -> set[str]:
    """Names of the files under the folder; caches, READMEs and what is generated left out."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and not {"__pycache__", "generated"} & set(path.parts)
        and not any(map(LATER_VERSIONS.match, path.parts))
        and path.suffix != ".md"
    }


def pip(*arguments: str | Path) -> None:
    """Runs pip without an index: whatever it needs has to be there already."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    process = subprocess.run([*command, "--no-deps", "--no-index"], capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    source, wheels, site = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "site"))
    for folder in PACKAGES:
        shutil.copytree(
            ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip("wheel", "--no-build-isolation", "--wheel-dir", wheels, source)
    pip("install", "--target", site, *wheels.glob("keras_vae-*.whl"))
    return site


@pytest.fixture(scope="session")
def metadata(site) -> Distribution:
    return Distribution.at(next(site.glob("keras_vae-*.dist-info")))


def normal(name: str) -> str:
    """A distribution's name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def providers() -> dict[str, set[str]]:
    """Top-level package -> the distributions that have it, by their files.

    `importlib.metadata.packages_distributions` of Python 3.10 knows fewer.
    """
    found: dict[str, set[str]] = {}
    for distribution in distributions():
        for file in distribution.files or ():
            # 3 for those of a namespace: `google` is no package itself, google/protobuf is
            if len(file.parts) in (2, 3) and file.name == "__init__.py":
                found.setdefault(file.parts[0], set()).add(normal(distribution.metadata["Name"]))
    return found


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports, at any depth of its code."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in names}


def run(site: Path, code: str) -> str:
    """Runs the code with the folder's package; an editable install is out of reach (-S)."""
    libraries = ":".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    process = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        cwd=site,
        env={"PYTHONPATH": f"{site}:{libraries}", "PATH": ""},
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_nothing_is_forgotten(site):
    for source, installed in PACKAGES.items():
        missing = files(ROOT / source) - files(site / installed)
        assert not missing, f"add the packages or files of {source}/ to pyproject.toml: {missing}"


def test_data_files_are_there(site):
    installed = files(site / "keras_vae")
    assert "py.typed" in installed
    assert "recipes/mnist-cvae.toml" in installed
    assert {"datasets/mnist_sample.npz", "datasets/LICENSE-mnist-sample.txt"} <= installed


def test_the_models_work_at_once(site, tmp_path):
    """As an empty environment without a network has them, from a folder that holds nothing."""
    code = f"""
import os
os.chdir({str(tmp_path)!r})
import keras_vae
from keras_vae import model_folders
from keras_vae.cli import main
from keras_vae.serving._session import Session
main(["sample", "mnist-cvae", "--label", "9"], standalone_mode=False)
images = keras_vae.from_preset("mnist-vae-flow").sample(2, seed=0)
served = model_folders.default()
sessions = [Session(path) for path in served.glob("*/1")]
print(images.shape[0], all("serving_default" in one.signatures for one in sessions), served)
"""
    picture, num, served, folder = run(site, code).split()
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert (num, served, Path(folder)) == ("2", "True", site / "keras_vae" / "saved_models")


def test_only_keras_vae_is_installed(site):
    entries = {path.name for path in site.iterdir() if path.suffix != ".dist-info"}
    assert entries - {"bin"} == {"keras_vae"}


def test_metadata(metadata):
    (command,) = metadata.entry_points
    assert (command.name, command.value) == ("keras-vae", "keras_vae.cli:main")
    assert metadata.metadata["License-Expression"] == "Apache-2.0"
    assert "Apache License" in metadata.read_text("licenses/LICENSE")


def test_the_extra_for_gpus_brings_tensorflows_cuda_libraries(metadata):
    (line,) = [line for line in metadata.requires if re.search(r"extra == .cuda", line)]
    assert line.startswith("tensorflow[and-cuda]")
    tensorflow = Distribution.from_name("tensorflow").requires
    assert any(re.match(r"nvidia-.*extra == .and-cuda", one) for one in tensorflow)


def test_every_import_is_a_declared_dependency(site, metadata):
    for_users = [line for line in metadata.requires if not re.search(r"extra == .(test|dev)", line)]
    declared = {normal(re.match(r"[\w.-]+", line)[0]) for line in for_users}
    by_package = providers()
    for path in (site / "keras_vae").rglob("*.py"):
        for name in imported(path) - set(sys.stdlib_module_names) - {"keras_vae", "tomllib"}:
            (provider,) = by_package.get(name, {name})
            assert provider in declared, f"{path.name} imports the undeclared {name}"


def test_command_lists_the_recipes(site):
    listed = run(site, "from keras_vae.cli import main; main(['list'])")
    for recipe in (ROOT / "keras_vae" / "recipes").glob("*.toml"):
        assert recipe.stem in listed


def test_package_is_whole_without_the_checkout(site):
    code = """
import keras_vae.cli, keras_vae.datasets, keras_vae.serving
sample = keras_vae.datasets.load("mnist-sample")
print(keras_vae.cli.__file__, keras_vae.serving.__file__)
print(len(sample.x_train) + len(sample.x_test))
"""
    cli, serving, images = run(site, code).split()
    assert {Path(cli).parents[1], Path(serving).parents[1]} == {site / "keras_vae"}
    assert int(images) == 5000
