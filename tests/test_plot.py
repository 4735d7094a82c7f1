"""Pictures."""

import sys

import numpy as np
import optax
import pytest
from matplotlib.figure import Figure

import log_anneal as la
from log_anneal.plot import plot

SCHEDULE = la.cyclical_cosine_schedule(
    peak_value=0.1, end_value=0.01, decay_steps=10, restart_steps=10
)


def test_draws_every_value():
    (line,) = plot(SCHEDULE, 45).axes[0].get_lines()[:1]
    np.testing.assert_array_equal(line.get_xdata(), np.arange(45))
    np.testing.assert_array_equal(line.get_ydata(), SCHEDULE.at(np.arange(45)))


def test_marks_every_restart():
    marks = [line.get_xdata()[0] for line in plot(SCHEDULE, 45).axes[0].get_lines()[1:]]
    assert marks == [10, 20, 30, 40]


def test_marks_none_of_more_than_a_hundred_restarts():
    assert len(plot(SCHEDULE, 1010).axes[0].get_lines()) == 101
    assert len(plot(SCHEDULE, 1011).axes[0].get_lines()) == 1


def test_draws_both_sides_of_a_restart_in_a_long_run():
    steps = plot(SCHEDULE.stretch(99_991), 10**7).axes[0].get_lines()[0].get_xdata()
    assert {999_909, 999_910}.issubset(steps.tolist())


def test_draws_many_with_labels_and_any_optax_schedule():
    figure = plot([SCHEDULE, optax.constant_schedule(0.05)], 30, labels=["ours", "theirs"])
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["ours", "theirs"]


def test_draws_into_given_axes_and_touches_no_global_state(tmp_path):
    axes = Figure().add_subplot()
    assert plot(SCHEDULE, 10, ax=axes, log_scale=True) is axes.figure
    assert axes.get_yscale() == "log"
    axes.figure.savefig(tmp_path / "schedule.png")
    assert (tmp_path / "schedule.png").stat().st_size > 1000
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="`num_steps` must be at least 1, got 0. Take the length"):
        plot(SCHEDULE, 0)
    with pytest.raises(ValueError, match="`labels` must be one for each of 1, got 2. Leave it out"):
        plot(SCHEDULE, 10, labels=["a", "b"])
    with pytest.raises(ValueError, match="`schedules` must hold at least one"):
        plot([], 10)
