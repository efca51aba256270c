"""What tests of fits share."""

import pytest
import tensorflow as tf


@pytest.fixture
def lean(monkeypatch):
    """Fits without pictures and graphs, which are most of the time of a tiny one."""
    monkeypatch.setattr("keras_vae.recipes.fitting.draw_all", lambda run, model, dataset: None)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
