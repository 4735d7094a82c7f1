"""Each shape against its equation, written out in float64."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from log_anneal._core.backend import Device, Host
from log_anneal._curve import shape

LENGTH = 2**20
ELAPSED = np.unique(np.geomspace(1, LENGTH, 200).astype(int))
ELAPSED = np.unique([0, *ELAPSED, *(LENGTH - ELAPSED)])


def weights_on_the_device(shape, *arguments):
    p, q = (
        jnp.asarray(ELAPSED / LENGTH, jnp.float32),
        jnp.asarray(1 - ELAPSED / LENGTH, jnp.float32),
    )
    return shape(p, q, *arguments, Device)


@pytest.mark.parametrize("base", [1.000001, 1.5, 20.0, 1000.0, 1e9, 1e18])
def test_log_decay_is_its_equation(base):
    for elapsed in ELAPSED.tolist():
        p = elapsed / LENGTH
        of_start, of_end = shape.log_decay(p, 1 - p, base, Host)
        expected = math.log1p((base - 1) * p) / math.log1p(base - 1)
        assert math.isclose(of_end, expected, rel_tol=1e-12)
        assert math.isclose(of_start, 1 - expected, rel_tol=1e-9, abs_tol=1e-13)


@pytest.mark.parametrize("base", [1.5, 20.0, 1000.0, 1e9, 1e18])
def test_log_decay_keeps_its_digits_in_float32_to_both_ends(base):
    c = base - 1
    for ours, exact in zip(
        weights_on_the_device(shape.log_decay, jnp.float32(base)),
        zip(
            *(
                shape.log_decay(elapsed / LENGTH, 1 - elapsed / LENGTH, c + 1, Host)
                for elapsed in ELAPSED.tolist()
            ),
            strict=True,
        ),
        strict=True,
    ):
        np.testing.assert_allclose(ours, exact, rtol=1e-6)


EQUATIONS = {
    "linear": (shape.linear_decay, (), lambda p: 1 - p),
    "polynomial 2": (shape.polynomial_decay, (2.0,), lambda p: (1 - p) ** 2),
    "polynomial 0.3": (shape.polynomial_decay, (0.3,), lambda p: (1 - p) ** 0.3),
    "polynomial 50": (shape.polynomial_decay, (50.0,), lambda p: (1 - p) ** 50),
    "exponential 1.001": (
        shape.exponential_decay,
        (1.001,),
        lambda p: (1.001 ** (1 - p) - 1) / 0.001,
    ),
    "exponential 100": (shape.exponential_decay, (100.0,), lambda p: (100 ** (1 - p) - 1) / 99),
    "exponential 1e18": (
        shape.exponential_decay,
        (1e18,),
        lambda p: (1e18 ** (1 - p) - 1) / (1e18 - 1),
    ),
    "1-sqrt": (shape.one_minus_sqrt, (), lambda p: 1 - p**0.5),
    "rex": (shape.rex, (), lambda p: (1 - p) / (1 - p / 2)),
}


@pytest.mark.parametrize(("shape", "arguments", "equation"), EQUATIONS.values(), ids=EQUATIONS)
def test_a_shape_is_its_equation_on_the_host(shape, arguments, equation):
    for elapsed in ELAPSED.tolist():
        p = elapsed / LENGTH
        of_start, of_end = shape(p, 1 - p, *arguments, Host)
        assert math.isclose(of_start, equation(p), rel_tol=1e-9, abs_tol=1e-12)
        assert math.isclose(of_start + of_end, 1, rel_tol=1e-12)


@pytest.mark.parametrize(("shape", "arguments", "equation"), EQUATIONS.values(), ids=EQUATIONS)
def test_a_shape_keeps_its_digits_in_float32_to_both_ends(shape, arguments, equation):
    exact = [
        shape(elapsed / LENGTH, 1 - elapsed / LENGTH, *arguments, Host)
        for elapsed in ELAPSED.tolist()
    ]
    on_device = weights_on_the_device(shape, *arguments)
    for ours, expected in zip(on_device, np.transpose(exact), strict=True):
        normal = (expected > np.finfo(np.float32).tiny) | (expected == 0)
        np.testing.assert_allclose(ours[normal], expected[normal], rtol=1e-5)


def test_author_release_is_the_authors_formula():
    for length in (2.0, 3.5, 10.0, 1e6):
        for t in sorted({0, 1, 2, int(length - 1)}):
            of_start, of_end = shape.author_release(t, length, Host)
            expected = (1 - math.log(max(1, t)) / math.log(length)) / 2
            assert math.isclose(of_start, expected, rel_tol=1e-9, abs_tol=1e-12)
            assert of_start + of_end == 1


@pytest.mark.parametrize("length", [1.0, 1.5, 1.99])
def test_author_release_starts_half_way_in_a_cycle_of_less_than_two_steps(length):
    assert [shape.author_release(t, length, Host)[0] for t in (0, 1)] == [0.5, 0.5]


def test_cosine_decay_is_half_a_wave():
    p = ELAPSED / LENGTH
    of_start, of_end = weights_on_the_device(shape.cosine_decay)
    np.testing.assert_allclose(of_start, np.sin(np.pi / 2 * (1 - p)) ** 2, rtol=1e-6)
    np.testing.assert_allclose(of_end, np.sin(np.pi / 2 * p) ** 2, rtol=1e-6)
    np.testing.assert_allclose(of_start, (1 + np.cos(np.pi * p)) / 2, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("part", "expected"),
    [(0.0001, 0.1247), (0.01, 0.0917), (0.1, 0.0752), (0.5, 0.0637), (1, 0.0587)],
)
def test_equation_4_has_the_values_computed_by_hand(part, expected):
    of_start, of_end = shape.equation_4(part, 1.0, 1000.0, Host)
    assert round(of_start * 0.1 + of_end * 0.001, 4) == expected


@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        (shape.cosine_decay, ()),
        (shape.log_decay, (50.0,)),
        *((shape, arguments) for shape, arguments, _ in EQUATIONS.values()),
    ],
)
def test_the_ends_are_exact(shape, arguments):
    for xp, one, zero in ((Host, 1.0, 0.0), (Device, jnp.float32(1), jnp.float32(0))):
        assert shape(zero, one, *arguments, xp) == (1, 0)
        assert shape(one, zero, *arguments, xp) == (0, 1)
