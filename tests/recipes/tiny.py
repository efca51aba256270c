"""A recipe and data so small that a fit takes seconds, for tests of recipes and of commands."""

from pathlib import Path

import numpy as np

RECIPE = """
description = "tiny"

[data]
name = "mnist"

[network]
name = "dense"
latent_dim = 2
hidden = [8]

[model]
name = "{model}"
likelihood = "bernoulli"

[training]
epochs = 2
batch_size = 16
steps_per_execution = 1
jit_compile = false
"""


def write_recipe(folder: Path, model: str = "VAE", name: str = "tiny") -> Path:
    """Writes a recipe with one hidden layer of 8 units and two epochs."""
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(model=model))
    return path


def write_data(folder: Path, shape: tuple[int, ...] = (8, 8, 1), name: str = "squares") -> Path:
    """Writes 50 training and 20 test rows, uint8, of three labels: bright at different places."""
    generator = np.random.default_rng(0)
    arrays = {}
    for part, num in (("train", 50), ("test", 20)):
        y = np.arange(num) % 3
        x = generator.integers(0, 60, (num, *shape), dtype=np.uint8)
        for label in range(3):
            x[y == label, 2 * label : 2 * label + 2] += 190
        arrays |= {f"x_{part}": x, f"y_{part}": y}
    path = folder / f"{name}.npz"
    np.savez(path, **arrays)
    return path
