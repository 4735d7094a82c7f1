"""Prepares every run of a study on paper, before the first one begins: all faults at once."""

from collections.abc import Sequence

from train.changes import changed
from train.config import Config
from train.data import sources
from train.errors import UserError, sentence
from train.folder.workdir import settings_sha256
from train.run import paper
from train.study import Run, Study
from train.study.tasks import is_tuned
from train.study.tune import Tune, base_of


def faults(study: Study, runs: Sequence[Run]) -> dict[str, str]:
    """Returns why runs cannot be made, by their folders. Nothing is compiled or trained.

    Runs that differ in seed and schedule alone are put together once. The settings that a search
    or a range test finds are not known yet: where they decide, a run passes.

    Args:
      study: the description.
      runs: those that are to be made.
    """
    checks = _Checks()
    found = {}
    for run in runs:
        try:
            checks.run(study, run)
        except Exception as error:  # a network or a schedule of the user's own raises anything
            found[run.folder] = sentence(error)
    return found


def is_here(runs: Sequence[Run]) -> bool:
    """Tells whether the data of all runs are on this machine, so that none is downloaded."""
    images = [run.config for run in runs if run.config.task is None]
    every = {(config.dataset, config.data_dir) for config in images}
    return all(sources.is_here(dataset, data_dir) for dataset, data_dir in every)


class _Checks:
    """The checks that were made. One that failed fails again with the same error."""

    def __init__(self) -> None:
        self._found: dict[str, int | Exception] = {}
        self._schedules: dict[tuple[str, str], Exception | None] = {}

    def run(self, study: Study, run: Run) -> None:
        """Checks a run, and the search that it needs."""
        tune = study.tune if is_tuned(run) else None
        if tune is None:
            self._config(run.config)
        elif all(name.startswith("schedule.") for name in tune.search[run.labels[tune.axis]]):
            self._apart_from_schedule(run.config)
            self._trial(tune, run.config)

    def _trial(self, tune: Tune, config: Config) -> None:
        try:
            self._apart_from_schedule(base_of(tune, config))
        except UserError as error:
            raise UserError(f"Its search cannot be made: {error}") from error

    def _config(self, config: Config) -> None:
        key, steps = self._apart_from_schedule(config)
        each = (key, settings_sha256(changed(config, {"seed": 0})))
        if each not in self._schedules:
            self._schedules[each] = None
            try:
                paper.check_schedule(config, steps)
            except Exception as error:
                self._schedules[each] = error
        if (wrong := self._schedules[each]) is not None:
            raise wrong

    def _apart_from_schedule(self, config: Config) -> tuple[str, int]:
        """Returns the key of the check, and the number of steps in an epoch."""
        key = str({**config.knobs(), "seed": 0})
        if key not in self._found:
            try:
                self._found[key] = paper.check(config)
            except Exception as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, Exception):
            raise found
        return key, found
