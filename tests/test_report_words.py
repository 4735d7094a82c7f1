"""How a report writes numbers, schedules and the names of fields."""

from typing import Any

import pytest

import log_anneal as la
from train.report.numbers import naming, words

CURVE = la.rex_schedule(init_value=1.0, decay_steps=5)
REX = "rex(init_value=1, decay_steps=5, end_value=0)"
RISE = "polynomial(init_value=0.01, end_value=1, decay_steps=1, power=1)"
WARMUP = la.polynomial_schedule(init_value=0.01, end_value=1.0, decay_steps=1)


@pytest.mark.parametrize("value", [75.415, 66.945, 0.125, 2.675, 66.44499999999999])
def test_a_number_and_its_nine_digits_are_rounded_alike(value: float) -> None:
    for near in (value - 1e-12, value, value + 1e-12):
        assert words.number(near, 2) == words.number(float(f"{near:.9g}"), 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [(75.415, "75.42"), (66.945, "66.95"), (-66.945, "\u221266.95"), (1e30, f"{10**30:,}.00")],
)
def test_a_number_in_the_middle_is_rounded_away_from_0(value: float, text: str) -> None:
    assert words.number(value, 2) == text


def test_a_probability_is_rounded_as_any_number() -> None:
    assert words.probability(0.0125) == "0.013" and words.probability(0.0004) == "< 0.001"


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (CURVE * la.constant_schedule(0.1), f"0.1 \u00d7 {REX}"),
        (0.1 * CURVE, f"0.1 \u00d7 {REX}"),
        (CURVE * CURVE, f"{REX} \u00d7 {REX}"),
        (CURVE - la.constant_schedule(0.1), f"{REX} \u2212 0.1"),
        (CURVE + 1.5, f"{REX} + 1.5"),
        (la.chain([WARMUP, CURVE]), f"{RISE} for 1, then {REX}"),
        (0.1 * la.chain([WARMUP, CURVE]), f"0.1 \u00d7 ({RISE} for 1, then {REX})"),
        (la.maximum(CURVE, 0.1), f"combined(first={REX}, second=constant(value=0.1), "
         "operation=maximum)"),
        (la.constant_schedule(0.1), "constant(value=0.1)"),
    ],
)  # fmt: skip
def test_a_schedule_is_written_as_a_formula(schedule: la.Schedule, text: str) -> None:
    assert naming.schedule(la.to_dict(schedule)) == text


TIMES: dict[str, Any] = la.to_dict(CURVE * la.constant_schedule(0.1))


@pytest.mark.parametrize(
    ("path", "of", "name"),
    [
        ("schedule.second.value", TIMES, "base rate"),
        ("schedule.first.init_value", TIMES, "first init value"),
        ("schedule.second.value", la.to_dict(CURVE + 0.1), "second value"),
        ("schedule.peak_value", {}, "peak rate"),
        ("schedule.value", la.to_dict(la.constant_schedule(0.1)), "rate"),
        ("schedule.base", {}, "base"),
        ("schedule.third.value", TIMES, "third value"),
        ("optimizer.weight_decay", TIMES, "optimizer weight decay"),
        ("epochs", {}, "epochs"),
        ("schedule", {}, "schedule"),
    ],
)
def test_a_field_is_called_by_what_it_is(path: str, of: Any, name: str) -> None:
    assert naming.field(path, of) == name
