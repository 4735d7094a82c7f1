"""Makes the runs of a study as tasks of a Ray cluster. Only this file knows Ray."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

from train.errors import UserError
from train.study import Run, Size, Study
from train.study.record import combination
from train.study.tasks import Jobs, is_tuned


def make(
    study: Study,
    runs: Sequence[Run],
    file: Path,
    size: Size,
    data_dir: str | None,
    folder: Path,
    jobs: Jobs,
) -> None:
    """Makes the runs, as many at once as there are GPUs, or CPU cores if there is no GPU.

    It joins the cluster that `$RAY_ADDRESS` names, else it starts one on this machine. A run whose
    worker died goes on from its checkpoint. (Ray 2.60 has no `local_mode` any more.)

    A worker on a CPU keeps its compiled program for the next run of the same network. On a GPU, Ray
    ends a worker after each run to free its memory. Then JAX's compilation cache on disk saves the
    time.

    Args:
      study: the description.
      runs: the runs to make.
      file: the study's file.
      size: the size of the runs.
      data_dir: the folder where TensorFlow Datasets keeps its data; None: as the study says.
      folder: of the study, on a file system that all workers share.
      jobs: the share that `runs` are.

    Raises:
      UserError: Ray is not installed, or a run cannot be made.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "`--executor ray` must find Ray, which is not installed. pip install '.[ray]'"
        ) from error
    ray.init(ignore_reinit_error=True, include_dashboard=False, log_to_driver=False)
    has_gpu = ray.cluster_resources().get("GPU", 0) > 0
    data_dir = data_dir and str(Path(data_dir).expanduser().absolute())
    make_one = _maker(file, size, data_dir, folder.absolute(), jobs)
    task = ray.remote(num_cpus=1, num_gpus=1 if has_gpu else 0, max_retries=3)(make_one)

    done = 0
    try:
        for wave in waves(study, runs):
            names = {task.remote(run.folder): run.folder for run in wave}
            waiting = list(names)
            while waiting:
                (ended,), waiting = ray.wait(waiting)
                done += 1
                outcome = ray.get(ended)
                print(f"run {done} of {len(runs)}: {names[ended]}: {outcome}", flush=True)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", error)
        raise UserError(
            f"{names[ended]}: {cause} The same command goes on with the others."
        ) from error
    finally:
        ray.shutdown()


def _maker(
    file: Path, size: Size, data_dir: str | None, folder: Path, jobs: Jobs
) -> Callable[[str], str]:
    """Returns the function that makes the run with a name in a worker of Ray."""

    def make_one(name: str) -> str:
        from train.study.load import prepare_study
        from train.study.make import make_run

        study = prepare_study(file, size, data_dir)
        run = next(run for run in study.runs() if run.folder == name)
        return make_run(study, run, folder, jobs=jobs)

    return make_one


def waves(study: Study, runs: Sequence[Run]) -> Sequence[Sequence[Run]]:
    """Returns the runs in waves, one after the other.

    Several runs may need the same range test or search. A single run makes it in an earlier wave.
    """
    first: dict[Hashable, Run] = {}
    for run in runs:
        if study.range_tests is not None:
            first.setdefault(run.labels[study.range_tests.axis], run)
    tests = list(first.values())
    for run in runs:
        if run not in tests and is_tuned(run):
            first.setdefault(combination(run.labels), run)
    searches = [run for run in first.values() if run not in tests]
    rest = [run for run in runs if run not in first.values()]
    return [wave for wave in (tests, searches, rest) if wave]
