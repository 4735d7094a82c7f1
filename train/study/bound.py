"""What a study's folder binds: the settings of what was begun there, and of nothing else.

A run that could not be made is no part of it. Its label may be mended, and so may those of runs
that have not begun; labels may be added and taken out, and claims and texts may change.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.config import digest, flatten
from train.folder import ending
from train.folder.files import set_aside
from train.folder.workdir import with_dtype
from train.study import Run, Study
from train.study.names import combination, range_test_folder

_PARTS = ("name", "size")


def differing(study: Study, folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Names what differs from what was begun; empty if the study can go on in the folder.

    An old record may lack the digests: it then counts as equal.

    Args:
      study: the description.
      folder: of the study.
      old: the content of its `study.json`.
      new: the content that takes its place.
    """
    named = [name for name in _PARTS if old.get(name, new[name]) != new[name]]
    if named:
        return " and ".join(f"the {name}" for name in named)
    if searches := _other_findings(folder, old, new):
        return f"the {searches[0]}"
    names = [name for name in changed(old, new) if _is_bound(folder / name)]
    if not names:
        return ""
    said = [f"{name}{_fields(study, folder, name)}" for name in names[:3]]
    more = f" and {len(names) - 3} more runs" if len(names) > 3 else ""
    return f"the settings of {', '.join(said)}{more}"


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[str]:
    """Returns the folders of the runs whose settings differ, but for those of `train.study.free`.

    Args:
      old: a `study.json`.
      new: another one.
    """
    before = {**old.get("left_out", {}), **_digests(old)}
    after = _digests(new)
    bound, still = _digests(old, "bound_sha256"), _digests(new, "bound_sha256")
    return [
        run
        for run in after
        if before.get(run) not in (None, after[run]) and bound.get(run) != still[run]
    ]


def left_out(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the digests of what is there and is described no more: it may come back.

    Args:
      folder: of the study.
      old: the content of its `study.json`.
      new: the content that takes its place.
    """
    every = {**old.get("left_out", {}), **_digests(old)}
    gone = {
        name: sha256
        for name, sha256 in every.items()
        if name not in _digests(new) and ending.is_begun(folder / name)
    }
    found = {
        name: each for name, each in old.get("findings", {}).items() if (folder / name).exists()
    }
    return {
        "findings": {**found, **new["findings"]},
        **({"left_out": gone} if gone else {}),
    }


def make_way(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[str]:
    """Sets aside the runs that failed and have other settings now, and the searches that failed.

    Args:
      folder: of the study.
      old: the content of its `study.json`.
      new: the content that takes its place.

    Returns:
      What was set aside, by its path in the folder.
    """
    runs = [name for name in changed(old, new) if ending.is_begun(folder / name)]
    failed = [name for name in runs if not _is_bound(folder / name)]
    failed += [str(each.parent.relative_to(folder)) for each in folder.glob("tuning/*/failed.json")]
    for name in failed:
        set_aside(folder / name, folder / "set_aside")
    return failed


def findings(study: Study, runs: Sequence[Run]) -> dict[str, str]:
    """Returns the digests of the searches and range tests, by their folders.

    Args:
      study: the description.
      runs: its runs.
    """
    tune, tests, found = study.tune, study.range_tests, {}
    for run in runs:
        if tests is not None:
            found[range_test_folder(run.labels[tests.axis])] = digest(as_json(tests))
        if tune is not None and (ranges := tune.search.get(run.labels[tune.axis])):
            part = {**as_json(tune), "search": {name: as_json(ranges[name]) for name in ranges}}
            about = {"tune": part, "range_tests": as_json(tests)}
            found[f"tuning/{combination(run.labels)}"] = digest(about)
    return found


def as_json(part: Any) -> Any:
    """Returns a part of a description as values of JSON."""
    return None if part is None else json.loads(json.dumps(dataclasses.asdict(part), default=str))


def _is_bound(folder: Path) -> bool:
    """Tells whether a run has begun and has not failed."""
    return ending.is_begun(folder) and ending.state(folder) != "failed"


def _digests(record: Mapping[str, Any], name: str = "sha256") -> Mapping[str, str | None]:
    return {run["folder"]: run.get(name) for run in record["runs"]}


def _other_findings(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[str]:
    """Names the searches and range tests that have begun under other settings."""
    begun = [
        name
        for name in new["findings"]
        if (folder / name).exists() and not (folder / name / "failed.json").exists()
    ]
    if "findings" not in old:
        is_other = old.get("searches", new["searches"]) != new["searches"]
        return ["searches"] if is_other and begun else []
    was = old["findings"]
    return [
        f"settings of {name}"
        for name in begun
        if was.get(name, new["findings"][name]) != new["findings"][name]
    ]


def _fields(study: Study, folder: Path, name: str) -> str:
    """Lists the settings in which a run differs from its `config.json`, if it has begun."""
    run = next((run for run in study.runs() if run.folder == name), None)
    old = flatten(ending.read(folder / name / "config.json"))
    new = flatten(json.loads(json.dumps(with_dtype(run.config.to_dict())))) if run else {}
    fields = [field for field in new if old and old.get(field) != new[field]]
    return f" ({', '.join(fields[:6])})" if fields else ""
