"""A study small enough to keep: its report, and the records from which the report is made."""

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from train import report
from train.errors import UserError
from train.report.figures import canvas
from train.report.numbers.reading import load
from train.report.numbers.records import Outcome, Results

RUNS = "runs.tar.xz"
_OF_A_RUN = ("config.json", "halted.json", "metrics.jsonl", "summary.json")
_OF_A_SEARCH = ("found.json", "journal.log")
_OF_A_STEP = ("kind", "step", "epoch", "loss", "learning_rate", "seconds", "images_per_second")
_ROUNDED = ("loss", "learning_rate", "images_per_second")
_OF_A_RANGE_TEST = ("range_test.json", "range_test.png")


def pack(folder: Path, to: Path, *, digits: int | None = None) -> None:
    """Puts a study's report, and the records of the runs that ended, into a folder of their own.

    `to` gets `study.json`, `report.md`, `report.json`, `figures/` and `runs.tar.xz`, with which
    `unpack` and `report.write` make that report again; the same records give the same bytes, with
    the same libraries.

    Args:
      folder: of a study; a run that has not ended is left out, and `restore` goes on without it.
      to: the folder to make, in place of an older one.
      digits: how many digits of each training step's loss and learning rate are kept, and no other
        number of the step. None keeps everything. The report is made from what is kept, and says
        so.

    Raises:
      UserError: no run has ended, or `to` holds something else, or more runs of this study.
    """
    results = load(folder)
    if not any(map(_is_final, results.runs)) and not _searched(folder):
        raise UserError(
            f"`folder` must hold a study in which a run has ended, or a search has begun, got "
            f"{folder}. Make the runs by `python -m train study`."
        )
    if to.exists() and not (to / RUNS).exists():
        raise UserError(
            f"`to` must be a new folder or one with {RUNS}, got {to}. Choose another, or remove it."
        )
    _check_that_nothing_is_lost(results, to)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as partial:
        made = Path(partial) / to.name
        made.mkdir()
        kept = {**results.record, **({"digits": digits} if digits else {})}
        (made / "study.json").write_text(f"{json.dumps(kept, indent=2)}\n")
        (made / RUNS).write_bytes(_archive(results, digits))
        records = unpack(made, Path(partial) / "records")
        report.write(records)  # of what was packed, so that no other report can lie beside it
        for name in ("report.md", "report.json"):
            shutil.copyfile(records / name, made / name)
        shutil.copytree(records / "figures", made / "figures")
        old = to.with_name(f".{to.name}.old")  # not in `partial`, which goes whatever happens
        if to.exists():
            to.rename(old)
        made.rename(to)
    shutil.rmtree(old, ignore_errors=True)


def unpack(packed: Path, to: Path) -> Path:
    """Unpacks a packed study into a folder that `report.write` takes.

    Args:
      packed: what `pack` made.
      to: a new folder.

    Returns:
      `to`.

    Raises:
      UserError: it is no packed study.
    """
    if not (packed / RUNS).is_file():
        state = "which is not there" if not packed.exists() else "which holds none"
        raise UserError(
            f"A kept study must be a folder with {RUNS}, got {packed}, {state}. Make one by "
            "`python -m tools.results pack STUDY results/NAME`."
        )
    to.mkdir()
    shutil.copyfile(packed / "study.json", to / "study.json")
    with tarfile.open(packed / RUNS) as archive:
        archive.extractall(to, filter="data")
    return to


def _check_that_nothing_is_lost(results: Results, to: Path) -> None:
    """Refuses to replace another study, or runs of this one that the new archive would lack."""
    if not (to / "study.json").exists():
        return
    record = json.loads((to / "study.json").read_bytes())
    if record.get("name") != results.record.get("name"):
        raise UserError(
            f"`to` must hold this study, {results.record.get('name')}, or be new, got {to}, which "
            f"holds {record.get('name')}. Choose another folder."
        )
    if record.get("size") != results.record.get("size"):
        return
    with tarfile.open(to / RUNS) as archive:
        kept = {name.split("/")[0] for name in archive.getnames() if name.endswith("summary.json")}
    if lost := kept - {run.name for run in results.runs if _is_final(run)}:
        raise UserError(
            f"`to` must have no run that the study lacks, got {to}, which has {len(lost)} more, "
            f"{min(lost)} among them. Take them over first: start the study with `--from {to}`. "
            "Or choose another folder."
        )


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

        others = ["repeats.json", *(_searched(source) if is_searched_alike else [])]
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


def _searched(folder: Path) -> list[str]:
    paths = [*folder.glob("range_test-*"), *folder.glob("tuning/*")]
    return [path.relative_to(folder).as_posix() for path in sorted(paths)]


def _has_found_otherwise(source: Path, folder: Path) -> bool:
    """Tells whether the folder has a search or a range test of its own that is not the source's."""
    return any(
        (folder / name).exists() and _finding(folder / name) != _finding(source / name)
        for name in _searched(source)
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


def _is_final(run: Outcome) -> bool:
    """Tells whether a run has ended, or was halted for good."""
    return run.state == "ended" or (run.state == "halted" and not run.goes_on)


def _archive(results: Results, digits: int | None) -> bytes:
    content = io.BytesIO()
    # The PAX format takes any name. The preset is fixed: a newer Python may have another default,
    # and the same records must give the same bytes.
    with tarfile.open(fileobj=content, mode="w:xz", preset=9, format=tarfile.PAX_FORMAT) as archive:
        for path in _record_files(results):
            entry = tarfile.TarInfo(
                path.relative_to(results.folder).as_posix()
            )  # no time, no owner
            record = path.read_bytes()
            if path.name in ("config.json", "range_test.json"):
                record = _without_data_dir(record)
            elif path.suffix == ".png":
                record = canvas.small(Image.open(path))
            elif path.name == "metrics.jsonl" and digits:
                record = b"".join(_shortened(line, digits) for line in record.splitlines(True))
            entry.size = len(record)
            archive.addfile(entry, io.BytesIO(record))
    return content.getvalue()


def _without_data_dir(record: bytes) -> bytes:
    """Removes the path of the data, which is no setting and means nothing on another machine."""
    fields: dict[str, Any] = json.loads(record)
    for config in (fields, fields.get("config", {})):
        config |= {"data_dir": None} if config.get("data_dir") else {}
    return f"{json.dumps(fields, indent=2)}\n".encode()


def _shortened(line: bytes, digits: int) -> bytes:
    record: dict[str, Any] = json.loads(line)
    if record["kind"] != "train":
        return line
    short = {
        name: float(f"{record[name]:.{digits}g}")
        if name in _ROUNDED and record[name] is not None
        else record[name]
        for name in _OF_A_STEP
        if name in record
    }
    return f"{json.dumps(short)}\n".encode()


def _record_files(results: Results) -> Iterator[Path]:
    wanted: dict[str, tuple[str, ...]] = {
        entry["folder"]: _OF_A_RANGE_TEST for entry in results.record.get("range_test") or []
    }
    wanted |= {run.name: _OF_A_RUN for run in results.runs if _is_final(run)}
    wanted |= {
        name: _OF_A_SEARCH for name in _searched(results.folder) if name.startswith("tuning/")
    }
    wanted |= {".": ("repeats.json",)}
    for folder, names in sorted(wanted.items()):
        yield from (path for name in names if (path := results.folder / folder / name).exists())
