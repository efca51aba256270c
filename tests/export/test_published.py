"""A version appears whole or not at all, and no two publishers get one number."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keras_vae.errors import UserError
from keras_vae.export.published import published

PUBLISHER = """
import sys
from keras_vae.export.published import published
print("ready", flush=True)
while True:
    with published(sys.argv[1]) as version:
        for number in range(20):
            (version.draft / f"{number}").write_bytes(bytes(10000))
"""


def publish(path, while_open=lambda: None):
    with published(path) as version:
        (version.draft / "file").write_text(str(path))
        while_open()
    return version.folder


def test_versions_count_up_and_are_readable_for_all(tmp_path):
    assert publish(tmp_path / "model") == tmp_path / "model" / "1"
    assert publish(tmp_path / "model" / "7") == tmp_path / "model" / "7"
    assert publish(tmp_path / "model") == tmp_path / "model" / "8"
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "model" / "8").stat().st_mode & 0o777 == 0o777 & ~umask
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["1", "7", "8"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        publish(tmp_path / "model", while_open=lambda: 1 / 0)
    assert not (tmp_path / "model").exists()


def test_a_version_is_not_overwritten(tmp_path):
    publish(tmp_path / "model" / "3")
    with pytest.raises(UserError, match="is there already"):
        publish(tmp_path / "model" / "3")
    path = tmp_path / "model" / "4"
    with pytest.raises(UserError, match="is there already"):
        publish(path, while_open=lambda: publish(path))
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["3", "4"]


@pytest.mark.parametrize("path", ["3/4", f"model/{2**63}", "model/٣"])
def test_a_number_is_no_models_name(tmp_path, path):
    with pytest.raises(UserError, match="a name that is no number"):
        publish(tmp_path / path)


def test_a_file_is_no_models_folder(tmp_path):
    (tmp_path / "m.keras").write_text("")
    with pytest.raises(
        UserError, match=r"m\.keras' is a file, and a model is exported to a folder"
    ):
        publish(tmp_path / "m.keras")


def test_publishers_at_one_time_get_their_own_numbers(tmp_path, monkeypatch):
    """All four take the same number for free: their renames wait for each other once."""
    barrier, rename = threading.Barrier(4), Path.rename
    waited = threading.local()

    def together(draft, target):
        if not hasattr(waited, "once"):
            waited.once = True
            barrier.wait(60)
        return rename(draft, target)

    monkeypatch.setattr(Path, "rename", together)
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(publish, [tmp_path / "model"] * 4))
    assert sorted(folder.name for folder in folders) == ["1", "2", "3", "4"]
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["1", "2", "3", "4"]


@pytest.mark.slow
def test_a_killed_publisher_leaves_whole_versions_alone(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, str(tmp_path / "model")], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    deadline = time.monotonic() + 60
    while not (tmp_path / "model" / "3").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    numbered = [path for path in (tmp_path / "model").iterdir() if path.name.isdecimal()]
    assert len(numbered) >= 3
    for folder in numbered:
        assert [path.stat().st_size for path in folder.iterdir()] == [10000] * 20


def test_what_a_killed_publisher_left_is_removed_a_day_later(tmp_path):
    model = tmp_path / "model"
    forgotten, young = model / ".unfinished-1", model / ".unfinished-2"
    for draft in (forgotten, young):
        (draft / "variables").mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(forgotten, (two_days_ago, two_days_ago))
    publish(model)
    assert sorted(path.name for path in model.iterdir()) == [".unfinished-2", "1"]
