"""`fit`."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_vae import datasets
from keras_vae.recipes import Run, load
from keras_vae.recipes.runs import runs
from recipes.tiny import write_data, write_recipe

# A shell's background job ignores Ctrl-C, and so would what it starts.
LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
MAIN = "from keras_vae.cli import main; main(prog_name='keras-vae')"
COMMAND = [sys.executable, "-c", f"{LISTENING}; {MAIN}"]


def test_ends_with_a_table_and_the_pictures(fitted):
    folder, output = fitted("VAE")
    lines = output.splitlines()
    header = next(index for index, line in enumerate(lines) if line.split()[:1] == ["metric"])
    assert lines[header].split() == ["metric", "value", "unit"]
    assert any(line.split()[0] == "elbo" and line.endswith("nats") for line in lines[header:])
    assert "20 test rows of squares, no binarization" in lines
    assert str(folder / "model.keras") in lines
    pictures = [line for line in lines if line.endswith(".png")]
    assert pictures == [str(path) for path in sorted((folder / "figures").glob("*.png"))]
    assert len(pictures) >= 5


@pytest.mark.slow
def test_says_which_epoch_was_kept(keras_vae, recipe, data, tmp_path):
    keep = ["--set", "training.keep=best", "--set", "training.optimizer.name=sgd"]
    keep += ["--set", "training.optimizer.learning_rate=0.0"]  # no epoch is better than the first
    result = keras_vae("fit", recipe, "--data", data, *keep, "--no-export")
    assert "epoch 1 of 2, by its val_loss" in result.stdout.splitlines()
    assert Run(tmp_path / "runs" / "tiny" / "1").metrics()["kept_epoch"] == 1
    assert "by its val_loss" not in keras_vae("fit", recipe, "--data", data, "--no-export").stdout


def test_says_nothing_on_stderr(recipe, data):
    """In a process of its own, where TensorFlow's own messages would be seen."""
    environment = {key: value for key, value in os.environ.items() if key[:3] != "TF_"}
    done = subprocess.run(
        [*COMMAND, "fit", str(recipe), "--data", str(data), "--epochs", "1"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_an_autoencoder_reports_its_own_terms(fitted):
    folder, output = fitted("Autoencoder")
    assert "reconstruction" in output
    assert "elbo" not in output
    assert {path.stem for path in (folder / "figures").glob("*")} == {
        "filters",
        "history",
        "latent",
        "reconstructions",
        "tangents",
    }


def test_every_option_reaches_the_run(keras_vae, recipe, data, lean):
    options = ["--data", data, "--out", "elsewhere", "--epochs", 1, "--batch-size", 25, "--seed", 3]
    options += ["--no-export"]
    result = keras_vae(
        "fit", recipe, *options, "--set", "model.beta=4", "--set", "network.hidden=[5]"
    )
    assert result.exit_code == 0
    (run,) = runs("elsewhere", "tiny")
    assert run.recipe() == load(recipe).override(
        [
            "data.name=squares",
            f"data.path={data}",
            f"data.checksum='{datasets.load('', data).checksum()}'",
            "training.epochs=1",
            "training.batch_size=25",
            "training.seed=3",
            "model.beta=4",
            "network.hidden=[5]",
        ]
    )
    assert len(run.history_rows()) == 1
    assert run.metrics()["seed"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist-cvea"], "did you mean 'mnist-cvae'"),
        (["none.toml"], "no recipe file"),
        (["tiny.toml", "--data", "none.npz"], "none.npz does not exist"),
        (["tiny.toml", "--data", "broken.npz"], "broken.npz"),
        (["tiny.toml", "--data", "squares.npz", "--epochs", "0"], "expected 1 or more"),
        (["tiny.toml", "--data", "squares.npz", "--epochs", "x"], "'x' is not a valid integer"),
        (["tiny.toml", "--data", "squares.npz", "--batch-size", "0"], "expected 1 or more"),
        (["tiny.toml", "--data", "squares.npz", "--seed", "-1"], "expected 0 to 2**32 - 1"),
        (["tiny.toml", "--data", "squares.npz", "--set", "model.bta=4"], "did you mean 'beta'"),
        (["tiny.toml", "--data", "squares.npz", "--set", "model.beta=x"], "model.beta"),
        (["tiny.toml", "--data", "squares.npz", "--set", "model.beta"], "table.key=value"),
        (["tiny.toml", "--data", "vectors.npz", "--set", "network.name=convolutional"], "(7,)"),
        (["tiny.toml", "--data", "squares.npz", "--out", "squares.npz"], "squares.npz"),
        (["tiny.toml", "--data", "squares.npz", "--resume"], "no unfinished run under 'runs'"),
        (
            ["tiny.toml", "--data", "squares.npz", "--checkpoint-every", "often"],
            'minutes, as in "1 epoch"',
        ),
        (["nothing", "--resume"], "Unknown recipe 'nothing'"),
        (["tiny.toml", "--resume", "--set", "model.beta=4"], "give --epochs alone"),
        (["tiny.toml", "--resume", "--batch-size", "4"], "give --epochs alone"),
        (["tiny.toml", "--resume", "--seed", "4"], "give --epochs alone"),
        (["tiny.toml", "--strategy", "tpu"], "'tpu' is not one of"),
        (["tiny.toml", "--replicas", "2"], "No such option"),
    ],
)
def test_mistakes(refused, recipe, data, tmp_path, arguments, message):
    (tmp_path / "broken.npz").write_bytes(data.read_bytes()[:1000])
    write_data(tmp_path, shape=(7,), name="vectors")
    assert message in refused("fit", *arguments)


def test_nan_is_one_sentence(keras_vae, recipe, data):
    result = keras_vae(
        "fit",
        recipe,
        "--data",
        data,
        "--set",
        "training.optimizer.learning_rate=1e30",
    )
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "is not finite" in result.stderr
    assert "runs/tiny/1 holds no whole epoch of 2" in result.stderr


@pytest.mark.slow
def test_a_full_disk(keras_vae, recipe, data, tmp_path, monkeypatch):
    fits = ["fit", str(recipe), "--data", str(data), "--no-export"]
    savez, files = np.savez, []

    def full_disk(file, **arrays):
        files.append(file)
        if len(files) == 2:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        savez(file, **arrays)

    monkeypatch.setattr(np, "savez", full_disk)
    result = keras_vae(*fits)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "No space left on device; epoch-0001.npz stays." in result.stderr
    assert "model.keras holds epoch 1 of 2." in result.stderr
    result = keras_vae("fit", "tiny", "--resume", "--no-export")
    assert result.exit_code == 0
    assert Run(tmp_path / "runs" / "tiny" / "1").history()["epoch"] == [1, 2]


def test_ctrl_c_and_resume(keras_vae, data, tmp_path):
    recipe = write_recipe(tmp_path, model="Autoencoder")
    process = subprocess.Popen(
        [*COMMAND, "fit", str(recipe), "--data", str(data), "--epochs", "100000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"},
    )
    run = Run(tmp_path / "runs" / "tiny" / "1")
    patience = time.monotonic() + 120
    while len(run.history_rows()) < 2:
        assert process.poll() is None
        assert time.monotonic() < patience
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    sentence = errors.splitlines()[-1]
    assert sentence.startswith("keras-vae: Interrupted: runs/tiny/1/model.keras holds epoch ")
    assert sentence.endswith("Go on with: keras-vae fit tiny --resume")
    assert "oneDNN" not in errors
    assert not run.finished

    done = int(sentence.split("holds epoch ")[1].split()[0])
    result = keras_vae("fit", "tiny", "--resume", "--epochs", done + 1, "--no-export")
    assert result.exit_code == 0
    assert run.metrics()["epochs"] == done + 1
    typed = f"keras-vae fit {recipe} --data {data} --epochs 100000 --epochs {done + 1}"
    assert run.metrics()["command"].endswith(typed.removeprefix("keras-vae"))
    assert run.history()["epoch"] == list(range(1, done + 2))
