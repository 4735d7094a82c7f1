"""The task of regression: least squares with a power-law spectrum, whose loss is known exactly."""

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from train.checked import Count, Strength, checked
from train.config import Config
from train.errors import UserError
from train.kinds import Within
from train.least_squares import LeastSquares, sgd_loss, sgd_squares
from train.metric import Metric
from train.rates import rates_of
from train.tasks.task import Data, DeviceData, Guess, Learner, Result, Sums, Task


class Examples(NamedTuple):
    """A batch of the linear model's examples; in evaluation, and without noise, there are none."""

    inputs: jax.Array
    """[b, size]"""
    labels: jax.Array
    """[b]"""


@checked("task")
@dataclasses.dataclass(frozen=True)
class Regression(Task):
    """A linear model on Gaussian inputs with a power-law spectrum; see `train.least_squares`.

    Every step has new examples, so an epoch is only a number of steps. The excess loss of an
    evaluation is the expected one over all inputs, computed from the weights, and 1 at the start.
    """

    size: Count = 256
    """The number of axes, and of weights. At least 1."""
    decay: Annotated[float, Within(above=0)] = 1.5
    """How fast the inputs' variances fall: the i-th is i^-decay. Above 0."""
    source: Annotated[float, Within(above=0)] = 1.5
    """How fast the signal's shares fall: the i-th is proportional to i^-source. Above 0."""
    noise: Strength = 0.1
    """The variance of the labels' noise, as a share of the signal's. At least 0."""
    is_sampled: bool = True
    """Whether a step draws examples. If not, its gradient is the expected one: a descent without
    noise, whose loss has a closed form."""
    examples: Count = 1600
    """The number of examples in an epoch. At least one batch."""

    name = "regression"
    dataset = "power_law"
    noun = "examples"
    loss_unit = ""
    measures = (
        Metric(
            name="excess",
            title="excess loss",
            better=-1,
            digits=5,
            margin=0.0005,
            why="It is a two thousandth of the excess loss at the start.",
        ),
    )
    files = ("regression.png",)

    def load(self, config: Config, *, on_paper: bool = False, tell: bool = True) -> Data:
        """Returns the sizes, and the weights to find; see `Task.load`."""
        if config.dataset != self.dataset:
            raise UserError(
                f"`dataset` must be {self.dataset} for the task regression, got "
                f"{config.dataset!r}. Leave it out."
            )
        sizes = {"train": self.examples, "validation": 1, "test": 1}
        if not config.validation_fraction:
            del sizes["validation"]
        settings = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return Data(
            name=self.dataset,
            digest=hashlib.sha256(settings.encode()).hexdigest(),
            sizes=sizes,
            about=f"{self.examples:,} train, 1 test; {self.size} weights",
            guess=Guess((1 + self.noise) / 2, "weights of 0"),
            examples=lambda split: (),
            shared=np.asarray(self.problem(config).target(), np.float32),
        )

    def problem(self, config: Config) -> LeastSquares:
        """Returns the problem that a run of these settings learns."""
        return LeastSquares(
            size=self.size,
            decay=self.decay,
            source=self.source,
            batch_size=config.batch_size,
            noise=self.noise,
        )

    def learner(self, config: Config, key: Any) -> Learner:
        """Returns the functions of a program."""
        problem = self.problem(config)
        variances, target = problem.variances(), problem.target()

        def batch(data: DeviceData, rows: jax.Array, keys: jax.Array | None) -> Examples:
            if keys is None or not self.is_sampled:
                return Examples(jnp.zeros((len(rows), 0)), jnp.zeros(len(rows)))
            drawn = jax.vmap(lambda key: jax.random.normal(key, (self.size + 1,)))(keys)
            inputs = drawn[:, :-1] * jnp.sqrt(variances)
            return Examples(inputs, inputs @ data.shared + drawn[:, -1] * self.noise**0.5)

        def excess(params: Any) -> jax.Array:
            return variances @ jnp.square(params["weights"] - target)

        def loss(
            params: Any, stats: Any, batch: Examples, keys: jax.Array
        ) -> tuple[jax.Array, tuple[Any, Mapping[str, Any]]]:
            if not self.is_sampled:
                return (excess(params) + self.noise) / 2, (stats, {})
            errors = batch.inputs @ params["weights"] - batch.labels
            return jnp.square(errors).mean() / 2, (stats, {})

        def sums(
            params: Any, stats: Any, batch: Examples, is_real: jax.Array, key: jax.Array
        ) -> Sums:
            count = is_real.sum(dtype=jnp.float32)
            return {"excess": excess(params) * count, "count": count}

        return Learner(
            init=lambda key: ({"weights": jnp.zeros(self.size)}, {}),
            batch=batch,
            loss=loss,
            sums=sums,
            predict=lambda params, stats, inputs: inputs @ params["weights"],
            decay_mask=lambda params: jax.tree.map(lambda leaf: True, params),
        )

    def measured(self, sums: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Returns `loss`, half the expected squared error, and `excess`, a share of the start's."""
        excess = float(sums["excess"] / sums["count"])
        return {"loss": (excess + self.noise) / 2, "excess": excess}

    def result(self, config: Config, data: Data, predict: Callable[[Any], Any]) -> Result:
        """Draws what is left of the signal along each axis, beside what SGD leaves in the mean."""
        problem = self.problem(config)
        weights = np.asarray(predict(np.eye(self.size, dtype=np.float32)))
        in_epoch = data.sizes["train"] // config.batch_size
        rates = rates_of(config.schedule_in_steps(in_epoch), config.epochs * in_epoch)
        with jax.enable_x64(True):
            variances, target = map(np.asarray, (problem.variances(), problem.target()))
            left = variances * (weights - target) ** 2
            lines = {"this run": left, "at the start": variances * target**2}
            if not (self.is_sampled and _is_plain(config)):
                return Result({self.files[0]: _drawn(lines)}, {})
            expected = np.asarray(sgd_squares(problem, self.noise, rates.astype(float)))
            mean = float(sgd_loss(problem, self.noise, rates.astype(float)))
        lines["expected"] = variances * expected
        return Result({self.files[0]: _drawn(lines)}, {"the mean of all runs": mean})


def _is_plain(config: Config) -> bool:
    """Tells whether the optimizer is SGD and no more, for which the expected loss is known."""
    optimizer = config.optimizer
    plain = type(optimizer)(name="sgd", momentum=0.0, weight_decay=0.0)
    return dataclasses.replace(optimizer, microbatches=plain.microbatches) == plain


def _drawn(lines: Mapping[str, np.ndarray]) -> bytes:
    """Draws what is left of the signal along each axis, as a PNG file."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    for (name, left), (color, width) in zip(
        lines.items(), (("#56b4e9", 0.8), ("0.7", 1), ("#d55e00", 1.6)), strict=False
    ):
        places = np.arange(1, len(left) + 1)
        axes.loglog(places, np.maximum(left, 1e-12), color=color, linewidth=width, label=name)
    axes.set(xlabel="axis, from the steepest to the flattest", ylabel="share of the loss left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()
