"""Forecasts: the series, the file that they are read from, and what they are measured beside."""

import dataclasses
import json

import numpy as np
import pytest
import small
from every_task import EVERY_TASK
from scipy.integrate import solve_ivp

from train.errors import UserError
from train.run import loop
from train.run.job import prepare
from train.tasks.forecast import Forecast
from train.tasks.forecast_baselines import linear_autoregression, nrmse, windows_of
from train.tasks.series import mackey_glass, read_csv

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")


@pytest.mark.parametrize("tau", [17, 30])
def test_the_series_solves_the_mackey_glass_equation(tau):
    """Over one delay, all delayed values are known, and SciPy can integrate."""
    x = mackey_glass(tau, 2 * tau + 40, seed=3)
    t = np.arange(len(x), dtype=float)

    def slope(now, value):
        delayed = np.interp(now - tau, t, x)
        return 0.2 * delayed / (1 + delayed**10) - 0.1 * value

    start = tau + 5
    solved = solve_ivp(
        slope, (start, start + tau), x[start : start + 1], t_eval=t[start : start + tau + 1],
        max_step=0.1, rtol=1e-8,
    )  # fmt: skip
    # Between samples the delayed values are interpolated linearly here.
    np.testing.assert_allclose(solved.y[0], x[start : start + tau + 1], atol=0.01)
    assert x.std() > 0.1


def test_the_series_is_a_function_of_its_delay_and_its_seed():
    np.testing.assert_array_equal(mackey_glass(17, 50, 0), mackey_glass(17, 80, 0)[:50])
    assert not np.allclose(mackey_glass(17, 50, 0), mackey_glass(17, 50, 1))
    assert not np.allclose(mackey_glass(17, 50, 0), mackey_glass(30, 50, 0))


def test_a_linear_autoregression_foretells_a_linear_series():
    t = np.arange(400)
    wave = np.stack([np.sin(0.3 * t), np.cos(0.17 * t)], 1).astype(np.float32)
    train, test = windows_of(wave[:300], 6, 5), windows_of(wave[300:], 6, 5)
    assert train.past.shape == (290, 6, 2)
    np.testing.assert_array_equal(train.past[7], wave[7:13])
    np.testing.assert_array_equal(train.future[7], wave[17])
    assert nrmse(linear_autoregression(train, test.past), test.future) < 1e-4
    assert nrmse(test.past[:, -1], test.future) > 0.5


def write(folder, text):
    path = folder / "series.csv"
    path.write_text(text)
    return path


def test_columns_of_a_csv_file_are_read(tmp_path):
    path = write(tmp_path, "t,a,b\n0,1.5,2\n1,-3e-1,4\n\n2,0,5\n")
    names, found = read_csv(path, ["b", "a"])
    assert names == ("b", "a")
    np.testing.assert_array_equal(found, [[2, 1.5], [4, -0.3], [5, 0]])
    assert read_csv(path, [])[0] == ("t", "a", "b")


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        (
            "t,a\n0,1\n",
            "c",
            r"`task\.columns` must be in the first line of .*, got 'c'\. There are",
        ),
        ("t,a\n0,x\n", "a", r"finite numbers, got 'x' as a in line 2 of .*series\.csv\. Mend"),
        ("t,a\n0,1\n1\n", "a", r"finite numbers, got '' as a in line 3"),
        ("t,a\n0,nan\n", "a", r"got 'nan' as a in line 2"),
        ("t,a\n0,1\n", "a", r"The train part of csv:.* at least .* samples together \(12\), got 1"),
        ("t,a\n" + "0,1\n" * 100, "t,a", r"must vary in its training part, and t does not"),
    ],
    ids=["column", "text", "short line", "nan", "short", "constant"],
)
def test_a_file_that_cannot_be_used_is_said(tmp_path, text, columns, said):
    path = write(tmp_path, text)
    task = dataclasses.replace(EVERY_TASK["forecast"]().task, columns=columns)
    with pytest.raises(UserError, match=said):
        prepare(EVERY_TASK["forecast"](task=task, dataset=f"csv:{path}"))


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("csv:nowhere.csv", "`dataset` must name a CSV file that can be read, got nowhere.csv"),
        ("cifar10", "`dataset` must be mackey_glass or csv:PATH for the task forecast, got 'cif"),
    ],
)
def test_another_data_set_is_refused(dataset, said):
    with pytest.raises(UserError, match=said):
        prepare(EVERY_TASK["forecast"](dataset=dataset))


def test_a_run_on_a_file_forecasts_its_columns_and_its_digest_follows_the_file(tmp_path):
    t = np.arange(300)
    rows = "\n".join(f"{np.sin(0.3 * n):.6f},{np.cos(0.3 * n):.6f}" for n in t)
    path = write(tmp_path, f"a,b\n{rows}\n")
    config = EVERY_TASK["forecast"](dataset=f"csv:{path}", batch_size=20, eval_batch_size=20)
    loop.run(config, tmp_path / "run", is_quiet=True)
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["baselines"]["linear autoregression"] < 1e-3 < summary["baselines"]["naive"]
    before = prepare(config).data.digest
    write(tmp_path, f"a,b\n{rows}1\n")
    assert prepare(config).data.digest != before


def test_no_window_reaches_over_a_cut():
    config = EVERY_TASK["forecast"](validation_fraction=0.25)
    data = prepare(config).data
    parts = [data.examples(name) for name in ("train", "validation", "test")]
    whole = mackey_glass(17, 600, 0)
    assert list(map(len, parts)) == [360, 120, 120]
    joined = np.concatenate(parts)[:, 0]
    np.testing.assert_allclose(np.corrcoef(joined, whole)[0, 1], 1, atol=1e-6)
    assert data.sizes == {"train": 349, "validation": 109, "test": 109}
    assert abs(parts[0].mean()) < 1e-4 and abs(parts[0].std() - 1) < 1e-4


@pytest.mark.slow
def test_the_small_configuration_ends_below_the_linear_autoregression(tmp_path):
    from train.study.load import load

    loop.run(load(small.ROOT / "configs/forecast_small.py"), tmp_path, is_quiet=True)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["test_nrmse"] < 0.5 * summary["baselines"]["linear autoregression"]
    assert Forecast().horizon == 84
