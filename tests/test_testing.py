"""A schedule that breaks a law is caught: one mutant or more for each, of a saw that keeps them."""

import math
import re
from itertools import count as counted
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import log_anneal as la
from log_anneal._core.record import SCHEDULES
from log_anneal._laws.check import LAWS
from log_anneal.fields import count, duration, number, numbers, steps


class Saw(la.Schedule):
    """The saw of docs/extending.md; a mutant differs from it by the method that is wrong."""

    name: ClassVar[str] = "test_saw"

    peak_value: float = number()
    period_steps: int = duration()

    def value_at(self, step, xp):
        return self.peak_value * (step % self.period_steps) / self.period_steps

    def restarts_at(self):
        return range(self.period_steps, 2**31, self.period_steps)


class OfAllSteps(Saw):
    name: ClassVar[str] = "test_of_all_steps"

    def value_at(self, step, xp):
        return super().value_at(step, xp) + 1e-11 * xp.sum(xp.real(step))


class OfHalfPrecision(Saw):
    name: ClassVar[str] = "test_of_half_precision"

    def __call__(self, step):
        return super().__call__(step).astype(jnp.bfloat16)


class WithABranch(Saw):
    name: ClassVar[str] = "test_with_a_branch"

    def value_at(self, step, xp):
        return super().value_at(step, xp) if self.peak_value > 0.1 else 0.0


class OfMath(Saw):
    name: ClassVar[str] = "test_of_math"

    def value_at(self, step, xp):
        return self.peak_value * math.cos(step % self.period_steps)


class WithoutAnEnd(Saw):
    name: ClassVar[str] = "test_without_an_end"

    def value_at(self, step, xp):
        return self.peak_value * xp.sqrt(1 - step / self.period_steps)

    def restarts_at(self):
        return ()


class OfInfinity(Saw):
    name: ClassVar[str] = "test_of_infinity"

    def value_at(self, step, xp):
        return super().value_at(step, xp) * xp.where(step == 0, xp.inf, 1.0)


class EndsEarly(Saw):
    name: ClassVar[str] = "test_ends_early"

    def value_at(self, step, xp):
        return self.peak_value * xp.minimum(step, self.period_steps) / self.period_steps

    def restarts_at(self):
        return ()

    def ends_at(self):
        return self.period_steps - 1


class BeforeTheStart(Saw):
    name: ClassVar[str] = "test_before_the_start"

    def at(self, step):
        value = super().at(step)
        return value if np.ndim(step) or step > -7 else value + 0.1


class ReportsNothing(Saw):
    name: ClassVar[str] = "test_reports_nothing"

    def restarts_at(self):
        return []


class ReportsOneStepLate(Saw):
    name: ClassVar[str] = "test_reports_one_step_late"

    def restarts_at(self):
        return range(self.period_steps + 1, 2**31, self.period_steps)


class ReportsTheStart(Saw):
    name: ClassVar[str] = "test_reports_the_start"

    def restarts_at(self):
        return range(0, 2**31, self.period_steps)


class OfRealSteps(Saw):
    name: ClassVar[str] = "test_of_real_steps"

    def value_at(self, step, xp):
        passed = xp.real(step) / xp.real(self.period_steps)
        return self.peak_value * (passed - xp.floor(passed))


class OnOneSide(Saw):
    name: ClassVar[str] = "test_on_one_side"

    def value_at(self, step, xp):
        return super().value_at(step, xp) * (1.001 if isinstance(step, int) else 1.0)


class WithALoop(la.Schedule):
    name: ClassVar[str] = "test_with_a_loop"

    rates: tuple[float, ...] = numbers(least_length=1)
    milestones: tuple[int, ...] = steps()

    def value_at(self, step, xp):
        value = self.rates[0]
        for row in range(len(self.milestones)):
            is_later = step >= self.milestones[row]
            value = xp.where(is_later, xp.take(self.rates, row + 1), value)
        return value

    def ends_at(self):
        return self.milestones[-1]


class WithoutAName(Saw):
    pass


NUMBERS = counted()


class WithMore(Saw):
    """Holds what is in no field."""

    name: ClassVar[str] = "test_with_more"

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "number", next(NUMBERS))

    def __eq__(self, other):
        return vars(self).get("number") == vars(other).get("number")

    __hash__ = Saw.__hash__


class OfACount(la.Schedule):
    name: ClassVar[str] = "test_of_a_count"

    peak_value: float = number()
    period: int = count()

    def value_at(self, step, xp):
        return self.peak_value * (step % self.period) / self.period

    def restarts_at(self):
        return range(self.period, 2**31, self.period)


class WithAFixedRestart(Saw):
    name: ClassVar[str] = "test_with_a_fixed_restart"

    def value_at(self, step, xp):
        return self.peak_value

    def restarts_at(self):
        return [4]


class WithoutASlope(Saw):
    name: ClassVar[str] = "test_without_a_slope"

    def value_at(self, step, xp):
        return xp.sqrt(super().value_at(step, xp))


OURS = {name: cls for name, cls in SCHEDULES.items() if cls.__module__ == __name__}
for own in OURS:
    del SCHEDULES[own]


@pytest.fixture(autouse=True)
def names(monkeypatch):
    """The mutants have their names in JSON during these tests alone."""
    for name, cls in OURS.items():
        monkeypatch.setitem(SCHEDULES, name, cls)


def saw(cls, **changes):
    return cls(**{"peak_value": 0.4, "period_steps": 4} | changes)


MUTANTS = [
    (
        "elementwise",
        saw(OfAllSteps),
        r"at step -?\d+, the value by a vector of steps is .* no mean",
    ),
    ("float32", saw(OfHalfPrecision), r"bfloat16 of shape \(\) .* float32 of shape \(\)\. Leave"),
    ("one trace", saw(WithABranch), r"an `if`, .*BoolConversionError.* Use `xp.where` for a"),
    ("one trace", saw(OfMath), r"`math`: it is an array, .* the functions of `xp`"),
    ("finite", saw(WithoutAnEnd), r"at step 5, `at` .* ValueError.* on the device is nan\. Both"),
    ("finite", saw(OfInfinity), r"at step \S+ `at` .* is nan and .* on the device is nan\. Both"),
    (
        "ends",
        saw(EndsEarly),
        r"at step 4, .* 0\.4 .* held from step 3 is 0\.3.* Return a later step",
    ),
    ("ends", saw(BeforeTheStart), r"`at` there is 0\.1 and the value held from step 0 is 0\.0"),
    (
        "restarts",
        saw(ReportsNothing),
        r"at step 256, .* is 0 and the first .* is 0\. Name the step",
    ),
    (
        "restarts",
        saw(ReportsOneStepLate),
        r"at step 256, .* 0\.39\d+; it is 0 .* says is 257\. Ret",
    ),
    ("restarts", saw(ReportsTheStart), r"the restart after it is 0 and the least it may be is 1"),
    (
        "host and device",
        saw(OfRealSteps),
        r"at step 16777217, .* is 0 and `at` .* is 0\.1\. Compute",
    ),
    ("host and device", saw(OnOneSide), r"at step 1, .* is 0\.100000001 and `at` .* is 0\.1001\."),
    (
        "program size",
        WithALoop(rates=[0.1, 0.2], milestones=[3]),
        r"operations is \d+ and that with a larger `milestones` is \d+\. Write no loop",
    ),
    ("data", saw(WithoutAName), r"what JSON makes of it is TypeError: .* with a name of its own"),
    ("data", saw(WithMore), r"the class and the fields of the schedule is .* after `copy.copy`"),
    (
        "stretch",
        OfACount(peak_value=0.4, period=4),
        r"at step 1, .* 0\.1 .* 2 is 0\.2\. Decla",
    ),
    (
        "stretch",
        saw(WithAFixedRestart),
        r"at step 4, the restart is 4 and .* halved, is 2\.0\. Com",
    ),
    (
        "gradients",
        saw(WithoutASlope),
        r"at step 0, the value is 0 and its slope .* is (nan|inf)\. A",
    ),
]


def test_the_saw_keeps_the_laws():
    la.testing.check_schedule(saw(Saw))
    la.testing.check_schedule(saw(Saw, period_steps=1000))


def test_each_law_has_a_mutant():
    assert {law for law, _, _ in MUTANTS} == set(LAWS)


@pytest.mark.parametrize(
    ("law", "mutant", "message"), MUTANTS, ids=[type(mutant).__name__ for _, mutant, _ in MUTANTS]
)
def test_a_schedule_that_breaks_a_law_is_caught_and_told_what_to_do(law, mutant, message):
    with pytest.raises(la.testing.LawBroken) as caught:
        la.testing.check_schedule(mutant)
    said = str(caught.value)
    assert caught.value.law == law, said
    assert said.startswith(f"Law `{law}`: at ") and re.search(message, said), said


def test_a_law_can_be_left_out_and_must_be_one():
    la.testing.check_schedule(saw(WithoutAName), skip=["data"])
    with pytest.raises(ValueError, match="`skip` must hold names of laws, got 'end'. Take one of"):
        la.testing.check_schedule(saw(Saw), skip=["end"])


def test_takes_a_single_schedule_alone():
    with pytest.raises(TypeError, match="`schedule` must be a schedule, got 0.1. Make one"):
        la.testing.check_schedule(0.1)
    with pytest.raises(ValueError, match="`schedule` must be a single one"):
        la.testing.check_schedule(la.stack([saw(Saw), saw(Saw)]))
