"""Arrays in, arrays out, and what else a fitted model is asked."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest

from conformance.cases import CASES, EVERY_PAIR, VARIANTS, loss_terms, slow
from conformance.compare import assert_close, assert_same
from keras_vae.distributions.mixture_priors import MixturePrior
from keras_vae.models import Generative

GENERATIVE = [
    *(case for case in CASES if issubclass(case.cls, Generative)),
    *slow(case for case in VARIANTS if issubclass(case.cls, Generative)),
]


def test_encode_is_deterministic(case, fitted):
    code = fitted.model.encode(*case.data())
    assert code.shape == (50, *fitted.model.latent_shape)
    assert_same([fitted.model.encode(*case.data())], [code])
    assert np.all(np.std(code, axis=0) > 1e-4)


def test_encode_does_not_depend_on_the_batch(case, fitted):
    some = [array[20:31] for array in case.data()]
    assert_close([fitted.model.encode(*some)], [fitted.model.encode(*case.data())[20:31]])


def test_reconstruct_is_decode_of_encode(case, fitted):
    data = case.data()
    code = fitted.model.encode(*data)
    assert_close([fitted.model.decode(code, *data[1:])], [fitted.model.reconstruct(*data)])


@pytest.mark.parametrize("case", GENERATIVE, ids=str)
def test_sample_is_a_function_of_its_seed(case, fitted_of):
    model = fitted_of(case.name).model
    condition = {} if case.condition_dim is None else {"condition": case.data(1)[1][0]}
    sample = model.sample(4, seed=3, **condition)
    assert sample.shape == (4, *case.event_shape)
    assert sample.dtype == np.float32
    assert_close([sample[1:]], [model.sample(3, seed=4, **condition)])
    assert np.abs(sample[0] - sample[1]).max() > 1e-3
    top = getattr(model.prior_layer, "top", model.prior_layer)
    if not isinstance(top, MixturePrior):  # which draws a component first
        assert np.ptp(model.sample(4, seed=3, temperature=0, **condition), axis=0).max() < 1e-5


@pytest.mark.parametrize("case", GENERATIVE, ids=str)
def test_elbo_is_that_of_the_terms(case, fitted_of):
    """beta = 1 and no floor, whatever the loss."""
    model = fitted_of(case.name).model
    terms = loss_terms(model, *case.data())
    elbo = model.elbo(*case.data(), seed=model.seed)
    assert elbo.shape == (50,)
    assert_close([elbo], [-sum(terms[name] for name in model.elbo_terms)])


@pytest.mark.parametrize("case", EVERY_PAIR, ids=str)
def test_summary(case, fitted_of):
    with redirect_stdout(io.StringIO()) as text:
        fitted_of(case.name).model.summary(expand_nested=True)
    count = sum(int(np.prod(weight.shape)) for weight in case.build().trainable_weights)
    assert f"Trainable params: {count:,}" in text.getvalue()
    assert case.cls.__name__.lower() in text.getvalue().lower().replace("_", "")
    assert "unbuilt" not in text.getvalue()
    assert "encoder" in text.getvalue()
    assert "decoder" in text.getvalue()
