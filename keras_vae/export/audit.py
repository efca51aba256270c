"""Reads a graph for what a server cannot run, and for what would not be random there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tensorflow.python.framework import op_def_registry

from keras_vae.errors import UserError

_STATEFUL = {
    "Case",
    "If",
    "PartitionedCall",
    "Placeholder",
    "ReadVariableOp",
    "StatefulPartitionedCall",
    "Timestamp",
    "While",
}
"""The stateful operations that a served graph may hold: weights, calls, loops, and the clock, which
fresh seeds come from. Random ones are not among them: they repeat their numbers after each load."""
_CHECKS = {"Assert"}
_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
_XLA = ("_XlaMustCompile", "_XlaCompile")


def audit(name: str, graph: Any) -> None:
    """Raises a `UserError` that names the first operation which a served graph must not hold.

    Refused are operations with a state of their own (random ones above all), those that run Python,
    and functions that only XLA may run.

    Args:
        name: Of the signature.
        graph: Its `GraphDef`, with the functions that it calls.
    """
    for operation, attributes, node_name in _operations(graph):
        fault = _fault(operation, attributes)
        if fault is not None:
            raise UserError(
                f"This model cannot be served: the graph of {name!r} holds the operation "
                f"{operation} ({node_name!r}), {fault}."
            )


def _operations(graph: Any) -> Iterator[tuple[str, Any, str]]:
    """The operation, attributes and name of each node and function, those in functions included."""
    for node in graph.node:
        yield node.op, node.attr, node.name
    for function in graph.library.function:
        yield "PartitionedCall", function.attr, function.signature.name
        for node in function.node_def:
            yield node.op, node.attr, node.name


def _fault(operation: str, attributes: Any) -> str | None:
    """What is wrong with an operation, or None."""
    if operation in _PYTHON:
        return "which runs Python, and a server has none"
    if any(attributes[name].b for name in _XLA if name in attributes):
        return (
            "which only XLA may compile (jit_compile=True), and a stock TensorFlow Serving has "
            "that switched off"
        )
    if operation in _CHECKS:
        return "which fails all requests of a batch for one of them: let that row be NaN"
    definition = op_def_registry.get(operation)
    if definition is None:
        return "which TensorFlow itself does not have"
    if definition.is_stateful and operation not in _STATEFUL:
        return (
            "which has a state of its own: take random numbers from `keras_vae.noise`, and keep "
            "all other state in weights"
        )
    return None
