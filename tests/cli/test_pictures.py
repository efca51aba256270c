"""`plot` and `sample`."""

import numpy as np
import pytest
from matplotlib.image import imread

from keras_vae import CVAE, networks

FIGURES = ["reconstructions", "samples", "manifold", "latent", "interpolate", "history"]
FIGURES += ["filters", "tangents", pytest.param("posterior", marks=pytest.mark.slow)]


@pytest.mark.parametrize("what", FIGURES)
def test_plot(keras_vae, fitted, what):
    result = keras_vae("plot", fitted("VAE").folder, what, "--out", "a.png")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.png\n", "")
    assert imread("a.png").std() > 0


def test_plot_in_another_format(keras_vae, fitted, tmp_path):
    keras_vae("plot", fitted("VAE").folder, "history", "--out", "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_a_picture_has_a_name_unless_it_is_given_one(keras_vae, fitted, tmp_path):
    folder = fitted("VAE").folder
    for arguments, name in (
        (["plot", folder, "history"], "history"),
        (["sample", folder], "samples"),
    ):
        assert keras_vae(*arguments).stdout == f"{name}.png\n"
        assert imread(tmp_path / f"{name}.png").std() > 0


def test_compare(keras_vae, fitted):
    two = fitted("VAE").folder, "compare", fitted("Autoencoder").folder
    result = keras_vae("plot", *two, "--out", "a.png")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.png\n", "")
    keras_vae("plot", fitted("VAE").folder, "latent", "--out", "b.png")
    assert imread("a.png").shape[1] > 1.5 * imread("b.png").shape[1]


@pytest.mark.slow
def test_analogies_of_chosen_rows(keras_vae, fitted):
    for rows, out in ((["--row", 3, "--row", 4], "a.png"), (["--row", 5], "b.png")):
        keras_vae("plot", fitted("CVAE").folder, "analogies", *rows, "--out", out)
    assert imread("a.png").shape[0] > imread("b.png").shape[0]


def test_plot_with_another_seed_and_other_data(keras_vae, fitted, data):
    for out, options in (("a.png", []), ("b.png", []), ("c.png", ["--seed", 1, "--data", data])):
        keras_vae("plot", fitted("VAE").folder, "samples", "--out", out, *options)
    np.testing.assert_array_equal(imread("a.png"), imread("b.png"))
    assert not np.array_equal(imread("a.png"), imread("c.png"))


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("VAE", ["sampels", "--out", "a.png"], "did you mean 'samples'"),
        ("VAE", ["analogies", "--out", "a.png"], "needs a model with a condition"),
        ("VAE", ["samples", "--row", "1", "--out", "a.png"], "'analogies' alone"),
        ("VAE", ["corruption", "--out", "a.png"], "needs a model with a corruption"),
        ("VAE", ["compare", "--out", "a.png"], "plot MODEL compare OTHER"),
        ("VAE", ["latent", "runs/1", "--out", "a.png"], "There is no model 'runs/1'"),
        ("VAE", ["samples", "--out", "none/a.png"], "none/a.png: No such file"),
        ("VAE", ["samples", "--out", "a.xyz"], "Format 'xyz' is not supported"),
        ("VAE", ["samples", "--out", "."], "'.' is a directory"),
        ("CVAE", ["analogies", "--row", "99", "--out", "a.png"], "rows 0 to 19"),
        ("Autoencoder", ["samples", "--out", "a.png"], "needs a generative model"),
        ("Autoencoder", ["posterior", "--out", "a.png"], "needs a generative model"),
    ],
)
def test_plot_refuses(refused, fitted, model, arguments, message):
    assert message in refused("plot", fitted(model).folder, *arguments)


def test_sample(keras_vae, fitted):
    result = keras_vae("sample", fitted("VAE").folder, "-n", 4, "--out", "a.png")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a.png\n", "")
    assert imread("a.png").ndim == 3


def test_sample_is_a_function_of_its_options(keras_vae, fitted):
    options = {
        "a": ["--label", 1],
        "same": ["--label", 1, "--seed", 0, "--temperature", 1, "-n", 16],
        "label": ["--label", 2],
        "seed": ["--label", 1, "--seed", 1],
        "temperature": ["--label", 1, "--temperature", 0],
        "number": ["--label", 1, "-n", 9],
    }
    pictures = {}
    for name, given in options.items():
        keras_vae("sample", fitted("CVAE").folder, *given, "--out", f"{name}.png")
        pictures[name] = imread(f"{name}.png")
    np.testing.assert_array_equal(pictures["a"], pictures.pop("same"))
    for name in ("label", "seed", "temperature", "number"):
        assert not np.array_equal(pictures["a"], pictures[name]), name


def test_sample_of_a_real_valued_condition(keras_vae, refused, fitted):
    one_hot = ["--condition", 0, "--condition", 1, "--condition", 0]
    keras_vae("sample", fitted("CVAE").folder, *one_hot, "--out", "values.png")
    keras_vae("sample", fitted("CVAE").folder, "--label", 1, "--out", "label.png")
    np.testing.assert_array_equal(imread("values.png"), imread("label.png"))
    encoder, decoder = networks.dense((8, 8, 1), 2, hidden=(4,), condition_dim=1)
    CVAE(encoder, decoder).save("age.keras")
    pictures = []
    for age in (3, 30):
        keras_vae("sample", "age.keras", "--condition", age, "--out", "age.png")
        pictures.append(imread("age.png"))
    assert not np.array_equal(*pictures)
    assert "takes a number" in refused("sample", "age.keras", "--label", 0, "--out", "a.png")
    assert "takes a number" in refused("sample", "age.keras", "--out", "a.png")


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("CVAE", [], "needs a label: give --label 0 to 2"),
        ("CVAE", ["--label", "3"], "from 0 to 2"),
        ("CVAE", ["--label", "-1"], "-1 is not in the range"),
        ("CVAE", ["--condition", "1"], "a condition of shape"),
        ("CVAE", ["--condition", "1", "--label", "1"], "give one of them"),
        ("VAE", ["--label", "1"], "takes no label"),
        ("VAE", ["--condition", "1"], "takes no label"),
        ("VAE", ["--seed", str(2**53)], "is not in the range"),
        ("VAE", ["--seed", str(2**53 - 3)], "at most 2**53 - num"),
        ("VAE", ["-n", "0"], "0 is not in the range"),
        ("VAE", ["--temperature", "-1"], "-1.0 is not in the range"),
        ("VAE", ["--out", "a.jpg"], "ends in .png"),
        ("Autoencoder", [], "no prior to sample from"),
    ],
)
def test_sample_refuses(refused, fitted, model, arguments, message):
    out = [] if "--out" in arguments else ["--out", "a.png"]
    assert message in refused("sample", fitted(model).folder, *arguments, *out)


def test_says_so_when_an_unfinished_fit_is_not_what_is_drawn(keras_vae, tmp_path):
    drawn = ["sample", "mnist-vae", "-n", 4, "--out", "a.png"]
    assert keras_vae(*drawn).stderr == ""
    (tmp_path / "runs" / "mnist-vae" / "1").mkdir(parents=True)
    stderr = keras_vae(*drawn).stderr
    assert "No fit in 'runs/mnist-vae' is finished, so this is the model in '" in stderr
    assert stderr.rstrip().endswith("saved_models/mnist-vae/1'.")
