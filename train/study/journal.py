"""The journal of a search: its trials, in a file that workers share. Optuna keeps it and draws."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from train.errors import UserError
from train.metric import Metric

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_FILE = "journal.log"
WORST = {1: 0.0, -1: -1e9}
"""The value of a trial that was halted or could not be made, by the direction of the measure."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """One trial of a search, made by any worker."""

    number: int
    settings: Mapping[str, float | int]
    value: float | None
    """The accuracy on the validation images, from 0 to 1, or the first measure of another task,
    with a minus where lower is better; None: the trial has not ended."""
    worker: str
    why: str = ""
    """Why the trial counts as the worst: it could not be made, or was halted; empty if it ended."""
    is_failed: bool = False
    """Whether the trial could not be made. One that was halted was made."""

    def described(self, value: float, why: str, metric: Metric) -> str:
        """Returns a line on how the trial ended.

        Args:
          value: its value.
          why: why that is the worst; empty if the trial ended.
          metric: what the value is of.
        """
        said = ", ".join(f"{name} {each:.4g}" for name, each in self.settings.items())
        if why:
            return f"{said}: counts as {'0' if metric.better > 0 else 'the worst'}: {why}"
        return f"{said}: {metric.text(metric.better * value, metric.digits - 1)}"


class Journal:
    """The trials of one search.

    A worker may be killed at any moment: a trial is in the journal with all its settings, or not at
    all. Settings are drawn in memory and written in one line, where `optuna.Study.ask` would write
    several. A line that was cut short is removed before the next is written, since Optuna would not
    read beyond it.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Opens or begins the journal in a folder.

        Args:
          folder: is made if it is absent.
          record: what tells this search from others, as values that JSON can hold. The first start
            writes it into the file.

        Raises:
          UserError: Optuna is not installed, or the folder holds another search.
        """
        try:
            import optuna
            from optuna.storages import journal
        except ImportError as error:
            raise UserError(
                "`tune` must find Optuna, which is not installed. pip install '.[tune]'"
            ) from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _FILE

        # Optuna's default lock is a symbolic link. With a relative path it can wait for ever for a
        # process that was killed (Optuna 5.0), so another lock is taken.
        class Lock(journal.JournalFileOpenLock):
            def acquire(self) -> bool:
                is_held = super().acquire()
                with path.open("r+b") as file:
                    file.truncate(file.read().rfind(b"\n") + 1)
                return is_held

        backend = journal.JournalFileBackend(str(path), Lock(str(path)))
        self._study = optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            study_name="search",
            direction="maximize",
            load_if_exists=True,
        )
        found = self._study.user_attrs.get("search")
        if found is None:
            self._study.set_user_attr("search", dict(record))
        elif found != record:
            names = ", ".join(name for name in record if found[name] != record[name])
            raise UserError(
                f"`tune` must be the search that {folder} holds, got one with another {names}. "
                "Choose another `--workdir`, or remove that folder to search anew."
            )

    def trials(self) -> list[Trial]:
        """Returns every trial that was not dropped, in the order in which they were drawn."""
        return [
            Trial(
                each.number,
                each.params,
                each.value,
                each.user_attrs["worker"],
                each.user_attrs.get("why", ""),
                each.user_attrs.get("is_failed", False),
            )
            for each in self._study.get_trials()
            if each.state.name != "FAIL"
        ]

    def draw(
        self, distributions: "Mapping[str, BaseDistribution]", *, seed: Sequence[int], worker: str
    ) -> None:
        """Adds a trial for a worker, drawn by a tree-structured Parzen estimator.

        Args:
          distributions: the distribution of each setting.
          seed: of the draw, which depends only on it and on the trials that are there.
          worker: the worker that is to make the trial.
        """
        import optuna

        sampler = optuna.samplers.TPESampler(
            seed=int(np.random.SeedSequence(seed).generate_state(1)[0])
        )
        draft = optuna.create_study(direction="maximize", sampler=sampler)
        draft.add_trials(self._study.get_trials())
        self.add(draft.ask(dict(distributions)).params, distributions, worker=worker)

    def add(
        self,
        settings: Mapping[str, float | int],
        distributions: "Mapping[str, BaseDistribution]",
        *,
        worker: str,
    ) -> None:
        """Adds a trial for a worker.

        Args:
          settings: the settings of the trial.
          distributions: the distribution of each setting.
          worker: the worker that is to make the trial.
        """
        import optuna

        self._study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.RUNNING,
                params=dict(settings),
                distributions=dict(distributions),
                user_attrs={"worker": worker},
            )
        )

    def tell(self, trial: Trial, value: float, *, why: str = "", is_failed: bool = False) -> None:
        """Ends a trial with its value.

        Args:
          trial: the trial.
          value: as `Trial.value`.
          why: why the value is the worst; empty if the trial ended.
          is_failed: whether the trial could not be made.
        """
        from optuna.trial import Trial as Open

        if why:  # first, since nothing can be added to a trial that has ended
            of = self._study.get_trials(deepcopy=False)[trial.number]
            opened = Open(self._study, of._trial_id)
            opened.set_user_attr("why", why)
            opened.set_user_attr("is_failed", is_failed)
        self._study.tell(trial.number, value)

    def drop(self, trial: Trial) -> None:
        """Ends a trial that is one too many."""
        from optuna.trial import TrialState

        self._study.tell(trial.number, state=TrialState.FAIL)
