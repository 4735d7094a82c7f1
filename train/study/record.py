"""`study.json`: the record of what a study's folder holds, and since which commit."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.config import digest, flatten
from train.errors import UserError
from train.folder import workdir
from train.folder.files import write_atomically
from train.folder.names import slug
from train.folder.origin import commit, today
from train.study import SETTINGS, Bounds, Labels, RangeTests, Run, Size, Study


def write_study(study: Study, folder: Path, *, name: str, size: Size) -> None:
    """Writes `study.json`, if the one that is there is of the same study.

    Only one process at a time may do so.

    Args:
      study: the description.
      folder: of the study.
      name: of the study.
      size: the size of its runs.

    Raises:
      UserError: the folder cannot be used, or holds another study.
    """
    workdir.make_folder(folder)
    path = folder / "study.json"
    if (folder / "config.json").exists():
        raise UserError(
            f"`--workdir` must be a study's folder, got {folder}, which holds a run. "
            "Choose another folder."
        )

    record = _record(study, folder, name, size)
    if path.exists():
        try:
            old = json.loads(path.read_bytes())
            differing = _differing(old, record)
            record |= {key: old[key] for key in ("commit", "date")}
        except (ValueError, LookupError, TypeError):
            differing = "study.json, which cannot be read,"
        if differing:
            raise UserError(
                f"`--workdir` must hold this study, got {folder}, where {differing}"
                f"{_changed_fields(study, folder, differing)} differ. Choose another folder."
            )
    write(path, record)


def read(path: Path) -> dict[str, Any]:
    """Reads a file of JSON; empty if there is no such file."""
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def write(path: Path, record: Mapping[str, Any]) -> None:
    """Writes a file of JSON, whole or not at all."""
    write_atomically(path, f"{json.dumps(record, indent=2, allow_nan=False)}\n".encode())


def is_done(run: Run, folder: Path) -> bool:
    """Returns whether a run has ended, or was halted for good.

    Args:
      run: the run's description.
      folder: of the run.
    """
    if (folder / "summary.json").exists():
        return True
    halted = read(folder / "halted.json")
    return bool(halted) and (run.retry is None or "again" in halted)


def read_bounds(tests: RangeTests, folder: Path) -> tuple[Bounds, bool]:
    """Returns the bounds of a range test that was made, and whether it suggests them itself."""
    found = read(folder / "range_test.json")["suggestions"]["bounds"]
    return ((found[0], found[1]), True) if found else (tests.fallback, False)


def range_test_folder(label: str) -> str:
    """Returns the name of the folder of a label's range test, within the study's folder."""
    return f"range_test-{slug(label)}"


def combination(labels: Labels) -> str:
    """Returns the labels, without the one that a search adds, as the name of a folder."""
    return "-".join(slug(label) for axis, label in labels.items() if axis != SETTINGS)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Names what differs between two records; empty if the new one goes on with the old one.

    Seeds and labels may be added. An old record may lack the digests: it then counts as equal.
    """
    named = [name for name in ("name", "size", "searches") if old.get(name, new[name]) != new[name]]
    if named:
        return " and ".join(named)

    before, after = (
        {run["folder"]: run.get("sha256") for run in record["runs"]} for record in (old, new)
    )
    if gone := before.keys() - after.keys():
        return f"the runs, {min(gone)} among them,"
    changed = [run for run, sha256 in before.items() if sha256 not in (None, after[run])]
    return f"the settings of {changed[0]}" if changed else ""


def _changed_fields(study: Study, folder: Path, differing: str) -> str:
    """Lists the settings in which a run differs from its `config.json`, if it has begun."""
    name = differing.removeprefix("the settings of ")
    run = next((run for run in study.runs() if run.folder == name), None)
    old = flatten(read(folder / name / "config.json"))
    new = flatten(json.loads(json.dumps(run.config.to_dict()))) if run else {}
    fields = [field for field in new if old and old.get(field) != new[field]]
    return f" ({', '.join(fields[:6])})" if fields else ""


def _record(study: Study, folder: Path, name: str, size: Size) -> dict[str, Any]:
    runs = study.runs()
    return {
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
            {"tune": _as_json(study.tune), "range_tests": _as_json(study.range_tests)}
        ),
        "range_test": _range_tests(study, folder),
        "tuned": _searches(runs, folder),
        "runs": [
            {
                "folder": run.folder,
                "labels": dict(run.labels),
                "seed": run.seed,
                "sha256": workdir.settings_sha256(run.config),
                "goes_on": run.retry is not None,
            }
            for run in runs
        ],
    }


def _as_json(part: Any) -> Any:
    return None if part is None else json.loads(json.dumps(dataclasses.asdict(part), default=str))


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
