"""The range test, and its suggestions on curves whose answers are known."""

import itertools
import math
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from log_anneal import RangeTest, from_json, lr_range_test, sweep_schedule, to_json

STEPS = 401
RATES = np.geomspace(1e-6, 1e2, STEPS)
X = np.log10(RATES)  # 50 steps a decade


def seen(losses, accuracies=None, *, stopped=None, smoothing_steps=5.0, rates=RATES):
    return RangeTest(
        rates=rates[: len(losses)],
        losses=np.asarray(losses, float),
        accuracies=accuracies,
        stopped=stopped,
        smoothing_steps=smoothing_steps,
    )


def basin(x, left=-4.0, bottom=-1.0, right=1.0):
    """2 up to 10^left, straight down to 1 at 10^bottom, straight up to 3 at 10^right, 3."""
    return np.interp(x, [left, bottom, right], [2, 1, 3])


def hill(x, low=-4.0, high=-1.0, right=1.0):
    return np.interp(x, [low, high, right], [0.1, 0.5, 0.1])


def noise(seed, size):
    return size * np.random.default_rng(seed).standard_normal(STEPS)


@pytest.mark.parametrize("sweep", ["exponential", "linear"])
def test_the_sweep_is_its_equation_and_holds_its_ends(sweep):
    schedule = sweep_schedule(min_value=1e-5, max_value=3.0, num_steps=50, sweep=sweep)
    values = schedule(np.array([-5, *range(50), 50, 2**31 - 1]))
    expected = [1e-5 * (3.0 / 1e-5) ** (i / 49) for i in range(50)]
    if sweep == "linear":
        expected = [1e-5 + (3.0 - 1e-5) * i / 49 for i in range(50)]
    np.testing.assert_allclose(values, [1e-5, *expected, 3, 3], rtol=1e-6)
    assert from_json(to_json(schedule)) == schedule


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_value": 0.0}, "`min_value` must be at least 1e-30 .* got 0.0 and 10.0. Take"),
        ({"min_value": 1.0, "max_value": 1.0}, "below `max_value`.* got 1.0 and 1.0"),
        ({"min_value": math.nan}, "`min_value` must .* got nan"),
        ({"max_value": math.inf}, "which is at most 1e.30, got 1e-07 and inf"),
        ({"num_steps": 9}, "`num_steps` must be at least 10 .* got 9. Take 100"),
        ({"num_steps": 10.5}, "`num_steps` must be a whole number"),
        ({"sweep": "log"}, '`sweep` must be "exponential" or "linear", got \'log\'. Take'),
        ({"stop_factor": 1.0}, "`stop_factor` must be above 1, got 1.0. Take"),
        ({"stop_factor": math.nan}, "`stop_factor` must be above 1, got nan"),
        ({"smoothing_steps": 0.5}, "`smoothing_steps` must be from 1 to `num_steps` .*, got 0.5"),
        ({"smoothing_steps": 101}, r"`smoothing_steps` must be from 1 to `num_steps` \(100\)"),
    ],
)
def test_a_wrong_argument_is_named_before_any_step(arguments, message):
    with pytest.raises(ValueError, match=message):
        lr_range_test(lambda state, rate: pytest.fail("a step was made"), 0, **arguments)


@pytest.mark.parametrize(
    ("returned", "kind", "message"),
    [
        (1.0, TypeError, r"must return \(state, loss\) or .*, got float. Put"),
        ((1.0,), TypeError, "got 1 things"),
        ((0, 1.0, 0.5, 0.5), TypeError, "got 4 things"),
        ((0, np.ones(3)), ValueError, r"The loss .* must be a scalar, got .* shape \(3,\). Take"),
        ((0, 1.0, np.ones(2)), ValueError, "The accuracy .* must be a scalar"),
    ],
)
def test_a_wrong_step_is_told_what_to_return(returned, kind, message):
    with pytest.raises(kind, match=message):
        lr_range_test(lambda state, rate: returned, 0)


def test_an_accuracy_comes_at_every_step_or_at_none():
    with pytest.raises(TypeError, match="accuracy at every step or at none"):
        lr_range_test(lambda n, rate: (n + 1, 1.0, 0.5)[: 2 + (n < 3)], 0)


def test_the_step_gets_the_rates_of_the_sweep_as_float32_scalars():
    given = []

    def step(state, rate):
        given.append(rate)
        return state, 1.0

    test = lr_range_test(step, None, num_steps=20, sweep="linear", max_value=0.5)
    chex.assert_shape(given, ())
    chex.assert_type(given, jnp.float32)
    schedule = sweep_schedule(num_steps=20, sweep="linear", max_value=0.5)
    np.testing.assert_array_equal(jnp.stack(given), schedule(np.arange(20)))
    np.testing.assert_array_equal(test.rates.astype(np.float32), schedule(np.arange(20)))
    assert test.stopped is None


def test_the_state_of_the_caller_outlives_a_step_that_donates_or_overwrites_it():
    state = {"device": jnp.arange(3.0), "key": jax.random.key(0), "host": np.zeros(2), "name": "a"}

    @jax.jit
    def descend(w, key, rate):
        return w - rate, jax.random.split(key)[0], w.sum()

    donating = jax.jit(descend, donate_argnums=(0, 1))

    def step(state, rate):
        state["host"] += 1
        w, key, loss = donating(state["device"], state["key"], rate)
        return {**state, "device": w, "key": key}, loss

    lr_range_test(step, state, num_steps=20)
    np.testing.assert_array_equal(state["device"], [0, 1, 2])
    np.testing.assert_array_equal(state["host"], [0, 0])
    assert state["key"] == jax.random.key(0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_it_stops_at_a_loss_that_is_not_finite_and_records_it(value):
    test = lr_range_test(lambda n, rate: (n + 1, value if n == 30 else 2.0), 0)
    assert len(test.rates) == len(test.losses) == 31
    np.testing.assert_equal(test.losses[-1], value)
    assert test.stopped == f"the loss was {value} at a rate of {test.rates[30]:.2g}"


def test_it_stops_at_an_accuracy_that_is_not_finite():
    test = lr_range_test(lambda n, rate: (n + 1, 2.0, math.nan if n == 30 else 0.1), 0)
    assert test.stopped.startswith("the accuracy was nan")
    assert len(test.accuracies) == 31


def test_it_stops_where_the_mean_of_the_last_losses_is_so_many_times_its_lowest():
    losses = [2.0] * 20 + [1.0] * 20 + [2.0, 3.0, 4.0, 5.0, 6.0] * 20
    test = lr_range_test(lambda n, rate: (n + 1, losses[n]), 0, smoothing_steps=2, stop_factor=3.9)
    assert len(test.losses) == 44  # (4 + 5) / 2 > 3.9
    assert test.stopped.startswith("the loss rose to 4.5, over 3.9 times its lowest mean, at a")
    endless = lr_range_test(lambda n, rate: (n + 1, losses[n]), 0, stop_factor=math.inf)
    assert (len(endless.losses), endless.stopped) == (100, None)


def test_one_high_loss_does_not_stop_it():
    test = lr_range_test(lambda n, rate: (n + 1, 11.0 if n == 50 else 1.0), 0, smoothing_steps=5)
    assert test.stopped is None


@pytest.mark.parametrize("loss", [0.0, -3.0])
def test_a_loss_that_is_not_positive_stops_it_only_if_it_is_not_finite(loss):
    test = lr_range_test(lambda n, rate: (n + 1, loss + max(0, n - 20)), 0)
    assert test.stopped is None


def test_the_steepest_fall_is_found():
    losses = 2 - np.tanh(2 * (X + 2)) + 10 ** (X - 1)
    assert seen(losses).suggestions().steepest == pytest.approx(1e-2, rel=0.1)


def test_the_valley_is_two_thirds_along_the_fall():
    begun, bottom = -4 + 0.1 * 3, -1
    expected = 10 ** (begun + 2 / 3 * (bottom - begun))
    test = seen(basin(X), smoothing_steps=1)
    assert test.suggestions().valley == pytest.approx(expected, rel=0.1)


def test_the_minimum_tenth_is_a_tenth_of_the_rate_of_the_lowest_loss():
    losses = np.minimum(2, 1 + (X + 1) ** 2 / 4)
    assert seen(losses).suggestions().minimum_tenth == pytest.approx(1e-2, rel=0.05)


def test_the_bounds_enclose_the_rise_of_the_accuracy():
    low, high = seen(basin(X), hill(X), smoothing_steps=1).suggestions().bounds
    assert low == pytest.approx(10 ** (-4 + 0.1 * 3), rel=0.1)
    assert high == pytest.approx(10 ** (-1 - 0.1 * 3), rel=0.1)


def test_the_upper_bound_is_where_the_accuracy_turns_ragged():
    """Smith: the accuracy slows, becomes ragged, or starts to fall."""
    ragged = np.where(X > -2.5, noise(0, 0.2), noise(0, 0.01))
    accuracies = hill(X) + np.where(X < 0, ragged, 0)
    _, high = seen(basin(X), accuracies).suggestions().bounds
    assert 10**-2.8 < high < 10**-2.2


@pytest.mark.parametrize("seed", range(5))
def test_noise_moves_the_suggestions_by_less_than_a_factor_of_three(seed):
    clean = seen(basin(X), hill(X), smoothing_steps=12.0).suggestions()
    noisy = seen(
        basin(X) + noise(seed, 0.1), hill(X) + noise(seed + 9, 0.05), smoothing_steps=12.0
    ).suggestions()
    assert not noisy.reasons
    for name in ("valley", "minimum_tenth", "bounds"):
        ratio = np.log(np.array(getattr(noisy, name)) / np.array(getattr(clean, name)))
        assert np.abs(ratio).max() < np.log(3), name
    assert 1e-4 < noisy.steepest < 1e-1  # the fall is straight: it is steepest anywhere in it


def test_a_spike_at_the_end_changes_nothing():
    losses = basin(X)[: STEPS - 50]
    spiked = np.append(losses, 1e30)
    before, after = (seen(each, stopped="so").suggestions() for each in (losses, spiked))
    for name in ("steepest", "valley", "minimum_tenth"):
        assert getattr(before, name) == pytest.approx(getattr(after, name))


def test_a_fall_that_ends_in_nan_has_suggestions():
    losses = np.append(basin(X)[X < -1], math.nan)
    suggestions = seen(losses, stopped="so").suggestions()
    assert suggestions.minimum_tenth == pytest.approx(1e-2, rel=0.1)


@pytest.mark.parametrize(
    ("losses", "stopped", "reason"),
    [
        (2 - 0.1 * np.maximum(0, X + 4), None, "does not rise again up to the highest rate, 1e.02"),
        (2 + 0.1 * (X + 6), None, "never falls.* lower `min_value` if it only rises"),
        (2 + noise(1, 0.1), None, "never falls by more than its noise .*Take more `num_steps`"),
        (np.full(STEPS, 2.0), None, "never falls"),
        (basin(X, left=-9), None, "falls from the lowest rate on, 1e-06. Lower `min_value`"),
        (np.full(9, 2.0), "so", "there are 9 finite steps, and a curve needs 10. Lower `min_value"),
        (np.array([math.nan]), "so", "there are 0 finite steps"),
        (np.append(2 + 0.01 * np.arange(30), math.nan), "so", "never falls"),
    ],
    ids=["falls", "rises", "noise", "flat", "begins late", "short", "nan at once", "rises to nan"],
)
def test_a_loss_without_a_valley_gives_a_reason_and_no_rate(losses, stopped, reason):
    suggestions = seen(losses, stopped=stopped).suggestions()
    for name in ("steepest", "valley", "minimum_tenth"):
        assert getattr(suggestions, name) is None
        assert re.search(reason, suggestions.reasons[name])


@pytest.mark.parametrize(
    ("accuracies", "reason"),
    [
        (None, "the step gives no accuracy"),
        (0.1 + 0.05 * np.maximum(0, X + 4), "does not fall again up to the highest rate, 1e.02"),
        (0.5 - 0.05 * (X + 6), "never rises by more than its noise"),
        (0.1 + noise(1, 0.04), "never rises by more than its noise"),
        (hill(X, low=-9), "rises from the lowest rate on, 1e-06. Lower `min_value`"),
    ],
    ids=["none", "rises", "falls", "noise", "begins late"],
)
def test_an_accuracy_without_a_hill_gives_a_reason_and_no_bounds(accuracies, reason):
    suggestions = seen(basin(X), accuracies).suggestions()
    assert suggestions.bounds is None
    assert list(suggestions.reasons) == ["bounds"]
    assert re.search(reason, suggestions.reasons["bounds"])


@pytest.mark.parametrize("num_steps", [20, 100, 400])
def test_of_pure_noise_almost_nothing_is_suggested(num_steps):
    rates = np.geomspace(1e-6, 10, num_steps)
    found = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        test = seen(
            2 + 0.1 * random.standard_normal(num_steps),
            random.binomial(64, 0.1, num_steps) / 64,
            smoothing_steps=max(1, 0.03 * num_steps),
            rates=rates,
            stopped="so",
        )
        found += len(test.suggestions().reasons) < 4
    assert found <= 2


def test_the_mean_is_centred_so_that_no_rate_is_shifted():
    losses = np.full(STEPS, 2.0)
    losses[190:211] = 1.0
    smooth = seen(losses).smooth_losses
    np.testing.assert_allclose(smooth, smooth[::-1], rtol=1e-12)
    assert smooth[200] < smooth[195] < smooth[190]


def test_smooth_curves_have_a_gap_where_a_loss_is_not_finite():
    test = seen([2.0, 2.0, math.nan], np.array([0.1, 0.1, 0.9]))
    np.testing.assert_allclose(test.smooth_losses, [2, 2, math.nan])
    np.testing.assert_allclose(test.smooth_accuracies, [0.1, 0.1, math.nan])


@pytest.mark.parametrize("shift", [-1.5, 1.0])
def test_the_labels_of_the_picture_do_not_overlap(shift):
    figure = seen(basin(X + shift), hill(X + shift)).plot()
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in axes.texts]
        assert len(boxes) == (3 if axes is figure.axes[0] else 2)
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other)


def test_the_picture_has_a_dot_on_the_curve_for_each_suggestion():
    test = seen(basin(X), hill(X))
    suggestions = test.suggestions()
    loss, accuracy = test.plot().axes
    dots = sorted(line.get_xdata()[0] for line in loss.lines if line.get_marker() == "o")
    marked = (suggestions.steepest, suggestions.valley, suggestions.minimum_tenth)
    np.testing.assert_allclose(dots, sorted(marked))
    dots = [line.get_xdata()[0] for line in accuracy.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, suggestions.bounds)
    assert (loss.get_xscale(), accuracy.get_ylabel()) == ("log", "accuracy")


def test_the_picture_of_a_linear_sweep_has_a_linear_axis():
    rates = np.linspace(0.01, 2, STEPS)
    assert seen(basin(X), rates=rates).plot().axes[0].get_xscale() == "linear"


def test_a_divergence_does_not_flatten_the_picture():
    figure = seen(np.append(basin(X)[:-2], [1e9, math.nan]), stopped="so").plot()
    low, high = figure.axes[0].get_ylim()
    assert 0.5 < low < 1 < 3 <= high < 4


@pytest.mark.parametrize("losses", [[math.nan], [2.0], [2.0, math.nan], [2.0] * 20])
def test_a_test_that_saw_nothing_has_a_picture(losses):
    figure = seen(losses, np.full(len(losses), 0.1), stopped="so").plot()
    figure.draw_without_rendering()
    assert figure.axes[0].texts[-1].get_text() == "stopped "
