"""Equal tuning: a search with the same number of trials for each label of a study's axis."""

import dataclasses
import math
import operator
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from train.changes import Changes, changed
from train.config import Config
from train.errors import UserError
from train.folder.workdir import settings_sha256
from train.study.journal import Journal, Trial
from train.study.ranges import Range as Range

_WORST = 0.0  # accuracy of a trial that was halted, or whose settings no configuration takes
_WAIT = 5.0  # seconds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tune:
    """A search for each label of an axis, over fields of its own, with as many trials as any."""

    search: Mapping[str, Mapping[str, Range]]
    """By label, the ranges by fields of the configuration: "schedule.peak_value". Those of the
    schedule share one compiled program; others, as of the optimizer, compile for each trial."""
    axis: str = "schedule"
    trials: int = 20
    """Of each label. More may be asked for later; those that are made are kept."""
    method: Literal["drawn", "grid"] = "drawn"
    """drawn: by Optuna's estimator, from what the trials before came to. grid: evenly over the one
    range that each label then has, the same values for each; their number cannot be changed."""
    is_only: bool = False
    """Whether the runs are made tuned alone, and not as printed besides."""
    within: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Only combinations with these labels are tuned, by their axes."""
    changes: Changes = dataclasses.field(default_factory=dict)
    """What makes a trial of a run: `{"epochs": 5}`."""
    validation_fraction: float = 0.1
    """Part of the training images that is held out to judge a trial by; the test split never is."""
    seed: int = 0
    """Of the sampler, and of the trials' runs."""

    def __post_init__(self) -> None:
        """Checks the knobs; the labels are the study's to check."""
        if self.trials < 1:
            raise UserError(f"`trials` must be at least 1, got {self.trials}. Take 20.")
        if not 0 < self.validation_fraction < 1:
            raise UserError(
                "`validation_fraction` must be above 0 and below 1, got "
                f"{self.validation_fraction}. Without one a trial has nothing to be judged by."
            )
        if not 0 <= self.seed < 2**32:
            raise UserError(f"`seed` must be from 0 to 2^32 - 1, got {self.seed}. Take 0.")
        for label, ranges in self.search.items():
            if not ranges:
                raise UserError(
                    f"`search` must have a range for each label, got none for {label}. "
                    "Leave the label out, and it is not tuned."
                )
            if self.method == "grid" and (len(ranges) > 1 or self.trials < 2):
                raise UserError(
                    "`search` must have one range for each label where `method` is grid, and two "
                    f"trials or more, got {len(ranges)} for {label} and {self.trials}. "
                    'Take method="drawn" for several ranges.'
                )


@dataclasses.dataclass(frozen=True)
class Found:
    """What a search came to."""

    best: Mapping[str, float | int]
    """The settings of the best trial, the earliest of equals."""
    trials: int
    """How many were made, the ones that count as 0 among them."""
    value: float
    """The best trial's accuracy on the validation images."""


def search(
    tune: Tune,
    config: Config,
    ranges: Mapping[str, Range],
    folder: Path,
    train: Callable[[Config, Path], float],
    *,
    worker: str = "1/1",
) -> Found:
    """Makes the trials of one label, on a grid or by Optuna's tree-structured Parzen estimator.

    The same command again goes on, and one worker that is killed at any moment ends with the same
    trials as one that is not: a trial enters the journal together with its settings, which depend
    on the seed and on the trials before it alone, and a run that was cut short goes on by itself.
    A trial counts as 0 where it is halted, or where no configuration can have its settings.

    Several workers may share the folder, and make no more trials in all. Each waits for the others'
    last trials, and all return the same; a worker that died must be started again under its name,
    or all under another number of workers, which take over what the old ones left.

    Args:
      tune: the search; of its labels, only `ranges` is looked at.
      config: of the label, before the search.
      ranges: by fields of the configuration.
      folder: for the journal, and a folder for each trial's run.
      train: `(config, folder) -> accuracy` on the validation images after a run, which it makes or
        goes on with; NaN where it was halted.
      worker: "i/n", the i-th of n that share the folder; one process at a time.

    Raises:
      UserError: Optuna is not installed, a range names no field, or the folder holds another
        search.
    """
    base = _base(tune, config)
    _check(base, ranges)
    journal = Journal(folder, _record(tune, base, ranges))
    distributions = {name: each.distribution() for name, each in sorted(ranges.items())}
    made = sum(trial.value is not None for trial in journal.trials())
    if made > tune.trials:
        raise UserError(
            f"`trials` must be at least {made}, the number that {folder} holds, got {tune.trials}. "
            "Ask for as many or more, or choose another `--workdir`."
        )
    place, of = map(int, worker.split("/"))
    is_told = False
    while True:
        trials = journal.trials()
        running = [trial for trial in trials if trial.value is None]
        mine = next((trial for trial in running if _owner(trial, of) == place), None)
        if mine and trials.index(mine) >= tune.trials:
            journal.drop(mine)  # another worker was faster
        elif mine:
            value, note = _value(base, mine.settings, folder / f"trial{mine.number:03}", train)
            journal.tell(mine, value)
            settings = ", ".join(f"{name} {each:.4g}" for name, each in mine.settings.items())
            print(
                f"trial {trials.index(mine) + 1} of {tune.trials}: {settings}: {note}", flush=True
            )
        elif len(trials) < tune.trials:
            if tune.method == "grid":
                at = {name: each.point(len(trials), tune.trials) for name, each in ranges.items()}
                journal.add(at, distributions, worker=worker)
            else:
                seed = (tune.seed, len(trials), place - 1)
                journal.draw(distributions, seed=seed, worker=worker)
        elif running:
            if not is_told:
                others = ", ".join(sorted({trial.worker for trial in running}))
                print(f"waiting for the last trials of worker {others}", flush=True)
            is_told = True
            time.sleep(_WAIT)
        else:
            best = max(trials, key=lambda trial: (trial.value, -trial.number))
            assert best.value is not None
            return Found(best.settings, len(trials), best.value)


def _base(tune: Tune, config: Config) -> Config:
    """Returns a trial's configuration, but for its settings."""
    fixed = {"validation_fraction": tune.validation_fraction, "seed": tune.seed}
    return changed(config, {**fixed, **tune.changes})


def _value(
    base: Config, settings: Changes, folder: Path, train: Callable[[Config, Path], float]
) -> tuple[float, str]:
    """Returns a trial's value, and what to say of it."""
    try:
        config = changed(base, settings)
    except ValueError as error:
        return _WORST, f"counts as 0, since {error}"
    value = train(config, folder)
    if math.isnan(value):
        return _WORST, "halted, counts as 0"
    return value, f"{100 * value:.1f} %"


def _owner(trial: Trial, of: int) -> int:
    """Returns which of `of` workers makes a trial: its own, or any, if that one was of another number."""
    place, its_of = map(int, trial.worker.split("/"))
    return place if its_of == of else trial.number % of + 1


def _check(config: Config, ranges: Mapping[str, Range]) -> None:
    for name in ranges:
        try:
            changed(config, {name: operator.attrgetter(name)(config)})
        except (AttributeError, UserError) as error:
            raise UserError(
                f"`search` must name fields of the configuration, got {name}. {error}"
            ) from error


def _record(tune: Tune, base: Config, ranges: Mapping[str, Range]) -> dict[str, Any]:
    grid = {"grid": tune.trials} if tune.method == "grid" else {}
    return {
        "ranges": {name: dataclasses.asdict(each) for name, each in ranges.items()},
        "seed": tune.seed,
        **grid,
        "config": settings_sha256(base),
    }
