"""Equal tuning: a search with the same number of trials for each label of an axis."""

import dataclasses
import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from train.changes import Changes, changed
from train.checked import Seed, checked
from train.config import Config
from train.errors import HELD, Interrupted, UserError, sentence
from train.folder.files import one_at_a_time
from train.folder.workdir import settings_sha256
from train.kinds import Within
from train.study.journal import WORST, Journal, Trial
from train.study.ranges import Range as Range
from train.tasks.task import measures_of

_WAIT = 5.0  # seconds between two looks at the trials of other workers


@checked()
@dataclasses.dataclass(frozen=True, kw_only=True)
class Tune:
    """A search for each label of an axis, over fields of its own, with equally many trials.

    Attributes:
      search: For each label the ranges by the fields of the configuration: "schedule.peak_value".
        Values of the schedule share one compiled program. Others, as of the optimizer, compile each
        time.
      axis: The axis whose labels are tuned.
      trials: The number of trials of each label. At least 1. More may be asked for later: the first
        ones are kept.
      method: How values are chosen. drawn: by Optuna's estimator, from the earlier trials. grid:
        evenly over a range, of which each label then has one; the number of trials cannot be
        changed later.
      is_only: Whether the runs are made only tuned, and not as printed too.
      within: The labels, by their axes, that a combination must have to be tuned; empty: all are.
      changes: The changes that turn the configuration of a run into that of a trial: `{"epochs":
        5}`.
      validation_fraction: The part of the training images on which a trial is judged. Above 0 and
        below 1. The test images never judge.
      seed: The seed of the draws, and of the trials' runs. From 0 to 2^32 - 1.
    """

    search: Mapping[str, Mapping[str, Range]]
    axis: str = "schedule"
    trials: Annotated[int, Within(at_least=1, fits=1_000_000)] = 20
    method: Literal["drawn", "grid"] = "drawn"
    is_only: bool = False
    within: Mapping[str, str] = dataclasses.field(default_factory=dict)
    changes: Changes = dataclasses.field(default_factory=dict)
    validation_fraction: Annotated[float, Within(above=0, below=1)] = 0.1
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Checks the knobs. The study checks the labels."""
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


class NothingFoundError(UserError):
    """All trials of a search failed."""


@dataclasses.dataclass(frozen=True)
class Found:
    """The finding of a search."""

    best: Mapping[str, float | int]
    """Of the best trial, the earliest of equal ones."""
    trials: int
    """The number of trials, with those that count as the worst."""
    value: float
    """The best trial's, as `train.study.journal.Trial` has it."""


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

    The same command goes on. A worker may be killed at any moment, and ends with the same trials as
    without a kill: a trial enters the journal together with its settings, these depend only on the
    seed and on the earlier trials, and a run that was cut short goes on by itself. A trial that is
    halted or cannot be made counts as the worst; the journal tells why.

    Several workers may share the folder, and make no more trials in all. Each waits for the last
    trials of the others, and all return the same. A worker that died must be started again under
    its name, or all workers under another number of workers: these take over the old trials.

    Args:
      tune: the search. Of its labels, only `ranges` is used.
      config: of the label, before the search.
      ranges: by the fields of the configuration.
      folder: for the journal, and a folder for each trial's run.
      train: `(config, folder) -> value`. It makes a run or goes on with it, and returns what the
        search seeks the highest of, as `Found.value`; NaN if the run was halted.
      worker: "i/n", the i-th of n workers that share the folder. Each is one process.

    Raises:
      UserError: Optuna is missing, a range names no field, or the folder holds another search.
      NothingFoundError: all trials failed.
    """
    base = base_of(tune, config)
    _check_fields(base, ranges)
    journal = Journal(folder, _search_record(tune, base, ranges))
    _check_trials(tune, journal, folder)
    place, num_workers = map(int, worker.split("/"))

    has_said_it_waits = False
    while True:
        trials = journal.trials()
        running = [trial for trial in trials if trial.value is None]
        mine = next((trial for trial in running if _owner(trial, num_workers) == place), None)
        if mine and trials.index(mine) >= tune.trials:
            journal.drop(mine)  # another worker was faster
        elif mine:
            value, why, failed = _value(base, mine, folder / f"trial{mine.number:03}", train)
            journal.tell(mine, value, why=why, is_failed=failed)
            number = trials.index(mine) + 1
            said = mine.described(value, why, measures_of(base)[0])
            print(f"trial {number} of {tune.trials}: {said}", flush=True)
        elif len(trials) < tune.trials:
            _add_trial(tune, journal, ranges, folder, worker)
        elif running:
            if not has_said_it_waits:
                others = ", ".join(sorted({trial.worker for trial in running}))
                print(f"waiting for the last trials of worker {others}", flush=True)
            has_said_it_waits = True
            time.sleep(_WAIT)
        else:
            return _found(trials)


def _found(trials: Sequence[Trial]) -> Found:
    if all(trial.is_failed for trial in trials):
        raise NothingFoundError(
            f"`search` must have settings that can be made, got none: all {len(trials)} trials "
            f"failed. The first: {trials[0].why} Mend the ranges or the label."
        )
    best = max(trials, key=lambda trial: (trial.value, not trial.is_failed, -trial.number))
    assert best.value is not None
    return Found(best.settings, len(trials), best.value)


def _add_trial(
    tune: Tune, journal: Journal, ranges: Mapping[str, Range], folder: Path, worker: str
) -> None:
    """Adds the next trial of a worker, if there is still one to add."""
    distributions = {name: each.distribution() for name, each in sorted(ranges.items())}
    with one_at_a_time(folder):
        trials = journal.trials()
        count = len(trials)
        if count >= tune.trials:
            return
        if tune.method == "grid":
            points = [
                {name: each.point(place, tune.trials) for name, each in ranges.items()}
                for place in range(tune.trials)
            ]
            tried = [trial.settings for trial in trials]
            following = next(point for point in points if point not in tried)
            journal.add(following, distributions, worker=worker)
        else:
            place = int(worker.split("/")[0])
            journal.draw(distributions, seed=(tune.seed, count, place - 1), worker=worker)


def _check_trials(tune: Tune, journal: Journal, folder: Path) -> None:
    made = sum(trial.value is not None for trial in journal.trials())
    if made > tune.trials:
        raise UserError(
            f"`trials` must be at least {made}, the number that {folder} holds, got {tune.trials}. "
            "Ask for as many or more, or choose another `--workdir`."
        )


def base_of(tune: Tune, config: Config) -> Config:
    """Returns the configuration of a trial, without its settings."""
    fixed = {"validation_fraction": tune.validation_fraction, "seed": tune.seed}
    return changed(config, {**fixed, **tune.changes})


def _value(
    base: Config, trial: Trial, folder: Path, train: Callable[[Config, Path], float]
) -> tuple[float, str, bool]:
    """Makes a trial. It returns its value, why that is the worst, and whether it failed."""
    worst = WORST[measures_of(base)[0].better]
    try:
        value = train(changed(base, trial.settings), folder)
    except Interrupted:
        raise
    except Exception as error:  # whatever settings of no use bring a network or a device to raise
        why = sentence(error)
        if HELD in why:
            raise  # another process makes this trial
        return worst, why, True
    if math.isnan(value):
        return worst, "The guard halted it.", False
    return value, "", False


def _owner(trial: Trial, num_workers: int) -> int:
    """Returns the place of the worker that makes a trial.

    It is the worker that added the trial. If there were another number of workers then, the trials
    are shared out anew.
    """
    place, number_then = map(int, trial.worker.split("/"))
    return place if number_then == num_workers else trial.number % num_workers + 1


def _check_fields(config: Config, ranges: Mapping[str, Range]) -> None:
    for name in ranges:
        try:
            changed(config, {name: operator.attrgetter(name)(config)})
        except (AttributeError, UserError) as error:
            raise UserError(
                f"`search` must name fields of the configuration, got {name}. {error}"
            ) from error


def _search_record(tune: Tune, base: Config, ranges: Mapping[str, Range]) -> dict[str, Any]:
    grid = {"grid": tune.trials} if tune.method == "grid" else {}
    return {
        "ranges": {name: dataclasses.asdict(each) for name, each in ranges.items()},
        "seed": tune.seed,
        **grid,
        "config": settings_sha256(base),
    }
