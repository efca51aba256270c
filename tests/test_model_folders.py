"""What counts as a version of an exported model, for all who look."""

import os

import pytest

from keras_vae.errors import UserError
from keras_vae.model_folders import default, expect_models, is_version, models, packaged, versions


def write(folder, *names):
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "saved_model.pb").touch()


@pytest.mark.parametrize("name", ["1", "007", "1764000000", str(2**63 - 1)])
def test_numbers_are_versions(name):
    assert is_version(name)


@pytest.mark.parametrize(
    "name", ["", "latest", "9x", "-4", "1.5", str(2**63), "٩", ".unfinished-1"]
)
def test_all_else_is_not(name):
    assert not is_version(name)


def test_versions_are_in_the_order_of_their_numbers(tmp_path):
    write(tmp_path, "10", "9", "011", "latest")
    (tmp_path / "12").mkdir()
    assert [(number, path.name) for number, path in versions(tmp_path).items()] == [
        (9, "9"),
        (10, "10"),
        (11, "011"),
    ]
    assert versions(tmp_path / "none") == {}


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path, monkeypatch):
    def scandir(path):
        if path.name == "lost+found":
            raise PermissionError(path)
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    write(tmp_path / "a", "1")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "README.md").touch()
    with pytest.raises(PermissionError):
        versions(tmp_path / "lost+found")
    assert [path.name for path in models(tmp_path)] == ["a"]


def test_models_have_a_version(tmp_path):
    write(tmp_path / "b", "1")
    write(tmp_path / "a", "3", "4")
    write(tmp_path / "c", "draft")
    assert [path.name for path in models(tmp_path)] == ["a", "b"]
    assert expect_models(tmp_path) == models(tmp_path)
    with pytest.raises(UserError, match=f"is one model: name .* '{tmp_path}'"):
        expect_models(tmp_path / "a")
    for folder in (tmp_path / "c", tmp_path / "none"):
        with pytest.raises(UserError, match=f"no models in '{folder}'"):
            expect_models(folder)


def test_without_local_models_those_of_the_package_are_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default() == packaged()
    assert (packaged() / "README.md").exists() or models(packaged())
    write(tmp_path / "saved_models" / "mine")
    assert default() == packaged()
    write(tmp_path / "saved_models" / "mine", "1")
    assert default().resolve() == (tmp_path / "saved_models").resolve()
