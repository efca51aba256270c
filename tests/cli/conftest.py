"""What tests of commands share: a tiny recipe, tiny data, and one finished run of each kind."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from keras_vae.cli import main
from recipes.tiny import write_data, write_recipe

Invoke = Callable[..., Result]


class Fitted(NamedTuple):
    """A finished run: its folder, and what `fit` printed."""

    folder: Path
    output: str


def invoke(*arguments: object) -> Result:
    """Runs `keras-vae` with the arguments; a defect raises."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch) -> Path:
    """Every test stands in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def keras_vae() -> Invoke:
    return invoke


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Every file of a folder with its bytes, and every folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def refused() -> Callable[..., str]:
    """Runs `keras-vae`, checks that it calls the arguments a mistake, and gives the sentence."""

    def run(*arguments: object) -> str:
        before = contents(Path.cwd())
        result = invoke(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("keras-vae: ")
        assert result.stderr.count("\n") == 1
        assert before == contents(Path.cwd())
        return result.stderr.removeprefix("keras-vae: ").rstrip()

    return run


@pytest.fixture
def recipe(tmp_path) -> Path:
    return write_recipe(tmp_path)


@pytest.fixture
def data(tmp_path) -> Path:
    return write_data(tmp_path)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory) -> Callable[[str], Fitted]:
    """Gives the finished run of a model class, with the seed 7; each is fitted once."""
    runs: dict[str, Fitted] = {}

    def fit(model: str) -> Fitted:
        if model not in runs:
            folder = tmp_path_factory.mktemp(model)
            recipe = write_recipe(folder, model=model)
            out = folder / "runs"
            arguments = (recipe, "--data", write_data(folder), "--out", out, "--seed", 7)
            result = invoke("fit", *arguments, "--no-export")
            assert result.exit_code == 0, result.output
            runs[model] = Fitted(out / "tiny" / "1", result.stdout)
        return runs[model]

    return fit
