"""What a packed study holds, back in a study's folder."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.errors import UserError
from train.report.archive import searched, unpack


def restore(packed: Path, folder: Path) -> str:
    """Copies into a study's folder what a packed study holds and the folder lacks.

    A run is taken if its settings are the study's. Searches and range tests are taken if they are
    set as the study's are. What the folder already has, begun or ended, stays as it is.

    Args:
      packed: what `pack` made of a study of the same name and size.
      folder: of the study, with its `study.json`.

    Returns:
      What was taken, for a person.

    Raises:
      UserError: it is no packed study, or one of another name or size.
    """
    study = json.loads((folder / "study.json").read_bytes())
    with tempfile.TemporaryDirectory(prefix=".from.", dir=folder) as partial:
        source = unpack(packed, Path(partial) / "study")
        record = json.loads((source / "study.json").read_bytes())
        for part in ("name", "size"):
            if record[part] != study[part]:
                raise UserError(
                    f"`--from` must hold this study, got {packed}, whose {part} is {record[part]} "
                    f"and not {study[part]}. Leave it out, or name another folder."
                )

        settings = {run["folder"]: run["sha256"] for run in study["runs"]}
        both = [run for run in record["runs"] if run["folder"] in settings]
        same = [run for run in both if settings[run["folder"]] == run["sha256"]]
        # A search depends on the settings of its runs, and its runs on what it found.
        is_searched_alike = record.get("searches") == study["searches"] and len(same) == len(both)
        if not is_searched_alike or _has_found_otherwise(source, folder):
            same = [run for run in same if not _is_searched(run, record)]

        others = ["repeats.json", *(searched(source) if is_searched_alike else [])]
        kept = sum((source / run["folder"]).exists() for run in record["runs"])
        names = [run["folder"] for run in same if (source / run["folder"]).exists()]
        for name in [*others, *names]:
            if (source / name).exists() and not (folder / name).exists():
                (folder / name).parent.mkdir(exist_ok=True)
                if name in names:
                    digits = json.dumps({"digits": record.get("digits")})
                    (source / name / "kept.json").write_text(f"{digits}\n")
                (source / name).rename(folder / name)
    left = f"; {kept - len(names)} of other settings are left there" if kept > len(names) else ""
    return f"{len(names)} runs are kept in {packed}{left}"


def _has_found_otherwise(source: Path, folder: Path) -> bool:
    """Tells whether the folder has a search or a range test of its own that is not the source's."""
    return any(
        (folder / name).exists() and _finding(folder / name) != _finding(source / name)
        for name in searched(source)
    )


def _finding(searched: Path) -> Any:
    """Returns what a search or a range test found; None: nothing yet."""
    for name, part in (("found.json", "best"), ("range_test.json", "suggestions")):
        if (searched / name).exists():
            return json.loads((searched / name).read_bytes()).get(part)
    return None


def _is_searched(run: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Tells whether a run's settings depend on a range test or a search."""
    return bool(record.get("range_test")) or run["labels"].get("settings") == "tuned"
