"""A study: many runs from one description. Each is an ordinary run in a folder of its own.

What came out of a study is read by the report, as `train.report.numbers.records.Results`.
"""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from train.changes import Changes, changed
from train.checked import Count, Natural, Seed, checked
from train.config import Config, fields_of
from train.errors import UserError
from train.folder.names import slug
from train.study.parts import Bounds as Bounds
from train.study.parts import Claim as Claim
from train.study.parts import Context as Context
from train.study.parts import Labels as Labels
from train.study.parts import RangeTests as RangeTests
from train.study.ranges import Range as Range
from train.study.tune import Tune as Tune

Size: TypeAlias = Literal["smoke", "laptop", "full"]
"""The size of a study's runs. smoke shows in minutes that the study works. laptop is evidence from
a few CPU cores, in hours. full is the papers' own size, for an accelerator."""
SETTINGS, AS_PRINTED, TUNED = "settings", "as printed", "tuned"
"""The axis that a search adds, and the labels along it."""


@checked()
@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """The description of a study: what is compared, over what, and which claims are checked.

    Attributes:
      title: The title of the report.
      description: The description in the report: what the paper did, and where the study differs
        from it.
      base: The configuration that all runs share.
      axes: The axes of the comparison, the labels of each, and the changes to `base` for each
        label. A function gives changes that depend on other labels or on a range test. The runs are
        all combinations of labels, for every seed.
      seeds: The seeds of the runs. Each combination of labels is run once with each of them.
      baseline: The labels, by their axes, with which the others are compared.
      most_changes: Along how many axes a combination may differ from the baseline. At least 0;
        None: all.
      without: Combinations that are left out: those with all the labels of one of these.
      cores: The number of CPU cores for each run. Runs are then made side by side, in processes of
        so many cores, and their numbers do not depend on how many processes there are. At least 1;
        None: all cores.
      claims: The sentences that the report checks, with the check of each.
      retry: The changes, by label, with which a run goes on after a halt, as by
        `--adjust-schedule`.
      range_tests: A range test for each label of an axis, before the runs, which find its bounds in
        their `Context`. None: there is none.
      tune: A search for each label of an axis. The runs are then made both as printed and tuned.
        None: there is none.
      kind: The kind of report. sensitivity: it draws a curve for each axis, and a map for each
        pair.
    """

    title: str
    description: str
    base: Config
    axes: Mapping[str, Mapping[str, Changes | Callable[[Context], Changes]]]
    seeds: Sequence[Seed] = (0, 1, 2)
    baseline: Labels | None = None
    most_changes: Natural | None = None
    without: Sequence[Labels] = ()
    cores: Count | None = None
    claims: Sequence[Claim] = ()
    retry: Mapping[str, Changes] = dataclasses.field(default_factory=dict)
    range_tests: RangeTests | None = None
    tune: Tune | None = None
    kind: Literal["comparison", "sensitivity"] = "comparison"

    def __post_init__(self) -> None:
        """Checks now what would otherwise fail in the middle of the runs."""
        self._check_labels()
        self._check_axes()
        self._check_runs()

    def _check_labels(self) -> None:
        axes, tune = self.labels, self.tune
        named: list[tuple[str, Labels | None]] = [
            ("`baseline`", self.baseline),
            ("`tune.within`", None if tune is None else tune.within),
            *(("`without`", labels) for labels in self.without),
        ]
        for claim in self.claims:
            of, than = claim.arguments.get("of"), claim.arguments.get("than")
            named += [(f"the claim {claim.id}", of), (f"the claim {claim.id}", than)]
        for where, labels in named:
            for axis, label in (labels or {}).items():
                _check_label(where, label, axes.get(axis, ()))
        if tune is not None and tune.axis in axes:
            for label in tune.search:
                _check_label("`tune.search`", label, axes[tune.axis])
        for label in self.retry:
            every = itertools.chain.from_iterable(axes.values())
            _check_label("`retry`", label, list(every))

    def _check_axes(self) -> None:
        for where, part in (("range_tests", self.range_tests), ("tune", self.tune)):
            if part is not None and part.axis not in self.axes:
                raise UserError(
                    f"`{where}.axis` must be one of {', '.join(self.axes)}, got {part.axis}. "
                    "Name the axis whose labels it is for."
                )
        if self.most_changes is not None and set(self.baseline or ()) != set(self.axes):
            raise UserError(
                f"`baseline` must have a label of each axis where `most_changes` counts from it, "
                f"got {self.baseline}. Name one of {', '.join(self.axes)} each."
            )

    def _check_runs(self) -> None:
        runs = self.runs()
        folders = Counter(run.folder for run in runs)
        if twice := [folder for folder, count in folders.items() if count > 1]:
            raise UserError(
                f"`axes` and `seeds` must give each run a folder of its own, got {twice[0]} "
                "twice. Change a label, or take a seed out."
            )
        if {run.config.cpu_devices for run in runs} - {self.base.cpu_devices}:
            raise UserError("`cpu_devices` must be the same in all runs. Set it in `base`.")
        for run in runs:
            if run.retry is not None:
                changed(run.config, run.retry)

    @property
    def labels(self) -> Mapping[str, Sequence[str]]:
        """Returns the labels of each axis, also of the axis that a search adds."""
        found = {axis: list(labels) for axis, labels in self.axes.items()}
        if self.tune is not None:
            found[SETTINGS] = [TUNED] if self.tune.is_only else [AS_PRINTED, TUNED]
        return found

    def runs(self) -> Sequence["Run"]:
        """Returns every run. Those that share a compiled program follow each other.

        Their configurations have the fallback's bounds, and settings as printed. The findings of
        range tests and searches come in later, by `config`.
        """
        runs = [
            Run(_folder(labels, seed), labels, seed, self.config(labels, seed), self._retry(labels))
            for labels in self._combinations()
            for seed in self.seeds
        ]
        programs = list(dict.fromkeys(_program_key(run.config) for run in runs))
        return sorted(runs, key=lambda run: programs.index(_program_key(run.config)))

    def config(
        self,
        labels: Labels,
        seed: int,
        *,
        bounds: Bounds | None = None,
        tuned: Changes | None = None,
    ) -> Config:
        """Returns the configuration of a run.

        Args:
          labels: a label of each axis.
          seed: the run's seed.
          bounds: the bounds that its range test found.
          tuned: the changes that its search found.

        Raises:
          UserError: a change names no field, or a value breaks its rule.
        """
        config = self.base
        if bounds is None and self.range_tests is not None:
            bounds = self.range_tests.fallback
        for axis, changes_by_label in self.axes.items():
            changes = changes_by_label[labels[axis]]
            if callable(changes):
                changes = changes(Context(labels, bounds or (math.nan, math.nan)))
            config = changed(config, changes)
        return changed(config, {**(tuned or {}), "seed": seed})

    def _combinations(self) -> Sequence[Labels]:
        every = [
            dict(zip(self.axes, labels, strict=True))
            for labels in itertools.product(*self.axes.values())
        ]
        if self.most_changes is not None:
            centre = self.baseline or {}
            every = [
                labels
                for labels in every
                if sum(labels[axis] != centre[axis] for axis in labels) <= self.most_changes
            ]
        every = [
            labels
            for labels in every
            if not any(left_out.items() <= labels.items() for left_out in self.without)
        ]

        if self.tune is None:
            return every
        printed = [{**labels, SETTINGS: AS_PRINTED} for labels in every]
        return ([] if self.tune.is_only else printed) + [
            {**labels, SETTINGS: TUNED} for labels in every if self._is_tuned(labels)
        ]

    def _is_tuned(self, labels: Labels) -> bool:
        assert self.tune is not None
        is_within = self.tune.within.items() <= labels.items()
        return is_within and labels[self.tune.axis] in self.tune.search

    def _retry(self, labels: Labels) -> Changes | None:
        return next((self.retry[each] for each in labels.values() if each in self.retry), None)


@dataclasses.dataclass(frozen=True)
class Run:
    """The description of one run of a study."""

    folder: str
    labels: Labels
    seed: int
    config: Config
    retry: Changes | None


def _check_label(where: str, label: str, known: Sequence[str]) -> None:
    if label not in known:
        raise UserError(
            f"the labels of {where} must be the study's, got {label!r}. There are "
            f"{', '.join(known) or 'none'}."
        )


def _program_key(config: Config) -> tuple[str, str, int | None]:
    return fields_of(config), config.dataset, config.num_train_images


def _folder(labels: Labels, seed: int) -> str:
    named = (f"{axis} {label}" if label[:1].isdigit() else label for axis, label in labels.items())
    return "-".join([*map(slug, named), f"seed{seed}"])
