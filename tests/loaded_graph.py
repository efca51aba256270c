"""An exported model as TensorFlow Serving loads it."""

import tensorflow as tf
from tensorflow.python.saved_model.loader_impl import SavedModelLoader


class Servable:
    """A SavedModel in a Session, called by signature with named arrays."""

    def __init__(self, folder):
        with tf.Graph().as_default():
            self.session = tf.compat.v1.Session()
            self.signatures = (
                SavedModelLoader(str(folder)).load(self.session, ["serve"]).signature_def
            )

    def __call__(self, name, **inputs):
        signature = self.signatures[name]
        return self.session.run(
            {key: tensor.name for key, tensor in signature.outputs.items()},
            {signature.inputs[key].name: values for key, values in inputs.items()},
        )
