"""What goes around `model.fit`: order of the data, callbacks, what a stopped fit goes on from.

Nothing here computes a loss or takes a gradient: that is the models' own.
"""

from keras_vae.models.shuffled_batches import ShuffledBatches
from keras_vae.training.checkpoint import Checkpoint, parse_every
from keras_vae.training.latent_monitor import LatentMonitor
from keras_vae.training.measure_at import MeasureAt
from keras_vae.training.snapshot import latest_snapshot, read_snapshot
from keras_vae.training.stop_on_nan import StopOnNaN
from keras_vae.training.strategies import GONE, get_strategy, is_chief, is_multiworker, scope

__all__ = [
    "GONE",
    "Checkpoint",
    "LatentMonitor",
    "MeasureAt",
    "ShuffledBatches",
    "StopOnNaN",
    "get_strategy",
    "is_chief",
    "is_multiworker",
    "latest_snapshot",
    "parse_every",
    "read_snapshot",
    "scope",
]
