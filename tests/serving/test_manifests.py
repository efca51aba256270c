"""compose.yaml and kubernetes.yaml: what they promise, and that they fit the configuration."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from keras_vae.serving import configuration

FOLDER = Path(__file__).parents[2] / "serving"
FLAGS = {  # of tensorflow_model_server 2.19, those that a manifest may want
    "batching_parameters_file",
    "enable_batching",
    "enable_grpc_healthcheck_service",
    "enable_model_warmup",
    "file_system_poll_wait_seconds",
    "grpc_channel_arguments",
    "grpc_max_threads",
    "max_num_load_retries",
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "monitoring_config_file",
    "num_load_threads",
    "port",
    "rest_api_num_threads",
    "rest_api_port",
    "rest_api_timeout_in_ms",
    "ssl_config_file",
    "tensorflow_inter_op_parallelism",
    "tensorflow_intra_op_parallelism",
    "tensorflow_session_parallelism",
}
IMAGE = "tensorflow/serving:2.20.0"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["serving"]


@pytest.fixture(scope="module")
def kubernetes():
    documents = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


@pytest.fixture(scope="module")
def pod(kubernetes):
    return kubernetes["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod):
    (container,) = pod["containers"]
    return container


@pytest.fixture(params=["compose", "kubernetes"])
def flags(request):
    if request.param == "compose":
        arguments = request.getfixturevalue("compose")["command"]
    else:
        arguments = request.getfixturevalue("container")["args"]
    return dict(argument.removeprefix("--").split("=") for argument in arguments)


def test_the_server_knows_every_flag(flags):
    assert set(flags) <= FLAGS


def test_flags_name_the_generated_files(flags, tmp_path):
    (tmp_path / "models" / "a" / "1").mkdir(parents=True)
    (tmp_path / "models" / "a" / "1" / "saved_model.pb").touch()
    written = configuration.write(tmp_path / "models", tmp_path)
    for flag, path in (
        ("model_config_file", written.models),
        ("batching_parameters_file", written.batching),
        ("monitoring_config_file", written.monitoring),
    ):
        assert flags[flag] == f"/configuration/{path.name}"
    assert flags["enable_batching"] == "true"
    assert (flags["port"], flags["rest_api_port"]) == ("8500", "8501")


def test_images_are_pinned(compose, container):
    assert compose["image"] == container["image"] == IMAGE


def test_compose_is_reached_from_this_machine_alone(compose):
    assert compose["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert "network_mode" not in compose


def test_compose_mounts_the_models_and_the_configuration_to_be_read(compose):
    mounts = {mount["target"]: mount for mount in compose["volumes"]}
    assert set(mounts) == {"/models", "/configuration"}
    assert all(mount["read_only"] for mount in mounts.values())
    models = (FOLDER / mounts["/models"]["source"]).resolve()
    assert models == FOLDER.parent / "saved_models"
    assert mounts["/configuration"]["source"] == "./generated"
    assert "serving/generated/" in (FOLDER.parent / ".gitignore").read_text().splitlines()


def test_compose_restarts_and_may_do_little(compose):
    assert compose["restart"] == "unless-stopped"
    assert compose["read_only"]
    assert compose["cap_drop"] == ["ALL"]
    assert compose["user"] != "root"


@pytest.mark.skipif(shutil.which("bash") is None, reason="the image has bash")
def test_the_health_check_tells_an_open_port(compose):
    form, *command = compose["healthcheck"]["test"]
    assert form == "CMD"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        command[-1] = command[-1].replace("/8501", f"/{server.getsockname()[1]}")
        assert subprocess.run(command, capture_output=True).returncode != 0
        server.listen()
        assert subprocess.run(command, capture_output=True).returncode == 0


def test_kubernetes_probes_every_stage(container):
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        (check,) = [value for value in container[name].values() if isinstance(value, dict)]
        assert check["port"] in ports
    metrics = container["readinessProbe"]["httpGet"]["path"]
    assert metrics in configuration._MONITORING


def test_kubernetes_limits_what_a_pod_takes_and_may_do(pod, container):
    for kind in ("requests", "limits"):
        assert set(container["resources"][kind]) == {"cpu", "memory"}
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["models"]["readOnly"]
    assert mounts["configuration"]["readOnly"]
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}


def test_kubernetes_parts_belong_together(kubernetes):
    deployment, service = kubernetes["Deployment"], kubernetes["Service"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    assert service["spec"]["clusterIP"] == "None"
    scaler = kubernetes["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert scaler["scaleTargetRef"]["kind"] == "Deployment"
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (1, 8)  # as the README says
    assert "replicas" not in deployment["spec"]
