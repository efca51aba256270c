"""A recipe: everything that a fit needs to know, as data."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tomli_w

from keras_vae.errors import UserError, did_you_mean
from keras_vae.recipes._override import override
from keras_vae.recipes._tables import check_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from keras_vae.datasets import Dataset
    from keras_vae.models import FittedModel

_FILE = {
    "name": str,
    "description": str,
    "data": dict,
    "network": dict,
    "model": dict,
    "training": dict,
    "pretraining": dict,
}
_DATA = {"name": str, "path": str, "checksum": str, "transform": dict}
_TRAINING = {
    "epochs": int,
    "min_steps": int,
    "batch_size": int,
    "optimizer": str | dict,
    "start": Literal["data_mean"],
    "seed": int,
    "validation": bool,
    "keep": Literal["last", "best"],
    "patience": int,
    "steps_per_execution": int,
    "jit_compile": bool | Literal["auto"],
}
_PRETRAINING = {"epochs": int, "batch_size": int, "optimizer": str | dict}
_MOST_STEPS = 10_000
"""In one execution, which holds the batches of all its steps."""
_TRAINING_DEFAULTS = {"optimizer": "adam", "seed": 0, "validation": True, "keep": "last"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A model, its network, its data and its training, by name.

    Attributes:
        name: The recipe's name; its runs are `<out>/<name>/<n>/`.
        description: One line.
        data: `name` of the dataset; for data that stands elsewhere, its `path`; where the task is
            another one, a `transform` by its `name` and arguments; and, of a run, the `checksum`
            of what it was fitted to.
        network: `name` of a function in `keras_vae.networks`, and its parameters.
        model: `name` of a model class, and its parameters.
        training: `epochs`, `min_steps` (a small dataset gets more epochs to reach them),
            `batch_size`, `optimizer` (its learning rate may be a table that names a Keras schedule,
            whose `decay_steps` are all steps unless given; `use_ema` gives the fitted model the
            moving averages of its weights), `start` ("data_mean" sets the decoder's last bias, so
            that the first reconstructions are about the mean of the training rows), `seed`,
            `validation` (whether the test rows are evaluated after every epoch), `keep` ("last", or
            "best" for the weights of the epoch with the lowest `val_loss`), `patience` (so many
            epochs without a lower `val_loss` end the fit), and Keras' `steps_per_execution` and
            `jit_compile`. Under a schedule of `beta`, the losses of two epochs are not of one
            objective.
        pretraining: Of a stack, layer by layer, before that: `epochs` of each layer, and
            `batch_size` and `optimizer` where they are not those of `training`. Empty for none.
    """

    name: str
    description: str
    data: Mapping[str, Any]
    network: Mapping[str, Any]
    model: Mapping[str, Any]
    training: Mapping[str, Any]
    pretraining: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks what can be checked without the models: their tables wait for `build`."""
        if not self.name or self.name.startswith(".") or set(self.name) & set("/\\"):
            raise UserError(
                f"The recipe's name is {self.name!r}, but expected one that can be a folder's."
            )
        check_table("data", self.data, _DATA, required=("name",))
        check_table("network", _name_of(self.network), {"name": str}, required=("name",))
        check_table("model", _name_of(self.model), {"name": str}, required=("name",))
        check_table("training", self.training, _TRAINING, required=("epochs", "batch_size"))
        if self.pretraining:
            check_table("pretraining", self.pretraining, _PRETRAINING, required=("epochs",))
        for name, table in (("training", self.training), ("pretraining", self.pretraining)):
            for key in ("epochs", "batch_size", "patience", "steps_per_execution"):
                if table.get(key, 1) < 1:
                    raise UserError(
                        f"{name}.{key} is {table[key]}, but expected 1 or more; correct it in the "
                        f"recipe or with --set {name}.{key}=..."
                    )
        if self.training.get("steps_per_execution", 1) > _MOST_STEPS:
            raise UserError(
                f"training.steps_per_execution is {self.training['steps_per_execution']}, but "
                f"expected at most {_MOST_STEPS}; correct it in the recipe or with "
                f"--set training.steps_per_execution=..."
            )
        if not self.training.get("validation", True):
            for key, value in self.training.items():
                if key == "patience" or (key, value) == ("keep", "best"):
                    raise UserError(
                        f"training.{key} is {value!r}, but without training.validation there is no "
                        f"val_loss to go by: set that to true, or leave {key} out."
                    )
        if not 0 <= self.training.get("seed", 0) < 2**32:
            raise UserError(
                f"training.seed is {self.training['seed']}, but expected 0 to 2**32 - 1; correct "
                f"it in the recipe or with --set training.seed=..."
            )

    def override(self, assignments: Iterable[str]) -> Recipe:
        """Returns the recipe with values replaced, each written as `"model.beta=4"`."""
        tables: dict[str, Any] = dataclasses.asdict(self)
        for assignment in assignments:
            tables = override(tables, assignment)
        return from_tables(tables, self.name)

    def for_rows(self, num_rows: int) -> Recipe:
        """Returns the recipe with the epochs that its `min_steps` take on so many training rows."""
        steps_per_epoch = math.ceil(num_rows / self.training["batch_size"])
        least = math.ceil(self.training.get("min_steps", 0) / steps_per_epoch)
        return self.override([f"training.epochs={max(self.training['epochs'], least)}"])

    def with_epochs(self, epochs: int) -> Recipe:
        """Returns the recipe with exactly so many epochs."""
        training = {key: value for key, value in self.training.items() if key != "min_steps"}
        return dataclasses.replace(self, training=training | {"epochs": epochs})

    def build(self, dataset: Dataset) -> FittedModel:
        """Returns the compiled model, its network made for the shape of the dataset.

        Raises:
            UserError: For an unknown key or a value of the wrong type in `[network]` or `[model]`,
                and for data that the network or the model cannot take.
        """
        from keras_vae.recipes.build import build

        return build(self, dataset)

    def to_toml(self, *, named: bool = True) -> str:
        """Returns the file that `load` reads back as the same recipe.

        Args:
            named: Whether it tells the recipe's name, or is called as its file will be.
        """
        tables = dataclasses.asdict(self)
        if not named:
            del tables["name"]
        if not self.pretraining:
            del tables["pretraining"]
        return tomli_w.dumps(tables)


def names() -> list[str]:
    """Returns the names of the recipes that come with the package."""
    files = (Path(file.name) for file in resources.files("keras_vae.recipes").iterdir())
    return sorted(file.stem for file in files if file.suffix == ".toml")


def load(recipe: str | Path) -> Recipe:
    """Reads a recipe.

    Args:
        recipe: The name of a recipe that comes with the package, or the path of a `.toml` file.

    Raises:
        UserError: If there is no such recipe, or if it cannot be read.
    """
    path = Path(recipe)
    if path.suffix == ".toml":
        try:
            return from_tables(tomllib.loads(path.read_text("utf-8")), path.stem)
        except FileNotFoundError:
            raise UserError(f"There is no recipe file {str(path)!r}: check the path.") from None
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, too long or too deep
            raise UserError(f"{str(path)!r} is no TOML file: {error}.") from error
    name = str(recipe)
    if name not in names():
        raise UserError(
            f"Unknown recipe {name!r}{did_you_mean(name, names())} "
            f"`keras-vae list` shows them all, and a path ending in .toml is read as a file."
        )
    text = (resources.files("keras_vae.recipes") / f"{name}.toml").read_text("utf-8")
    return from_tables(tomllib.loads(text), name)


def from_tables(tables: Mapping[str, Any], name: str) -> Recipe:
    """Returns the recipe of a file's tables.

    Args:
        tables: As in a recipe's file.
        name: What it is called, unless the tables say so.

    Raises:
        UserError: For an unknown key, a missing table, or a value of another type.
    """
    check_table("recipe", tables, _FILE)
    training = dict(tables.get("training", {}))
    for key, default in _TRAINING_DEFAULTS.items():
        training.setdefault(key, default)
    return Recipe(
        name=tables.get("name", name),
        description=tables.get("description", ""),
        data=tables.get("data", {}),
        network=tables.get("network", {}),
        model=tables.get("model", {}),
        training=training,
        pretraining=tables.get("pretraining", {}),
    )


def _name_of(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key == "name"}
