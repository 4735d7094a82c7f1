"""What the trainer costs on top of a bare jitted step: 100 steps of each, in turns.

    python benchmarks/overhead.py

The bare step is what one would write by hand for one device: gather, preprocess, augment, loss,
gradient, update. The trainer's side is all that `train.run.loop` does for a step: the engine with
its guard, the metrics, JSON lines and TensorBoard events. Both see the same batches of digits.
"""

import argparse
import functools
import statistics
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import optax

from log_anneal import cyclical_log_schedule
from train import optimizer, preprocess
from train.augment import augment
from train.config import Config
from train.engine import guard
from train.folder.log import Log
from train.models import build as models
from train.run.job import Job, prepare
from train.run.loop import records
from train.tasks.loss import cross_entropy, log_probabilities


def main() -> None:
    """Prints each turn's ratio, and the median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--model", default="resnet_small", choices=models.names())
    parser.add_argument("--dataset", default="digits")
    arguments = parser.parse_args()
    job = prepare(
        Config(
            dataset=arguments.dataset,
            model=models.ModelConfig(name=arguments.model),
            batch_size=arguments.batch_size,
            schedule=cyclical_log_schedule(peak_value=0.05, end_value=0.001, decay_steps=10),
            epochs=10_000,  # more than the turns need
        )
    )
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        trainer, bare = _trainer(job, Path(folder)), _bare(job)
        first = range(job.chunk_steps)
        for run in (trainer, bare):
            run(first)  # compiles
        print(f"jax {jax.__version__} on {jax.device_count()} x {jax.devices()[0].device_kind}")
        for turn in range(arguments.turns):
            start = first.stop + turn * arguments.steps
            steps = range(start, start + arguments.steps)
            order = (trainer, bare) if turn % 2 else (bare, trainer)
            seconds = {run: _seconds(run, steps) for run in order}
            ratios.append(seconds[trainer] / seconds[bare])
            print(
                f"turn {turn + 1}: trainer {seconds[trainer]:.2f} s, bare {seconds[bare]:.2f} s, "
                f"ratio {ratios[-1]:.3f}"
            )
    print(f"median ratio {statistics.median(ratios):.3f} over {len(ratios)} turns")


def _seconds(run, steps: range) -> float:
    start = time.perf_counter()
    run(steps)
    return time.perf_counter() - start


def _trainer(job: Job, folder: Path):
    data = job.place_splits()["train"]
    holder = [job.engine.place(jax.device_get(jax.jit(job.create_state)()))]
    log = Log(
        folder,
        total_steps=job.total_steps,
        steps_per_epoch=job.steps_per_epoch,
        batch_size=job.config.batch_size,
    ).__enter__()

    def run(steps: range) -> None:
        state = holder.pop()
        for start in range(steps.start, steps.stop, job.chunk_steps):
            chunk = range(start, min(start + job.chunk_steps, steps.stop))
            state, metrics = job.engine.train(state, data, job.indices(chunk))
            log.train_lines(records(job, chunk, metrics))
            assert guard.why(job.threshold, metrics, job.dataset.num_classes) is None
        jax.block_until_ready(state)
        holder.append(state)

    return run


def _bare(job: Job):
    config = job.config
    model = models.build(config.model, num_classes=job.dataset.num_classes, axis_name=None)
    chain = optimizer.build(config.optimizer, job.schedule, models.decay_mask)
    params, batch_stats = jax.jit(model.init)(jax.random.key(config.seed))
    holder = [(params, batch_stats, chain.init(params))]
    images, labels = jnp.asarray(job.dataset.train.images), jnp.asarray(job.dataset.train.labels)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, number, indices):
        params, batch_stats, opt_state = state
        key = jax.random.fold_in(jax.random.key(config.seed), number)
        batch = preprocess.apply(config.preprocess, job.statistics, images[indices])
        keys = jax.random.split(key, len(indices))
        batch = augment(config.augment, keys, batch)

        def loss(params):
            logits, stats = model.apply(params, batch_stats, batch, True, keys)
            log_p = log_probabilities(logits, "softmax")
            return cross_entropy(log_p, labels[indices]).mean(), stats

        (value, batch_stats), grads = jax.value_and_grad(loss, has_aux=True)(params)
        updates, opt_state = chain.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), batch_stats, opt_state), value

    def run(steps: range) -> None:
        state = holder.pop()
        for number, indices in zip(steps, job.indices(steps), strict=True):
            state, value = step(state, number, indices)
        jax.block_until_ready((state, value))
        holder.append(state)

    return run


if __name__ == "__main__":
    main()
