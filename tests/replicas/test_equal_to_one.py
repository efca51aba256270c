"""A fit on two replicas, of one machine or of two, is the fit on one device."""

import numpy as np
import pytest

from replicas.train import BATCH_SIZE, EPOCHS, NUM, SLOW, SUITE

CASES = [*SUITE, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW)]


# Of two workers test_fit_command.py shows as much.
RUNS = ["mirrored", *(pytest.param(run, marks=pytest.mark.slow) for run in ("chief", "worker"))]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("part", ["weights", "history", "evaluation", "predictions"])
def test_replicas_change_nothing(part, case, run, outcome):
    """Weights and slots to 1e-6, and what `fit`, `evaluate` and `predict` return."""
    tolerance = 1e-6 if part == "weights" else 1e-5
    values = {key: value for key, value in outcome("none").items() if key.startswith(part)}
    assert values
    for key, value in values.items():
        found = outcome(run)[key]
        assert found.shape == value.shape
        np.testing.assert_allclose(found, value, atol=1e-6, rtol=tolerance, err_msg=key)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_there_was_something_to_compare(case, outcome):
    """Twelve steps that lower the loss, and a last batch that is short."""
    one = outcome("none")
    assert one["history loss"].shape == (EPOCHS,)
    assert one["history loss"][-1] < one["history loss"][0]
    assert NUM % BATCH_SIZE
    steps = [value for value in one.values() if value.dtype == "int64"]
    assert {int(value) for value in steps} == {EPOCHS * 3}
    assert one["predictions"].shape == (NUM, 8, 8, 1)
