"""From tables to a compiled model."""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae import datasets, recipes
from keras_vae.errors import UserError
from recipes.tiny import write_data, write_recipe


@pytest.fixture
def dataset(tmp_path):
    return datasets.load("mnist", write_data(tmp_path))


@pytest.fixture
def recipe(tmp_path):
    return recipes.load(write_recipe(tmp_path))


@pytest.mark.parametrize("name", ["Autoencoder", "VAE", "CVAE"])
def test_each_model(name, dataset, tmp_path):
    model = recipes.load(write_recipe(tmp_path, model=name)).build(dataset)
    assert type(model) is getattr(keras_vae, name)
    assert model.event_shape == (8, 8, 1)
    assert model.latent_dim == 2
    assert model.condition_dim == (3 if name == "CVAE" else None)
    assert model.compiled


def test_values_arrive(recipe, dataset):
    model = recipe.override(
        [
            "model.beta=4",
            "model.likelihood.binarization=static",
            "model.estimator.num_samples=3",
            "model.posterior=multivariate_normal_tril",
            "network.hidden=[6, 5]",
            "training.seed=7",
            "training.steps_per_execution=2",
            "training.optimizer={name='sgd', learning_rate=2, momentum=0.5}",
        ]
    ).build(dataset)
    assert model.beta == 4.0
    assert model.likelihood_layer.binarization == "static"
    assert model.estimator.num_samples == 3
    assert model.encoder.output_shape == (None, 5)
    assert [w.shape[-1] for w in model.encoder.trainable_weights[::2]] == [6, 5, 5]
    assert model.seed == 7
    assert model.steps_per_execution == 2
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert (float(model.optimizer.learning_rate), model.optimizer.momentum) == (2.0, 0.5)


def test_a_part_of_the_default_density_needs_no_name(recipe, dataset):
    model = recipe.override(["model.estimator.num_samples=2"]).build(dataset)
    assert model.estimator.num_samples == 2


def test_a_part_of_a_variants_inherited_argument(dataset, tmp_path):
    cvae = recipes.load(write_recipe(tmp_path, model="CVAE")).override(["model.beta=0.5"])
    assert cvae.build(dataset).beta == 0.5


@pytest.mark.parametrize(
    ("model", "assignments"),
    [
        ("DenoisingAutoencoder", ["model.corruption.rate=0.5", "model.untouched_weight=0.5"]),
        ("SparseAutoencoder", ["model.sparsity={name='topk', k=1}"]),
        ("SparseAutoencoder", ["model.posterior.activation=sigmoid", "network.tied=true"]),
        ("ContractiveAutoencoder", ["model.weight=0.2", "network.weight_decay=1e-4"]),
        ("VAE", ["model.corruption={name='gaussian', scale=0.2}"]),
    ],
)
def test_the_classical_family(model, assignments, dataset, tmp_path):
    recipe = recipes.load(write_recipe(tmp_path, model=model)).override(assignments)
    model = recipe.build(dataset)
    assert np.isfinite(model.fit(dataset.x_train, verbose=0).history["loss"]).all()
    if "model.corruption.rate=0.5" in assignments:
        assert model.corruption_layer.rate == 0.5
    if "network.tied=true" in assignments:
        assert model.posterior_layer.activation == "sigmoid"
        assert len(model.trainable_weights) == 6  # two kernels and four biases


STACK = ["model.name=StackedAutoencoder", "network.name=dense_layers", "network.hidden=[6, 5]"]


def test_a_stack(recipe, dataset):
    values = [
        "model.posterior.activation=sigmoid",
        "model.autoencoders={name='DenoisingAutoencoder', corruption={name='masking', rate=0.4}}",
        "model.corruption=gaussian",
        "network.tied=true",
        "training.seed=7",
    ]
    model = recipe.override([*STACK, *values]).build(dataset)
    assert isinstance(model, keras_vae.StackedAutoencoder)
    assert [part.latent_dim for part in model.autoencoders] == [6, 5, 2]
    assert [part.posterior_layer.activation for part in model.autoencoders] == ["sigmoid"] * 3
    assert all(isinstance(part, keras_vae.DenoisingAutoencoder) for part in model.autoencoders)
    assert [part.corruption_layer.rate for part in model.autoencoders] == [0.4] * 3
    assert model.corruption_layer is not None
    assert [model.seed, *(part.seed for part in model.autoencoders)] == [7, 8, 9, 10]
    assert model.compiled


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.autoencoders.name=DenoisingAutoencodr", "did you mean 'DenoisingAutoencoder'"),
        ("model.autoencoders.name=StackedAutoencoder", "did you mean"),
        ("model.autoencoders.name=VAE", "model.autoencoders.name is 'VAE'"),
        ("model.autoencoders.weight=1", r"'weight' in \[model.autoencoders\]"),
        ("model.autoencoders.corruption=mask", r"model.autoencoders.corruption.*'masking'"),
        ("model.autoencoders=3", "but expected a table"),
        ("network.latent_dim=0", "latent_dim is a whole number of at least 1"),
        ("model.autoencoders.likelihood=normal", "set model.likelihood"),
        ("model.beta=3", "Unknown key 'beta'"),
        ("pretraining.optimizer=adm", "pretraining.optimizer.name is 'adm'"),
    ],
)
def test_mistakes_in_a_stack(recipe, dataset, assignment, message):
    with pytest.raises(UserError, match=message):
        recipe.override([*STACK, "pretraining.epochs=1", assignment]).build(dataset)


STAGES = ["model.name=HierarchicalVAE", "network.name=dense_stages", "network.latent_dims=[4, 2]"]


def test_a_hierarchy(recipe, dataset, tmp_path):
    text = recipe.to_toml().replace("latent_dim = 2\n", "").replace("hidden = [\n    8,\n]\n", "")
    (tmp_path / "stages.toml").write_text(text)
    stages = recipes.load(tmp_path / "stages.toml")
    values = ["network.hidden=[[8, 7], [5]]", "model.num_samples=3", "model.prior=normal_mixture"]
    model = stages.override([*STAGES, *values]).build(dataset)
    assert isinstance(model, keras_vae.HierarchicalVAE)
    assert (model.latent_dim, model.num_samples) == (6, 3)
    assert np.isfinite(model.fit(dataset.x_train, verbose=0).history["loss"]).all()
    for assignment, message in (
        ("model.name=VAE", "a HierarchicalVAE is made of 'dense_stages', and no other model is"),
        ("network.hidden=[8, 7]", "network.hidden is .* expected a list of which each is a list"),
        ("network.latent_dims=[4, 1000000]", "network.latent_dims is .* at most"),
        ("model.prior={name='real_nvp', hidden=[1000000]}", "model.prior.hidden is .* at most"),
    ):
        with pytest.raises(UserError, match=message):
            stages.override([*STAGES, assignment]).build(dataset)


def test_feature_maps_from_a_recipe(recipe, dataset, tmp_path):
    text = recipe.to_toml().replace("latent_dim = 2\n", "filters = [3, 4]\n")
    text = text.replace("hidden = [\n    8,\n]\n", "").replace('"dense"', '"fully_convolutional"')
    (tmp_path / "maps.toml").write_text(text)
    maps = recipes.load(tmp_path / "maps.toml")
    model = maps.override(["model.name=SparseAutoencoder"]).build(dataset)
    assert model.latent_shape == (8, 8, 4)
    with pytest.raises(UserError, match="'fully_convolutional' takes no condition"):
        maps.override(["model.name=CVAE"]).build(dataset)
    with pytest.raises(UserError, match="one number per value"):
        maps.build(dataset)


def test_a_learning_rate_may_be_a_schedule(recipe, dataset):
    rate = "{name = 'cosine_decay', initial_learning_rate = 0.5, decay_steps = 10}"
    model = recipe.override([f"training.optimizer.learning_rate={rate}"]).build(dataset)
    assert float(model.optimizer.learning_rate) == 0.5


def test_what_keras_refuses_is_told_with_its_table(recipe, dataset):
    with pytest.raises(UserError, match=r"^\[network\] has a value that Keras refuses: .*rellu"):
        recipe.override(["network.activation=rellu"]).build(dataset)


@pytest.mark.parametrize("rate", ["-1", "nan", "inf"])
def test_a_learning_rate_that_cannot_be_meant(recipe, dataset, rate):
    with pytest.raises(UserError, match=r"training.optimizer.learning_rate is .* at least 0"):
        recipe.override([f"training.optimizer.learning_rate={rate}"]).build(dataset)


def test_a_learning_rate_decays_over_the_whole_fit(recipe, dataset):
    rate = "{name = 'cosine_decay', initial_learning_rate = 0.5}"
    model = recipe.override(
        [f"training.optimizer.learning_rate={rate}", "training.epochs=3"]
    ).build(dataset)
    steps = 3 * 4  # 50 rows in batches of 16
    for step, rate in [(0, 0.5), (steps // 2, 0.25), (steps, 0.0)]:
        model.optimizer.iterations.assign(step)
        assert float(model.optimizer.learning_rate) == pytest.approx(rate)


def test_data_that_the_likelihood_cannot_take(recipe, tmp_path):
    path = tmp_path / "reals.npz"
    np.savez(path, x_train=np.full((9, 7), -1.0), x_test=np.zeros((2, 7)))
    reals = datasets.load("mnist", path)
    with pytest.raises(UserError, match=r"x_train of 'reals' ranges from -1 to -1"):
        recipe.build(reals)
    assert recipe.override(["model.likelihood=normal"]).build(reals).event_shape == (7,)


def test_the_seed_gives_the_weights(recipe, dataset):
    first, again = recipe.build(dataset), recipe.build(dataset)
    other = recipe.override(["training.seed=1"]).build(dataset)
    weights = [model.encoder.get_weights()[0] for model in (first, again, other)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.bta=4", r"'bta' in \[model\]: did you mean 'beta'"),
        ("model.name=vae", "did you mean 'VAE'"),
        ("model.name=StackedAutoencoder", "network.name is 'dense'"),
        ("network.name=dense_layers", "model.name is 'VAE'"),
        ("model.autoencoders={}", "Unknown key 'autoencoders'"),
        ("pretraining.epochs=3", "leave it out for a VAE"),
        ("pretraining.epochs=0", "pretraining.epochs is 0"),
        ("pretraining.optimizer=adam", r"\[pretraining\] lacks epochs"),
        ("model.corruption=mask", "did you mean 'masking'"),
        ("model.free_bits=x", "'x' .a string., but expected a number"),
        ("model.encoder=3", "Unknown key 'encoder'"),
        ("model.seed=3", "Unknown key 'seed'"),
        ("model.likelihood=nromal", "did you mean 'normal'"),
        ("model.likelihood.binarisation=static", "did you mean 'binarization'"),
        ("model.likelihood.binarization=3", "'dynamic' or 'static'"),
        ("model.beta=high", "linear_warmup"),
        ("model.beta={steps = 10}", r"\[model.beta\] lacks its name"),
        ("model.beta={name = 'linear_warmup'}", r"\[model.beta\] lacks steps"),
        ("model.beta={name = 'linear_warmup', steps = 1.5}", "expected a whole number"),
        ("model.beta=-1", "at least 0"),
        ("model.beta=nan", "a finite number"),
        ("network.name=dens", "did you mean 'dense'"),
        ("network.filters=[3]", "Unknown key 'filters'"),
        ("network.condition_dim=3", "Unknown key 'condition_dim'"),
        ("network.hidden=500", "a list of which each is a whole number"),
        ("training.optimizer=adm", "did you mean 'adam'"),
        ("training.optimizer.learning_rat=1", "did you mean 'learning_rate'"),
        ("training.optimizer.learning_rate=fast", "expected a number"),
        ("training.optimizer={learning_rate = 1.0}", "lacks its name"),
        ("training.optimizer.learning_rate={name = 'cosine'}", "did you mean 'cosine_decay'"),
    ],
)
def test_mistakes(recipe, dataset, assignment, message):
    with pytest.raises(UserError, match=message) as error:
        recipe.override([assignment]).build(dataset)
    assert "\n" not in str(error.value)


def test_latent_dim_is_needed(recipe, dataset, tmp_path):
    path = tmp_path / "short.toml"
    path.write_text(recipe.to_toml().replace("latent_dim = 2", ""))
    with pytest.raises(UserError, match=r"\[network\] lacks latent_dim"):
        recipes.load(path).build(dataset)


def test_vectors_are_nothing_for_a_convolutional_network(recipe, tmp_path):
    path = tmp_path / "vectors.npz"
    np.savez(path, x_train=np.zeros((9, 7), "float32"), x_test=np.zeros((2, 7), "float32"))
    vectors = datasets.load("mnist", path)
    convolutional = recipe.override(["network.name=convolutional"])
    with pytest.raises(UserError, match=r"\(7,\).*dense"):
        convolutional.build(vectors)
    assert recipe.build(vectors).event_shape == (7,)


def test_a_cvae_needs_labels(tmp_path):
    path = tmp_path / "unlabelled.npz"
    np.savez(path, x_train=np.zeros((9, 8, 8), "uint8"), x_test=np.zeros((2, 8, 8), "uint8"))
    with pytest.raises(UserError, match="needs a label"):
        recipes.load(write_recipe(tmp_path, model="CVAE")).build(datasets.load("mnist", path))


@pytest.mark.parametrize(
    "assignments",
    [
        [],
        ["network.name=convolutional", "network.filters=[3]"],
        [
            "model.name=HierarchicalVAE",
            "network.name=dense_stages",
            "network.latent_dims=[3, 2]",
        ],
    ],
)
def test_a_model_starts_at_the_mean_of_the_data(recipe, tmp_path, assignments):
    """Of what the decoder's last layer gives for zeros, before any step."""
    tables = recipe.override(["training.start=data_mean"]).to_toml()
    for line in ("latent_dim = 2\n", "hidden = [\n    8,\n]\n") if len(assignments) == 3 else ():
        tables = tables.replace(line, "")
    (tmp_path / "start.toml").write_text(tables)
    shifted = write_data(tmp_path)
    arrays = dict(np.load(shifted))
    arrays["x_train"][:, 0] = 0
    np.savez(shifted, **arrays)
    dataset = datasets.load("mnist", shifted)
    model = recipes.load(tmp_path / "start.toml").override(assignments).build(dataset)
    (bias,) = (
        layer.bias.numpy() for layer in model.decoder._flatten_layers() if layer.name == "params"
    )
    mean = arrays["x_train"].mean(axis=0) / 255
    expected = mean.ravel() if bias.size == 64 else mean.mean(axis=(0, 1))
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), np.clip(expected, 1e-3, 1), rtol=1e-3)


@pytest.mark.parametrize(
    "network", [[], ["network.name=convolutional", "network.filters=[3]"]], ids=["dense", "maps"]
)
def test_an_autoregressive_likelihood_starts_there_too(recipe, dataset, network):
    start = recipe.override(
        ["training.start=data_mean", "model.likelihood=autoregressive_bernoulli", *network]
    ).build(dataset)
    plain = recipe.override(["training.start=data_mean", *network]).build(dataset)
    z = np.zeros((1, 2), "float32")
    np.testing.assert_allclose(start.decode(z), plain.decode(z), rtol=1e-5)


def test_a_start_that_is_not_known_is_told(recipe, dataset):
    start = recipe.override(["training.start=data_mean"])
    with pytest.raises(UserError, match="Normal cannot begin at the mean"):
        start.override(["model.likelihood=normal"]).build(dataset)
    with pytest.raises(UserError, match="leave it out for a StackedAutoencoder"):
        start.override([*STACK, "training.start=data_mean"]).build(dataset)
    with pytest.raises(UserError, match="leave it out for a Classifier"):
        recipes.load("mnist-judge").override(["training.start=data_mean"]).build(dataset)


def test_averaged_weights_and_the_best_ones_are_two_things(recipe, dataset):
    both = ["training.optimizer={name='adam', use_ema=true}", "training.keep=best"]
    with pytest.raises(UserError, match="use_ema ends a fit with averaged weights"):
        recipe.override(both).build(dataset)
