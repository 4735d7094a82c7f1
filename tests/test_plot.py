"""Pictures."""

import sys

import numpy as np
import optax
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure

import log_anneal as la
from log_anneal.plot import plot

SCHEDULE = la.cyclical_cosine_schedule(
    peak_value=0.1, end_value=0.01, decay_steps=10, restart_steps=10
)


def curve(figure):
    line = figure.axes[0].get_lines()[0]
    return line.get_xdata(), line.get_ydata()


def marks(figure, num_curves=1):
    return figure.axes[0].get_lines()[num_curves:]


def test_draws_every_value():
    steps, values = curve(plot(SCHEDULE, 45))
    np.testing.assert_array_equal(steps, np.arange(45))
    np.testing.assert_array_equal(values, SCHEDULE.at(np.arange(45)))


def test_marks_every_restart():
    assert [mark.get_xdata()[0] for mark in marks(plot(SCHEDULE, 45))] == [10, 20, 30, 40]


def test_marks_none_of_more_than_a_hundred_restarts():
    assert len(marks(plot(SCHEDULE, 1010))) == 100
    assert len(marks(plot(SCHEDULE, 1011))) == 0


def test_a_restart_of_one_among_several_has_its_colour_and_a_common_one_is_grey():
    later = la.cyclical_cosine_schedule(
        peak_value=0.1, end_value=0.01, decay_steps=20, restart_steps=15
    )
    figure = plot([SCHEDULE, later], 40)
    first, second = figure.axes[0].get_lines()[:2]
    colours = {int(mark.get_xdata()[0]): mark.get_color() for mark in marks(figure, 2)}
    assert list(colours) == [10, 20, 30, 35]
    assert same_color(colours[10], first.get_color())
    assert same_color(colours[35], second.get_color())
    assert colours[20] == "0.5"


def test_draws_both_sides_of_a_restart_in_a_long_run():
    steps, _ = curve(plot(SCHEDULE.stretch(99_991), 10**7))
    assert {999_909, 999_910}.issubset(steps.tolist())
    assert (steps[0], steps[-1]) == (0, 10**7 - 1)


def test_cycles_too_short_to_see_are_drawn_over_their_whole_range():
    """At even distances of 100 steps every point would be the same one of a cycle of 10."""
    steps, values = curve(plot(SCHEDULE, 400_000))
    assert len(steps) < 5000
    assert set(np.unique(values)) == set(SCHEDULE.at(np.arange(10)))


@pytest.mark.parametrize(
    ("schedule", "num_steps"),
    [
        (la.constant_schedule(0.1), 100),
        (la.step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1), 120),
        (la.cyclical_cosine_schedule(peak_value=0.1, end_value=0.0, decay_steps=200), 212),
        (la.multi_step_schedule(init_value=0.1, milestones=[200], decay_rate=0.5), 212),
        (la.one_cycle_schedule(peak_value=0.1, warmup_steps=60.5, decay_steps=139.5), 212),
        (
            la.one_cycle_schedule(peak_value=0.1, warmup_steps=60.5, decay_steps=139.5)
            * la.exponential_schedule(init_value=1.0, decay_steps=100, decay_rate=0.5),
            4 * (61 + 140 + 100),
        ),
        (0.5 * la.step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1), 120),
        (SCHEDULE, 50),
        (
            la.cyclical_cosine_schedule(
                peak_value=0.1,
                end_value=0.0,
                decay_steps=10,
                restart_steps=10,
                restart_multiplier=10.0,
            ),
            120,
        ),
    ],
    ids=[
        "constant",
        "endless",
        "one decay",
        "milestones",
        "real",
        "product",
        "half",
        "cycles",
        "growing",
    ],
)
def test_without_a_number_of_steps_it_shows_all_or_the_first_cycles(schedule, num_steps):
    assert curve(plot(schedule))[0][-1] == num_steps - 1


def test_draws_many_with_labels_and_any_optax_schedule():
    figure = plot([SCHEDULE, optax.constant_schedule(0.05)], 30, labels=["ours", "theirs"])
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["ours", "theirs"]


def test_schedules_of_one_kind_are_told_apart_by_what_differs():
    cycle = {"peak_value": 0.1, "end_value": 0.001, "decay_steps": 10}
    logs = [la.cyclical_log_schedule(**cycle, base=base) for base in (20.0, None)]
    figure = plot([*logs, la.constant_schedule(0.1)], 10)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["cyclical_log, base 20", "cyclical_log", "constant"]


def test_the_axis_starts_at_zero_unless_the_values_would_lie_flat():
    flat = la.cyclical_cosine_schedule(peak_value=0.95, end_value=0.85, decay_steps=10)
    assert plot(SCHEDULE, 10).axes[0].get_ylim()[0] == 0
    assert plot(la.constant_schedule(0.1), 10).axes[0].get_ylim()[0] == 0
    assert 0.8 < plot(flat, 10).axes[0].get_ylim()[0] < 0.85


def test_a_logarithmic_axis_starts_at_the_lowest_value_above_zero():
    rise = la.cyclical_cosine_schedule(
        peak_value=0.1, end_value=0.01, decay_steps=9, warmup_steps=9
    )
    low, high = plot(rise, 18, log_scale=True).axes[0].get_ylim()
    assert 1e-4 < low < rise.at(1) < 0.1 < high < 1


def test_steps_are_whole_on_the_axis():
    figure = plot(SCHEDULE, 3)
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


def test_draws_into_given_axes_and_touches_no_global_state(tmp_path):
    axes = Figure().add_subplot()
    assert plot(SCHEDULE, 10, ax=axes, log_scale=True) is axes.figure
    assert axes.get_yscale() == "log"
    axes.figure.savefig(tmp_path / "schedule.png")
    assert (tmp_path / "schedule.png").stat().st_size > 1000
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="`num_steps` must be from 1 to 2\\^31 - 1, got 0. Take"):
        plot(SCHEDULE, 0)
    with pytest.raises(ValueError, match="`num_steps` must be given for a function, got None"):
        plot(optax.constant_schedule(0.1))
    with pytest.raises(ValueError, match="`labels` must be one for each of 1, got 2. Leave it out"):
        plot(SCHEDULE, 10, labels=["a", "b"])
    with pytest.raises(ValueError, match="`schedules` must hold at least one"):
        plot([], 10)
