"""The command line: every field, and one clear line for every mistake."""

import jax
import pytest
import small
from small import ROOT

import log_anneal as la
from train.cli.arguments import RangeTest, RunStudy, load, parse
from train.errors import UserError

QUICKSTART = str(ROOT / "configs/quickstart.py")


def test_without_arguments_the_file_is_the_config():
    arguments = parse([QUICKSTART])
    assert arguments.config == load(ROOT / "configs/quickstart.py")
    assert str(arguments.workdir) == "runs/quickstart"


def test_every_field_can_be_set_nested_ones_too():
    config = parse(
        [
            QUICKSTART,
            *("--epochs", "3", "--schedule.peak-value", "0.2", "--schedule.restart-steps", "None"),
            *("--optimizer.name", "adam", "--optimizer.arguments", "b1", "0.8", "eps", "1e-6"),
            *("--model.width", "8", "--augment.flip", "--halt.threshold", "None"),
            *("--preprocess.no-standardise", "--engine", "shard_map"),
        ]
    ).config
    assert config.epochs == 3
    assert config.schedule.peak_value == 0.2
    assert config.schedule.restart_steps is None
    assert config.optimizer.arguments == {"b1": 0.8, "eps": 1e-6}
    assert (config.optimizer.name, config.model.width, config.augment.flip) == ("adam", 8, True)
    assert config.halt.threshold is None
    assert not config.preprocess.standardise
    assert config.engine == "shard_map"


@pytest.mark.parametrize("choice", ["keep", "stretch"])
def test_an_extension_has_one_of_two_choices_and_none_is_the_default(choice):
    assert parse([QUICKSTART, "--extend", choice, "--epochs", "3"]).extend == choice
    assert parse([QUICKSTART, f"--extend={choice}"]).extend == choice
    assert parse([QUICKSTART]).extend is None


def test_a_default_of_the_schedule_follows_the_field_that_is_set():
    config = parse([QUICKSTART, "--schedule.peak-value", "0.2"]).config
    assert config.schedule.at(config.schedule.restarts(100)[0]) == 0.2


def test_a_range_test_takes_its_sweep_and_every_field():
    arguments = parse(["range-test", QUICKSTART, "--max-value", "3", "--epochs", "3"])
    assert isinstance(arguments, RangeTest)
    sweep = (arguments.min_value, arguments.max_value, arguments.num_steps, arguments.sweep)
    assert sweep == (1e-6, 3.0, 400, "exponential")
    assert (arguments.config.epochs, str(arguments.workdir)) == (3, "runs/quickstart")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder in which the files and folders of these commands are."""
    for folder in ("configs", "runs/x", "x"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("configs/study_x.py", "x.py"):
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)


def test_a_study_has_a_size_a_share_and_an_executor():
    command = parse(["study", "configs/study_x.py", "--size", "smoke", "--jobs", "2/3"])
    assert isinstance(command, RunStudy)
    assert (command.size, command.jobs, command.executor) == ("smoke", "2/3", "local")
    assert (str(command.file), command.workdir) == ("configs/study_x.py", None)
    assert parse(["study", "configs/study_x.py"]).size is None


def test_the_help_of_a_study_has_its_options_without_a_file(capsys):
    with pytest.raises(SystemExit) as left:
        parse(["study", "--help"])
    assert left.value.code == 0
    assert {"--jobs", "--executor", "--size"} <= set(capsys.readouterr().out.split())


def test_the_help_of_a_range_test_has_its_options_without_a_file(capsys):
    with pytest.raises(SystemExit) as left:
        parse(["range-test", "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert {"--min-value", "--sweep", "--workdir"} <= set(shown.split())
    assert "name its file before --help" in shown


def test_a_rate_of_another_schedule_is_hinted_at_by_its_own_name(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import log_anneal as la\nfrom train.config import Config\n"
        "def get_config():\n    return Config(la.constant_schedule(1.0))\n"
    )
    with pytest.raises(UserError, match="Did you mean `--schedule.value`?"):
        parse([str(file), "--lr", "0.1"])


def test_a_run_can_be_logged_to_two_tools():
    assert parse([QUICKSTART]).log == ()
    assert parse([QUICKSTART, "--log", "wandb", "mlflow"]).log == ("wandb", "mlflow")


def test_a_folder_is_watched_at_a_port():
    command = parse(["watch", "runs/x", "--port", "8000"])
    assert (str(command.folder), command.port) == ("runs/x", 8000)


def test_the_version_is_that_of_the_library_and_of_jax(capsys):
    with pytest.raises(SystemExit) as left:
        parse(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"log_anneal {la.__version__}, jax {jax.__version__}\n"


def test_a_report_has_a_folder():
    assert str(parse(["report", "runs/x"]).folder) == "runs/x"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["study"], "The first argument must be a configuration file, got nothing"),
        (["study", "x.py", "--size", "tiny"], "`--size` must be smoke, laptop or full, got 'tiny'"),
        (["study", "x.py", "--epochs", "3"], "`--epochs` must be an option of study, and is none"),
        (["report"], "first argument of report must be a folder, got nothing"),
        (["watch"], "first argument of watch .* python -m train watch runs/NAME"),
        (
            ["watch", "--prot", "3", "x"],
            "`--prot` must be an option of watch.* Did you mean --port",
        ),
        (
            ["watch", "x", "--epochs=3"],
            "`--epochs` must be an option of watch, and is none. There are --port.",
        ),
        (["watch", "x", "--port", "y"], "`--port` must be a whole number from 0 to 65535, got 'y'"),
        (["range-test"], "The first argument must be a configuration file, got nothing"),
        (
            ["range-test", QUICKSTART, "--sweep", "log"],
            "`--sweep` must be exponential or linear, got 'log'",
        ),
        (["range-test", QUICKSTART, "--dry-run"], "`dry_run` must be a field of Config"),
        ([QUICKSTART, "--min-value", "1e-3"], "`min_value` must be a field of Config"),
        (["range_test", QUICKSTART], "range_test, which is not there. Did you mean range-test"),
        (
            ["sutdy"],
            "one of range-test, study, optimum, report, watch, got sutdy.* Did you mean study?",
        ),
        (["sutdy", "configs/study_smith.py"], "got sutdy, which is not there. Did you mean study"),
        (["quickstart"], "got quickstart, which is not there.$"),
        (
            ["study", "x.py", "--workers", "two"],
            "`--workers` must be a whole .* of at least 1, got 'two'",
        ),
    ],
)
def test_the_arguments_of_one_command_are_not_those_of_another(argv, message):
    with pytest.raises(UserError, match=message):
        parse(argv)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochz", "3"], "`epochz` must be a field of Config, .* Did you mean epochs"),
        (
            ["--schedule.peak-valu", "3"],
            "`peak_valu` must be a field of Cy.* Did you mean peak_value",
        ),
        (["--epochs", "many"], "`epochs` must be a whole number of at least 1, got 'many'"),
        (["--label-smoothing", "a"], "`label_smoothing` must be a number .*, got 'a'"),
        (["--model.width", "wide"], "`model.width` must be a whole number .* or None, got 'wide'"),
        (["--halt.threshold", "a b"], "`halt.threshold` must be a number .* or None, got 'a b'"),
        (["--epochs"], "`epochs` must have a value"),
        (["--schedule.peak-value"], "`schedule.peak_value` must have a value, got none"),
        (["--schedule.peak-value", "1", "2"], "`schedule.peak_value` must be one value, got '1 2'"),
        (["--schedule.peak-value", "x"], "`schedule.peak_value` must be a number, got 'x'"),
        (["--schedule.form", "anchord"], '`schedule.form` .* Did you mean "anchored"'),
        (["--schedule.no-base"], "`no_base` must be a field of CyclicalLogSchedule"),
        (["--schedule.num-restarts", f"{10**20}"], "num_restarts` .* at least 1 and below 2.31"),
        (
            ["--schedule", "x"],
            "`schedule` must be changed by its fields here, got x. There are --s",
        ),
        (["--"], "`--` must have a name"),
        (["--workdir", ""], "`--workdir` must be a path, got ''"),
        (["--coordinator", "localhost"], "a text of the form host:port, .*, got 'localhost'"),
        (["--coordinator", "localhost:99999"], "with a port from 1 to 65535, got 'localhost:9"),
        (["--process-id", "-1"], "`--process-id` must be a whole number of at least 0, got -1"),
        (["more"], "`more` must be an option, which begins with --"),
        (["--engine", "pmapp"], "`engine` must be pmap or shard_map, got 'pmapp'. Did you"),
        (["--epochs", "0"], "`epochs` must be a whole number of at least 1, got 0"),
        (["--schedule.peak-value", "-1"], "`schedule.peak_value` must be .*, got -1"),
        (["--schedule.peak-value", "nan"], "`schedule.peak_value` must be .*, got nan"),
        (["--schedule.decay-steps", "-2.5"], "`schedule.decay_steps` must be .*, got -2.5"),
        (["--schedule.restart-multiplier", "0"], "`schedule.restart_multiplier` must be"),
        (["--optimizer.name", "addam"], "got 'addam'. Did you mean"),
        (["--lr", "0.1"], "`lr` must be a field .* Did you mean `--schedule.peak-value`?"),
        (["--learning-rate=1"], "`learning_rate` .* Did you mean `--schedule.peak-value`?"),
        (["--momentum", "1"], "`momentum` .* Did you mean `--optimizer.momentum`?"),
        (["--name", "x"], "Did you mean `--model.name` or `--optimizer.name`?"),
        (["--log", "wandbb"], "`--log` must be wandb or mlflow, got 'wandbb'. Did you mean wandb"),
        (["--log"], "`--log` must be one or more of wandb, mlflow, got nothing"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(arguments, message):
    with pytest.raises(UserError, match=message) as raised:
        parse([QUICKSTART, *arguments])
    assert "\n" not in str(raised.value)
    assert "│" not in str(raised.value)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "The first argument must be a configuration file, got nothing"),
        (["--epochs", "3"], "The first argument must be a configuration file, got --epochs"),
        ([str(ROOT / "configs/quickstat.py")], "which is not there. .* quickstart.py"),
        ([str(ROOT / "tests/small.py")], r"must define `get_config\(\)`"),
    ],
)
def test_a_wrong_file_is_named(argv, message):
    with pytest.raises(UserError, match=message):
        parse(argv)


def test_a_mistake_inside_the_file_is_named(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import log_anneal as la\ndef get_config():\n    return la.constant_schedule(-1.0)\n"
    )
    with pytest.raises(UserError, match="mine.py, line 3: `value` must"):
        parse([str(file)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "from train.config import Config\nConfig(epoch=3)",
            "line 2: `epoch` .* mean epochs",
        ),
        ("import nothing_like_it", "line 1: ModuleNotFoundError: No module named"),
        ("def get_config(:", "SyntaxError"),
    ],
)
def test_a_file_that_does_not_run_is_named(tmp_path, content, message):
    file = tmp_path / "mine.py"
    file.write_text(content)
    with pytest.raises(UserError, match=message):
        parse([str(file)])


def test_help_shows_the_docstrings_of_the_fields(capsys):
    with pytest.raises(SystemExit) as end:
        parse([QUICKSTART, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    for text in (
        "--schedule.peak-value",
        "The highest rate: where the warm-up ends",
        "The length of the run: how often it passes over the training images",
        "--optimizer.momentum",
    ):
        assert text in shown


def test_help_hides_what_is_derived(capsys):
    with pytest.raises(SystemExit):
        parse([QUICKSTART, "--help"])
    assert "--schedule._" not in capsys.readouterr().out


def test_a_config_that_imports_another_can_be_loaded():
    config = load(ROOT / "configs/cifar10_resnet34_cosine.py")
    assert isinstance(config.schedule, la.CyclicalCosineSchedule)


def test_a_wrong_command_ends_with_code_2_and_no_traceback(tmp_path):
    process = small.train(tmp_path, "--epochs", "0")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == ""
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
