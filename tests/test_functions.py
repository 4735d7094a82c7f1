"""Any function of the step becomes a table, and one that JAX cannot trace is told so elsewhere."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import log_anneal as la

WRITTEN_TWICE = {
    "if": (lambda e: 0.1 if e < 5 else 0.01, lambda e: jnp.where(e < 5, 0.1, 0.01)),
    "math": (lambda e: 1 + math.cos(e), lambda e: 1 + jnp.cos(e)),
    "numpy": (lambda e: np.exp(-e / 5), lambda e: jnp.exp(-e / 5)),
    "dict": (lambda e: {0: 1.0}.get(e, 0.5), lambda e: jnp.where(e == 0, 1.0, 0.5)),
    "list": (lambda e: [3.0, 2.0, 1.0, 0.0][min(e, 3)], lambda e: jnp.maximum(3.0 - e, 0)),
    "range": (lambda e: sum(0.5 for _ in range(e)), lambda e: 0.5 * e),
    "float": (lambda e: float(e) ** 0.5, lambda e: jnp.sqrt(e)),
}


@pytest.mark.parametrize("kind", WRITTEN_TWICE)
def test_a_function_of_python_makes_the_table_of_the_same_one_of_jax(kind):
    of_python, of_jax = (
        la.tabulated_schedule(function, num_steps=10) for function in WRITTEN_TWICE[kind]
    )
    np.testing.assert_allclose(of_python.values, of_jax.values, rtol=1e-6)
    assert la.from_json(la.to_json(of_python)) == of_python


def test_math_cos_itself_is_a_function_of_the_step():
    table = la.tabulated_schedule(math.cos, num_steps=2)
    assert table.values == (1.0, math.cos(1))


def test_every_other_step_is_asked_where_the_interval_says_so():
    asked = []

    def rate(step):
        asked.append(step)
        return 1.0 if step < 4 else 0.5

    table = la.tabulated_schedule(rate, num_steps=7, interval_steps=2)
    assert table.values == (1.0, 1.0, 0.5, 0.5) and asked[-4:] == [0, 2, 4, 6]


@pytest.mark.parametrize("given", [None, "0.1", [0.1, 0.2], 1j])
def test_a_function_that_gives_no_number_is_told_the_step(given):
    with pytest.raises(ValueError, match=r"`values` must give one number .* at step 0\. Return"):
        la.tabulated_schedule(lambda step: given, num_steps=3)
    with pytest.raises(ValueError, match="`function` must give one number for one step, got"):
        la.function_schedule(function=lambda step: given)(0)


def test_the_own_error_of_a_function_is_shown():
    with pytest.raises(ZeroDivisionError):
        la.tabulated_schedule(lambda step: 1 / int(step), num_steps=3)


@pytest.mark.parametrize("kind", sorted(WRITTEN_TWICE.keys() - {"numpy"}))
def test_a_function_that_jax_cannot_trace_is_told_the_table(kind):
    schedule = la.chain([(WRITTEN_TWICE[kind][0], 5), 0.1])
    said = r"`function` must be one that JAX can trace, got .* `tabulated_schedule\(function"
    with pytest.raises(TypeError, match=said):
        jax.eval_shape(schedule, jnp.int32(0))
