"""`sample --server`: the picture of a served model."""

import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

import keras_vae as library
from fake_serving import Served, serving, signatures
from keras_vae import networks

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def models():
    def cvae(width):
        return library.CVAE(*networks.dense(SHAPE, 2, hidden=(4,), condition_dim=width))

    vae = library.VAE(*networks.dense(SHAPE, 2, hidden=(4,)))
    return {"label": cvae(3), "condition": cvae(3), "age": cvae(1), "vae": vae}


@pytest.fixture(scope="module")
def served(models):
    conditions = {"label": "label", "condition": "condition", "age": "condition"}
    offered = {name: signatures(model, conditions.get(name)) for name, model in models.items()}
    with serving(offered) as served:
        yield served


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("vae", ["-n", 4, "--temperature", 0.5]),
        ("label", ["--label", 2, "--seed", 3]),
        ("condition", ["--condition", 0.2, "--condition", 0, "--condition", 1]),
        ("age", ["--condition", 30, "-n", 3]),
    ],
)
def test_the_picture_is_that_of_the_local_model(keras_vae, served, models, model, options):
    models[model].save("local.keras")
    result = keras_vae("sample", model, *options, "--out", "a.png", "--server", served.address)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.png\n", "")
    keras_vae("sample", "local.keras", *options, "--out", "b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert imread("a.png").std() > 0


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("label", [], "no condition, and the model 'label'"),
        ("vae", ["--label", 1], "takes none: leave it out"),
        ("label", ["--condition", 1], "takes labels"),
        ("label", ["--label", 1, "--condition", 1], "give one of them"),
        ("no", ["--label", 1], "NOT_FOUND from the model 'no'"),
        ("vae", ["--out", "a.jpg"], "ends in .png"),
    ],
)
def test_mistakes(refused, served: Served, model, options, message):
    out = [] if "--out" in options else ["--out", "a.png"]
    assert message in refused("sample", model, *options, *out, "--server", served.address)


def test_no_tensorflow_is_imported(served: Served, tmp_path):
    code = """
import sys
from keras_vae.cli import main
main(sys.argv[1:], prog_name="keras-vae", standalone_mode=False)
print({"keras", "tensorflow"} & set(sys.modules))
"""
    arguments = ["sample", "vae", "--out", "a.png", "--server", served.address]
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert (process.stdout, process.stderr) == ("a.png\nset()\n", "")
