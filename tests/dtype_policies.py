"""Networks in half precision."""

import contextlib

import keras


@contextlib.contextmanager
def dtype_policy(name):
    """Layers that are made within have the policy; all others stay in float32."""
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")
