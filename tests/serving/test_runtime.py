"""Exported models in TensorFlow's C runtime, where no Python package of TensorFlow is imported."""

import json
import subprocess
import sys

import numpy as np
import pytest

from conformance.cases import named

RUN = """
import json, sys
from pathlib import Path
import numpy as np
from keras_vae.serving._session import Session

session = Session(Path(sys.argv[1]))
results = {}
with np.load(sys.argv[2]) as inputs:
    for name, signature in session.signatures.items():
        outputs = session.run(name, {key: inputs[key] for key in signature.inputs})
        results |= {f"{name}.{key}": values for key, values in outputs.items()}
session.close()
png = results.pop("sample_png.png_bytes", None)
np.savez(sys.argv[3], **results)
heavy = {"keras", "tensorflow", "tensorflow_probability"} & set(sys.modules)
print(json.dumps({"heavy": sorted(heavy), "png": png is None or [p[1:4] == b"PNG" for p in png]}))
"""


@pytest.mark.parametrize("name", ["cvae dense", "autoencoder dense"])
def test_signatures_equal_the_model(name, tmp_path):
    model = named(name).build()
    folder = model.export(tmp_path / "models" / "model")
    x = named(name).data(4)[0]
    condition = {} if model.condition_dim is None else {"condition": np.array([2, 0, 1, 2])}
    code = model.encode(x, **condition)
    inputs = {"image": x, "z": code, "seed": np.arange(5, 9), "temperature": np.ones(4, "f4")}
    np.savez(tmp_path / "in.npz", **inputs, label=np.array([2, 0, 1, 2], "int32"))
    files = [str(folder), str(tmp_path / "in.npz"), str(tmp_path / "out.npz")]
    process = subprocess.run(
        [sys.executable, "-c", RUN, *files], capture_output=True, text=True, cwd=tmp_path
    )
    assert process.returncode == 0, process.stderr
    said = json.loads(process.stdout.splitlines()[-1])
    assert said["heavy"] == []
    expected = {
        "decode.image": model.decode(code, **condition),
        "reconstruct.image": model.reconstruct(x, **condition),
    }
    if name == "cvae dense":
        drawn = model.sample(4, seed=5, **condition)
        expected |= {"encode.z_mean": code, "sample.image": drawn, "serving_default.image": drawn}
        expected |= {"sample.seed": inputs["seed"]}
        assert said["png"] == [True] * 4
    else:
        expected |= {"encode.code": code, "serving_default.image": expected["reconstruct.image"]}
    with np.load(tmp_path / "out.npz") as outputs:
        for key, values in expected.items():
            np.testing.assert_allclose(outputs[key], values, atol=1e-5, err_msg=key)
        if name == "cvae dense":  # each row has its own seed
            elbo = [
                model.elbo(x[row : row + 1], condition["condition"][row : row + 1], seed=5 + row)
                for row in range(4)
            ]
            np.testing.assert_allclose(outputs["elbo.elbo"], np.concatenate(elbo), atol=1e-3)
