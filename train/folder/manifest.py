"""What a checkpoint says of itself: each leaf's shape, type and digest, and what wrote it.

Orbax neither checksums the bytes of an array nor objects to another type of leaf (it casts), so
a checkpoint carries this record, and nothing is used that does not agree with it.
"""

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import jax
import numpy as np

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def flatten(tree: Any) -> dict[str, Any]:
    """A pytree's leaves by their paths, as in `params/conv_0/kernel`."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def flatten_to_host(tree: Any) -> dict[str, np.ndarray]:
    """As `flatten`, each leaf a copy on the host; one of several processes needs all of a leaf."""
    return {path: _to_host(leaf) for path, leaf in flatten(tree).items()}


def versions() -> dict[str, str]:
    """The versions that the bits of a run depend on."""
    packages = {name: metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version()} | packages


def describe(
    leaves: Mapping[str, np.ndarray], *, step: int, score: float | None, config_digest: str
) -> dict[str, Any]:
    """The manifest of a state.

    Args:
        leaves: the state by paths, as `flatten` gives it, on the host.
        step: number of updates done.
        score: higher is better; None, and what is not finite, is no score.
        config_digest: what the run was configured to do.

    Returns:
        A JSON object; its `sha256` is the digest of all its other fields.
    """
    manifest = {
        "step": step,
        "score": score if score is not None and math.isfinite(score) else None,
        "config_digest": config_digest,
        "versions": versions(),
        "leaves": {
            path: {"shape": list(leaf.shape), "dtype": leaf.dtype.name, "sha256": _digest(leaf)}
            for path, leaf in leaves.items()
        },
    }
    return manifest | {"sha256": _own_digest(manifest)}


def verify_manifest(manifest: Mapping[str, Any]) -> None:
    """Raises ValueError for a manifest that is not the one which was written."""
    if manifest["sha256"] != _own_digest(manifest):
        raise ValueError("its manifest differs from its digest")


def verify_leaves(manifest: Mapping[str, Any], leaves: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError naming the first leaf whose bytes are not the ones that were written."""
    for path, expected in manifest["leaves"].items():
        if _digest(leaves[path]) != expected["sha256"]:
            raise ValueError(f"leaf `{path}` differs from its digest")


def difference(manifest: Mapping[str, Any], like: Mapping[str, Any]) -> str | None:
    """The first leaf in which a checkpoint and a model differ, in words; None if there is none.

    Args:
        manifest: the checkpoint's.
        like: the model's leaves by paths; of each its `shape` and `dtype` are read.
    """
    saved = manifest["leaves"]
    for path, leaf in like.items():
        if path not in saved:
            return f"leaf `{path}` is missing in it"
        old = f"{saved[path]['dtype']}{saved[path]['shape']}"
        new = f"{np.dtype(leaf.dtype).name}{list(leaf.shape)}"
        if old != new:
            return f"leaf `{path}` is {old} in it and {new} here"
    extra = next((path for path in saved if path not in like), None)
    return None if extra is None else f"it has a leaf `{extra}` that is missing here"


def _to_host(leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
        leaf = leaf.addressable_data(0)  # replicated over the processes
    return np.array(leaf)  # a copy: on CPU a view would change when the state is donated


def _digest(leaf: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data).hexdigest()


def _own_digest(manifest: Mapping[str, Any]) -> str:
    content = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
