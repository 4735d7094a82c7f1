"""Other libraries' schedulers by their own names: their equations, and their errors mended."""

import copy
import inspect
import math
import os
import pickle
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from on_device import on_device

import log_anneal as la
from log_anneal import compat
from log_anneal.compat.published import PUBLISHED_FOR_TORCH

os.environ.setdefault("KERAS_BACKEND", "jax")  # where Keras is installed

STEPS = range(240)


def cosine(high, low, progress):
    return low + (high - low) * (1 + math.cos(math.pi * progress)) / 2


def cycle_of(step, interval, multiplier):
    """Which cycle, and how far through it; by adding up, whole multipliers."""
    n = 0
    while step >= interval:
        step, interval, n = step - interval, interval * multiplier, n + 1
    return n, step / interval


def cosine_annealing_warm_restarts(t, base_lr, T_0, T_mult, eta_min):  # noqa: N803
    return cosine(base_lr, eta_min, cycle_of(t, T_0, T_mult)[1])


def cosine_annealing(t, base_lr, T_max, eta_min):  # noqa: N803
    return cosine(base_lr, eta_min, t / T_max)


def step_lr(t, base_lr, step_size, gamma):
    return base_lr * gamma ** (t // step_size)


def multi_step(t, base_lr, milestones, gamma):
    return base_lr * gamma ** sum(t >= milestone for milestone in milestones)


def exponential(t, base_lr, gamma):
    return base_lr * gamma**t


def polynomial(t, base_lr, total_iters, power):
    return base_lr * (1 - min(t, total_iters) / total_iters) ** power


def linear(t, base_lr, start_factor, end_factor, total_iters):
    done = min(t, total_iters) / total_iters
    return base_lr * (start_factor + (end_factor - start_factor) * done)


def constant(t, base_lr, factor, total_iters):
    return base_lr * factor if t < total_iters else base_lr


def cyclic(t, base_lr, max_lr, step_size_up, step_size_down, mode, gamma):
    n, at = divmod(t, step_size_up + step_size_down)
    up = at / step_size_up
    x = up if up <= 1 else (step_size_up + step_size_down - at) / step_size_down
    scale = {"triangular": 1, "triangular2": 0.5**n, "exp_range": gamma**t}[mode]
    return base_lr + (max_lr - base_lr) * x * scale


def one_cycle(t, max_lr, total_steps, pct_start, div_factor, final_div_factor):
    first, peak, last = max_lr / div_factor, pct_start * total_steps - 1, total_steps - 1
    if t <= peak:
        return cosine(first, max_lr, t / peak)
    return cosine(max_lr, first / final_div_factor, min((t - peak) / (last - peak), 1))


def cyclic_cosine_decay(
    t, base_lr, init_decay_epochs, min_decay_lr, restart_interval, restart_lr, warmup_epochs
):
    if t < warmup_epochs:
        return cosine(0.01, base_lr, t / warmup_epochs)
    t -= warmup_epochs
    if t < init_decay_epochs:
        return cosine(base_lr, min_decay_lr, t / init_decay_epochs)
    t -= init_decay_epochs
    return cosine(restart_lr, min_decay_lr, t % restart_interval / restart_interval)


def cyclical_log_annealing(t, base_lr, min_lr, max_lr, restart_interval, warmup_epochs):
    if t < warmup_epochs:
        return 0.0001 + (base_lr - 0.0001) * (t + 1) / warmup_epochs
    n, progress = cycle_of(t - warmup_epochs, restart_interval, 2)
    length = restart_interval * 2**n
    fallen = math.log(max(1, progress * length)) / math.log(length)
    return min_lr + (max_lr - min_lr) * (1 - fallen) / 2


def keras_cosine_decay(t, initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps):
    if t < warmup_steps:
        rise = warmup_target - initial_learning_rate
        return initial_learning_rate + rise * t / warmup_steps
    done = min((t - warmup_steps) / decay_steps, 1)
    return warmup_target * cosine(1, alpha, done)


def keras_restarts(t, initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha):
    n, progress = cycle_of(t, first_decay_steps, t_mul)
    return initial_learning_rate * (alpha + (1 - alpha) * m_mul**n * cosine(1, 0, progress))


def timm_cosine(
    t,
    base_lr,
    t_initial,
    lr_min,
    cycle_mul,
    cycle_decay,
    cycle_limit,
    warmup_t,
    warmup_lr_init,
    warmup_prefix,
    k_decay,
):
    if t < warmup_t:
        return warmup_lr_init + (base_lr - warmup_lr_init) * t / warmup_t
    n, progress = cycle_of(t - warmup_t * warmup_prefix, t_initial, cycle_mul)
    if n >= cycle_limit:
        return lr_min
    return cosine(base_lr * cycle_decay**n, lr_min, progress**k_decay)


class Draw:
    """Arguments at random."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def rate(self, low=1e-4, high=1.0):
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def steps(self, low=1, high=60):
        return int(self.random.integers(low, high))

    def of(self, *choices):
        return choices[int(self.random.integers(len(choices)))]


ORACLES = {
    "CosineAnnealingWarmRestarts": (
        compat.torch_schedule,
        cosine_annealing_warm_restarts,
        lambda d: {
            "base_lr": d.rate(),
            "T_0": d.steps(),
            "T_mult": d.of(1, 2, 3),
            "eta_min": d.rate(),
        },
    ),
    "CosineAnnealingLR": (
        compat.torch_schedule,
        cosine_annealing,
        lambda d: {"base_lr": d.rate(), "T_max": d.steps(), "eta_min": d.rate()},
    ),
    "StepLR": (
        compat.torch_schedule,
        step_lr,
        lambda d: {"base_lr": d.rate(), "step_size": d.steps(), "gamma": d.rate(0.1)},
    ),
    "MultiStepLR": (
        compat.torch_schedule,
        multi_step,
        lambda d: {
            "base_lr": d.rate(),
            "milestones": [d.steps(0, 200) for _ in range(5)],
            "gamma": d.rate(0.1),
        },
    ),
    "ExponentialLR": (
        compat.torch_schedule,
        exponential,
        lambda d: {"base_lr": d.rate(), "gamma": d.rate(0.5)},
    ),
    "PolynomialLR": (
        compat.torch_schedule,
        polynomial,
        lambda d: {"base_lr": d.rate(), "total_iters": d.steps(), "power": d.rate(0.2, 5)},
    ),
    "LinearLR": (
        compat.torch_schedule,
        linear,
        lambda d: {
            "base_lr": d.rate(),
            "start_factor": d.rate(),
            "end_factor": d.rate(),
            "total_iters": d.steps(),
        },
    ),
    "ConstantLR": (
        compat.torch_schedule,
        constant,
        lambda d: {"base_lr": d.rate(), "factor": d.of(0.0, 0.3, 1.0), "total_iters": d.steps()},
    ),
    "CyclicLR": (
        compat.torch_schedule,
        cyclic,
        lambda d: {
            "base_lr": d.rate(),
            "max_lr": d.rate(),
            "step_size_up": d.steps(),
            "step_size_down": d.steps(),
            "mode": d.of("triangular", "triangular2", "exp_range"),
            "gamma": d.rate(0.9),
        },
    ),
    "OneCycleLR": (
        compat.torch_schedule,
        one_cycle,
        lambda d: {
            "max_lr": d.rate(),
            "total_steps": d.steps(30, 200),
            "pct_start": d.rate(0.1, 0.9),
            "div_factor": d.rate(2, 50),
            "final_div_factor": d.rate(2, 1e4),
        },
    ),
    "CyclicCosineDecayLR": (
        compat.torch_schedule,
        cyclic_cosine_decay,
        lambda d: {
            "base_lr": d.rate(),
            "init_decay_epochs": d.steps(),
            "min_decay_lr": d.rate(),
            "restart_interval": d.steps(),
            "restart_lr": d.rate(),
            "warmup_epochs": d.steps(),
        },
    ),
    "CyclicalLogAnnealing": (
        compat.torch_schedule,
        cyclical_log_annealing,
        lambda d: {
            "base_lr": d.rate(),
            "min_lr": d.rate(1e-4, 0.01),
            "max_lr": d.rate(0.01),
            "restart_interval": d.steps(2),
            "warmup_epochs": d.steps(0, 10),
        },
    ),
    "CosineDecay": (
        compat.keras_schedule,
        keras_cosine_decay,
        lambda d: {
            "initial_learning_rate": d.rate(),
            "decay_steps": d.steps(),
            "alpha": d.rate(),
            "warmup_target": d.rate(),
            "warmup_steps": d.steps(0),
        },
    ),
    "CosineDecayRestarts": (
        compat.keras_schedule,
        keras_restarts,
        lambda d: {
            "initial_learning_rate": d.rate(),
            "first_decay_steps": d.steps(),
            "t_mul": d.of(1.0, 2.0, 3.0),
            "m_mul": d.of(1.0, 0.5, 0.9),
            "alpha": d.of(0.0, 0.1),
        },
    ),
    "CosineLRScheduler": (
        compat.timm_schedule,
        timm_cosine,
        lambda d: {
            "base_lr": d.rate(),
            "t_initial": d.steps(),
            "lr_min": d.rate(),
            "cycle_mul": d.of(1.0, 2.0, 3.0),
            "cycle_decay": d.of(1.0, 0.5),
            "cycle_limit": d.steps(1, 5),
            "warmup_t": d.steps(0, 80),
            "warmup_lr_init": d.rate(),
            "warmup_prefix": d.of(False, True),
            "k_decay": d.of(1.0, 1.0, 1.7),
        },
    ),
}


@pytest.mark.parametrize("name", ORACLES)
def test_is_the_original_equation_for_any_arguments(name):
    build, oracle, arguments = ORACLES[name]
    extra = {"warmup_start_lr": 0.01} if name == "CyclicCosineDecayLR" else {}
    for seed in range(20):
        drawn = arguments(Draw(seed))
        expected = [oracle(step, **drawn) for step in STEPS]
        schedule = build(name, **drawn, **extra)
        np.testing.assert_allclose(
            schedule.at(np.array(STEPS)), expected, rtol=1e-9, err_msg=str(drawn)
        )


@pytest.mark.parametrize("interval", [1, 7, 391, 5005])
@pytest.mark.parametrize("multiplier", [3, 10])
def test_restarts_fall_on_their_exact_steps_where_a_logarithm_misses_them(interval, multiplier):
    common = {"base_lr": 1.0, "lr_min": 0.5, "t_initial": interval, "cycle_mul": multiplier}
    schedules = [
        compat.torch_schedule(
            "CosineAnnealingWarmRestarts", base_lr=1.0, T_0=interval, T_mult=multiplier, eta_min=0.5
        ),
        compat.torch_schedule(
            "CyclicCosineDecayLR",
            base_lr=1.0,
            init_decay_epochs=interval,
            min_decay_lr=0.5,
            restart_interval=interval * multiplier,
            restart_interval_multiplier=multiplier,
        ),
        compat.keras_schedule(
            "CosineDecayRestarts",
            initial_learning_rate=1.0,
            first_decay_steps=interval,
            t_mul=multiplier,
            alpha=0.5,
        ),
        compat.timm_schedule("CosineLRScheduler", **common, cycle_limit=10**6),
    ]
    starts = [interval * (multiplier**n - 1) // (multiplier - 1) for n in range(1, 40)]
    starts = np.array([start for start in starts if start < 2**31])
    for schedule in schedules:
        assert schedule.restarts(2**31) == starts.tolist()
        for values in schedule.at(starts), on_device(schedule, starts):
            assert np.all(values == 1)
        lengths = np.diff(starts, prepend=0)
        before = 0.5 + (1 - np.cos(np.pi / lengths)) / 4
        np.testing.assert_allclose(schedule.at(starts - 1), before, rtol=1e-12)
        np.testing.assert_allclose(on_device(schedule, starts - 1), before, rtol=1e-6)


def test_a_multiplier_may_be_any_real_number():
    schedule = compat.torch_schedule("CosineAnnealingWarmRestarts", base_lr=0.1, T_0=10, T_mult=1.5)
    assert schedule.restarts(100) == [10, 25, 48, 82]


def test_one_cycle_holds_its_last_rate_where_the_original_raises():
    schedule = compat.torch_schedule("OneCycleLR", max_lr=0.1, total_steps=50)
    assert schedule.at(49) == schedule.at(50) == schedule.at(10_000) == 0.1 / 25 / 1e4


def test_one_cycle_counts_its_steps_from_epochs_too():
    by_epochs = compat.torch_schedule("OneCycleLR", max_lr=0.1, epochs=5, steps_per_epoch=10)
    assert by_epochs == compat.torch_schedule("OneCycleLR", max_lr=0.1, total_steps=50)


def test_a_share_of_the_steps_is_taken_as_it_is_written():
    schedule = compat.torch_schedule("OneCycleLR", max_lr=0.1, total_steps=100, pct_start=0.07)
    assert 0.07 * 100 != 7
    assert schedule.warmup_steps == 6
    assert schedule.at(6) == 0.1


def test_halved_ranges_go_on_where_the_original_overflows():
    schedule = compat.torch_schedule(
        "CyclicLR", base_lr=0.001, max_lr=0.1, step_size_up=1, mode="triangular2"
    )
    assert schedule.at(2049) == 0.001
    assert schedule.at(1) == 0.1


def test_a_multiplier_below_one_ends_where_the_others_have_no_number():
    keras = compat.keras_schedule(
        "CosineDecayRestarts", initial_learning_rate=1.0, first_decay_steps=10, t_mul=0.5, alpha=0.1
    )
    timm = compat.timm_schedule(
        "CosineLRScheduler", base_lr=1.0, t_initial=10, cycle_mul=0.5, lr_min=0.1, cycle_limit=100
    )
    for schedule in keras, timm:
        assert schedule.at(20) == schedule.at(10**6) == 0.1


def test_epochs_become_steps():
    schedule = compat.torch_schedule(
        "CosineAnnealingWarmRestarts", base_lr=0.1, T_0=10, T_mult=2
    ).stretch(391)
    assert schedule.restarts(30_000) == [3910, 11_730, 27_370]
    wave = compat.torch_schedule("CosineAnnealingLR", base_lr=0.1, T_max=10, eta_min=0.01)
    assert wave.stretch(391).at(3910) == 0.01


def test_they_are_data():
    for schedule in (
        compat.torch_schedule("CosineAnnealingLR", base_lr=0.1, T_max=10),
        compat.torch_schedule("ConstantLR", base_lr=0.1),
        compat.keras_schedule(
            "CosineDecayRestarts",
            initial_learning_rate=0.1,
            first_decay_steps=9,
            m_mul=0.5,
            alpha=0.1,
        ),
        compat.timm_schedule("CosineLRScheduler", base_lr=0.1, t_initial=9, warmup_t=3),
    ):
        assert la.from_json(la.to_json(schedule)) == schedule


@pytest.mark.parametrize(
    ("build", "name", "message"),
    [
        (compat.torch_schedule, "CosineAnealingLR", "Did you mean 'CosineAnnealingLR'?"),
        (compat.torch_schedule, "Sequential", "got 'Sequential'. Did you mean 'SequentialLR'?"),
        (compat.keras_schedule, "CosineDecayRestart", "Did you mean 'CosineDecayRestarts'?"),
        (compat.timm_schedule, "CosineLR", "Did you mean 'CosineLRScheduler'?"),
    ],
)
def test_a_name_that_is_unknown_is_refused_with_the_nearest(build, name, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        build(name)


CYCLE = {"base_lr": 0.1, "T_0": 10}
SWING = {"base_lr": 0.1, "max_lr": 0.2}
ONCE = {"max_lr": 0.1, "total_steps": 100}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("CosineAnnealingWarmRestarts", CYCLE | {"T_mul": 2}, "Did you mean `T_mult`?"),
        ("CosineAnnealingWarmRestarts", {"base_lr": 0.1}, "`T_0` must be given for Cosine"),
        ("CosineAnnealingWarmRestarts", {"T_0": 1}, "`base_lr` must be given for Cosine"),
        ("CosineAnnealingWarmRestarts", CYCLE | {"T_0": 0}, "`T_0` must be at least 1 step"),
        ("CosineAnnealingWarmRestarts", CYCLE | {"T_0": 1.5}, "`T_0` must be a whole number"),
        ("CosineAnnealingWarmRestarts", CYCLE | {"base_lr": [0.1]}, "`base_lr` must be a number"),
        ("CosineAnnealingWarmRestarts", CYCLE | {"last_epoch": 5}, "`schedule(step)`."),
        ("CosineAnnealingWarmRestarts", CYCLE | {"optimizer": 5}, "give `base_lr`"),
        ("ExponentialLR", {"base_lr": 0.1, "gamma": 0.0}, "`gamma` must be"),
        ("MultiStepLR", {"base_lr": 0.1, "milestones": [1.5]}, "`milestones[0]` must be a whole"),
        ("MultiStepLR", {"base_lr": 0.1, "milestones": 5}, "`milestones` must be a list"),
        ("CyclicLR", SWING | {"mode": "exprange"}, "Did you mean 'exp_range'?"),
        ("CyclicLR", SWING | {"scale_fn": math.sin}, "`base_lr + triangle * f`"),
        ("CyclicLR", SWING | {"cycle_momentum": 1}, "`cycle_momentum` must be True or False"),
        (
            "OneCycleLR",
            ONCE | {"base_momentum": -0.5},
            "`base_momentum` must be a number from 0 to",
        ),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 2}, "`total_steps` must be at least 4 where"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 1}, "`total_steps` must be at least 2, or 3"),
        (
            "OneCycleLR",
            {"max_lr": 0.1, "epochs": 1, "steps_per_epoch": 3},
            "`epochs` * `steps_per_epoch` must be at least 4 where `pct_start` is 0.3,",
        ),
        ("OneCycleLR", {"max_lr": 0.1}, "`total_steps` must be given"),
        ("OneCycleLR", {"max_lr": 0.1, "epochs": 3}, "`total_steps` must be given"),
        (
            "OneCycleLR",
            ONCE | {"pct_start": 0.01},
            "`pct_start` must be above 0.01 and below 1",
        ),
        (
            "OneCycleLR",
            ONCE | {"pct_start": 1.0},
            "`pct_start` must be above 0.01 and below 1",
        ),
        ("OneCycleLR", ONCE | {"pct_start": 0.6, "three_phase": True}, "and below 0.505 for"),
        ("OneCycleLR", ONCE | {"three_phase": 1}, "`three_phase` must be True or False"),
        ("OneCycleLR", ONCE | {"div_factor": 0.0}, "`div_factor` must be above 0"),
        ("OneCycleLR", ONCE | {"anneal_strategy": "cosine"}, "Did you mean 'cos'?"),
        (
            "CyclicCosineDecayLR",
            {"base_lr": 0.1, "init_decay_epochs": 5, "min_decay_lr": 0.0, "warmup_epochs": 5},
            "`warmup_start_lr` must be given",
        ),
        ("CyclicalLogAnnealing", {}, "`base_lr` must be given with"),
    ],
)
def test_an_argument_that_cannot_be_honoured_is_refused_with_the_way_out(name, arguments, message):
    with pytest.raises(ValueError) as error:
        compat.torch_schedule(name, **arguments)
    assert message in str(error.value)


def test_noise_is_refused():
    with pytest.raises(ValueError, match="`noise_range_t` must be left out"):
        compat.timm_schedule("CosineLRScheduler", base_lr=0.1, t_initial=5, noise_range_t=3)


def test_arguments_that_change_nothing_are_taken():
    plain = compat.torch_schedule("CyclicLR", **SWING)
    assert plain == compat.torch_schedule(
        "CyclicLR",
        **SWING,
        scale_fn=None,
        scale_mode="cycle",
        cycle_momentum=False,
        last_epoch=-1,
        verbose=False,
        optimizer=None,
    )
    config = {"initial_learning_rate": 0.1, "decay_steps": 10}
    assert compat.keras_schedule("CosineDecay", **config) == compat.keras_schedule(
        "CosineDecay", **config, name="mine"
    )
    cosine = {"base_lr": 0.1, "t_initial": 5}
    assert compat.timm_schedule("CosineLRScheduler", **cosine) == compat.timm_schedule(
        "CosineLRScheduler", **cosine, t_in_epochs=False, noise_range_t=None, noise_seed=1
    )


def test_a_factor_times_the_base_rate_is_the_schedule():
    schedule = la.cyclical_log_schedule(peak_value=0.1, end_value=1e-3, decay_steps=10)
    factor = compat.as_torch_lambda(schedule, base_lr=0.4)
    assert [factor(step) * 0.4 for step in range(12)] == pytest.approx(
        [schedule.at(step) for step in range(12)], rel=1e-15
    )
    assert compat.as_torch_lambda(lambda step: 0.25, base_lr=0.5)(3) == 0.5
    with pytest.raises(ValueError, match="`base_lr` must be above 0, got 0"):
        compat.as_torch_lambda(schedule, base_lr=0.0)


@pytest.fixture(params=["jax", "torch", "tensorflow"])
def keras(request, monkeypatch):
    """As much of Keras as we use, where it is not installed."""
    stub = types.SimpleNamespace(
        backend=types.SimpleNamespace(backend=lambda: request.param),
        config=types.SimpleNamespace(floatx=lambda: "float32"),
        ops=types.SimpleNamespace(convert_to_tensor=lambda value, dtype=None: np.asarray(value)),
        optimizers=types.SimpleNamespace(
            schedules=types.SimpleNamespace(LearningRateSchedule=type("Base", (), {}))
        ),
        saving=types.SimpleNamespace(register_keras_serializable=lambda package: lambda cls: cls),
    )
    monkeypatch.setitem(sys.modules, "keras", stub)
    monkeypatch.delitem(sys.modules, "log_anneal.compat.for_keras", raising=False)
    monkeypatch.delattr(compat, "for_keras", raising=False)
    yield stub
    sys.modules.pop("log_anneal.compat.for_keras", None)
    vars(compat).pop("for_keras", None)


def test_keras_gets_a_schedule_of_its_own_kind(keras):
    schedule = la.step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.5)
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(ValueError, match="Keras's backend must be jax or torch"):
            compat.as_keras(schedule)
        return
    theirs = compat.as_keras(schedule)
    assert isinstance(theirs, keras.optimizers.schedules.LearningRateSchedule)
    assert theirs(30) == pytest.approx(0.05)
    assert type(theirs).from_config(theirs.get_config())(60) == pytest.approx(0.025)
    for again in pickle.loads(pickle.dumps(theirs)), copy.deepcopy(theirs):
        assert again.schedule == schedule


def test_the_blocks_of_the_page_run():
    page = (Path(__file__).parent.parent / "docs" / "conformance.md").read_text()
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    assert names["factor"](0) == 1


def test_no_other_library_is_imported():
    code = (
        "import sys; from log_anneal import compat;"
        "compat.torch_schedule('StepLR', base_lr=0.1, step_size=3);"
        "print([m for m in ('torch', 'keras', 'timm') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


DEFAULTS = {
    "CyclicCosineDecayLR": {
        "restart_interval": None,
        "restart_interval_multiplier": None,
        "restart_lr": None,
        "warmup_epochs": None,
        "warmup_start_lr": None,
    },
    "CyclicalLogAnnealing": {
        "base_lr": None,
        "min_lr": 0.001,
        "max_lr": 0.1,
        "restart_interval": 10,
        "restart_interval_multiplier": 2.0,
        "warmup_epochs": 5,
        "warmup_start_lr": 0.0001,
    },
}
"""Of the two that are on GitHub alone; `tests/test_peers.py` has the others."""


def test_defaults_are_those_of_the_originals():
    for name, peer in PUBLISHED_FOR_TORCH.items():
        parameters = inspect.signature(peer.build).parameters.values()
        ours = {each.name: each.default for each in parameters if each.default is not each.empty}
        assert ours == DEFAULTS[name]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_the_real_keras_trains_and_saves_with_one(tmp_path):
    keras = pytest.importorskip("keras")
    schedule = la.exponential_schedule(init_value=0.1, decay_steps=10, decay_rate=0.5)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(compat.as_keras(schedule)), loss="mse")
    model.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=2, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(schedule.at(4), rel=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(loaded.optimizer.learning_rate) == pytest.approx(schedule.at(4), rel=1e-6)


def test_the_real_torch_follows_a_factor():
    torch = pytest.importorskip("torch")
    schedule = la.exponential_schedule(init_value=0.1, decay_steps=10, decay_rate=0.5)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    factor = compat.as_torch_lambda(schedule, base_lr=0.4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    for step in range(20):
        assert scheduler.get_last_lr()[0] == pytest.approx(schedule.at(step), rel=1e-15)
        optimizer.step()
        scheduler.step()
