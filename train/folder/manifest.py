"""The manifest of a checkpoint: what was saved, and of which run.

Orbax has no checksum of an array's bytes, and casts a leaf of another type without an error. So a
checkpoint carries this record, and nothing is used that does not agree with it.
"""

import dataclasses
import hashlib
import math
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import jax
import numpy as np

from train.folder import sealed

Manifest: TypeAlias = Mapping[str, Any]
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


@dataclasses.dataclass(frozen=True)
class Restored:
    """A checkpoint that was read."""

    step: int
    """The number of updates done."""
    state: Any
    """The state, with NumPy arrays as leaves."""
    manifest: Manifest
    """The manifest, as `train.folder.manifest` describes it."""


def flatten(tree: Any) -> dict[str, Any]:
    """Returns a pytree's leaves by their paths, as in `params/conv_0/kernel`."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def flatten_to_host(tree: Any) -> dict[str, np.ndarray]:
    """Returns a copy of each leaf on the host, by its path as in `flatten`.

    In a run of several processes, each must hold all of a leaf.
    """
    return {path: _to_host(leaf) for path, leaf in flatten(tree).items()}


def versions() -> dict[str, str]:
    """Returns the versions that the bits of a run depend on."""
    packages = {name: metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version()} | packages


def describe(
    leaves: Mapping[str, np.ndarray], *, step: int, score: float | None, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the manifest of a state.

    Args:
        leaves: the state's leaves by their paths, as `flatten` gives them, on the host.
        step: the number of updates done.
        score: higher is better. None, or a number that is not finite, is no score.
        about: what the manifest says of the run, as `train.folder.about_state` gives it.

    Returns:
        A JSON object, with its version and its own digest.
    """
    return sealed.sealed(
        {
            "step": step,
            "score": score if score is not None and math.isfinite(score) else None,
            **about,
            "leaves": {
                path: {"shape": list(leaf.shape), "dtype": leaf.dtype.name, "sha256": _digest(leaf)}
                for path, leaf in leaves.items()
            },
        }
    )


def read(folder: Path) -> dict[str, Any]:
    """Reads the manifest of the checkpoint in a folder.

    One of before has a digest of the configuration in place of the record, and no history.

    Raises:
        Damaged: it is not the one that was written.
        UserError: it is of a newer release.
    """
    record = sealed.read(folder / "manifest" / "metadata")
    if not {"step", "score", "leaves"} <= record.keys():
        raise sealed.Damaged("fields are missing")
    return record


def verify_leaves(manifest: Mapping[str, Any], leaves: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError if a leaf's bytes are not the ones that were written; it names the leaf."""
    for path, expected in manifest["leaves"].items():
        if _digest(leaves[path]) != expected["sha256"]:
            raise ValueError(f"leaf `{path}` differs from its digest")


def shapes(manifest: Mapping[str, Any]) -> dict[str, jax.ShapeDtypeStruct]:
    """Returns the shapes and types of a checkpoint's leaves, by their paths."""
    return {
        path: jax.ShapeDtypeStruct(leaf["shape"], leaf["dtype"])
        for path, leaf in manifest["leaves"].items()
    }


def difference(manifest: Mapping[str, Any], like: Mapping[str, Any]) -> str | None:
    """Describes the first leaf in which a checkpoint and a model differ; None if there is none.

    Args:
        manifest: of the checkpoint.
        like: the model's leaves by their paths. Only their `shape` and `dtype` are read.
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
        leaf = leaf.addressable_data(0)  # it is replicated over the processes
    return np.array(leaf)  # a copy: on a CPU, a view would change when the state is donated


def _digest(leaf: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data).hexdigest()


def nonempty(leaves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the leaves that have elements: Orbax refuses to write empty ones."""
    return {path: leaf for path, leaf in leaves.items() if leaf.size}
