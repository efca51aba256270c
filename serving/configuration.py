"""The configuration of TensorFlow Serving for a folder of exported models.

    python -m keras_vae.serving.configuration saved_models serving/generated

writes it for a container that has the models at /models, as `compose.yaml` and `kubernetes.yaml`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from keras_vae.batch_sizes import ALLOWED_BATCH_SIZES
from keras_vae.errors import UserError
from keras_vae.model_folders import expect_models

_MODEL = """\
  config {{
    name: {name}
    base_path: {path}
    model_platform: "tensorflow"
  }}
"""

# A timeout of 0 makes no request wait for others: a batch is what came while all threads were busy.
_BATCHING = """\
max_batch_size {{ value: {max_batch_size} }}
batch_timeout_micros {{ value: 0 }}
max_enqueued_batches {{ value: 128 }}
num_batch_threads {{ value: 4 }}
{allowed_batch_sizes}
"""

_MONITORING = """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""


@dataclass(frozen=True)
class Configuration:
    """Files that tensorflow_model_server reads, each in protobuf's text format.

    Attributes:
        models: For --model_config_file.
        batching: For --batching_parameters_file, with --enable_batching.
        monitoring: For --monitoring_config_file.
    """

    models: Path
    batching: Path
    monitoring: Path


def write(models: Path, folder: Path, *, base: str | None = None) -> Configuration:
    """Writes the configuration that serves the latest version of every model of a folder.

    Args:
        models: The folder, which holds <name>/<version>/saved_model.pb.
        folder: Where the files go; it is made where it is missing, and older files are replaced.
        base: The path of `models` for the server, such as "/models" in a container; None where the
            server sees the same disk.

    Raises:
        UserError: When there is no model in the folder.
    """
    names = [model.name for model in expect_models(models)]
    root = str(models.resolve()) if base is None else base.rstrip("/")
    configs = [_MODEL.format(name=_text(name), path=_text(f"{root}/{name}")) for name in names]
    sizes = "\n".join(f"allowed_batch_sizes: {size}" for size in ALLOWED_BATCH_SIZES)
    batching = _BATCHING.format(max_batch_size=max(ALLOWED_BATCH_SIZES), allowed_batch_sizes=sizes)
    folder.mkdir(parents=True, exist_ok=True)
    return Configuration(
        _written(folder / "models.config", f"model_config_list {{\n{''.join(configs)}}}\n"),
        _written(folder / "batching_parameters.txt", batching),
        _written(folder / "monitoring.config", _MONITORING),
    )


def _text(value: str) -> str:
    """A string as protobuf's text format quotes it."""
    return json.dumps(value, ensure_ascii=False)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_vae.serving.configuration",
        description="Write TensorFlow Serving's configuration for a folder of exported models.",
    )
    parser.add_argument("models", type=Path, help="the folder of models, such as saved_models")
    parser.add_argument("folder", type=Path, help="where the files go, such as serving/generated")
    parser.add_argument(
        "--base", default="/models", help="the path of the models for the server (/models)"
    )
    arguments = parser.parse_args()
    try:
        configuration = write(arguments.models, arguments.folder, base=arguments.base)
    except UserError as mistake:
        parser.error(str(mistake))
    print(configuration.models, configuration.batching, configuration.monitoring, sep="\n")


if __name__ == "__main__":
    main()
