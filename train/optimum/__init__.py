"""How far each schedule is from the best possible one, where that can be computed.

References: the question, on three other workloads and without log annealing: arXiv:2603.10301.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np

from train.least_squares import LeastSquares
from train.optimum.best import Found, search
from train.optimum.kinds import Tried, shapes, try_all
from train.study import Study


@dataclasses.dataclass(frozen=True)
class Workload:
    """What was found for one noise and one length of the run."""

    problem: LeastSquares
    steps: int
    kinds: Mapping[str, Tried]
    """Each kind of schedule at its best base rate, by its label."""
    falling: Found
    """The best rates that never rise."""
    free: Found
    """The best rates."""

    @property
    def best(self) -> float:
        """Returns the lowest loss that was found."""
        return min(self.free.loss, self.falling.loss)

    def ratio(self, label: str) -> float:
        """Returns how many times the lowest loss a kind of schedule ends with."""
        return self.kinds[label].loss / self.best

    @property
    def nearest(self) -> str:
        """Returns the label of the kind with the lowest loss."""
        return min(self.kinds, key=lambda label: self.kinds[label].loss)


def find(
    study: Study,
    problem: LeastSquares,
    *,
    noises: Sequence[float],
    steps: Sequence[int],
    num_updates: int,
    say: Callable[[str], None],
) -> Sequence[Workload]:
    """Returns what is best for each length and noise, and how near the study's schedules come.

    Args:
      study: whose schedules are tried.
      problem: its `noise` is replaced by each of `noises`.
      noises: the variances of the labels' noise, as shares of the signal's.
      steps: the lengths of the runs.
      num_updates: the number of steps of each search for the best rates.
      say: is told what comes next.

    Raises:
      UserError: the study's schedules cannot be tried.
    """
    variances = np.asarray(noises, float)
    found = []
    with jax.enable_x64(True):  # the last digits of the slopes decide where a search ends
        for num_steps in steps:
            kinds = shapes(study, num_steps)
            say(f"{num_steps:,} steps: {len(kinds)} schedules, each at 128 base rates")
            tried = try_all(problem, variances, kinds)

            start = [min(each.values(), key=lambda kind: kind.loss).rates for each in tried]
            flat = np.full((len(noises), num_steps), problem.stable_rate())
            say(f"{num_steps:,} steps: the best rates that never rise")
            falling = search(
                problem, variances, np.stack([start, flat], 1), falls=True, num_updates=num_updates
            )
            say(f"{num_steps:,} steps: the best rates")
            begin = np.stack([[each.rates for each in falling], start], 1)
            free = search(problem, variances, begin, falls=False, num_updates=num_updates)

            for place, noise in enumerate(noises):
                each = dataclasses.replace(problem, noise=noise)
                found.append(Workload(each, num_steps, tried[place], falling[place], free[place]))
    return found


def mean(found: Sequence[Workload], label: str) -> float:
    """Returns the geometric mean of a kind's ratio over the workloads."""
    return float(np.exp(np.mean([np.log(each.ratio(label)) for each in found])))


def ranked(found: Sequence[Workload]) -> Sequence[str]:
    """Returns the labels of the kinds, the one that is nearest over all workloads first."""
    return sorted(found[0].kinds, key=lambda label: mean(found, label))
