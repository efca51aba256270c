"""Tools around a served model, installed as ``keras_vae.serving``.

Here live the client, the local server and the configuration of TensorFlow Serving.
No model code may be imported: this package knows exported folders and their signatures only.
"""
