"""A fit from recipe to metrics, and the ways in which it can stop."""

import csv
import dataclasses
import json
import os
import shutil

import keras
import numpy as np
import pytest

from keras_vae import datasets, recipes, training
from keras_vae.errors import UserError
from keras_vae.evaluation import kl_per_dimension
from recipes.tiny import write_data, write_recipe

pytestmark = pytest.mark.usefixtures("lean")


@pytest.fixture
def recipe(tmp_path):
    return recipes.load(write_recipe(tmp_path, model="CVAE"))


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of the tiny CVAE that was never stopped, with its pictures."""
    folder = tmp_path_factory.mktemp("whole")
    recipe = recipes.load(write_recipe(folder, model="CVAE"))
    return recipes.fit(recipe, data=write_data(folder), out=folder / "runs", verbose=0)


class CtrlC(keras.callbacks.Callback):
    """Ctrl-C after a batch of an epoch, or before the first one."""

    def __init__(self, epoch: int, batch: int | None = None):
        super().__init__()
        self.epoch, self.batch = epoch, batch
        self.present = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.present = epoch
        if epoch == self.epoch and self.batch is None:
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        if (self.present, batch) == (self.epoch, self.batch):
            raise KeyboardInterrupt


def weights(run):
    model = recipes.open_model(str(run.folder)).model
    return [*model.get_weights(), *(np.array(value) for value in model.optimizer.variables)]


def losses(run):
    return [(row["epoch"], row["loss"], row["val_loss"]) for row in run.history_rows()]


def test_a_run_is_whole(recipe, whole):
    run = whole
    assert run.folder.parts[-3:] == ("runs", "tiny", "1")
    assert {path.name for path in run.folder.iterdir()} == {
        "recipe.toml",
        "model.keras",
        "history.csv",
        "metrics.json",
        "command.txt",
        "figures",
        "checkpoints",
    }
    resolved = run.recipe()
    path = run.folder.parents[2] / "squares.npz"
    checksum = datasets.load("", path).checksum()
    assert resolved.data == {"name": "squares", "path": str(path), "checksum": checksum}
    assert resolved.training == recipe.training
    rows = list(csv.DictReader(run.history_file.open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {row["data"] for row in rows} == {"squares"}
    assert {"loss", "reconstruction", "kl", "elbo", "val_elbo", "active_units"} <= set(rows[0])
    metrics = json.loads(run.metrics_file.read_text())
    assert metrics["data"] == "squares"
    assert metrics["protocol"] == "no binarization"
    assert (metrics["train_rows"], metrics["test_rows"], metrics["epochs"]) == (50, 20, 2)
    assert metrics["seed"] == 0
    assert metrics["seconds"] > 0
    assert {"keras-vae", "keras", "tensorflow", "numpy", "python"} <= set(metrics["versions"])
    assert metrics["metrics"]["elbo"] == pytest.approx(float(rows[-1]["val_elbo"]), rel=1e-5)
    assert set(metrics["metrics"]) == set(metrics["units"])
    pictures = {path.stem for path in run.figures.glob("*.png")}
    assert pictures == {
        "analogies",
        "filters",
        "history",
        "interpolate",
        "latent",
        "manifold",
        "reconstructions",
        "samples",
        "styles",
    }


def test_another_seed_gives_another_run(recipe, data, tmp_path, whole):
    other = recipe.override(["training.seed=1", "training.epochs=1"])
    assert losses(recipes.fit(other, data=data, out=tmp_path, verbose=0)) != losses(whole)[:1]


@pytest.mark.parametrize(
    ("every", "batch", "kept"),
    [
        pytest.param("1 epoch", 2, "epoch 1 of 2", marks=pytest.mark.slow),
        pytest.param("1 epoch", None, "epoch 1 of 2", marks=pytest.mark.slow),
        ("3 steps", 2, "epoch 1 and 2 steps of 2"),
    ],
)
def test_resumed_as_if_never_stopped(recipe, data, tmp_path, whole, every, batch, kept):
    out = tmp_path / "runs"
    stop = CtrlC(1, batch)
    with pytest.raises(recipes.Interrupted, match="--resume") as stopped:
        recipes.fit(recipe, data=data, out=out, checkpoint_every=every, callbacks=[stop], verbose=0)
    folder = out / "tiny" / "1"
    assert f"model.keras holds {kept}" in str(stopped.value)
    assert f"keras-vae fit tiny --resume --out {out}" in str(stopped.value)
    assert not (folder / "metrics.json").exists()
    kept = recipes.open_model(str(folder))
    assert kept.model.sample(2, condition=1, seed=0).shape == (2, 8, 8, 1)

    run = recipes.resume("tiny", out=out, verbose=0)
    assert run.folder == folder
    assert losses(run) == losses(whole)
    for one, other in zip(weights(run), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    assert run.metrics()["metrics"] == whole.metrics()["metrics"]
    with pytest.raises(UserError, match="no unfinished run"):
        recipes.resume("tiny", out=out, verbose=0)


def test_fit_once_goes_on_with_what_was_begun(recipe, data, tmp_path, whole):
    arguments = {"data": data, "out": tmp_path / "runs", "verbose": 0}
    with pytest.raises(recipes.Interrupted):
        recipes.fit_once(recipe, callbacks=[CtrlC(1)], **arguments)
    with pytest.raises(recipes.Interrupted):  # of another recipe
        recipes.fit_once(recipe.with_epochs(3), callbacks=[CtrlC(1)], **arguments)
    run = recipes.fit_once(recipe, **arguments)
    assert run.folder.name == "1"
    assert losses(run) == losses(whole)
    assert recipes.fit_once(recipe, **arguments) == run
    assert sorted(path.name for path in run.folder.parent.iterdir()) == ["1", "2"]


def test_what_callbacks_log_stands_in_the_history(recipe, data, tmp_path):
    def measure(model):
        return {"size": float(model.count_params())}

    run = recipes.fit(
        recipe.with_epochs(3),
        data=data,
        out=tmp_path,
        callbacks=[training.MeasureAt(measure, (2,))],
        verbose=0,
    )
    size = recipes.open_model(str(run.folder)).model.count_params()
    np.testing.assert_array_equal(run.history()["size"], [np.nan, size, np.nan])
    assert len(run.history()["val_elbo"]) == 3
    recipes.plot(recipes.open_model(str(run.folder)), "history", tmp_path / "history.png")
    assert (tmp_path / "history.png").exists()


def test_stopped_before_the_first_epoch_was_whole(recipe, data, tmp_path):
    with pytest.raises(recipes.Interrupted, match="holds no whole epoch of 2"):
        recipes.fit(recipe, data=data, out=tmp_path, callbacks=[CtrlC(0, 1)], verbose=0)
    with pytest.raises(UserError, match="holds neither a model nor a checkpoint"):
        recipes.open_model(str(tmp_path / "tiny" / "1"))
    run = recipes.resume("tiny", out=tmp_path, epochs=1, verbose=0)
    assert (run.metrics()["epochs"], run.recipe().training["epochs"]) == (1, 1)


@pytest.fixture
def stack(tmp_path):
    """784-6-2 sparse, pretrained for two epochs each."""
    return recipes.load(write_recipe(tmp_path, model="StackedAutoencoder", name="stack")).override(
        [
            "network.name=dense_layers",
            "network.hidden=[6]",
            "model.autoencoders={name='SparseAutoencoder', sparsity={name='topk', k=1}}",
            "pretraining.epochs=2",
            "pretraining.optimizer={name='sgd', learning_rate=0.01}",
        ]
    )


def test_a_stack_is_pretrained_before_it_is_trained(stack, data, tmp_path, capsys):
    run = recipes.fit(stack, data=data, out=tmp_path, verbose=2)
    assert "Layer 1 of 2: 64-6" in (printed := capsys.readouterr().out)
    assert "Layer 2 of 2: 6-2" in printed
    rows = list(csv.DictReader(run.pretraining_file.open()))
    assert [(row["layer"], row["epoch"]) for row in rows] == [
        ("1", "1"),
        ("1", "2"),
        ("2", "1"),
        ("2", "2"),
    ]
    assert {"loss", "reconstruction", "val_loss"} <= set(rows[0])
    every = [float(row["seconds"]) for row in [*rows, *run.history_rows()]]
    assert run.metrics()["seconds"] == round(sum(every), 1) > 0
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    assert [row["epoch"] for row in run.history_rows()] == ["1", "2"]
    model = recipes.open_model(str(run.folder)).model
    assert [int(part.step) for part in model.autoencoders] == [8, 8]  # 50 rows in batches of 16
    assert run.recipe() == recipes.load(run.recipe_file)
    assert run.recipe().pretraining == stack.pretraining

    without = recipes.fit(
        dataclasses.replace(stack, pretraining={}), data=data, out=tmp_path, verbose=0
    )
    assert not without.pretraining_file.exists()
    assert losses(without)[0] != losses(run)[0]


@pytest.mark.slow
def test_a_stack_stopped_after_pretraining_goes_on_as_if_it_had_not(stack, data, tmp_path):
    whole = recipes.fit(stack, data=data, out=tmp_path / "whole", verbose=0)
    for number, stop in enumerate([CtrlC(0, 1), CtrlC(1)]):  # before and after the first checkpoint
        out = tmp_path / str(number)
        with pytest.raises(recipes.Interrupted):
            recipes.fit(stack, data=data, out=out, callbacks=[stop], verbose=0)
        pretraining = recipes.Run(out / "stack" / "1").pretraining_file.read_text()
        run = recipes.resume("stack", out=out, verbose=0)
        assert losses(run) == losses(whole)
        assert run.pretraining_file.read_text() == pretraining  # nothing was trained again


@pytest.mark.slow
def test_a_stack_stopped_while_pretraining(stack, data, tmp_path, monkeypatch):
    whole = recipes.fit(stack, data=data, out=tmp_path / "whole", verbose=0)
    out, lines = tmp_path / "stopped", []

    def stop(run, row):
        lines.append((row["layer"], row["epoch"]))
        if lines[-1] == (2, 2):
            raise KeyboardInterrupt
        add(run, row)

    add = recipes.Run.add_pretraining
    monkeypatch.setattr(recipes.Run, "add_pretraining", stop)
    with pytest.raises(recipes.Interrupted):
        recipes.fit(stack, data=data, out=out, verbose=0)
    with pytest.raises(recipes.Interrupted):
        recipes.resume("stack", out=out, verbose=0)
    assert lines == [(1, 1), (1, 2), (2, 1), (2, 2), (2, 2)]  # the first layer was read
    monkeypatch.undo()
    run = recipes.resume("stack", out=out, verbose=0)
    assert losses(run) == losses(whole)
    for one, other in zip(weights(run), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_resume_to_fewer_epochs(recipe, data, tmp_path):
    longer = recipe.with_epochs(4)
    with pytest.raises(recipes.Interrupted):
        recipes.fit(longer, data=data, out=tmp_path, callbacks=[CtrlC(3)], verbose=0)
    run = recipes.Run(tmp_path / "tiny" / "1")
    with pytest.raises(UserError, match="trained for 3 epochs, more than 1"):
        recipes.resume("tiny", out=tmp_path, epochs=1)
    assert run.recipe().training["epochs"] == 4


def test_resume_with_data_that_have_moved(recipe, data, tmp_path):
    with pytest.raises(recipes.Interrupted):
        recipes.fit(recipe, data=data, out=tmp_path, callbacks=[CtrlC(1)], verbose=0)
    other = write_data(tmp_path, name="others")
    with pytest.raises(UserError, match="fitted to 'squares', and only 'others'"):
        recipes.resume("tiny", out=tmp_path, data=other)
    moved = tmp_path / "moved" / data.name
    moved.parent.mkdir()
    data.rename(moved)
    with pytest.raises(UserError, match="does not exist"):
        recipes.resume("tiny", out=tmp_path)
    run = recipes.resume("tiny", out=tmp_path, data=moved, verbose=0)
    assert run.recipe().data["path"] == str(moved)


def test_nan_names_the_term_and_keeps_the_last_good_model(recipe, data, tmp_path):
    rate = "{name = 'piecewise_constant_decay', boundaries = [4], values = [1e-3, 1e30]}"
    explosive = recipe.override([f"training.optimizer.learning_rate={rate}", "training.epochs=9"])
    with pytest.raises(UserError, match=r"'(reconstruction|kl)'.*holds epoch 1 of 9\.") as error:
        recipes.fit(explosive, data=data, out=tmp_path, verbose=0)
    assert "\n" not in str(error.value)
    opened = recipes.open_model(str(tmp_path / "tiny" / "1"))
    assert np.isfinite(opened.model.elbo(opened.dataset().x_test, opened.dataset().y_test)).all()
    assert opened.run.history()["epoch"] == [1.0]


def test_a_mistake_leaves_no_folder(recipe, data, tmp_path):
    out = tmp_path / "runs"
    for wrong, where in (("model.bta=4", data), ("model.beta=4", tmp_path / "nothing")):
        with pytest.raises(UserError):
            recipes.fit(recipe.override([wrong]), data=where, out=out, verbose=0)
    assert not out.exists()


def test_own_data_by_environment_are_recorded(recipe, data, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_VAE_DATA", str(data))
    run = recipes.fit(
        recipe.override(["training.epochs=1", "training.validation=false"]), out=tmp_path, verbose=0
    )
    monkeypatch.delenv("KERAS_VAE_DATA")
    assert recipes.open_model(str(run.folder)).dataset().name == "squares"
    assert "val_loss" not in run.history()


def test_the_sample_is_named_in_every_result(tmp_path):
    recipe = recipes.load("mnist-ae").override(
        ["data.name=mnist-sample", "network.hidden=[4]", "training.epochs=1"]
    )
    run = recipes.fit(recipe, out=tmp_path, verbose=0)
    assert run.recipe().data["name"] == "mnist-sample"
    assert run.metrics()["data"] == "mnist-sample"
    assert run.history_rows()[0]["data"] == "mnist-sample"
    assert set(run.metrics()["metrics"]) == {"loss", "reconstruction"}


@pytest.mark.slow
def test_averaged_weights_end_a_fit_and_survive_a_stop(data, tmp_path):
    """With XLA, as recipes train: the last weights are the averages, those of the steps by hand."""
    optimizer = "training.optimizer={name='sgd', learning_rate=0.5, use_ema=true, ema_momentum=0.5}"
    recipe = recipes.load(write_recipe(tmp_path)).override([optimizer])
    recipe = recipe.override(["training.jit_compile=true", "training.batch_size=50"])
    whole = recipes.fit(recipe, data=data, out=tmp_path / "whole", verbose=0)
    raw = [
        recipes.fit(
            recipe.override(["training.optimizer.use_ema=false"]).with_epochs(epochs),
            data=data,
            out=tmp_path / str(epochs),
            verbose=0,
        )
        for epochs in (1, 2)
    ]  # an epoch is one step
    first, second = (recipes.open_model(str(run.folder)).model.encoder for run in raw)
    averaged = recipes.open_model(str(whole.folder)).model
    for kernel, one, two in zip(
        averaged.encoder.get_weights(), first.get_weights(), second.get_weights(), strict=True
    ):
        np.testing.assert_allclose(kernel, (one + two) / 2, rtol=1e-4, atol=1e-6)
    assert not np.allclose(first.get_weights()[0], second.get_weights()[0], atol=1e-4)
    with pytest.raises(recipes.Interrupted):
        recipes.fit(recipe, data=data, out=tmp_path / "cut", callbacks=[CtrlC(1)], verbose=0)
    again = recipes.fit_once(recipe, data=data, out=tmp_path / "cut", verbose=0)
    assert again.folder.name == "1"
    for one, other in zip(weights(again), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.metrics()["metrics"] == whole.metrics()["metrics"]


def test_a_fit_that_was_killed_is_opened_as_of_its_last_checkpoint(whole, tmp_path):
    """`model.keras` is written at its end, or at an interruption, which may be long ago."""
    folder = shutil.copytree(whole.folder, tmp_path / "run")
    expected = recipes.open_model(str(folder)).model
    (folder / "metrics.json").unlink()
    (folder / "model.keras").unlink()
    found = recipes.open_model(str(folder)).model
    np.testing.assert_array_equal(
        found.sample(2, condition=1, seed=0), expected.sample(2, condition=1, seed=0)
    )
    found.decoder.weights[-1].assign_add([1.0] * 64)
    found.save(folder / "model.keras")
    at = (folder / "model.keras").stat().st_mtime
    for seconds, model in ((1, found), (-1000, expected)):
        os.utime(folder / "model.keras", (at, at + seconds))
        opened = recipes.open_model(str(folder)).model
        np.testing.assert_array_equal(
            opened.sample(2, condition=1, seed=0), model.sample(2, condition=1, seed=0)
        )


def test_rows_of_every_class_are_watched(recipe, data, tmp_path, lean, monkeypatch):
    """Though only some of them, and though data are sorted by class."""
    monkeypatch.setattr("keras_vae.recipes._finishing._WATCHED", 5)
    run = recipes.fit(recipe, data=data, out=tmp_path / "runs", verbose=0)
    columns = [float(value) for key, value in run.history_rows()[-1].items() if key[:3] == "kl["]
    opened = recipes.open_model(str(run.folder))
    x, y = opened.dataset().x_test, opened.dataset().y_test
    np.testing.assert_allclose(columns, kl_per_dimension(opened.model, x[::4], y[::4]), rtol=1e-5)
    assert abs(kl_per_dimension(opened.model, x[:5], y[:5]) - columns).min() > 1e-4
