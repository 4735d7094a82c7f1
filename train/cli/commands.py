"""The commands of `python -m train`, and what can be given to each.

The command line shows the docstring of a field as its help.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from train import loggers
from train.changes import Choice
from train.checked import Count, Strength, checked
from train.config import Config
from train.least_squares import LeastSquares
from train.study import Size


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Common:
    workdir: Path
    """The run's folder. Give the same command again to go on with an interrupted run."""
    coordinator: str | None = None
    """The host:port of process 0, where several processes train together outside a cluster.
    None: there is one process, or a cluster's scheduler tells each of them."""
    num_processes: int | None = None
    """The number of processes that train together. It goes with --coordinator."""
    process_id: int | None = None
    """The number of this process, counted from 0. It goes with --coordinator."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configured:
    """The fields of a configuration, which stand among the options without a name of their own."""

    config: Annotated[Config, tyro.conf.arg(name="")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arguments(_Common, Configured):
    """Trains a network as a configuration file says. Every field of the file can be set here."""

    dry_run: bool = False
    """Whether to train nothing, and print the configuration, the sizes and the schedule."""
    adjust_schedule: bool = False
    """Whether a run goes on with another schedule than it began with, for example after a halt."""
    from_step: int | None = None
    """The step of the checkpoint to go on from, where an older one than the newest is wanted, as
    after a halt that came too late. What is newer moves to `set_aside`. None: the newest."""
    extend: Choice | None = None
    """What the rate follows where a run gets more --epochs than it had, ended or not.
    keep: its schedule as it was. After its end, the rate is what the schedule itself says.
    stretch: from the step where the run goes on, its schedule stretched to the new length."""
    log: tuple[loggers.Name, ...] = ()
    """Where the run's numbers go beside its folder: wandb (Weights & Biases), mlflow, or both.
    Each needs its package, as by `pip install '.[wandb]'`. It never ends or slows the run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep(_Common):
    """Trains for a few steps at a rising rate, and suggests rates for a configuration."""

    workdir: Path
    """The folder for range_test.png and range_test.json. A run that it holds is not touched."""
    min_value: float = 1e-6
    """The first rate of the test. It should be so low that nothing is learnt."""
    max_value: float = 10.0
    """The last rate of the test. It should be so high that the loss diverges."""
    num_steps: int = 400
    """The length of the test, in steps. If it is shorter than one epoch, every batch holds images
    that the network has not seen."""
    sweep: Literal["exponential", "linear"] = "exponential"
    """How the rate rises. exponential finds the order of magnitude of good rates.
    linear finds the bounds, once the order of magnitude is known."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RangeTest(Sweep, Configured):
    """Trains for a few steps at a rising rate, and suggests rates for a configuration."""


@dataclasses.dataclass(frozen=True)
class RunStudy:
    """Makes the runs of a study file, and writes the report. Runs that are done are skipped."""

    file: tyro.conf.Suppress[Path]
    workdir: Path | None = None
    """The study's folder, which gets a folder for each run. Several machines may share it.
    None: runs/FILE_SIZE."""
    size: Size | None = None
    """The size of the runs. It has to be given.
    smoke shows in minutes that the study works, and is no evidence.
    laptop is evidence from a few CPU cores, in hours.
    full is the papers' own size, for an accelerator."""
    dry_run: bool = False
    """Whether to make nothing, and list the runs, trials and programs, and the time where finished
    runs tell it. Without --size it is done for all sizes."""
    workers: int | None = None
    """The number of runs that are made side by side here, each on CPU cores of its own.
    None: as many as the cores allow, if the study says how many cores a run takes.
    If it does not say so, one run follows the other."""
    kept: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """The folder of a kept study, results/NAME. Its finished runs are copied, the others made."""
    jobs: str = "1/1"
    """The share of the runs to make: i/n is the i-th of n shares, as in a job array.
    The share that ends last writes the whole report."""
    executor: Literal["local", "ray"] = "local"
    """Where the runs are made: in processes of this machine, or as tasks of a Ray cluster.
    ray needs `pip install '.[ray]'`."""
    data_dir: str | None = None
    """The folder where TensorFlow Datasets keeps its data. None: as the study says."""


@checked()
@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimum:
    """Tells how far each schedule of a study is from the best possible one, on least squares."""

    file: tyro.conf.Suppress[Path]
    workdir: Path | None = None
    """The folder for report.html, report.md, optimum.json and figures. None: runs/optimum."""
    size: Size = "laptop"
    """The size of the study whose schedules are tried. They are stretched to --steps."""
    steps: Sequence[Count] = (300, 1200)
    """The lengths of the runs, in steps. Multiples of the study's epochs."""
    noises: Sequence[Strength] = (0.1, 0.3, 1.0)
    """The variances of the labels' noise, as shares of the signal's. At least 0. Each is tried with
    each length, in place of --problem.noise."""
    num_updates: Count = 200
    """The number of steps of each search for the best rates. At least 1."""
    problem: LeastSquares = dataclasses.field(default_factory=LeastSquares)
    """The least squares that are learnt."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Writes the report of a study again, as far as its runs have come."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The study's folder."""


@dataclasses.dataclass(frozen=True)
class Watch:
    """Shows a run or a study in the browser while it goes on."""

    folder: tyro.conf.Positional[Path]
    """The folder of the run or the study."""
    port: int = 0
    """The port of the page, on this machine alone. 0: one that is free."""
