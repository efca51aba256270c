"""Frey Faces from either file, split in the customary proportion."""

import numpy as np
import pytest
from scipy.io import savemat

from keras_vae.datasets import load


@pytest.fixture
def faces():
    images = np.random.default_rng(0).integers(0, 256, (1965, 28, 20), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(1965), 256)  # each row's own number
    return images


def save(images, folder, kind):
    folder.mkdir(exist_ok=True)
    if kind == "npz":
        np.savez(folder / "frey_faces.npz", images=images)
    else:
        savemat(folder / "frey_rawface.mat", {"ff": images.reshape(1965, 560).T})


@pytest.mark.parametrize("kind", ["npz", "mat"])
def test_every_face_is_in_one_part(kind, faces, tmp_path):
    save(faces, tmp_path / "frey_faces", kind)
    dataset = load("frey-faces", tmp_path)
    assert (dataset.name, dataset.y_train, dataset.y_test) == ("frey-faces", None, None)
    assert dataset.num_classes is dataset.condition_dim is None
    assert dataset.x_train.shape == (1565, 28, 20, 1)
    assert dataset.x_test.shape == (400, 28, 20, 1)
    rows = np.concatenate([dataset.x_train, dataset.x_test])[..., 0]
    numbers = rows[:, 0, 0].astype(int) * 256 + rows[:, 0, 1]
    assert sorted(numbers) == list(range(1965))
    assert numbers[:5].tolist() == [18, 781, 342, 1274, 579]  # the same on every machine
    np.testing.assert_array_equal(rows, faces[numbers])
