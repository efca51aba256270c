"""What holds for every command: help, unknown names, exit statuses."""

import errno
import os

import click
import pytest
from click.testing import CliRunner

from keras_vae.cli._group import Group
from keras_vae.errors import UserError


def test_without_a_command_there_is_help(keras_vae):
    result = keras_vae()
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")
    assert result.stdout == keras_vae("--help").stdout


def test_commands_stand_in_the_order_of_use(keras_vae):
    text = keras_vae("--help").stdout
    places = [text.index(f"\n  {name} ") for name in ("list", "show", "fit", "evaluate", "plot")]
    assert places == sorted(places)


def test_version(keras_vae):
    assert keras_vae("--version").stdout.startswith("keras-vae")


def test_unknown_command(refused):
    assert "No such command 'fti'" in refused("fti")


@pytest.fixture
def run():
    """Runs a command that raises the given exception."""

    def run(error, **environment):
        @click.group(cls=Group)
        def group():
            pass

        @group.command()
        def command():
            raise error

        return CliRunner().invoke(group, ["command"], env=environment)

    return run


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UserError("Give a number."), "Give a number."),
        (ValueError("Keras says this.\n\nAnd a page more."), "Keras says this."),
        (UserError('in user code:\n\n    File "a.py"\n\n    UserError: Give x.'), "Give x."),
        (ValueError("Exception encountered when calling A.\n\nGive y.\n\nMore."), "Give y."),
        (ValueError(), "ValueError; KERAS_VAE_DEBUG=1 shows where."),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.png"), "a.png: No such file."),
        (OSError("The disk is full."), "The disk is full."),
    ],
)
def test_a_mistake_is_one_sentence(run, error, sentence):
    result = run(error)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"keras-vae: {sentence}\n")
    shown = run(error, KERAS_VAE_DEBUG="1")
    assert shown.exception is error
    assert os.environ.get("KERAS_VAE_DEBUG") is None


def test_a_defect_keeps_its_traceback(run):
    error = TypeError("a defect")
    assert run(error).exception is error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyboardInterrupt(), "Interrupted."),
        (KeyboardInterrupt("Go on with this."), "Go on with this."),
    ],
)
def test_ctrl_c(run, error, sentence):
    result = run(error)
    assert result.exit_code == 130
    assert result.stderr.strip() == f"keras-vae: {sentence}"
