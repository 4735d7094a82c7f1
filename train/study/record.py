"""`study.json`: the record of what a study's folder holds, and since which commit."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.atomic_file import sweep
from train.config import digest
from train.errors import UserError
from train.folder import ending, workdir
from train.folder.files import write_json
from train.folder.origin import commit, today
from train.folder.sealed import VERSION
from train.study import SETTINGS, Bounds, RangeTests, Run, Size, Study, bound, free, looks
from train.study.names import combination, range_test_folder

_HOUR = 3600.0


def write_study(
    study: Study, folder: Path, *, name: str, size: Size, is_start: bool = False
) -> Sequence[str]:
    """Writes `study.json`, if the one that is there is of the same study.

    Only one process at a time may do so.

    Args:
      study: the description.
      folder: of the study.
      name: of the study.
      size: the size of its runs.
      is_start: set aside the runs that failed and have other settings now, and the searches that
        failed.

    Returns:
      A line for each thing that was set aside, and for each setting that changed.

    Raises:
      UserError: the folder cannot be used, or holds another study.
    """
    workdir.make_folder(folder)
    sweep(folder, older_than=_HOUR)  # other shares may be writing
    path = folder / "study.json"
    if (folder / "config.json").exists():
        raise UserError(
            f"`--workdir` must be a study's folder, got {folder}, which holds a run. "
            "Choose another folder."
        )

    record = _record(study, folder, name, size)
    says: list[str] = []
    if path.exists():
        ending.read(path)  # it refuses that of a newer release
        try:
            old = json.loads(path.read_bytes())
            differing = bound.differing(study, folder, old, record)
            going_on = {key: old[key] for key in ("commit", "date")}
            going_on |= bound.left_out(folder, old, record)
            changes = free.noted(study.runs(), folder, old)
            seen = looks.noted(folder, old, record)
        except (ValueError, LookupError, TypeError):
            differing = "study.json, which cannot be read,"
        if differing:
            raise UserError(
                f"`--workdir` must hold this study, got {folder}, where {differing} differ. Take "
                "the old ones back, give new labels to new settings, or choose another folder."
            )
        if is_start:
            says += [
                f"{moved} had failed, and is tried anew; what was there is in set_aside"
                for moved in bound.make_way(folder, old, record)
            ]
        says += free.told(changes[len(old.get(free.CHANGES, [])) :])
        record |= going_on | ({free.CHANGES: changes} if changes else {})
        record |= {looks.LOOKS: seen} if seen else {}
    write(path, record)
    return says


def read(path: Path) -> dict[str, Any]:
    """Reads a file of JSON; empty if there is no such file."""
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def write(path: Path, record: Mapping[str, Any]) -> None:
    """Writes a file of JSON, whole or not at all."""
    write_json(path, record)


def is_done(run: Run, folder: Path) -> bool:
    """Tells whether a run has ended, or was halted for good.

    Args:
      run: the run's description.
      folder: of the run.
    """
    return ending.is_over(folder, goes_on=run.retry is not None)


def read_bounds(tests: RangeTests, folder: Path) -> tuple[Bounds, bool]:
    """Returns the bounds of a range test that was made, and whether it suggests them itself."""
    found = read(folder / "range_test.json")["suggestions"]["bounds"]
    return ((found[0], found[1]), True) if found else (tests.fallback, False)


def _record(study: Study, folder: Path, name: str, size: Size) -> dict[str, Any]:
    runs = study.runs()
    return {
        "version": VERSION,
        **_task(runs),
        "name": name,
        "title": study.title,
        "description": study.description,
        "size": size,
        "kind": study.kind,
        "commit": commit(),
        "date": today().isoformat(),
        "dataset": "; ".join(dict.fromkeys(run.config.dataset for run in runs)),
        "baseline": None if study.baseline is None else dict(study.baseline),
        "axes": {axis: list(labels) for axis, labels in study.labels.items()},
        "seeds": list(study.seeds),
        "claims": [dataclasses.asdict(claim) for claim in study.claims],
        "searches": digest(
            {"tune": bound.as_json(study.tune), "range_tests": bound.as_json(study.range_tests)}
        ),
        "findings": bound.findings(study, runs),
        "range_test": _range_tests(study, folder),
        "tuned": _searches(runs, folder),
        "runs": [
            {
                "folder": run.folder,
                "labels": dict(run.labels),
                "seed": run.seed,
                "sha256": workdir.settings_sha256(run.config),
                "bound_sha256": free.bound_sha256(run.config),
                "goes_on": run.retry is not None,
            }
            for run in runs
        ],
    }


def _task(runs: Sequence[Run]) -> dict[str, Any]:
    """Returns what a report has to know of a task that is not the classification of images."""
    tasks = {type(run.config.task): run.config.task for run in runs}
    if len(tasks) > 1:
        names = [getattr(task, "name", "classification") for task in tasks.values()]
        raise UserError(
            f"`task` must be of one kind in all runs of a study, got {' and '.join(names)}. Their "
            "measures cannot be compared: make a study of each."
        )
    task = next(iter(tasks.values()), None)
    if task is None:
        return {}
    measures = [dataclasses.asdict(each) for each in task.measures]
    about = {"name": task.name, "noun": task.noun, "loss_unit": task.loss_unit}
    return {"task": {**about, "measures": measures}}


def _range_tests(study: Study, folder: Path) -> list[dict[str, Any]]:
    """Returns the records of the range tests that have been made."""
    tests, found = study.range_tests, []
    for label in study.axes[tests.axis] if tests else ():
        name = range_test_folder(label)
        if tests and (folder / name / "range_test.json").exists():
            bounds, is_suggested = read_bounds(tests, folder / name)
            entry = {"folder": name, "label": label, "bounds": bounds, "suggested": is_suggested}
            found.append(entry)
    return found


def _searches(runs: Sequence[Run], folder: Path) -> list[dict[str, Any]]:
    """Returns the records of the searches that have ended."""
    combinations = {combination(run.labels): run.labels for run in runs}
    return [
        {"labels": {axis: labels[axis] for axis in labels if axis != SETTINGS}, **record}
        for name, labels in combinations.items()
        if (record := read(folder / "tuning" / name / "found.json"))
    ]
