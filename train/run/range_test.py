"""The learning-rate range test of a configuration.

It gives a picture, four rates, and lines for the configuration file and the command.
"""

import dataclasses
import io
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

import log_anneal as la
from train.config import Config
from train.engine.state import TrainState
from train.errors import Interrupted, UserError
from train.folder import workdir
from train.folder.files import removed_if_empty, write_atomically
from train.folder.log import strict
from train.folder.origin import origin, today
from train.folder.terminal import Terminal
from train.halt import Halt
from train.run import distributed
from train.run.interrupt import Interrupts
from train.run.job import Job, prepare

_PICTURE, _RECORD = "range_test.png", "range_test.json"


def run(config: Config, folder: Path, **sweep: Any) -> None:
    """Trains a new network for a few steps at a rising rate, and suggests rates.

    Data, model, optimizer and engine are those of the configuration. Its schedule and its halting
    threshold are not used.

    If the test is shorter than one epoch, every batch holds examples that the network has not seen.
    Then the loss and the accuracy before the update are those of held-out examples. An evaluation
    would be no better: the averages of batch norm lag behind the rising rate.

    Args:
      config: the configuration.
      folder: gets `range_test.png` and `range_test.json`, in place of older ones. Nothing else in
        it is read or changed, so it may hold a run.
      **sweep: the arguments of `log_anneal.sweep_schedule`.

    Raises:
      UserError: the configuration, the data, the folder or the sweep cannot be used.
      Interrupted: a signal came. Nothing is kept.
    """
    with removed_if_empty(folder):
        distributed.on_first(lambda: workdir.make_folder(folder))
        job = distributed.together(lambda: _prepare(config, sweep))
        distributed.together(lambda: distributed.check_equal("data set", job.data.digest))
        distributed.together(lambda: distributed.check_same(config.to_dict(), **sweep))
        test = _test(job, sweep)
        distributed.on_first(lambda: _finish(job, config, folder, test, sweep))


def pasted(config: Config, suggestions: la.Suggestions) -> list[str]:
    """Returns lines that use the suggestions, to paste into the configuration or the command."""
    lines = []
    if suggestions.valley is not None:
        lines += _lines(config, "With the valley as its highest rate", suggestions.valley)
    if suggestions.bounds is not None:
        low, high = suggestions.bounds
        lines += _lines(config, "Between Smith's bounds", high, low)
        # Smith 2015, section 3.2: a step size of 2 to 10 epochs.
        triangle = f"init_value={low:.2g}, peak_value={high:.2g}, up_steps=2"
        lines += [
            "or Smith's own cycle, in the configuration:",
            f'    schedule=la.triangular_schedule({triangle}), schedule_unit="epochs",',
        ]
    return lines


def _prepare(config: Config, sweep: dict[str, Any]) -> Job:
    try:
        schedule = la.sweep_schedule(**sweep)
    except ValueError as error:
        raise UserError(str(error)) from error
    swept = dataclasses.replace(
        config, schedule=schedule, schedule_unit="steps", halt=Halt(threshold=None)
    )
    job = prepare(swept)
    epochs = math.ceil(sweep["num_steps"] / job.steps_per_epoch)
    return dataclasses.replace(job, config=dataclasses.replace(swept, epochs=epochs))


def _test(job: Job, sweep: dict[str, Any]) -> la.RangeTest:
    data = job.place_splits()["train"]
    share = job.task.share()
    with Interrupts() as interrupts:

        def step(at: tuple[TrainState, int], rate: jax.Array) -> Any:
            # The rate is not used here: the optimizer takes the same one from its schedule, which
            # is the sweep.
            state, count = at
            if signal := interrupts.received():
                raise Interrupted(f"{signal} came; of a range test nothing is kept.")
            state, metrics = job.engine.train(state, data, job.indices(range(count, count + 1)))
            now = {name: float(value[0]) for name, value in metrics.items()}
            if distributed.is_first():
                _progress(count + 1, sweep["num_steps"], now, share)
            # The guard also halts at a gradient that is not finite.
            loss = math.nan if now["halted"] else now["loss"]
            after = (state, count + 1)
            return (after, loss, now[share]) if share in now else (after, loss)

        # The first state has no name here, so that the test can free it once it has its copy.
        return la.lr_range_test(
            step, (job.engine.place(jax.device_get(jax.jit(job.create_state)())), 0), **sweep
        )


def _progress(done: int, num_steps: int, now: dict[str, float], share: str) -> None:
    """Prints the progress: on a terminal always on the same line, elsewhere ten lines in all."""
    line = (
        f"step {done:,} of {num_steps:,}  rate {now['learning_rate']:.2e}  loss {now['loss']:.3f}"
    )
    if share in now:
        line += f"  {share} {now[share]:.1%}"
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="" if done < num_steps else "\n", flush=True)
    elif done % math.ceil(num_steps / 10) == 0:
        print(line, flush=True)


def _finish(
    job: Job, config: Config, folder: Path, test: la.RangeTest, sweep: dict[str, Any]
) -> None:
    suggestions = test.suggestions()
    record = {
        "range_test": sweep,
        "suggestions": dataclasses.asdict(suggestions),
        "stopped": test.stopped,
        "smoothing_steps": test.smoothing_steps,
        "rates": test.rates.tolist(),
        "losses": _as_list(test.losses),
        "accuracies": _as_list(test.accuracies),
        "smooth_losses": _as_list(test.smooth_losses),
        "smooth_accuracies": _as_list(test.smooth_accuracies),
        "config": {**config.to_dict(), "data_sha256": job.data.digest},
        "date": today().isoformat(),
        **origin(),
    }

    content = io.BytesIO()
    test.plot().savefig(content, format="png", dpi=150)
    write_atomically(folder / _PICTURE, content.getvalue())
    text = json.dumps(record, indent=2, allow_nan=False)
    write_atomically(folder / _RECORD, f"{text}\n".encode())

    if sys.stdout.isatty() and test.stopped:
        print()
    terminal = Terminal(total_steps=1, steps_per_epoch=1, start_step=0)
    terminal.table(_table(job, test, suggestions, folder))
    reasons = dict(suggestions.reasons)
    if test.accuracies is None and "bounds" in reasons:
        reasons["bounds"] = "Smith's bounds are read from an accuracy, and this task has none."
    for reason in dict.fromkeys(reasons.values()):
        print(f"None, because {reason}")
    print("\n".join(pasted(config, suggestions)))


def _table(
    job: Job, test: la.RangeTest, suggestions: la.Suggestions, folder: Path
) -> dict[str, str]:
    steps, low, high = len(test.rates), test.rates[0], test.rates[-1]
    shown = {}
    for name in ("steepest", "valley", "minimum_tenth", "bounds"):
        value = getattr(suggestions, name) or ()
        rates = value if isinstance(value, tuple) else (value,)
        shown[name] = " to ".join(f"{rate:.2g}" for rate in rates) or "none"
    return {
        "steps": f"{steps:,} ({steps / job.steps_per_epoch:.2g} epochs), {low:.2g} to {high:.2g}",
        "ended": test.stopped or "at the highest rate",
        "steepest_fall": shown["steepest"],
        "valley": shown["valley"],
        "minimum_/_10": shown["minimum_tenth"],
        "Smith's_bounds": shown["bounds"],
        "written": f"{folder / _PICTURE}, {folder / _RECORD}",
    }


def _lines(config: Config, head: str, high: float, low: float | None = None) -> list[str]:
    """Returns lines that set a schedule with these rates, in the configuration and the command."""
    rates = {"high": float(f"{high:.2g}")} | ({} if low is None else {"low": float(f"{low:.2g}")})
    changes = _changes(config.schedule, **rates)
    schedule = _with_rates(config, changes, **rates)
    if schedule is None:
        return [f"\n{head}, in the configuration:", f"    {_new_line(config, **rates)}"]
    arguments = " ".join(
        f"--schedule.{name.replace('_', '-')} {value}" for name, value in changes.items()
    )
    return [
        f"\n{head}, in the configuration:",
        f"    schedule=la.{schedule!r},",
        "or in the command:",
        f"    {arguments}",
    ]


def _with_rates(
    config: Config, changes: dict[str, float], high: float, low: float | None = None
) -> la.Schedule | None:
    """Returns the configuration's schedule with some changes.

    It returns None if the schedule would then not have the rates that are asked for.
    """
    if not changes:
        return None
    try:
        schedule: la.Schedule = config.schedule.replace(**changes)
        in_epochs = config.schedule_unit == "epochs"
        fine = schedule.stretch(50) if in_epochs else schedule
    except ValueError:
        return None
    rates = np.asarray(fine.at(np.arange(config.epochs * 50 if in_epochs else 10_000)))
    after_peak = rates[rates.argmax() :]
    reaches = math.isclose(rates.max(), high, rel_tol=0.01)
    return schedule if reaches and (low is None or after_peak.min() >= 0.99 * low) else None


def _changes(schedule: Any, high: float, low: float | None = None) -> dict[str, float]:
    """Returns the fields of a schedule that hold its highest and lowest rate, with new values."""
    if not hasattr(la, f"{getattr(schedule, 'name', None)}_schedule"):
        return {}
    fields = {field.name for field in dataclasses.fields(schedule)}
    tops = [name for name in ("peak_value", "init_value", "value") if name in fields]
    bottoms = [name for name in ("end_value", "init_value") if name in fields - set(tops[:1])]
    if not tops or (low is not None and not bottoms):
        return {}
    return {tops[0]: high} if low is None else {tops[0]: high, bottoms[0]: low}


def _new_line(config: Config, high: float, low: float | None = None) -> str:
    return (
        f"schedule=la.cyclical_log_schedule(peak_value={high}, base=20.0, "
        f"end_value={high / 100 if low is None else low:.2g}, decay_steps={config.epochs}), "
        'schedule_unit="epochs",'
    )


def _as_list(values: np.ndarray | None) -> Sequence[float | None] | None:
    return None if values is None else [strict(value) for value in values.tolist()]
