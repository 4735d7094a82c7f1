"""A study that is started twice at once: the second start says who makes it."""

import os

import pytest
import small
import studies

from train.errors import UserError
from train.study.hold import held


def test_the_second_start_of_a_study_names_the_first_in_one_line(tmp_path):
    file, folder = tmp_path / "study_small.py", tmp_path / "study"
    file.write_text(studies.FILE)
    command = ("study", str(file), "--size", "smoke", "--workdir", str(folder))
    with held(folder, (1, 1)):
        before = sorted(folder.iterdir())
        for share in ("1/1", "2/2"):
            code, out, err = small.here(*command, "--jobs", share)
            assert (code, out) == (2, "")
            assert err.startswith(
                f"error: `--workdir` must belong to one start of a study, got {folder}, where "
                f"another process makes it (process {os.getpid()} on "
            )
            assert err.count("\n") == 1
        assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("jobs", "free"), [((1, 2), (2, 2)), ((1, 3), (2, 3)), ((1, 2), (3, 4)), ((4, 4), (1, 2))]
)
def test_shares_without_a_run_in_common_are_made_side_by_side(jobs, free, tmp_path):
    with held(tmp_path, jobs), held(tmp_path, free):
        pass
    with held(tmp_path, jobs):
        pass


@pytest.mark.parametrize(
    ("jobs", "taken"), [((1, 2), (1, 1)), ((2, 3), (1, 2)), ((2, 3), (2, 2)), ((3, 4), (2, 2))]
)
def test_shares_with_a_run_in_common_are_not(jobs, taken, tmp_path):
    with (
        held(tmp_path, jobs),
        pytest.raises(UserError, match=f"makes share {jobs[0]}/{jobs[1]} of it"),
        held(tmp_path, taken),
    ):
        pass
