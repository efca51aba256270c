"""What two workers on this machine are told."""

from keras_vae.cli.launch import configurations


def worker_environments() -> list[dict[str, str]]:
    """The environment of the chief and of the other worker, at two free ports."""
    return [{"TF_CONFIG": config} for config in configurations(2)]
