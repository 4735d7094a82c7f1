"""Schedules of one's own: the page, exact steps, and the functions of both backends."""

import operator
import re
import sys
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import ROOT

import log_anneal as la
from log_anneal._core.backend import Device, Host, Steps
from log_anneal._core.record import SCHEDULES
from log_anneal._laws.check import LAWS
from log_anneal.fields import duration, number

CYCLE = {"peak_value": 0.1, "end_value": 0.001, "decay_steps": 10, "restart_steps": 10}


@pytest.fixture
def page():
    """A module for the page's classes, so that a pickle finds them."""
    module = ModuleType("the_page_on_extending")
    before = set(SCHEDULES)
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]
    for name in set(SCHEDULES) - before:
        del SCHEDULES[name]


def test_the_blocks_of_the_page_run_in_order_and_its_schedules_keep_the_laws(page):
    text = (ROOT / "docs" / "extending.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for block in blocks:
        exec(block, vars(page))
    checked = re.findall(r"^la\.testing\.check_schedule\((\w+)\)", text, re.MULTILINE)
    assert checked == ["schedule", "bouncing", "saw", "stairs"]
    page.test_obeys_the_laws(page.saw)


def test_the_page_names_every_law_and_only_functions_that_both_backends_have():
    text = (ROOT / "docs" / "extending.md").read_text()
    table = text.split("| law | what must be so |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z0-9 ]+)` \|", table, re.MULTILINE)) == set(LAWS)
    listed = text.split("**`xp` has the functions**")[1].split("`xp.real(step)`")[0]
    names = re.findall(r"`(\w+)`", listed)
    assert len(names) > 40
    for name in names:
        assert hasattr(Host, name) and hasattr(Device, name), name


OF_ONE = [
    *("abs", "sign", "sqrt", "square", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10"),
    *("log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"),
    *("arcsinh", "arctanh", "floor", "ceil", "trunc"),
]


@pytest.mark.parametrize("name", OF_ONE)
def test_a_function_is_the_same_on_the_host_and_on_the_device(name):
    for value in (0.25, 0.75):
        host, device = getattr(Host, name)(value), getattr(Device, name)(jnp.float32(value))
        np.testing.assert_allclose(device, host, rtol=1e-6)
        assert isinstance(host, (int, float)) and not isinstance(host, np.generic)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(("maximum", (0.2, 0.7)), ("minimum", (0.2, 0.7)), ("clip", (0.9, 0.1, 0.5))),
        *(("power", (0.3, 2.5)), ("arctan2", (0.3, -0.5)), ("hypot", (0.3, 0.4))),
        *(("where", (False, 0.3, 0.4)), ("logical_not", (True,)), ("logical_and", (True, False))),
        *(("logical_or", (True, False)), ("arccosh", (1.5,))),
    ],
)
def test_a_function_of_several_is_the_same_on_the_host_and_on_the_device(name, arguments):
    device = getattr(Device, name)(*map(jnp.asarray, arguments))
    np.testing.assert_allclose(device, getattr(Host, name)(*arguments), rtol=1e-6)


def test_a_table_is_searched_and_read_alike_and_ends_at_its_ends():
    table = [3, 5, 5, 9]
    for step in range(-2, 14):
        for side in ("left", "right"):
            expected = np.searchsorted(table, step, side)
            assert Host.searchsorted(table, step, side=side) == expected
            assert Device.searchsorted(jnp.array(table), Steps(jnp.int32(step)), side) == expected
        host, device = Host.take(table, step), Device.take(jnp.array(table), Steps(jnp.int32(step)))
        assert host == device == table[min(max(step, 0), 3)]


EXACT = [-(2**31), -(2**31) + 1, -7, -1, 0, 1, 3, 4, 2**24 - 1, 2**24 + 1, 2**30, 2**31 - 1]


def held(value):
    return max(min(value, 2**31 - 1), -(2**31))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "mod", "floordiv"])
def test_whole_numbers_are_exact_on_the_device(name):
    of = getattr(operator, name)
    pairs = [(a, b) for a in EXACT for b in EXACT if b > 0 or name not in ("mod", "floordiv")]
    first, second = np.array(pairs, np.int32).T
    on_device = jax.jit(lambda a, b: of(Steps(a), Steps(b)).whole)(first, second)
    assert on_device.tolist() == [held(of(a, b)) for a, b in pairs]
    for other in (4, 2**24 + 1):
        of_int = jax.jit(lambda a, other=other: of(Steps(a), other).whole)(
            np.array(EXACT, np.int32)
        )
        assert of_int.tolist() == [held(of(a, other)) for a in EXACT]
        reflected = of(other, Steps(jnp.int32(3))).whole
        assert reflected == held(of(other, 3))


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_comparisons_of_whole_numbers_are_exact_on_the_device(name):
    of = getattr(operator, name)
    step = Steps(np.array(EXACT, np.int32))
    for other in (*EXACT, 2**31, -(2**40), float(2**24 + 1)):
        assert of(step, other).tolist() == [of(each, other) for each in EXACT], other


def test_the_float32_of_a_sum_is_right_where_int32_holds_it_at_its_end():
    step = Steps(np.int32(2**31 - 1))
    np.testing.assert_allclose((3 * step) / 5, 3 * (2**31 - 1) / 5, rtol=1e-6)
    np.testing.assert_allclose((step + step) / 5, 2 * (2**31 - 1) / 5, rtol=1e-6)


class CeilingSchedule(la.Schedule):
    value: float = number()
    period_steps: int = duration()

    def value_at(self, step, xp):
        rounds = step // self.period_steps
        return xp.where(rounds >= 2, self.value, self.value * rounds / 4)

    def restarts_at(self):
        start = 0
        while True:
            start += self.period_steps
            yield start


def test_restarts_may_be_a_generator_without_end():
    schedule = CeilingSchedule(value=1.0, period_steps=2**29)
    assert schedule.first_restarts(9) == [2**29, 2**30, 3 * 2**29]
    assert la.where_in(schedule, 2**30 + 5) == (2, 5, 2**29)
    assert schedule.restarts(2**30 + 1) == [2**29, 2**30]


def test_a_duration_whose_leaf_has_changed_is_the_same_on_both_sides():
    schedule = CeilingSchedule(value=1.0, period_steps=4)
    moved = jax.tree.map(lambda leaf: leaf * 1.1 if leaf.dtype == np.float64 else leaf, schedule)
    steps = np.arange(12)
    np.testing.assert_allclose(moved(steps), moved.at(steps), rtol=1e-6)
    assert moved.first_restarts(2) == [4, 8]


def test_what_a_step_cannot_do_on_the_device_names_the_way_out():
    step = Steps(jnp.int32(3))
    with pytest.raises(TypeError, match=r"`float\(\)` and the functions of `math`: .* `xp.cos"):
        float(step)
    with pytest.raises(TypeError, match=r"`if`, `and`, .* Use `xp.where"):
        bool(step)
    with pytest.raises(TypeError, match=r"an index, .* Use `xp.take"):
        [1, 2, 3, 4][step]


def test_the_base_of_all_schedules_is_none_and_says_where_to_look():
    with pytest.raises(
        TypeError, match=r"`Schedule` is what .* `value_at\(step, xp\)`, as in docs/ext"
    ):
        la.Schedule()


def test_a_field_that_would_hide_a_property_is_refused():
    with pytest.raises(TypeError, match=r"`duration` must not be a field of .*Call it `duration_s"):

        class Hidden(la.Schedule):
            duration: int = duration()


def test_a_method_that_is_missing_is_named():
    class Nothing(la.Schedule):
        pass

    class NoShape(la.CyclicalBase):
        pass

    with pytest.raises(TypeError, match=r"Nothing must define `value_at\(step, xp\)`"):
        Nothing()(0)
    with pytest.raises(TypeError, match=r"NoShape must define `weight_at\(progress, xp\)`"):
        NoShape(**CYCLE).at(3)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (lambda p, xp: p, r"got 0 and 1\. It rises: return 1 minus it\."),
        (lambda p, xp: xp.exp(-p), r"got 1 and 0\.367879\. Subtract its last value"),
        (lambda p, xp: 2 - 2 * p, r"got 2 and 0\. Subtract"),
    ],
)
def test_a_shape_that_does_not_fall_from_1_to_0_is_refused(shape, message):
    with pytest.raises(ValueError, match=r"`shape` must be 1 at a progress of 0 .* " + message):
        la.cyclical_schedule(shape=shape, **CYCLE)


def test_a_shape_may_use_any_function_of_numpy_and_have_no_value_at_its_end():
    def shape(progress, xp):
        return xp.interp(progress, xp.array([0.0, 0.5, 1.0]), xp.array([1.0, 0.2, 0.0]))

    schedule = la.cyclical_schedule(shape=shape, **CYCLE)
    np.testing.assert_allclose(schedule(np.arange(30)), schedule.at(np.arange(30)), rtol=1e-5)
    assert type(schedule.at(3)) is float
    endless = la.cyclical_schedule(shape=lambda p, xp: 1 / (1 - xp.log(1 - p)), **CYCLE)
    assert endless.at(10) == 0.1 and endless.at(9) > 0.03
