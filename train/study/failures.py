"""The runs of a study that could not be made: why, in a file for each, and for a person."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from train.errors import HELD, Incomplete
from train.folder import ending
from train.study import Run
from train.study.record import write


def note(folder: Path, run: Run, why: str) -> None:
    """Writes why a run could not be made, for the report. The next start tries it again.

    Args:
      folder: of the study.
      run: the run.
      why: the sentence.
    """
    if HELD not in why:  # else another process makes it just now
        path = ending.failure_file(folder / run.folder)
        path.parent.mkdir(exist_ok=True)
        write(path, {"why": why})


def forget(folder: Path, run: Run) -> None:
    """Removes what `note` wrote, since the run is tried again."""
    path = ending.failure_file(folder / run.folder)
    path.unlink(missing_ok=True)


def needed(needs: Mapping[str, str]) -> str:
    """Says that a task needs others which could not be made.

    Args:
      needs: why, by the keys of those others.
    """
    causes = "; ".join(f"{key}: {why}" for key, why in sorted(needs.items()))
    return f"It needs what could not be made: {causes}"


def told(runs: Sequence[Run], whys: Mapping[str, str]) -> list[str]:
    """Returns a line for each sentence, with the labels and the seeds of its runs.

    Args:
      runs: of the study.
      whys: the sentences by the runs' folders.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if run.folder in whys:
            key = (" / ".join(run.labels.values()), whys[run.folder])
            found.setdefault(key, []).append(str(run.seed))
    return [
        f"{name}, {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}: {why}"
        for (name, why), seeds in found.items()
    ]


def incomplete(runs: Sequence[Run], failed: Mapping[str, str]) -> Incomplete:
    """Returns the ending of a study in which something could not be made.

    Args:
      runs: those that were to be made.
      failed: the sentences by the keys of the tasks.
    """
    of_runs = {key.removeprefix("run "): why for key, why in failed.items() if key[:4] == "run "}
    others = [f"{key}: {why}" for key, why in failed.items() if key[:4] != "run "]
    what = f"{len(of_runs)} of {len(runs)} runs" if of_runs else f"{len(others)} tasks"
    lines = "\n  ".join([*others, *told(runs, of_runs)])
    return Incomplete(
        f"{what} could not be made; the others are.\n  {lines}\n"
        "The same command tries them again, also after the study's file is mended."
    )
