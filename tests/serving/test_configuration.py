"""TensorFlow Serving's configuration, parsed by the messages that it is written for."""

import subprocess
import sys

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from keras_vae.batch_sizes import ALLOWED_BATCH_SIZES
from keras_vae.errors import UserError
from keras_vae.serving import configuration

FIELD = descriptor_pb2.FieldDescriptorProto


def message(package, **messages):
    """Message classes by their fields, for those that tensorflow-serving-api leaves out.

    Each field is (number, type): "bool", "string", "int64" for a repeated one, or a message's name.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, dependency=[wrappers_pb2.DESCRIPTOR.name]
    )
    types = {"bool": FIELD.TYPE_BOOL, "string": FIELD.TYPE_STRING, "int64": FIELD.TYPE_INT64}
    for name, fields in messages.items():
        described = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            described.field.add(
                name=field,
                number=number,
                label=FIELD.LABEL_REPEATED if kind == "int64" else FIELD.LABEL_OPTIONAL,
                type=types.get(kind, FIELD.TYPE_MESSAGE),
                type_name=None if kind in types else kind,
            )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    *_, last = messages
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{last}"))


WRAPPED = f".{wrappers_pb2.Int64Value.DESCRIPTOR.full_name}"
BatchingParameters = message(  # tensorflow_serving/servables/tensorflow/session_bundle_config.proto
    "session_bundle_config",
    BatchingParameters={
        "max_batch_size": (1, WRAPPED),
        "batch_timeout_micros": (2, WRAPPED),
        "max_enqueued_batches": (3, WRAPPED),
        "num_batch_threads": (4, WRAPPED),
        "allowed_batch_sizes": (6, "int64"),
    },
)
MonitoringConfig = message(  # tensorflow_serving/config/monitoring_config.proto
    "monitoring_config",
    PrometheusConfig={"enable": (1, "bool"), "path": (2, "string")},
    MonitoringConfig={"prometheus_config": (1, ".monitoring_config.PrometheusConfig")},
)


@pytest.fixture
def models(tmp_path):
    for version in ("b/1", "a/1", "a/12", 'a "quoted" name/3', "c/.unfinished-1", "d/latest"):
        folder = tmp_path / "models" / version
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").touch()
    (tmp_path / "models" / "empty" / "1").mkdir(parents=True)
    return tmp_path / "models"


def parsed(path, kind):
    return text_format.Parse(path.read_text(), kind())


@pytest.mark.parametrize("base", [None, "/models", "/models/"])
def test_every_model_is_served(models, tmp_path, base):
    written = configuration.write(models, tmp_path / "new" / "folder", base=base)
    config = parsed(written.models, model_server_config_pb2.ModelServerConfig)
    found = {one.name: one.base_path for one in config.model_config_list.config}
    root = "/models" if base else str(models)
    assert found == {name: f"{root}/{name}" for name in ('a "quoted" name', "a", "b")}
    assert {one.model_platform for one in config.model_config_list.config} == {"tensorflow"}


def test_paths_are_absolute(models, tmp_path, monkeypatch):
    monkeypatch.chdir(models.parent)
    written = configuration.write(models.relative_to(models.parent), tmp_path)
    config = parsed(written.models, model_server_config_pb2.ModelServerConfig)
    assert f"{models}/a" in {one.base_path for one in config.model_config_list.config}


def test_batches_have_the_allowed_sizes(models, tmp_path):
    batching = parsed(configuration.write(models, tmp_path).batching, BatchingParameters)
    assert tuple(batching.allowed_batch_sizes) == ALLOWED_BATCH_SIZES
    assert batching.max_batch_size.value == ALLOWED_BATCH_SIZES[-1] == max(ALLOWED_BATCH_SIZES)
    assert batching.HasField("batch_timeout_micros")
    assert batching.max_enqueued_batches.value > batching.num_batch_threads.value > 1


def test_metrics_are_shown(models, tmp_path):
    monitoring = parsed(configuration.write(models, tmp_path).monitoring, MonitoringConfig)
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == "/monitoring/prometheus/metrics"


@pytest.mark.parametrize("folder", ["models/empty", "models/c", "nowhere"])
def test_a_folder_without_models(models, tmp_path, folder):
    with pytest.raises(UserError, match=f"no models in '.*{folder}'"):
        configuration.write(tmp_path / folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_command(models, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", configuration.__name__, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )

    result = run("models", "generated")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split() == [
        "generated/models.config",
        "generated/batching_parameters.txt",
        "generated/monitoring.config",
    ]
    assert 'base_path: "/models/a"' in (tmp_path / "generated" / "models.config").read_text()
    result = run("nowhere", "generated")
    assert result.returncode == 2
    assert "There are no models in 'nowhere'" in result.stderr
    assert "Traceback" not in result.stderr
