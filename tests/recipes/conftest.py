"""What tests of fits share."""

import pytest


@pytest.fixture
def no_pictures(monkeypatch):
    """A fit draws nothing: half of the time of a tiny one goes into its pictures."""
    monkeypatch.setattr("keras_vae.recipes.fitting.draw_all", lambda run, model, dataset: None)
