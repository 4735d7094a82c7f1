"""The task of forecasting: what is a series' value some steps ahead?"""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from train.checked import Count, Seed, checked
from train.config import Config
from train.errors import UserError
from train.kinds import Within
from train.metric import Metric
from train.models.build import decay_mask
from train.models.dense import dense
from train.tasks.forecast_baselines import Windows, drawn, linear_autoregression, nrmse, windows_of
from train.tasks.series import mackey_glass, read_csv
from train.tasks.task import Data, DeviceData, Guess, Learner, Result, Sums, Task

_DRAWN = 500


@checked("task")
@dataclasses.dataclass(frozen=True)
class Forecast(Task):
    """Forecasts of a series, some steps ahead, from a window of its last values.

    All columns are forecast together. They are scaled to a mean of 0 and a deviation of 1 over the
    training part, so that the loss, the mean squared error, is 1 for a forecast of the mean. The
    series is cut in time: the training part comes first, then the validation part, then the test
    part. No window reaches over a cut.
    """

    horizon: Count = 84
    """How many samples ahead the forecast is. At least 1."""
    window: Count = 32
    """How many of the last samples the network sees. At least 1."""
    tau: Literal[17, 30] = 17
    """The delay of the Mackey-Glass equation, for `--dataset mackey_glass`."""
    length: Count = 10_000
    """The number of samples of the Mackey-Glass series. At least 1."""
    series_seed: Seed = 0
    """The seed of the values before the Mackey-Glass series begins. From 0 to 2^32 - 1."""
    columns: str = ""
    """The columns of a CSV file, for `--dataset csv:PATH`, with commas between them.
    Empty: all."""
    test_fraction: Annotated[float, Within(above=0, below=1)] = 0.2
    """The part of the series, at its end, on which forecasts are tested. Above 0 and below 1."""
    width: Count = 128
    """The width of the network's hidden layers. At least 1."""
    depth: Count = 2
    """The number of the network's hidden layers. At least 1."""

    name = "forecast"
    dataset = "mackey_glass"
    noun = "windows"
    loss_unit = ""
    measures = (
        Metric(
            name="nrmse",
            title="NRMSE",
            better=-1,
            digits=4,
            margin=0.01,
            why="It is a hundredth of the error of a forecast of the mean.",
        ),
    )
    files = ("forecast.png",)

    def load(self, config: Config, *, on_paper: bool = False, tell: bool = True) -> Data:
        """Makes or reads the series, and cuts it; see `Task.load`."""
        names, series = self._series(config.dataset)
        num_test = round(self.test_fraction * len(series))
        num_train = round((1 - config.validation_fraction) * (len(series) - num_test))
        train, validation, test = np.split(series, [num_train, len(series) - num_test])
        parts = {"train": train, "validation": validation, "test": test}
        if not config.validation_fraction:
            del parts["validation"]
        sizes = {name: len(part) - self.window - self.horizon + 1 for name, part in parts.items()}
        for name, size in sizes.items():
            if size < 1:
                raise UserError(
                    f"The {name} part of {config.dataset} must have at least `task.window` and "
                    f"`task.horizon` samples together ({self.window + self.horizon}), got "
                    f"{len(parts[name])}. Take a longer series, or a shorter window."
                )
        mean, deviation = train.mean(0), train.std(0)
        if not (deviation > 0).all():
            raise UserError(
                f"Each column of {config.dataset} must vary in its training part, and "
                f"{names[int((deviation <= 0).argmax())]} does not. Leave it out of `task.columns`."
            )
        scaled = {name: ((part - mean) / deviation).astype("<f4") for name, part in parts.items()}
        cuts = np.array([*map(len, parts.values())], "<i8")
        counts = ", ".join(f"{count:,} {name}" for name, count in sizes.items())
        return Data(
            name=config.dataset,
            digest=hashlib.sha256(cuts.tobytes() + series.astype("<f8").tobytes()).hexdigest(),
            sizes=sizes,
            about=f"{counts}; {', '.join(names)}",
            guess=Guess(1.0, "a forecast of the mean"),
            key=len(names),
            examples=scaled.__getitem__,
        )

    def _series(self, dataset: str) -> tuple[tuple[str, ...], np.ndarray]:
        if dataset == self.dataset:
            x = mackey_glass(self.tau, self.length, self.series_seed)
            return (f"x of tau {self.tau}",), x[:, None]
        if dataset.startswith("csv:"):
            return read_csv(
                Path(dataset[4:]),
                [each.strip() for each in self.columns.split(",") if each.strip()],
            )
        raise UserError(
            f"`dataset` must be mackey_glass or csv:PATH for the task forecast, got {dataset!r}. "
            "Write csv: in front of the path of a CSV file."
        )

    def learner(self, config: Config, key: int) -> Learner:
        """Returns the functions of a program; `key` is the number of columns."""
        model = dense(self.window * key, [self.width] * self.depth, key)

        def batch(data: DeviceData, rows: jax.Array, keys: jax.Array | None) -> Windows:
            series = data.examples
            past = series[rows[:, None] + jnp.arange(self.window)]
            return Windows(past, series[rows + (self.window + self.horizon - 1)])

        def predict(params: Any, stats: Any, past: jax.Array) -> jax.Array:
            no_draw = jax.random.key(0)
            return model.apply(params, stats, past.reshape(len(past), -1), False, no_draw)[0]

        def squares(params: Any, stats: Any, batch: Windows) -> jax.Array:
            return jnp.square(predict(params, stats, batch.past) - batch.future).mean(-1)

        def loss(
            params: Any, stats: Any, batch: Windows, keys: jax.Array
        ) -> tuple[jax.Array, tuple[Any, Mapping[str, Any]]]:
            return squares(params, stats, batch).mean(), (stats, {})

        def sums(
            params: Any, stats: Any, batch: Windows, is_real: jax.Array, key: jax.Array
        ) -> Sums:
            found = jnp.where(is_real, squares(params, stats, batch), 0).sum()
            return {"squares": found, "count": is_real.sum(dtype=jnp.float32)}

        return Learner(
            init=model.init,
            batch=batch,
            loss=loss,
            sums=sums,
            predict=predict,
            decay_mask=decay_mask,
        )

    def measured(self, sums: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Returns `loss`, the mean squared error, and its root, `nrmse`."""
        loss = float(sums["squares"] / sums["count"])
        return {"loss": loss, "nrmse": loss**0.5}

    def result(self, config: Config, data: Data, predict: Callable[[Any], Any]) -> Result:
        """Draws forecasts beside the truth, and measures two simple forecasts."""
        train, test = (
            windows_of(data.examples(name), self.window, self.horizon) for name in ("train", "test")
        )
        naive, linear = test.past[:, -1], linear_autoregression(train, test.past)
        baselines = {
            "naive": nrmse(naive, test.future),
            "linear autoregression": nrmse(linear, test.future),
        }
        lines = {
            "network": np.asarray(predict(test.past[:_DRAWN])),
            "linear autoregression": linear[:_DRAWN],
        }
        title = f"Forecasts {self.horizon} samples ahead"
        return Result({self.files[0]: drawn(test.future[:_DRAWN], lines, title)}, baselines)
