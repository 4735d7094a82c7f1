"""A schedule that holds a function prints it without its address in memory."""

import functools

import jax
import pytest

import log_anneal as la

CYCLE = {"peak_value": 0.1, "end_value": 0.0, "decay_steps": 10}


def bend(progress, xp, power=1.0, inner=None):
    return (1 - progress) ** power


def scaled(rate, step):
    return rate / (1 + step)


class Bend:
    def __call__(self, progress, xp):
        return 1 - progress

    def method(self, progress, xp):
        return 1 - progress


class Named(Bend):
    def __repr__(self):
        return "Named(3)"


SHAPES = {
    "bend": bend,
    "partial(bend, power=2)": functools.partial(bend, power=2),
    "partial(bend, inner=partial(scaled, 0.5))": functools.partial(
        bend, inner=functools.partial(scaled, 0.5)
    ),
    "Bend(...)": Bend(),
    "Bend.method": Bend().method,
    "Named(3)": Named(),
}


@pytest.mark.parametrize("text", SHAPES)
def test_a_shape_is_printed_as_it_is_written(text):
    schedule = la.cyclical_schedule(**CYCLE, shape=SHAPES[text])
    assert f"shape={text})" in repr(schedule)
    assert " at 0x" not in repr(schedule)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (functools.partial(scaled, 2), "partial(scaled, 2)"),
        (functools.partial(scaled, rate=0.1), "partial(scaled, rate=0.1)"),
        (jax.jit(scaled), "scaled"),
        (la.as_function(la.constant_schedule(0.1)), "as_function(constant_schedule(value=0.1))"),
    ],
)
def test_a_function_of_the_step_is_printed_as_it_is_written(function, text):
    assert repr(la.function_schedule(function=function)) == f"function_schedule(function={text})"
