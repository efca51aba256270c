"""`sample --server`: the picture of a served model."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

import keras_vae as library
from keras_vae import networks
from keras_vae.serving import local

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def models():
    def cvae(width):
        return library.CVAE(*networks.dense(SHAPE, 2, hidden=(4,), condition_dim=width))

    return {"digits": cvae(3), "age": cvae(1)}


@pytest.fixture(scope="module")
def served(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        model.export(folder / name, labels=name == "digits")
    with local.serve(folder, 0, 0) as served:
        yield served


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("digits", ["--label", 2, "--seed", 3, "--temperature", 0.5]),
        ("age", ["--condition", 30, "-n", 3]),
    ],
)
def test_the_picture_is_that_of_the_local_model(keras_vae, served, models, model, options):
    models[model].save("local.keras")
    result = keras_vae("sample", model, *options, "--out", "a.png", "--server", served.address)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.png\n", "")
    keras_vae("sample", "local.keras", *options, "--out", "b.png")
    one_level = 1 / 255  # which a last bit can turn
    np.testing.assert_allclose(imread("a.png"), imread("b.png"), atol=1.001 * one_level)
    assert imread("a.png").std() > 0


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("digits", [], "no condition, and the model 'digits'"),
        ("digits", ["--label", 3], "the label 3, for which"),
        ("digits", ["--condition", 1], "takes labels"),
        ("digits", ["--label", 1, "--condition", 1], "give one of them"),
        ("digits", ["--label", 1, "--out", "a.jpg"], "ends in .png"),
        ("no", ["--label", 1], "NOT_FOUND from the model 'no'"),
    ],
)
def test_mistakes(refused, served, model, options, message):
    out = [] if "--out" in options else ["--out", "a.png"]
    assert message in refused("sample", model, *options, *out, "--server", served.address)


def test_no_tensorflow_is_imported(served, tmp_path):
    code = """
import sys
from keras_vae.cli import main
main(sys.argv[1:], prog_name="keras-vae", standalone_mode=False)
print({"keras", "tensorflow"} & set(sys.modules))
"""
    arguments = ["sample", "digits", "--label", "1", "--out", "a.png", "--server", served.address]
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert (process.stdout, process.stderr) == ("a.png\nset()\n", "")
