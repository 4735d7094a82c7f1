"""Sets loggers behind a run."""

from collections.abc import Callable, Mapping, Sequence

from train import loggers
from train.folder.about import About
from train.folder.follower import point
from train.folder.log import read_metrics
from train.loggers.behind import Behind, forget
from train.loggers.mlflow_run import MlflowRun
from train.loggers.wandb_run import WandbRun
from train.run.job import Job

_MAKE: Mapping[loggers.Name, Callable[[], loggers.Logger]] = {
    "wandb": WandbRun,
    "mlflow": MlflowRun,
}


def follow(names: Sequence[loggers.Name], job: Job, about: About, start: int) -> Sequence[Behind]:
    """Returns the loggers, each with what earlier starts of the run have logged.

    Args:
      names: of the loggers.
      job: the run.
      about: what the loggers are told of it.
      start: the number of updates that were made before.
    """
    forget(about.folder, start)
    path = about.folder / "metrics.jsonl"
    lines = read_metrics(path) if names and start and path.exists() else []
    backlog = [
        point(line)
        for line in lines
        if line["step"] <= start
        and (line["kind"] != "train" or line["step"] == start or job.ends_chunk(line["step"]))
    ]
    return [Behind(name, _MAKE[name](), about, backlog) for name in dict.fromkeys(names)]
