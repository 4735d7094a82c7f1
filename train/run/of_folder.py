"""Reads the network of a run, and its weights, from the run's folder."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from train import data, preprocess
from train.errors import UserError
from train.folder import manifest
from train.folder import record as records
from train.folder.checkpoint import Checkpoints
from train.folder.same_run import SameRun
from train.models import ModelConfig, Transformer
from train.models.build import build
from train.models.model import Model
from train.preprocess import Preprocess
from train.python_file import neighbours_of, run_file
from train.run import network_file
from train.run.network_file import FILE, Needs
from train.tasks.loss import Head
from train.written import written

_Builder = Callable[..., Any]
_OF_THE_DATA = ("data_dir", "num_train_images", "num_test_images", "validation_fraction", "seed")
_GIVE_IT = "Give its class or function, as in `load(folder, builder=MLP)`."


@dataclasses.dataclass(frozen=True)
class Network:
    """The network of a run, without weights.

    Attributes:
      same: what the checkpoints of the run have in common.
      model: the network.
      knobs: how images are prepared for it.
      head: how its logits become probabilities.
      needs: the classes, the shape of the images and the statistics of the preprocessing.
    """

    same: SameRun
    model: Model
    knobs: Preprocess
    head: Head
    needs: Needs


def network_of(folder: Path, builder: _Builder | None) -> Network:
    """Returns the network of a run.

    Args:
      folder: the run's folder.
      builder: of a network of the user's own; None: what its file defines.

    Raises:
      UserError: as `train.run.trained.load` says.
    """
    held = records.read(folder)
    if held is None:
        raise UserError(
            f"`folder` must be that of a run, got {folder}, which holds no config.json. Give the "
            "`--workdir` of the run."
        )
    record = held.settings
    if "task" in record:
        raise UserError(
            f"`folder` must be that of a run that classifies images, got {folder}, whose task is "
            f"{record['task']['name']}. Its predictions lie in the files beside its summary."
        )
    try:
        knobs = Preprocess(**record.get("preprocess", {}))
        config = _model_config(record["model"])
        head = record.get("head", "softmax")
    except (UserError, TypeError) as error:
        raise UserError(f"{folder / records.FILE}: {error}") from error

    needs = network_file.read(folder) or _from_data(folder, record, knobs)
    _check_statistics(folder, knobs, needs)
    if config is None:
        config = ModelConfig(builder=_builder(record["model"]["builder"], needs, builder))
    elif builder is not None:
        raise UserError(
            f"`builder` must be left out for a network of the trainer's own, got it for "
            f"{config.name}, which {folder} holds. Leave it out."
        )
    model = build(config, num_classes=len(needs.class_names), axis_name=None)
    return Network(SameRun(held.content, record), model, knobs, head, needs)


def weights_of(folder: Path, network: Network, *, is_best: bool) -> tuple[int, Any, Any]:
    """Returns the step, the parameters and the batch statistics of a run's checkpoint.

    Args:
      folder: the run's folder.
      network: of the run.
      is_best: take the best checkpoint, and not the newest.

    Raises:
      UserError: there is none, or it is damaged, or of another run or network.
    """
    checkpoints = Checkpoints(folder / "checkpoints", is_writer=False)
    best = checkpoints.best_step() if is_best else None

    def like(saved: manifest.Manifest) -> dict[str, jax.ShapeDtypeStruct]:
        network.same.epochs(saved)  # which refuses a checkpoint of another run
        return manifest.shapes(saved)

    found = checkpoints.restore(like, step=best)
    if found is None:
        raise UserError(
            f"`folder` must be that of a run with a checkpoint, got {folder}, which has none. "
            "Give the `--workdir` of the run."
        )
    step, leaves = found.step, found.state
    if best is None and step != checkpoints.latest_step():
        print(
            f"warning: the newest checkpoint in {folder} is damaged; taking that of step {step}",
            file=sys.stderr,
        )
    params, batch_stats = (_nested(leaves, name) for name in ("params", "batch_stats"))
    built = jax.eval_shape(network.model.init, jax.random.key(0))
    there, here = (
        {path: (leaf.shape, leaf.dtype) for path, leaf in manifest.flatten(tree).items()}
        for tree in ((params, batch_stats), built)
    )
    if there != here:
        differing = next(path for path in {**there, **here} if there.get(path) != here.get(path))
        raise UserError(
            f"`folder` must hold the weights of its network, got {folder}, in whose checkpoint "
            f"{differing.partition('/')[2]} is another than in the network. What the network's "
            "class calls must stay as it was."
        )
    return step, params, batch_stats


def _nested(leaves: Mapping[str, np.ndarray], front: str) -> dict[str, Any]:
    """Returns the leaves whose paths begin with a name, as nested dicts."""
    nested: dict[str, Any] = {}
    for path, leaf in leaves.items():
        first, *inner = path.split("/")
        if first == front:
            *above, last = inner
            place = nested
            for name in above:
                place = place.setdefault(name, {})
            place[last] = leaf
    return nested


def _model_config(record: Mapping[str, Any]) -> ModelConfig | None:
    """Returns the choice of a network as a record has it; None for one of the user's own."""
    if "builder" in record:
        return None
    fields: dict[str, Any] = {**record}
    if "transformer" in fields:
        fields["transformer"] = Transformer(**fields["transformer"])
    return ModelConfig(**fields)


def _from_data(folder: Path, record: Mapping[str, Any], knobs: Preprocess) -> Needs:
    """Returns what the network needs, made anew from the data of the run."""
    given = {name: record[name] for name in _OF_THE_DATA if name in record}
    lacks = f"{folder} must hold {FILE}, which runs of earlier releases lack, or its data be there"
    try:
        dataset = data.load(record["dataset"], **given)
    except UserError as error:
        raise UserError(f"{lacks}: {error}") from error
    if dataset.digest != record.get("data_sha256"):
        raise UserError(
            f"{lacks}, and {record['dataset']} holds other images than the run had. Put them back."
        )
    images = dataset.train.images
    return Needs(dataset.class_names, images.shape[1:], preprocess.fit(knobs, images))


def _check_statistics(folder: Path, knobs: Preprocess, needs: Needs) -> None:
    """Refuses statistics that are not those of the preprocessing."""
    right = preprocess.blank(knobs, needs.image_shape)
    if {name: each.shape for name, each in right.items()} != {
        name: each.shape for name, each in needs.statistics.items()
    }:
        raise UserError(
            f"`folder` must hold the {FILE} of its own run, got {folder / FILE}, which lacks "
            "statistics that its config.json needs. Put back a copy."
        )


def _builder(record: Mapping[str, str], needs: Needs, given: _Builder | None) -> _Builder:
    """Returns the builder of the user's own: what is given, or what the file of then defines."""
    name, file = record["function"], needs.builder_file
    if given is None:
        given = _defined(name, file)
    if written("builder", given) != record:
        where = f"as {file} defines it now" if file else "as it is now"
        raise UserError(
            f"`builder` must be {name} with the source that the run was made with, got it {where}, "
            f"with another. Take the change back. {_GIVE_IT}"
        )
    return given


def _defined(name: str, file: str | None) -> _Builder:
    """Returns what a file defines under a name, such as `Networks.small`."""
    path = Path(file or "")
    if not path.is_file():
        raise UserError(
            f"`builder` must be there for a network of one's own, {name}, and the file that "
            f"defined it, {file or 'which is not recorded'}, is gone. {_GIVE_IT}"
        )
    try:
        with neighbours_of(path):
            found: Any = run_file(path)[name.partition(".")[0]]
        for part in name.split(".")[1:]:
            found = inspect.getattr_static(found, part)
        return getattr(found, "__func__", found)
    except Exception as error:  # a user's file raises anything
        raise UserError(
            f"`builder` must be {name}, which {path} defined, got {type(error).__name__}: {error}. "
            f"{_GIVE_IT}"
        ) from error
