"""What may change in a study whose runs have begun: fields on which at most last digits depend.

Of the fields that a run may change, `halt` decides which runs halt, and `checkpoint_epochs` among
which checkpoints the best is chosen. These stay: all runs of a study are measured alike.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.config import Config, flatten
from train.folder import ending, workdir
from train.folder.differences import is_in
from train.folder.origin import commit, today
from train.study import Run

CHANGES = "changes"
"""The field of `study.json` that holds what changed."""
_STAY = {"halt", "checkpoint_epochs"}


def bound_sha256(config: Config) -> str:
    """Returns the SHA-256 of the settings of a run that stay the same once it has begun, in hex."""
    return workdir.settings_sha256(config, besides=_names(config))


def is_same(entry: Mapping[str, Any], config: Config) -> bool:
    """Tells whether a run of a `study.json` is the one of a configuration.

    Args:
      entry: of the run. An old one may lack digests.
      config: of the run.
    """
    is_equal = entry.get("sha256") in (None, workdir.settings_sha256(config))
    return is_equal or entry.get("bound_sha256") == bound_sha256(config)


def were(run: Run, folder: Path) -> Mapping[str, Any]:
    """Returns the free fields in which a run that has begun differs, with their old values.

    Args:
      run: as it is described now.
      folder: of the study.
    """
    old = flatten(ending.read(folder / run.folder / "config.json"))
    new = flatten(json.loads(json.dumps(run.config.to_dict())))
    free = _names(run.config)
    return {
        name: old.get(name)
        for name in new
        if old and is_in(name, free) and old.get(name) != new[name]
    }


def noted(runs: Sequence[Run], folder: Path, old: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the changes of `study.json`: those of before, and those of this start.

    Each has the date, the commit, the old and the new values, and the runs that had begun.

    Args:
      runs: as they are described now.
      folder: of the study.
      old: the content of its `study.json`.
    """
    found: dict[str, dict[str, Any]] = {}
    entries = {each["folder"]: each for each in old["runs"]}
    for run in runs:
        entry = entries.get(run.folder, {})
        if entry.get("sha256") in (None, workdir.settings_sha256(run.config)):
            continue
        if was := were(run, folder):
            flat = flatten(json.loads(json.dumps(run.config.to_dict())))
            values = {"was": was, "is": {name: flat[name] for name in was}}
            about = {"date": today().isoformat(), "commit": commit(), **values, "runs": []}
            found.setdefault(json.dumps(values), about)["runs"].append(run.folder)
    return [*old.get(CHANGES, []), *found.values()]


def told(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns a line for each field that changed."""
    return [
        f"{name} was {json.dumps(was)} and is {json.dumps(each['is'][name])}, for "
        f"{len(each['runs'])} run{'s' if len(each['runs']) > 1 else ''} that had begun"
        for each in changes
        for name, was in each["was"].items()
    ]


def _names(config: Config) -> set[str]:
    return workdir.changeable(config.to_dict()) - _STAY
