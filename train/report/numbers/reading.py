"""Reads a study's folder, as far as its runs have come."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import log_anneal as la
from train.errors import UserError
from train.folder import ending
from train.folder.log import column, read_metrics
from train.report.numbers.records import Outcome, Results
from train.report.numbers.task_record import TaskRecord, task_record

_LEAST_JUMP = 0.01
"""The least jump of a rate that counts as a restart, as a part of the rate."""


def load(folder: Path) -> Results:
    """Reads a study's results. A run that has not ended is read as far as it has come.

    Raises:
      UserError: the folder holds no study, or one whose runs and axes do not fit.
    """
    record = ending.read(folder / "study.json")
    if not {"title", "size", "axes", "runs"} <= record.keys():
        raise UserError(
            f"`folder` must hold the study.json of a study, got {folder}. "
            "Make one by `python -m train study configs/study_experiment1.py --size smoke`."
        )
    seen = set()
    for run in record["runs"]:
        which = (run["seed"], *sorted(run["labels"].items()))
        if which in seen:
            raise UserError(
                f"`runs` must differ in their labels or their seed, got {run['folder']} for one "
                "that another holds. Write study.json anew."
            )
        seen.add(which)
        for axis, labels in record["axes"].items():
            if run["labels"].get(axis) not in labels:
                raise UserError(
                    f"`labels` of {run['folder']} must name one of {list(labels)} as its {axis}, "
                    f"got {run['labels'].get(axis)}. Write study.json anew."
                )
    task = task_record(record)
    return Results(folder, record, [_outcome(folder, run, task) for run in record["runs"]])


def _outcome(folder: Path, entry: Mapping[str, Any], task: TaskRecord) -> Outcome:
    run_folder = folder / entry["folder"]
    config, summary, halted = (
        ending.read(run_folder / f"{name}.json") for name in ("config", "summary", "halted")
    )
    path = run_folder / "metrics.jsonl"
    lines = read_metrics(path) if path.exists() else []
    train = [line for line in lines if line["kind"] == "train"]
    test = [line for line in lines if line.get("split") == "test"]

    spe = round(train[0]["step"] / train[0]["epoch"]) if train else 1
    total = config.get("epochs", 0) * spe
    goes_on = bool(entry.get("goes_on"))
    state = ending.state(run_folder, goes_on=goes_on)
    return Outcome(
        name=entry["folder"],
        labels=entry["labels"],
        seed=entry["seed"],
        state=state,
        note=_note(state, run_folder, config, halted, f"at step {len(train):,} of {total:,}"),
        was_halted=bool(halted),
        goes_on=goes_on and "again" not in halted,
        config=config,
        summary=summary,
        steps_per_epoch=spe,
        total_steps=total,
        train={
            "loss": column(train, "loss"),
            "learning_rate": column(train, "learning_rate"),
            "speed": column(train, task.speed),
        },
        test={
            name: column(test, name)
            for name in ("step", "loss", *(each.name for each in task.measures))
        },
        **_restarts(config, spe, total, column(train, "learning_rate")),
    )


def _note(
    state: ending.State,
    folder: Path,
    config: Mapping[str, Any],
    halted: Mapping[str, Any],
    place: str,
) -> str:
    why = f"halted after step {halted['step']:,}: {halted['reason']}" if halted else ""
    since = config.get("schedule_from_step", 0)
    adjusted = f"went on with another schedule from step {since:,}" if since else ""
    said = [part for part in (why, adjusted) if part]
    if state == "failed":
        said = [ending.failure(folder), *said]
    elif state == "missing":
        said = ["not begun"]
    elif state == "unfinished":
        said = [place, *said]
    return "; ".join(said)


def _restarts(
    config: Mapping[str, Any], steps_per_epoch: int, total_steps: int, rates: np.ndarray
) -> Mapping[str, Any]:
    """Returns the restarts, and whether the class of the schedule is known here."""
    record = config.get("schedule", {})
    if "schedule" not in record or total_steps == 0:
        return {"restarts": []}  # a plain function has no record of its restarts
    try:
        schedule = la.from_dict(record)
    except ValueError:
        # A class of the user's own, in a file that a report does not read. The rates that were
        # recorded suffice: a restart is where they jump up.
        jumps = [step for step in range(len(rates)) if _jumps(rates, step)]
        return {"restarts": jumps, "has_known_schedule": False}
    if config["schedule_unit"] == "epochs":
        schedule = schedule.stretch(steps_per_epoch)
    return {"restarts": [step for step in schedule.restarts(total_steps) if _jumps(rates, step)]}


def _jumps(rates: np.ndarray, step: int) -> bool:
    """Tells whether the rate jumps up. It does not where a triangle's cycle begins, at its low."""
    if not 0 < step < len(rates):
        return False
    # Where a rise ends, as at the end of a warm-up, another part of a chain may begin. The chain
    # counts that join as a restart, but the last step rises no more than the steps before it.
    # Recorded rates are rounded: a slow rise then has steps of 0, and steps of up to a thousandth.
    rise = rates[step] - rates[step - 1]
    beside = [*np.diff(rates[max(0, step - 2) : step]), *np.diff(rates[step : step + 2])]
    return bool(rise > 2 * max(0.0, *beside) and rise > _LEAST_JUMP * rates[step])
