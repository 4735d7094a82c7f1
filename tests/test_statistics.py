import math

import numpy as np
import pytest
from scipy import stats

from train.report.numbers.statistics import Difference, Estimate, detectable, estimate, holm, paired

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


@pytest.mark.parametrize(
    ("effect", "n"),
    [(0.5, 33.36713), (1.0, 9.93785), (0.2, 198.1508), (0.8, 14.30276)],
    ids=["medium", "sd", "small", "large"],
)
def test_the_detectable_effect_is_that_of_the_tables_of_power(effect: float, n: float) -> None:
    # The number of pairs for 80 % power, by R: power.t.test(delta=, power=0.8, type="paired").
    assert detectable(1.0, n) == pytest.approx(effect, rel=1e-5)
    assert detectable(3.0, n) == pytest.approx(3 * effect, rel=1e-5)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6])
@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_detectable_effect_is_seen_in_four_of_five_studies(n: int, alpha: float) -> None:
    scatter = np.random.default_rng(n).normal(detectable(2.0, n, alpha), 2.0, (100_000, n))
    seen = stats.ttest_1samp(scatter, 0.0, axis=1).pvalue < alpha
    assert seen.mean() == pytest.approx(0.8, abs=0.005)


def test_a_difference_knows_what_its_study_could_have_seen() -> None:
    these, those = np.random.default_rng(0).normal(0, 1, (2, 10))
    found = paired(dict(enumerate(these)), dict(enumerate(those)))
    assert found.detectable == pytest.approx(detectable(float(np.std(these - those, ddof=1)), 10))
    assert paired({0: 1.0}, {0: 0.0}).detectable is None
    assert paired({0: 1.0, 1: 2.0}, {0: 0.0, 1: 1.0}).detectable is None


@pytest.mark.parametrize("n", [2, 3, 10])
def test_equality_is_confirmed_by_two_one_sided_tests(n: int) -> None:
    these, those = np.random.default_rng(n).normal(0.1, 1, (2, n))
    found = paired(dict(enumerate(these)), dict(enumerate(those)))
    assert found.bound is not None

    def by_scipy(margin: float) -> bool:
        above = stats.ttest_1samp(these - those, -margin, alternative="greater").pvalue
        below = stats.ttest_1samp(these - those, margin, alternative="less").pvalue
        return bool(max(above, below) < 0.05)

    for margin in (0.5 * found.bound, 0.999 * found.bound, 1.001 * found.bound, 2 * found.bound):
        assert found.is_within(margin) == by_scipy(margin)
    low, high = stats.ttest_1samp(these - those, 0).confidence_interval(0.90)
    assert found.bound == pytest.approx(max(-low, high))


def test_without_a_scatter_no_equality_is_confirmed() -> None:
    assert not paired({0: 1.0}, {0: 1.0}).is_within(9.0)
    assert not paired({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0}).is_within(9.0)


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


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.001])
@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_detectable_effect_has_exactly_its_power(n: int, alpha: float) -> None:
    away = detectable(1.0, n, alpha) * math.sqrt(n)
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    power = sum(stats.nct.sf(critical, n - 1, sign * away) for sign in (1, -1))
    assert power == pytest.approx(0.8, abs=1e-7)


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.filterwarnings("error")
def test_the_detectable_effect_grows_with_the_number_of_tests_without_an_end(n: int) -> None:
    found = [detectable(1.0, n, 0.05 / tests) for tests in (1, 3, 153, 1000, 100_000)]
    assert found == sorted(set(found))
    # With two pairs it is a multiple of the critical value, far out, and with it of the tests.
    assert n > 2 or found[-1] == pytest.approx(100 * found[-2], rel=1e-6)
