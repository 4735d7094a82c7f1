"""The task of classification: which class is an image of?"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from train import data as image_sets
from train import preprocess
from train.augment import augment
from train.config import Config
from train.data import Dataset
from train.data.cache import Split
from train.metric import ACCURACY
from train.models.build import build, decay_mask
from train.models.model import Model
from train.tasks.fitted import ByDigests, applied, fitted, sha256_of
from train.tasks.loss import cross_entropy, log_probabilities
from train.tasks.task import (
    BATCH,
    Data,
    DeviceData,
    Guess,
    Learner,
    Sums,
    Task,
    shapes_of,
)
from train.written import name_of


class Pictures(NamedTuple):
    """The arrays of a split."""

    images: Any
    """uint8, [n, 32, 32, 3]. With `preprocess_once` they are preprocessed float32."""
    labels: Any
    """The classes of the images, int32, [n]."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageData(Data):
    """The images of a run, and the statistics of their preprocessing."""

    config: Config
    dataset: Dataset

    def like(self, split: str) -> Pictures:
        """Returns the shapes and types of a split's arrays, without preprocessing an image."""
        whole = splits_of(self.dataset)[split]
        dtype = np.float32 if self.config.preprocess_once else np.uint8
        images = jax.ShapeDtypeStruct(whole.images.shape, dtype)
        return Pictures(images, shapes_of(whole.labels))


class Classification(Task):
    """Images, and the classes that they are of. Its settings are those of `Config` itself."""

    name = "classification"
    dataset = "digits"
    noun = "images"
    measures = (ACCURACY,)

    def load(self, config: Config, *, on_paper: bool = False, tell: bool = True) -> ImageData:
        """Loads the images, and fits the preprocessing; see `Task.load`."""
        dataset = image_sets.load(
            config.dataset,
            data_dir=config.data_dir,
            num_train_images=config.num_train_images,
            num_test_images=config.num_test_images,
            validation_fraction=config.validation_fraction,
            seed=config.seed,
            tell=tell,
        )
        sizes = {name: len(split.labels) for name, split in splits_of(dataset).items()}
        counts = ", ".join(f"{count:,} {name}" for name, count in sizes.items())
        return ImageData(
            name=dataset.name,
            digest=dataset.digest,
            sizes=sizes,
            about=f"{counts}; {dataset.num_classes} classes",
            guess=Guess(
                math.log(dataset.num_classes), f"a guess among {dataset.num_classes} classes"
            ),
            key=dataset.num_classes,
            files=dataset.train_files,
            examples=lambda name: _pictures(config, dataset, name, statistics),
            shared=(statistics := _statistics(config, dataset, on_paper)),
            config=config,
            dataset=dataset,
        )

    def learner(self, config: Config, key: int) -> Learner:
        """Returns the functions of a program; `key` is the number of classes."""
        return learner(config, build(config.model, num_classes=key, axis_name=BATCH))

    def measured(self, sums: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Returns `loss`, the mean cross-entropy in nats, and `accuracy`, from 0 to 1."""
        return {
            "loss": float(sums["loss"] / sums["count"]),
            "accuracy": float(sums["correct"] / sums["count"]),
        }

    def network(self, config: Config) -> str:
        """Returns the name of the network, or of the function that builds it."""
        model = config.model
        return model.name if model.builder is None else name_of(model.builder)


def learner(config: Config, model: Model) -> Learner:
    """Returns the task as functions of a network."""

    def batch(data: DeviceData, rows: jax.Array, keys: jax.Array | None) -> Pictures:
        images = data.examples.images[rows]
        if not config.preprocess_once:
            images = preprocess.apply(config.preprocess, data.shared, images)
        if keys is not None:
            images = augment(config.augment, keys, images)
        return Pictures(images, data.examples.labels[rows])

    def loss(
        params: Any, stats: Any, batch: Pictures, keys: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Mapping[str, Any]]]:
        logits, stats = model.apply(params, stats, batch.images, True, keys)
        log_p = log_probabilities(logits, config.head)
        losses = cross_entropy(log_p, batch.labels, config.label_smoothing)
        accuracy = (log_p.argmax(-1) == batch.labels).mean()
        return losses.mean(), (stats, {"accuracy": accuracy})

    def sums(params: Any, stats: Any, batch: Pictures, is_real: jax.Array, key: jax.Array) -> Sums:
        logits, _ = model.apply(params, stats, batch.images, False, key)
        log_p = log_probabilities(logits, config.head)
        is_correct = is_real & (log_p.argmax(-1) == batch.labels)
        return {
            "loss": jnp.where(is_real, cross_entropy(log_p, batch.labels), 0).sum(),
            "correct": is_correct.sum(dtype=jnp.float32),
            "count": is_real.sum(dtype=jnp.float32),
        }

    def predict(params: Any, stats: Any, images: jax.Array) -> jax.Array:
        keys = jax.random.split(jax.random.key(0), len(images))  # nothing draws here
        return model.apply(params, stats, images, False, keys)[0]

    return Learner(
        init=model.init, batch=batch, loss=loss, sums=sums, predict=predict, decay_mask=decay_mask
    )


def splits_of(dataset: Dataset) -> dict[str, Split]:
    """Returns the splits by name, on the host."""
    held_out = {} if dataset.validation is None else {"validation": dataset.validation}
    return {"train": dataset.train, **held_out, "test": dataset.test}


def _statistics(config: Config, dataset: Dataset, on_paper: bool) -> preprocess.Statistics:
    if on_paper:
        return preprocess.blank(config.preprocess, dataset.train.images.shape[1:])
    sha256 = (sha256_of(dataset.train),)
    return fitted(ByDigests(config.preprocess, sha256, dataset.train.images))


def _pictures(
    config: Config, dataset: Dataset, name: str, statistics: preprocess.Statistics
) -> Pictures:
    split = splits_of(dataset)[name]
    if not config.preprocess_once:
        return Pictures(split.images, split.labels)
    sha256 = sha256_of(dataset.train), sha256_of(split)
    arrays = (statistics, split.images)
    return Pictures(applied(ByDigests(config.preprocess, sha256, arrays)), split.labels)
