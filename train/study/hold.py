"""Holds a share of a study for one process, so that the same runs are not begun twice at once."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from train.errors import UserError
from train.folder import workdir
from train.folder.files import lock_file, one_at_a_time
from train.study.tasks import Jobs


@contextlib.contextmanager
def held(folder: Path, jobs: Jobs) -> Iterator[None]:
    """Holds a share of a study inside the block.

    Several machines may make a study, each its own share. The lock goes with the process, however
    that ends.

    Args:
      folder: of the study; it is made if it is absent.
      jobs: the share.

    Raises:
      UserError: another process makes a share that has runs in common with this one.
    """
    workdir.make_folder(folder)
    number, of = jobs
    with contextlib.ExitStack() as stack:
        with one_at_a_time(folder):
            for path in sorted(folder.glob(".share_*_of_*")):
                if _overlaps(path.name, jobs):
                    _refuse_held(folder, path)
            mine = lock_file(folder / f".share_{number}_of_{of}")
            assert not isinstance(mine, str), "nobody else locks in this block"
            stack.enter_context(mine)
        yield


def _refuse_held(folder: Path, path: Path) -> None:
    """Refuses a share that another process holds; one that is free is left free."""
    other = lock_file(path)
    if not isinstance(other, str):
        other.close()
        return
    number, of = _jobs(path.name)
    share = "" if of == 1 else f"share {number}/{of} of "
    raise UserError(
        f"`--workdir` must belong to one start of a study, got {folder}, where another process "
        f"makes {share}it{other and f' ({other})'}. Wait for its end, watch it by `python -m "
        "train watch`, or give each start a share of its own by `--jobs i/n`."
    )


def _overlaps(name: str, jobs: Jobs) -> bool:
    """Tells whether two shares of the unit interval have a part in common."""
    (number, of), (other, parts) = jobs, _jobs(name)
    return (number - 1) * parts < other * of and (other - 1) * of < number * parts


def _jobs(name: str) -> Jobs:
    found = re.fullmatch(r"\.share_(\d+)_of_(\d+)", name)
    return (int(found[1]), int(found[2])) if found else (1, 1)
