"""A small `saved_model.pb`: most of a graph's size is what its operations are called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2


def shrink(file: Path) -> None:
    """Numbers the operations in a graph's functions, and keeps but one of equal constants.

    What a caller sees keeps its name: signatures, their inputs and outputs, and variables.

    Args:
        file: `saved_model.pb`, written anew.
    """
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for graph in saved.meta_graphs:
        functions = graph.graph_def.library.function
        short = {function.signature.name: _shrink(function) for function in functions}
        for node in graph.object_graph_def.nodes:
            if node.WhichOneof("kind") == "captured_tensor":
                captured = node.captured_tensor
                captured.name = _renamed(captured.name, short[captured.concrete_function])
    file.write_bytes(saved.SerializeToString(deterministic=True))


def _shrink(function: Any) -> Mapping[str, str]:
    """Rewrites a `FunctionDef`, and returns its operations' old names -> the new ones.

    Its arguments keep their names, which are in lower case.
    """
    first: dict[bytes, str] = {}
    short: dict[str, str] = {}
    kept: list[Any] = []
    for node in function.node_def:
        node.attr.pop("_output_shapes", None)
        node.ClearField("experimental_debug_info")
        new = f"N{len(kept)}"
        if node.op == "Const" and not node.input:  # it waits for no other
            new = first.setdefault(node.attr["value"].SerializeToString(), new)
        short[node.name] = new
        if new == f"N{len(kept)}":
            kept.append(node)
    for node in kept:
        node.name = short[node.name]
        node.input[:] = [_renamed(tensor, short) for tensor in node.input]
    for results in (function.ret, function.control_ret):
        for name, tensor in list(results.items()):
            results[name] = _renamed(tensor, short)
    function.node_def.extend(kept)  # copies
    del function.node_def[: -len(kept)]
    return short


def _renamed(tensor: str, short: Mapping[str, str]) -> str:
    """The name of `node:output:index`, of `^node`, or of an argument."""
    control = "^" if tensor.startswith("^") else ""
    node, *output = tensor.removeprefix("^").split(":")
    return ":".join([control + short.get(node, node), *output])
