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
from train.report import canvas
from train.report.records import Study, load

RUNS = "runs.tar.xz"
_OF_A_RUN = ("config.json", "halted.json", "metrics.jsonl", "summary.json")
_OF_A_RANGE_TEST = ("range_test.json", "range_test.png")


def pack(folder: Path, to: Path, *, digits: int | None = None) -> None:
    """Puts a study's report, and the records of its runs, into a folder of their own.

    `to` gets `study.json`, `report.md`, `report.json`, `figures/` and `runs.tar.xz`, with which
    `unpack` and `report.write` make that report again; the same records give the same bytes, with
    the same libraries.

    Args:
      folder: of a study whose runs have all ended, or were halted.
      to: the folder to make, in place of an older one.
      digits: of the numbers of each training step, how many are kept; None: all. The report is
        made from what is kept, and says it.

    Raises:
      UserError: the study is not whole, or `to` holds something else.
    """
    study = load(folder)
    if left := [run.name for run in study.runs if run.state in ("unfinished", "missing")]:
        raise UserError(
            f"`folder` must hold a study that is whole, got {folder}, where {len(left)} of "
            f"{len(study.runs)} runs have not ended, {left[0]} among them. Make them by `python -m "
            "train study`, with the command that made the others."
        )
    if to.exists() and not (to / RUNS).exists():
        raise UserError(
            f"`to` must be a new folder or one with {RUNS}, got {to}. Choose another, or remove it."
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as partial:
        made = Path(partial) / to.name
        made.mkdir()
        kept = {**study.record, **({"digits": digits} if digits else {})}
        (made / "study.json").write_text(f"{json.dumps(kept, indent=2)}\n")
        (made / RUNS).write_bytes(_archive(study, digits))
        records = unpack(made, Path(partial) / "records")
        report.write(records)  # of what was packed, so that no other report can lie beside it
        for name in ("report.md", "report.json"):
            shutil.copyfile(records / name, made / name)
        shutil.copytree(records / "figures", made / "figures")
        if to.exists():
            to.rename(Path(partial) / "old")
        made.rename(to)


def unpack(packed: Path, to: Path) -> Path:
    """Makes of a packed study a folder that `report.write` takes.

    Args:
      packed: what `pack` made.
      to: a new folder.

    Returns:
      `to`.

    Raises:
      UserError: it is no packed study.
    """
    if not (packed / RUNS).is_file():
        raise UserError(f"`packed` must hold {RUNS}, got {packed}. Make it by `tools/results.py`.")
    to.mkdir()
    shutil.copyfile(packed / "study.json", to / "study.json")
    with tarfile.open(packed / RUNS) as archive:
        archive.extractall(to, filter="data")
    return to


def _archive(study: Study, digits: int | None) -> bytes:
    content = io.BytesIO()
    # The format that holds any name; a preset of its own, lest a newer Python choose another.
    with tarfile.open(fileobj=content, mode="w:xz", preset=9, format=tarfile.PAX_FORMAT) as archive:
        for path in _records(study):
            entry = tarfile.TarInfo(path.relative_to(study.folder).as_posix())  # no time, no owner
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
    """Where the data lay is no setting, and another machine's business."""
    fields: dict[str, Any] = json.loads(record)
    for config in (fields, fields.get("config", {})):
        config |= {"data_dir": None} if config.get("data_dir") else {}
    return f"{json.dumps(fields, indent=2)}\n".encode()


def _shortened(line: bytes, digits: int) -> bytes:
    record: dict[str, Any] = json.loads(line)
    if record["kind"] != "train":
        return line
    exact = ("epoch", "seconds")
    short = {
        name: float(f"{value:.{digits}g}")
        if isinstance(value, float) and name not in exact
        else value
        for name, value in record.items()
    }
    return f"{json.dumps(short)}\n".encode()


def _records(study: Study) -> Iterator[Path]:
    wanted: dict[str, tuple[str, ...]] = {
        entry["folder"]: _OF_A_RANGE_TEST for entry in study.record.get("range_test") or []
    }
    wanted |= {run.name: _OF_A_RUN for run in study.runs}
    for folder, names in sorted(wanted.items()):
        yield from (path for name in names if (path := study.folder / folder / name).exists())
