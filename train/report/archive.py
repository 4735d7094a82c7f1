"""A study small enough to keep: its report, and the records from which the report is made."""

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from train import report
from train.errors import UserError
from train.folder import sealed
from train.report.figures import canvas
from train.report.numbers.reading import load
from train.report.numbers.records import Results

RUNS = "runs.tar.xz"
_OF_A_RUN = ("config.json", "halted.json", "metrics.jsonl", "summary.json")
_OF_A_SEARCH = ("found.json", "journal.log")
_OF_A_STEP = ("kind", "step", "epoch", "loss", "learning_rate", "seconds")
_ROUNDED = ("loss", "learning_rate")
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
    if not any(run.is_over for run in results.runs) and not searched(folder):
        raise UserError(
            f"`folder` must hold a study in which a run has ended, or a search has begun, got "
            f"{folder}. Make the runs by `python -m train study FILE --size SIZE`."
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
        _copy_report(records, made)
        old = to.with_name(f".{to.name}.old")  # not in `partial`, which goes whatever happens
        if to.exists():
            to.rename(old)
        made.rename(to)
    shutil.rmtree(old, ignore_errors=True)


def write_again(packed: Path) -> None:
    """Writes the report of a packed study again, from the records that it holds.

    Args:
      packed: what `pack` made.

    Raises:
      UserError: it is no packed study.
    """
    with tempfile.TemporaryDirectory() as partial:
        records = unpack(packed, Path(partial) / "records")
        report.write(records)
        _copy_report(records, packed)


def _copy_report(records: Path, to: Path) -> None:
    """Copies the report as text, its numbers and its figures, and removes figures of before."""
    for name in ("report.md", "report.json"):
        shutil.copyfile(records / name, to / name)
    shutil.rmtree(to / "figures", ignore_errors=True)
    shutil.copytree(records / "figures", to / "figures")


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
    if lost := kept - {run.name for run in results.runs if run.is_over}:
        raise UserError(
            f"`to` must have no run that the study lacks, got {to}, which has {len(lost)} more, "
            f"{min(lost)} among them. Take them over first: start the study with `--from {to}`. "
            "Or choose another folder."
        )


def searched(folder: Path) -> list[str]:
    """Returns the folders of a study's range tests and searches, relative to the study's own."""
    paths = [*folder.glob("range_test-*"), *folder.glob("tuning/*")]
    return [path.relative_to(folder).as_posix() for path in sorted(paths)]


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
    is_sealed = "sha256" in fields
    for config in (fields, fields.get("config", {})):
        config |= {"data_dir": None} if config.get("data_dir") else {}
    if is_sealed:
        del fields["sha256"]
        fields = sealed.sealed(fields)
    return f"{json.dumps(fields, indent=2)}\n".encode()


def _shortened(line: bytes, digits: int) -> bytes:
    record: dict[str, Any] = json.loads(line)
    if record["kind"] != "train":
        return line
    speeds = [name for name in record if name.endswith("_per_second")]  # of images, or others
    short = {
        name: float(f"{record[name]:.{digits}g}")
        if name in (*_ROUNDED, *speeds) and record[name] is not None
        else record[name]
        for name in (*_OF_A_STEP, *speeds, "skipped")
        if name in record
    }
    return f"{json.dumps(short)}\n".encode()


def _record_files(results: Results) -> Iterator[Path]:
    wanted: dict[str, tuple[str, ...]] = {
        entry["folder"]: _OF_A_RANGE_TEST for entry in results.record.get("range_test") or []
    }
    wanted |= {run.name: _OF_A_RUN for run in results.runs if run.is_over}
    wanted |= {
        name: _OF_A_SEARCH for name in searched(results.folder) if name.startswith("tuning/")
    }
    failed = tuple(f"{run.name}.json" for run in results.runs if run.state == "failed")
    wanted |= {".": ("repeats.json",), "failed": failed}
    for folder, names in sorted(wanted.items()):
        yield from (path for name in names if (path := results.folder / folder / name).exists())
