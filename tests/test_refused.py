"""What a refused command leaves, and what a proposed one repeats."""

import pytest
import small

from train.cli.again import without


@pytest.mark.parametrize("command", [(), ("range-test",)])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--batch-size", "5000"), "`batch_size` must be between 1 and the 1437 training images"),
        (("--dataset", "./nowhere"), "`dataset` must be the path of an image folder"),
        (("--cpu-devices", "1", "--batch-size", "63"), "`batch_size` must be divisible by"),
        (("--optimizer.microbatches", "7"), "`batch_size` must be divisible by 28"),
    ],
)
def test_a_refused_command_leaves_no_folder(command, words, said, tmp_path):
    config, *_ = small.words(tmp_path)
    before = sorted(tmp_path.iterdir())
    folder = tmp_path / "new/deep/run"
    code, _, err = small.here(*command, config, "--workdir", str(folder), *words)
    assert code == 2 and f"error: {said}" in err, err
    assert sorted(tmp_path.iterdir()) == before

    folder.mkdir(parents=True)  # what was there stays
    assert small.here(*command, config, "--workdir", str(folder), *words)[0] == 2
    assert folder.is_dir() and not list(folder.iterdir())


def test_a_workdir_that_is_a_file_is_told_so(tmp_path):
    config, *_ = small.words(tmp_path)
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "run"):
        code, _, err = small.here(config, "--workdir", str(place))
        assert code == 2
        assert f"must be a folder that can be written to, got {place} (a file is there)" in err
    assert file.read_text() == "mine"
    code, _, err = small.here(config, "--workdir", "a" * 300)
    assert code == 2 and "(File name too long). Choose another." in err


def test_more_steps_than_a_state_has_room_for_are_refused(tmp_path):
    config, *_ = small.words(tmp_path)
    for way in (("--dry-run",), ()):
        code, _, err = small.here(
            config, "--workdir", str(tmp_path / "run"), "--epochs", "23819", *way
        )
        assert code == 2 and err.count("\n") == 1
        assert "`epochs` must come to at most 524,000 steps, got 23819 of 22, which are 524," in err


@pytest.mark.parametrize(
    ("words", "options", "kept"),
    [
        ("x.py --from-step 3 --epochs 4", {"from_step"}, "x.py --epochs 4"),
        ("x.py --from_step=3 --a", {"from_step"}, "x.py --a"),
        ("x.py --log a b --halt.threshold 3", {"log", "halt.threshold"}, "x.py"),
        ("x.py --adjust-schedule --schedule.base 2", {"adjust_schedule"}, "x.py --schedule.base 2"),
        ("x.py --epochs 3", set(), "x.py --epochs 3"),
    ],
)
def test_a_proposed_command_leaves_out_what_it_changes(words, options, kept):
    assert without(words.split(), options) == kept.split()
