"""The sizes of a run in words: data, network, device, steps."""

import jax

from train.config import Config
from train.folder.origin import device
from train.models.model import num_params
from train.run.job import Job


def parameters(job: Job) -> int:
    """Returns how many numbers are trained."""
    return num_params(jax.eval_shape(job.create_state).params)


def steps(job: Job, config: Config) -> str:
    """Returns how long the run is."""
    plural = "s" if config.epochs > 1 else ""
    return f"{job.total_steps:,} ({config.epochs} epoch{plural} of {job.steps_per_epoch:,})"


def beginning(job: Job, start: int) -> str:
    """Returns the lines with which a run begins, or goes on at a step."""
    lines = [
        f"{job.task.noun:<14} {job.data.name}: {job.data.about}",
        f"network        {job.task.network(job.config)}, {parameters(job):,} parameters",
        f"devices        {device()}",
        f"steps          {steps(job, job.config)}",
    ]
    if start:
        lines.append(f"going on       at step {start:,}, from its checkpoint")
    lines.append("The first steps take longer: their program is compiled, or read from the cache.")
    return "\n".join(lines)
