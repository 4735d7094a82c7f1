import math

import numpy as np
import pytest
from scipy import stats

from train.report.statistics import Difference, Estimate, estimate, holm, paired

NAN = math.nan


def test_the_interval_is_the_one_that_is_worked_out_by_hand() -> None:
    # mean 2, s = 1, t(2) = 4.302653, 4.302653 / sqrt(3) = 2.484138
    found = estimate([1.0, 2.0, 3.0])
    assert (found.n, found.mean) == (3, 2.0)
    assert found.half == pytest.approx(2.484138, rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_the_interval_is_students(n: int) -> None:
    values = np.random.default_rng(n).normal(3, 2, n)
    found = estimate(values)
    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert found.mean is not None and found.half is not None
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))


def test_one_value_has_no_interval() -> None:
    assert estimate([5.0]) == Estimate(1, 5.0, None)


def test_of_no_value_there_is_no_mean() -> None:
    assert estimate([]) == estimate([None, NAN]) == Estimate(0, None, None)


def test_a_diverged_run_does_not_count() -> None:
    assert estimate([1.0, NAN, None, 3.0, math.inf]) == estimate([1.0, 3.0])


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert estimate([0.1, 0.1, 0.1]).half == pytest.approx(0, abs=1e-15)


def test_the_paired_test_is_the_one_that_is_worked_out_by_hand() -> None:
    # Differences 1, 2, 3: t = 2 / (1 / sqrt(3)) = 3.464102, two degrees of freedom,
    # p = 1 - t / sqrt(2 + t^2) = 0.0741799
    found = paired({0: 2.0, 1: 4.0, 2: 6.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert (found.n, found.mean) == (3, 2.0)
    assert found.p == pytest.approx(0.0741799, rel=1e-6)
    assert found.half == pytest.approx(2.484138, rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_the_paired_test_is_the_t_test(n: int) -> None:
    these, those = np.random.default_rng(n).normal(0, 1, (2, n))
    found = paired(dict(enumerate(these)), dict(enumerate(those)))
    expected = stats.ttest_rel(these, those)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_runs_are_paired_by_their_seed_and_not_by_their_place() -> None:
    these = {0: 1.0, 1: 5.0, 2: 9.5}
    assert paired(these, {2: 9.0, 0: 0.9, 1: 4.8}) == paired(these, {0: 0.9, 1: 4.8, 2: 9.0})


@pytest.mark.parametrize("missing", [{}, {2: None}, {2: NAN}], ids=["absent", "none", "nan"])
def test_a_seed_without_its_pair_is_left_out(missing: dict[int, float | None]) -> None:
    these = {0: 1.0, 1: 3.0, 2: 7.0}
    expected = paired({0: 1.0, 1: 3.0}, {0: 0.5, 1: 1.0})
    assert paired(these, {0: 0.5, 1: 1.0, **missing}) == expected
    assert expected.n == 2


def test_one_pair_has_a_difference_and_no_test() -> None:
    assert paired({0: 3.0, 1: 1.0}, {0: 1.0, 5: 9.0}) == Difference(1, 2.0, None, None)


def test_without_a_pair_there_is_no_difference() -> None:
    assert paired({0: 1.0}, {1: 1.0}) == Difference(0, None, None, None)


def test_a_pair_that_is_not_finite_takes_no_part_in_the_test() -> None:
    these = {0: 1.0, 1: 2.0, 2: 3.0, 3: math.inf}
    found = paired(these, dict.fromkeys(range(4), 0.0))
    assert found == paired({seed: these[seed] for seed in range(3)}, dict.fromkeys(range(3), 0.0))
    assert found.p == pytest.approx(0.0741799, rel=1e-6)


@pytest.mark.parametrize("step", [0.0, 0.1])
def test_differences_that_do_not_vary_have_no_test(step: float) -> None:
    # 0.3 - 0.2 and 0.2 - 0.1 differ in their last bit, which is no scatter.
    these = {seed: value + step for seed, value in enumerate((0.1, 0.2, 0.7))}
    found = paired(these, {0: 0.1, 1: 0.2, 2: 0.7})
    assert (found.n, found.half, found.p, found.low) == (3, None, None, None)
    assert found.mean == pytest.approx(step)


def test_holm_is_the_correction_that_is_worked_out_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1; the last may not fall below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_one_test_as_it_is() -> None:
    assert holm([0.03]) == [0.03]


def test_holm_never_passes_one() -> None:
    assert holm([0.6, 0.7, 0.5]) == [1.0, 1.0, 1.0]


def test_holm_does_not_count_what_was_not_tested() -> None:
    assert holm([0.01, None, 0.02]) == pytest.approx([0.02, None, 0.02])
    assert holm([None, None]) == [None, None]
    assert holm([]) == []
