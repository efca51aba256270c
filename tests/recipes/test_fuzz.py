"""Damaged recipes and data: each is fitted to, or gets one sentence, and nothing is overwritten.

A mutation is a function of its number: `mutate_recipe(7, folder)` makes the seventh again.
"""

import copy
import datetime
import functools
import gzip
import inspect
import io
import math
import random
import shutil
import struct
import tempfile
import zipfile
from pathlib import Path

import click
import keras
import numpy as np
import pytest
import tensorflow as tf
import tomli_w
from click.testing import CliRunner
from PIL import Image

from keras_vae import models, networks, recipes
from keras_vae.cli import main
from keras_vae.datasets import NAMES
from keras_vae.datasets.idx import FILES
from keras_vae.models import LatentModel
from keras_vae.recipes import _choices, fitting
from keras_vae.recipes.recipe import tomllib
from keras_vae.recipes.results import conditions
from recipes.tiny import RECIPE, write_data, write_recipe

FULL = 25
"""One mutation in so many goes through the whole command, the others to the first step."""

WIDTH, EPOCHS = 32, 2
"""What the widths of packaged recipes are cut to, and the epochs of a fit that is run."""

# No number lies between what a small computer holds and 1e9, which the library must refuse.
WHOLE = [0, 1, -1, 3, 7, 10**9, 2**31, 2**63 - 1, -(2**63), 2**70, 10**400]
REAL = [0.0, 0.5, -1.5, 1.0, 1e-320, 1e38, 1e308, math.nan, math.inf, -math.inf]
STRINGS = ["", "no", "two\nlines", "\0", "../up", ".", "é" * 300, "None", "1"]
LISTS = [[], [0], [-1], [4], [4, 4], [10**9], [0.5, 0.7], ["a"], [[]], [{}], [math.nan]]
TABLES = [{}, {"name": []}, {"name": {"name": 1}}, {"rate": 0.5}, {"a": {"b": 1}}]
VALUES = [True, False, *WHOLE, *REAL, *STRINGS, *LISTS, *TABLES, datetime.date(2013, 12, 20)]
ACTIVATIONS = ["relu", "sigmoid", "softmax", "linear", "glu", "log_softmax", "softplus"]
CHOICES = {
    **_choices.CHOICES,
    "model": {name: getattr(models, name) for name in models.__all__},
    "network": {name: getattr(networks, name) for name in networks.__all__},
    "optimizer": {
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
        "muon": keras.optimizers.Muon,
    },
    "learning_rate": {
        "cosine_decay": keras.optimizers.schedules.CosineDecay,
        "piecewise_constant_decay": keras.optimizers.schedules.PiecewiseConstantDecay,
        "polynomial_decay": keras.optimizers.schedules.PolynomialDecay,
    },
}
"""What a table may name, by the table's own name."""
WORDS = sorted({*NAMES, *(word for choices in CHOICES.values() for word in choices)})
DTYPES = ["?", "i1", "i8", "u4", "u8", "f2", "f4", "f8", "g", "F", "U3", "S2", "V3", "M8[s]", "O"]


# --- recipes ---


def small(tables):
    """A recipe's tables with narrow networks and short fits, and runs in one folder for all."""
    tables["name"] = "fuzzed"
    for key, value in tables["network"].items():
        if isinstance(value, int) and not isinstance(value, bool):
            tables["network"][key] = min(value, WIDTH)
        if isinstance(value, list):
            tables["network"][key] = keras.tree.map_structure(functools.partial(min, WIDTH), value)
    if tables["model"].get("sparsity", {}).get("k"):
        tables["model"]["sparsity"]["k"] = 4
    tables["training"]["jit_compile"] = False
    return bounded(tables)


def bounded(tables):
    """The tables with few epochs, where these are numbers."""
    for key in ("training", "pretraining"):
        table = tables.get(key)
        for name in ("epochs", "min_steps") if isinstance(table, dict) else ():
            if isinstance(table.get(name), int):
                table[name] = min(table[name], EPOCHS)
    return tables


@functools.cache
def packaged():
    """The tables of every packaged recipe and of the tiny one."""
    texts = [recipes.load(name).to_toml() for name in recipes.names()]
    texts.append(RECIPE.format(model="VAE"))
    return [small(tomllib.loads(text)) for text in texts]


def subtables(table, name="recipe"):
    """A table and all tables in it, each with its name."""
    yield name, table
    for key, value in table.items():
        if isinstance(value, dict):
            yield from subtables(value, key)


def fitting_value(key, value, rng):
    """A value of the type that the key has, if any: wrong by what it says."""
    if key in CHOICES and rng.random() < 0.7:
        name = rng.choice(sorted(CHOICES[key]))
        return rng.choice([name, {"name": name}])
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice(WHOLE)
    if isinstance(value, float):
        return rng.choice(REAL + WHOLE)
    if isinstance(value, str):
        return rng.choice(WORDS + STRINGS + ACTIVATIONS)
    if isinstance(value, list):
        return [rng.choice(WHOLE + [4, 8] * 5) for _ in range(rng.randrange(4))]
    return rng.choice(VALUES)


def parameters(name, table):
    """The arguments of what a table names, with their defaults."""
    named = CHOICES.get("model" if name == "autoencoders" else name, {}).get(str(table.get("name")))
    owners = [*named.__mro__, LatentModel] if inspect.isclass(named) else [named] if named else []
    return {
        key: parameter.default
        for owner in owners
        if owner is not object
        for key, parameter in inspect.signature(owner).parameters.items()
        if key
        not in ("encoder", "decoder", "event_shape", "kwargs", "args", "self", "condition_dim")
    }


def mutate_tables(tables, rng):
    """Damages one place of nested tables."""
    filled = [(name, table) for name, table in subtables(tables) if table]
    if not filled:
        return
    name, table = rng.choice(filled)
    key = rng.choice(list(table))
    kind = rng.choice(["delete", "copy", "rename", "value", "type", "word", *["fit", "add"] * 5])
    if kind == "delete":
        del table[key]
    elif kind == "copy":
        rng.choice(filled)[1][key] = copy.deepcopy(table[key])
    elif kind == "rename":
        table[rng.choice([key[:-1], key + "s", key.upper(), "", "two\nlines"])] = table.pop(key)
    elif kind == "value":
        table[key] = copy.deepcopy(rng.choice(VALUES))
    elif kind == "type":
        value = table[key]
        table[key] = rng.choice([str(value), [value], {"name": value}, {key: value}])
    elif kind == "word":
        table[key] = rng.choice(WORDS)
    elif kind == "fit":
        name, table = rng.choice(filled[1:] or filled)
        key = rng.choice(list(table))
        table[key] = copy.deepcopy(fitting_value(key, table[key], rng))
    else:
        found = parameters(name, table)
        if name == "training":
            found = {"steps_per_execution": 1, "min_steps": 1, "jit_compile": False, "seed": 0}
        if found:
            key = rng.choice(sorted(found))
            table[key] = copy.deepcopy(fitting_value(key, found[key], rng))


def mutate_bytes(content, rng):
    """Damages bytes: cuts, flips, doubles, inserts."""
    content = bytearray(content)
    kind = rng.choice(["cut", "flip", "flips", "double", "insert", "remove"])
    place = rng.randrange(max(len(content), 1))
    if kind == "cut":
        del content[place:]
    elif kind == "double":
        content[place:place] = content[place : place + 40]
    elif kind == "insert":
        content[place:place] = rng.choice(
            [b"\0", b"\xff", b"\n", b"=", b"[[", b'"', b"[" * 5000, b"\n\na=" + b"[" * 5000]
        )
    elif kind == "remove":
        del content[place : place + rng.randint(1, 20)]
    else:
        for _ in range(1 if kind == "flip" else 10):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def mutate_recipe(number, folder):
    """Writes a damaged recipe and sound data; gives their paths."""
    rng = random.Random(number)
    tables = copy.deepcopy(rng.choice(packaged()))
    in_text = rng.random() < 0.2
    for _ in range(0 if in_text else rng.choice([1, 1, 1, 2, 3])):
        mutate_tables(tables, rng)
    if number % FULL == 0:
        bounded(tables)
    content = tomli_w.dumps(tables).encode()
    recipe = folder / "fuzzed.toml"
    recipe.write_bytes(mutate_bytes(content, rng) if in_text else content)
    return recipe, write_data(folder)


# --- data ---


def sound_arrays(folder):
    path = write_data(folder)
    with np.load(path) as file:
        arrays = dict(file)
    path.unlink()
    return arrays


def mutate_array(array, rng):
    """Another dtype, shape, length or content in place of an array's own."""
    with np.errstate(all="ignore"):
        return rng.choice(
            [
                lambda: array.astype(rng.choice(DTYPES)),
                lambda: array.astype(np.float32) * rng.choice([1 / 255, 1, -1, 1e30, 1e300]),
                lambda: np.full(array.shape, rng.choice([np.nan, np.inf, -np.inf, 1e39, 0.0, 0.5])),
                lambda: array[: rng.choice([0, 1, 2, 3, 49])],
                lambda: array[..., : rng.choice([0, 1, 3])],
                lambda: array[np.newaxis],
                lambda: array.reshape(len(array), -1),
                lambda: array.reshape(-1),
                lambda: np.squeeze(array),
                lambda: np.repeat(array, rng.choice([2, 3]), axis=rng.randrange(array.ndim)),
                lambda: np.asarray(rng.choice([0, "text", 1.5, None])),
                lambda: array.astype(np.int64) - rng.choice([1, 3]),
                lambda: array.astype(np.int64) + rng.choice([7, 10**6, 10**12, 2**62]),
                lambda: np.array([{"a": 1}] * len(array), dtype=object),
                lambda: np.zeros(len(array), [("a", "f4"), ("b", "i4")]),
                lambda: np.asfortranarray(array),
                lambda: array.astype(array.dtype.newbyteorder(">")),
                lambda: array.astype(">f4"),
            ]
        )()


def write_npz(folder, rng):
    """The user's .npz, with damaged arrays or damaged bytes."""
    arrays = sound_arrays(folder)
    kind = rng.choice(["arrays", "arrays", "keys", "bytes", "header"])
    key = rng.choice(sorted(arrays))
    if kind == "arrays":
        for _ in range(rng.choice([1, 1, 2])):
            key = rng.choice(sorted(arrays))
            arrays[key] = mutate_array(arrays[key], rng)
    elif kind == "keys":
        for _ in range(rng.choice([1, 1, 2])):
            array = arrays.pop(rng.choice(sorted(arrays)))
            if rng.random() < 0.5:
                arrays[rng.choice([*arrays, "X_train", "images", "y"])] = array
    path = folder / rng.choice(["fuzzed.npz", "fuzzed"])
    buffer = io.BytesIO()
    rng.choice([np.savez, np.savez_compressed])(buffer, **arrays)
    content = buffer.getvalue()
    if kind == "bytes":
        content = mutate_bytes(content, rng)
    elif kind == "header":
        content = damaged_header(arrays, key, rng)
    path.write_bytes(content)
    return path


def damaged_header(arrays, damaged, rng):
    """An .npz that is a sound zip, with one array whose own header is damaged."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for key, array in arrays.items():
            one = io.BytesIO()
            np.save(one, array)
            content = one.getvalue()
            if key == damaged:
                content = rng.choice(
                    [
                        lambda c: mutate_bytes(c[:128], rng) + c[128:],
                        lambda c: c.replace(b"(50,", b"(%d," % rng.choice([51, -1, 10**8, 10**17])),
                        lambda c: c.replace(
                            b"(20,", rng.choice([b"(20.", b"((((", b"{20,", b"'20,"])
                        ),
                        lambda c: mutate_bytes(c, rng),
                    ]
                )(content)
            file.writestr(f"{key}.npy", content)
    return buffer.getvalue()


def write_idx(folder, rng):
    """The four files of MNIST, one or two of them damaged."""
    data = folder / "data"
    (data / "mnist").mkdir(parents=True)
    arrays = sound_arrays(folder)
    damaged = rng.sample(sorted(FILES), rng.choice([1, 1, 2]))
    for key, (name, rank) in FILES.items():
        array = arrays[key].reshape(len(arrays[key]), *([8, 8] if rank == 3 else []))
        header = struct.pack(f">{1 + rank}I", 0x800 + rank, *array.shape)
        body = array.astype(np.uint8).tobytes()
        kind = rng.choice(["header", "number", "body", "file", "empty", "absent", "folder"])
        if key not in damaged:
            kind = ""
        if kind == "header":
            header = mutate_bytes(header, rng)
        elif kind == "number":
            numbers = [0x800 + rank, *array.shape]
            numbers[rng.randrange(1 + rank)] = rng.choice([0, 1, 49, 2**31, 2**32 - 1, 0x803])
            header = struct.pack(f">{1 + rank}I", *numbers)
        elif kind == "body":
            body = mutate_bytes(body, rng)
        content = b"" if kind == "empty" else header + body
        path = data / "mnist" / name
        if rng.random() < 0.5:
            path, content = path.with_name(f"{name}.gz"), gzip.compress(content, mtime=0)
        if kind == "folder":
            path.mkdir()
        elif kind != "absent":
            path.write_bytes(mutate_bytes(content, rng) if kind == "file" else content)
    return data


def write_images(folder, rng):
    """A folder of images, one to three of them damaged."""
    data = folder / "pictures"
    mode, suffix = rng.choice(["L", "RGB"]), rng.choice([".png", ".jpg"])
    noise = np.random.default_rng(rng.randrange(100))
    for index in range(12):
        path = data / rng.choice(["a", "b"]) / f"{index}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (8, 8, 3), dtype=np.uint8)).convert(mode).save(path)
    paths = sorted(data.rglob(f"*{suffix}"))
    for path in rng.sample(paths, rng.choice([1, 1, 3])):
        kind = rng.choice(
            ["bytes", "bytes", "bytes", "empty", "text", "size", "mode", "gif", "move"]
        )
        if kind == "bytes":
            path.write_bytes(mutate_bytes(path.read_bytes(), rng))
        elif kind == "empty":
            path.write_bytes(b"")
        elif kind == "text":
            path.write_text("no image")
        elif kind == "size":
            size = rng.choice([(9, 8), (1, 1), (8, 80)])
            Image.new(mode, size).save(path)
        elif kind == "mode":
            other = rng.choice(["1", "I;16", "LA", "P", "RGBA"])
            Image.new(other, (8, 8)).save(path, "PNG")
        elif kind == "gif":
            Image.new("P", (8, 8)).save(path, "GIF")
        else:
            path.rename(data / path.name)
    if rng.random() < 0.1:
        for path in paths[rng.choice([1, 2, 3]) :]:
            path.unlink(missing_ok=True)
    return data


def mutate_data(number, folder):
    """Writes a sound recipe and damaged data; gives their paths."""
    rng = random.Random(number)
    recipe = write_recipe(folder, model=rng.choice(["VAE", "CVAE", "Autoencoder"]), name="fuzzed")
    write = rng.choice([write_npz, write_npz, write_idx, write_images])
    return recipe, write(folder, rng)


# --- the fuzz ---


def first_step(run, model, dataset, *how):
    """What a fit does after it has made its folder, cut short: one step, op by op."""
    arrays = [dataset.x_train, conditions(model, dataset.y_train)]
    model.train_step(tuple(tf.constant(array[:16]) for array in arrays if array is not None))
    raise click.exceptions.Exit(0)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check(mutate, number, monkeypatch):
    """Fits to one mutation; gives what was said of it, nothing for a fit."""
    folder = Path(tempfile.mkdtemp(dir=Path.cwd()))
    recipe, data = mutate(number, folder)
    earlier = folder / "runs" / "fuzzed" / "1"
    earlier.mkdir(parents=True)
    for name in ("recipe.toml", "model.keras", "metrics.json"):
        (earlier / name).write_bytes(name.encode())
    before = contents(folder)
    arguments = ["fit", str(recipe), "--data", str(data), "--no-export"]
    failing = f"{mutate.__name__}({number}, folder)"
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        if number % FULL:
            patch.setattr(fitting, "finish", first_step)
        try:
            result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        except Exception as error:
            raise AssertionError(f"{failing} is refused in no sentence: {error!r}") from error
    lines = result.stderr.splitlines()
    said = [line for line in lines if not line.startswith("keras-vae: warning: ")]
    assert result.exit_code in (0, 2), failing
    assert len(said) == (result.exit_code == 2), f"{failing}: {result.stderr}"
    assert all(line.startswith("keras-vae: ") and "KERAS_VAE_DEBUG" not in line for line in said), (
        f"{failing}: {said}"
    )
    assert before.items() <= contents(folder).items(), f"{failing} changed what was there"
    shutil.rmtree(folder)
    return said[0] if said else ""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("mutate", [mutate_recipe, mutate_data])
def test_a_mutation_trains_or_gets_one_sentence(mutate, monkeypatch):
    said = [check(mutate, number, monkeypatch) for number in range(40)]
    assert 5 < said.count("") < 35  # neither everything nor nothing is refused


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
@pytest.mark.parametrize("mutate", [mutate_recipe, mutate_data])
def test_a_thousand_mutations(mutate, block, monkeypatch):
    for number in range(100 * block, 100 * (block + 1)):
        check(mutate, number, monkeypatch)
