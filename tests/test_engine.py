"""The same run however it is spread: devices, engines, loops and processes."""

import dataclasses
import functools
import json
import os
import socket
import subprocess
import sys

import chex
import jax
import numpy as np
import pytest
import small

from train import engine as engine_module
from train.augment import Augment
from train.errors import UserError
from train.models import ModelConfig
from train.optimizer import OptimizerConfig
from train.run.job import prepare

pytestmark = pytest.mark.usefixtures("unoptimized")

STEPS = 20
# Roundings differ by 1e-7 at the first step, and grow with the rate from step to step.
GENTLE = dataclasses.replace(small.SCHEDULE, peak_value=0.005)
RUNS = {}


def run(**spread):
    """The metrics of the first steps, and an evaluation after them."""
    if str(spread) not in RUNS:
        RUNS[str(spread)] = make_run(**spread)
    return RUNS[str(spread)]


def make_run(num_devices=4, deal=lambda indices: indices, is_measured=True, steps=STEPS, **changes):
    devices = jax.devices()[:num_devices]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "device_count", lambda: num_devices)
        patch.setattr(jax, "local_device_count", lambda: num_devices)
        patch.setattr(jax, "devices", lambda: devices)
        patch.setattr(jax, "local_devices", lambda: devices)
        pmap = functools.partial(jax.pmap, devices=devices)
        patch.setattr(jax, "pmap", pmap)
        job = prepare(small.config(schedule=GENTLE, **changes))
        engine = job.engine
        splits = job.place_splits()
        state = engine.place(jax.device_get(job.create_state()))
        state, metrics = engine.train(state, splits["train"], deal(job.indices(range(steps))))
        measured = job.evaluate(state, splits["test"], "test") if is_measured else None
        return metrics, measured, jax.device_get(state)


@pytest.mark.parametrize(
    "other",
    [
        {"num_devices": 1},
        {"num_devices": 2},
        {"engine": "shard_map"},
        {"engine": "shard_map", "num_devices": 1},
    ],
    ids=str,
)
def test_devices_and_engines_give_the_same_run_within_rounding(other):
    one, measured, _ = run()
    two, measured_too, _ = run(**other)
    np.testing.assert_allclose(two["loss"], one["loss"], rtol=1e-5)
    np.testing.assert_allclose(two["learning_rate"], one["learning_rate"], rtol=0)
    np.testing.assert_allclose(measured_too["loss"], measured["loss"], rtol=1e-4)


def test_a_scan_gives_the_run_of_a_python_loop():
    scanned, measured, _ = run(loop="scan", num_devices=1, steps=8)
    looped, measured_too, _ = run(num_devices=1, steps=8)
    np.testing.assert_allclose(scanned["loss"], looped["loss"], rtol=1e-5)
    np.testing.assert_allclose(measured_too["loss"], measured["loss"], rtol=1e-4)


def test_the_logged_rate_is_the_schedule_at_each_step():
    metrics, _, _ = run()
    schedule = GENTLE.stretch(1437 // 64)
    np.testing.assert_allclose(
        metrics["learning_rate"], [schedule.at(step) for step in range(STEPS)], rtol=1e-6
    )


def test_training_lowers_the_loss():
    metrics, _, state = run()
    assert metrics["loss"][-3:].mean() < metrics["loss"][:3].mean()
    assert state.step == STEPS


def test_local_batch_norm_depends_on_the_devices():
    model = ModelConfig(name="resnet_small", width=4, batch_norm="local")
    one, _, _ = run(model=model, num_devices=1, is_measured=False)
    four, _, _ = run(model=model, is_measured=False)
    assert not np.allclose(one["loss"], four["loss"], rtol=1e-4)
    np.testing.assert_allclose(one["loss"], run()[0]["loss"], rtol=1e-5)


def test_microbatches_average_their_gradients():
    """Two devices whose batch norm is local see what two microbatches of one device see.

    Device d has images 32 d to 32 d + 31, microbatch m the images m, m + 2, ...: the batch is
    dealt out anew for the one, so that both hold the same images. Augmentation is off, as it is
    drawn by the place in the batch.
    """
    model = ModelConfig(name="resnet_small", width=4, batch_norm="local")
    local = {"model": model, "is_measured": False}
    still = {"augment": Augment(flip=False, crop_padding=0), **local}
    devices, _, _ = make_run(num_devices=2, **still)
    parts, _, _ = make_run(
        num_devices=1,
        deal=lambda indices: indices.reshape(-1, 2, 32).swapaxes(1, 2).reshape(-1, 64),
        optimizer=OptimizerConfig(microbatches=2),
        **still,
    )
    for name in ("loss", "accuracy", "grad_norm"):
        np.testing.assert_allclose(parts[name][0], devices[name][0], rtol=1e-5)


def test_the_training_step_is_traced_once_for_a_whole_run():
    job = prepare(small.config())
    traced = chex.assert_max_traces(n=1)
    engine = engine_module.Engine(
        job.config,
        traced(lambda *arguments: _step(job)(*arguments)),
        lambda *arguments: {},
    )
    data = engine.place(job.place_splits()["train"])
    state = engine.place(jax.device_get(job.create_state()))
    for start in (0, 3, 10):
        state, _ = engine.train(state, data, job.indices(range(start, start + 3)))


def _step(job):
    from train.engine.step import make_train_step

    return make_train_step(job.config, job.program.learner, job.program.optimizer, job.threshold)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 66}, "`batch_size` must be divisible by 4 .*, got 66. Take 64 or 68"),
        ({"eval_batch_size": 3}, "`eval_batch_size` must be divisible by 4 .*, got 3. Take 4"),
        (
            {"optimizer": OptimizerConfig(microbatches=5)},
            "`batch_size` must be divisible by 20 .*, got 64. Take 60 or 80",
        ),
        (
            {"batch_size": 1440},
            "`batch_size` must be between 1 and the 1437 training images, got 1440",
        ),
    ],
)
def test_a_batch_that_cannot_be_shared_out_is_named(changes, message):
    with pytest.raises(UserError, match=message):
        prepare(small.config(**changes))


TWO_PROCESSES = """
import dataclasses, json, sys
import jax
sys.path.insert(0, "tests")
import small
from train.run import distributed
from train.run.job import prepare
distributed.initialize(sys.argv[1], 2, int(sys.argv[2]))
schedule = dataclasses.replace(small.SCHEDULE, peak_value=0.005)
losses = {}
for engine in ("pmap", "shard_map"):
    job = prepare(small.config(engine=engine, schedule=schedule))
    splits = job.place_splits()
    state = job.engine.place(jax.device_get(job.create_state()))
    state, metrics = job.engine.train(state, splits["train"], job.indices(range(20)))
    measured = job.evaluate(state, splits["test"], "test")
    losses[engine] = [*metrics["loss"].tolist(), measured["loss"]]
print("losses " + json.dumps(losses))
"""


@pytest.mark.slow
def test_two_processes_of_two_devices_give_the_same_run():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        coordinator = f"localhost:{free.getsockname()[1]}"
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES, coordinator, str(number)],
            env=os.environ | flags,
            cwd=small.ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    metrics, measured, _ = run()
    for out in small.outputs(processes):
        line = next(line for line in out.splitlines() if line.startswith("losses "))
        for losses in json.loads(line.removeprefix("losses ")).values():
            np.testing.assert_allclose(losses[:-1], metrics["loss"], rtol=1e-5)
            np.testing.assert_allclose(losses[-1], measured["loss"], rtol=1e-4)
