"""Makes the runs of a study as tasks of a Ray cluster. Only this file knows Ray."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

from train.errors import Interrupted, UserError, sentence
from train.study import Run, Size, Study, failures
from train.study.loop import on_paper
from train.study.names import combination
from train.study.record import is_done
from train.study.tasks import Jobs, is_tuned


def make(
    study: Study,
    runs: Sequence[Run],
    file: Path,
    size: Size,
    data_dir: str | None,
    folder: Path,
    jobs: Jobs,
) -> Mapping[str, str]:
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

    Returns:
      Why some could not be made, by the keys of their tasks. The others are.

    Raises:
      UserError: Ray is not installed.
      Interrupted: a signal ended a worker.
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
    given = (file, size, data_dir, folder.absolute())
    needs = {"num_cpus": 1, "num_gpus": 1 if has_gpu else 0, "max_retries": 3}
    task = ray.remote(**needs)(_maker(*given, jobs))
    todo = [run for run in runs if not is_done(run, folder / run.folder)]
    # A worker prepares the runs on paper: it has the devices that they will have.
    checked = ray.remote(**needs)(_checker(*given))

    failed: dict[str, str] = {}
    try:
        names = [run.folder for run in todo]
        faults = on_paper(study, folder, todo, ray.get(checked.remote(names)) if todo else {})
        failed |= {f"run {name}": why for name, why in faults.items()}
        can_be_made = [run for run in runs if run.folder not in faults]
        done = 0
        for wave in waves(study, can_be_made):
            ahead = {task.remote(run.folder): run for run in wave}
            waiting = list(ahead)
            while waiting:
                (ended,), waiting = ray.wait(waiting)
                done += 1
                run = ahead[ended]
                try:
                    outcome = ray.get(ended)
                except ray.exceptions.RayError as error:
                    why = _why(error)
                    failures.note(folder, run, why)
                    failed[f"run {run.folder}"] = why
                    outcome = f"failed: {why}"
                print(f"run {done} of {len(can_be_made)}: {run.folder}: {outcome}", flush=True)
    finally:
        ray.shutdown()
    return failed


def _why(error: Exception) -> str:
    """Returns why a task failed. A signal ends the study."""
    cause = getattr(error, "cause", error)
    if isinstance(cause, Interrupted):
        raise cause
    return sentence(cause)


def _checker(
    file: Path, size: Size, data_dir: str | None, folder: Path
) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """Returns the function that prepares runs on paper in a worker of Ray, by their folders."""

    def check(names: Sequence[str]) -> Mapping[str, str]:
        from train.study.load import prepare_study
        from train.study.paper import faults

        study = prepare_study(file, size, data_dir)
        return faults(study, [run for run in study.runs() if run.folder in names])

    return check


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
