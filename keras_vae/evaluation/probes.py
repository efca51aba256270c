"""What a code is worth for telling classes apart: classifiers on codes that stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array


def _linear() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000)


def _nearest_neighbours() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=5)


def _rbf_svm() -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", gamma="scale", C=10.0, cache_size=1000)


PROBES: dict[str, Callable[[], Any]] = {
    "linear": _linear,
    "nearest_neighbours": _nearest_neighbours,
    "rbf_svm": _rbf_svm,
}
"""Name -> a new scikit-learn classifier: multinomial logistic regression with an L2 penalty
(C = 1), the five nearest neighbours, a support vector machine with an RBF kernel (C = 10)."""


def require_scikit_learn() -> None:
    """Raises a `UserError` where it is not installed."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise UserError("Probes need scikit-learn: pip install scikit-learn scipy.") from error


def probe_errors(
    codes: Array,
    y: Array,
    test_codes: Array,
    test_y: Array,
    *,
    num_labels: Sequence[int | None] = (100, 1000, None),
    probes: Mapping[str, Callable[[], Any]] = PROBES,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, dict[int, float]]:
    """Trains classifiers on some labelled codes, and counts what they get wrong on held-out ones.

    All codes are divided by one number, the standard deviation of all values of `codes`, so that
    the classifiers' own settings mean the same for every model.

    Args:
        codes: (num, ...), of the training rows.
        y: Integer labels (num,).
        test_codes: (num_test, ...).
        test_y: Integer labels (num_test,).
        num_labels: How many labelled rows to train on, the same number of each class; None for all
            rows. Numbers that the data do not have are left out.
        probes: Name -> a function that makes a new scikit-learn classifier.
        seed: Of the choice of rows.
        progress: Called with 1 after each classifier.

    Returns:
        Name of the probe -> number of labelled rows -> share of the test rows that are classified
        wrongly, in percent.

    Raises:
        UserError: Without scikit-learn, or without two classes.
    """
    require_scikit_learn()
    classes = np.unique(y)
    if len(classes) < 2:
        raise UserError(f"Probes tell classes apart. Received labels of {len(classes)} class(es).")
    scale = 1.0 / max(float(codes.std()), 1e-12)
    codes, test_codes = (
        scale * values.reshape(len(values), -1) for values in (codes, test_codes)
    )  # (num, latent_dim)
    errors: dict[str, dict[int, float]] = {name: {} for name in probes}
    for num in num_labels:
        rows = _balanced(y, num, seed)
        for name, make in probes.items():
            if num is None or num < len(y):
                classifier = make().fit(codes[rows], y[rows])
                wrong = classifier.predict(test_codes) != test_y  # (num_test,)
                errors[name][len(rows)] = 100.0 * float(np.mean(wrong))
            if progress is not None:
                progress(1)
    return errors


def _balanced(y: Array, num: int | None, seed: int) -> Array:
    """Rows (num,) with the same number of each class, at random; or all rows."""
    if num is None:
        return np.arange(len(y))
    order = np.random.default_rng(seed).permutation(len(y))
    each = max(1, num // len(np.unique(y)))
    return np.concatenate([order[y[order] == label][:each] for label in np.unique(y)])
