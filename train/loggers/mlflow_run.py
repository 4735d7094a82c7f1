"""A run in MLflow."""

import logging
import os
import re
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from train.folder.about import About
from train.folder.follower import Outcome, Point
from train.loggers import Known

_EXPERIMENT = "log_anneal"
_STATUS: Mapping[Outcome, str] = {
    "done": "FINISHED",
    "halted": "FAILED",
    "failed": "FAILED",
    "interrupted": "KILLED",
}
_LONGEST = 6000  # characters of a value
_SPLITS = ("train", "validation", "test")
_CHANGED, _DEFAULT = "changed.", "(its default)"
_Item = TypeVar("_Item")


class MlflowRun:
    """A run in MLflow: at $MLFLOW_TRACKING_URI, else in a database in the run's folder."""

    def begin(self, about: About, run: str | None) -> tuple[str, Known]:
        """Begins a run, or goes on with one; see `Logger`."""
        # This program asks no server that the user has not named.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # A server that cannot be reached is given up before the run's end must wait for it.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        import mlflow  # an extra, which only `--log mlflow` needs
        from mlflow import entities

        # They tell of each table and each attempt. A failure is told once, by `Behind`.
        for name in ("mlflow", "alembic", "urllib3"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._entities = entities
        self._uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        artifacts = None
        if not self._uri:
            own = (about.folder / "mlflow").absolute()
            own.mkdir(exist_ok=True)
            self._uri, artifacts = f"sqlite:///{own / 'mlflow.db'}", (own / "artifacts").as_uri()
        self._client = mlflow.MlflowClient(tracking_uri=self._uri)
        known: Known = {}
        if run is None:
            run = self._create(about, artifacts)
        else:
            self._client.update_run(run, status="RUNNING")
            known = self._known(run)
        self._run = run
        self._settings(about)
        return run, known

    def points(self, points: Sequence[Point]) -> None:
        """Sends points, in order."""
        now = int(1000 * time.time())
        metrics = [
            self._entities.Metric(_name(name), float(value), now, each.step)
            for each in points
            for name, value in each.values.items()
        ]
        for some in _batches(metrics, 1000):
            self._client.log_batch(self._run, metrics=some)

    def end(self, step: int, summary: Mapping[str, Any], pictures: Sequence[Path]) -> None:
        """Sends the summary, its numbers as metrics and the rest as tags, and the pictures."""
        numbers: dict[str, Any] = {}
        words: dict[str, Any] = {}
        for name, value in summary.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            (numbers if is_number else words)[f"summary/{name}"] = value
        self.points([Point("summary", step, numbers)])
        self._tag(words)
        for path in pictures:
            self._client.log_artifact(self._run, str(path))

    def close(self, outcome: Outcome) -> str:
        """Closes the run, and says where it is."""
        self._client.set_terminated(self._run, _STATUS[outcome])
        if self._uri.startswith("http"):
            return f"run {self._run} at {self._uri}"
        return f"mlflow ui --backend-store-uri {shlex.quote(self._uri)}"

    def _create(self, about: About, artifacts: str | None) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        experiment = (
            found.experiment_id
            if found
            else self._client.create_experiment(name, artifact_location=artifacts)
        )
        return str(self._client.create_run(experiment, run_name=about.folder.name).info.run_id)

    def _known(self, run: str) -> Known:
        """Returns the points that the store has: they may be newer than our note."""
        known = {}
        for split in _SPLITS:
            history = self._client.get_metric_history(run, f"{split}/seconds")
            # Of a step that was made anew, the newest counts.
            history = sorted(history, key=lambda metric: metric.timestamp)
            known[split] = {metric.step: metric.value for metric in history}
        return known

    def _settings(self, about: About) -> None:
        """Sends the settings. MLflow changes no parameter, so a change is kept as a tag."""
        data = self._client.get_run(self._run).data
        held = data.params
        given = {_name(name): str(value)[:_LONGEST] for name, value in about.settings.items()}
        new = [
            self._entities.Param(name, value) for name, value in given.items() if name not in held
        ]
        for some in _batches(new, 100):
            self._client.log_batch(self._run, params=some)
        # The record of a configuration leaves out what is at its default.
        now = {name: given.get(name, _DEFAULT) for name in {**held, **given}}
        changed = {name: value for name, value in now.items() if held.get(name, value) != value}
        self._tag({f"{_CHANGED}{name}": value for name, value in changed.items()})
        for tag in data.tags:
            name = tag.removeprefix(_CHANGED)
            if name != tag and name in held and name not in changed:
                self._client.delete_tag(self._run, tag)
        self._tag({"schedule": about.schedule, "mlflow.note.content": about.schedule})

    def _tag(self, words: Mapping[str, Any]) -> None:
        tags = [self._entities.RunTag(name, str(text)[:_LONGEST]) for name, text in words.items()]
        for some in _batches(tags, 100):
            self._client.log_batch(self._run, tags=some)


def _name(name: str) -> str:
    """Returns a name with the characters that MLflow takes."""
    return re.sub(r"[^\w./ -]", "_", name)


def _batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
