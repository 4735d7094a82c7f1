"""Runs `python -m train`. The exit code says how the command ended."""

from train.cli import early

if __name__ == "__main__":
    early.leave_at_once()

import logging
import shlex
import sys
from pathlib import Path
from typing import NoReturn

import jax

from train.cli import arguments, commands
from train.cli.lasting import keep_output
from train.errors import Halted, Incomplete, Interrupted, UserError
from train.run import distributed

WRONG_INPUT, HALTED, INCOMPLETE, INTERRUPTED = (
    2,
    3,
    4,
    75,
)  # 75 is EX_TEMPFAIL of sysexits.h: try again


def main() -> None:
    """Runs one command, and leaves with an exit code.

    0: the command is done. 2: its input is wrong. 3: the guard halted the run. 4: some
    runs of a study could not be made, and the others are. 75: a signal interrupted the run, and the
    same command goes on. 130: a signal came before the run had begun.
    """
    keep_output()
    logging.getLogger("absl").setLevel(logging.ERROR)  # TFDS warns of things that are errors here
    command = shlex.join([_python(), "-m", "train", *sys.argv[1:]])
    asked: arguments.Command | None = None
    try:
        asked = arguments.parse(sys.argv[1:])
        _run(asked)
    except UserError as error:
        _leave(WRONG_INPUT, f"error: {error}")
    except Halted as error:
        adjusted = command.replace(" --adjust-schedule", "")
        way_out = (
            " To go on from there with another schedule, run\n"
            f"  {adjusted} --adjust-schedule --schedule.<field> <value>"
        )
        if error.reason.is_threshold:
            way_out += f"\nor with another threshold, run\n  {command} --halt.threshold <nats>"
        if error.step:
            # The loss may have been far too high for some steps before it was above the threshold.
            way_out += (
                "\nIf the steps before it went wrong already, add --from-step with the step of an "
                "older checkpoint,\nor begin anew with a lower rate in another --workdir."
            )
        _leave(HALTED, f"halted: {error}{way_out}")
    except Incomplete as error:
        _leave(INCOMPLETE, f"incomplete: {error}")
    except Interrupted as error:
        _leave(INTERRUPTED, f"interrupted: {error} To go on, run\n  {command}")
    except OSError as error:
        is_run = isinstance(asked, commands.Arguments) and not asked.dry_run
        way_out = " Then the same command goes on from the last checkpoint." if is_run else ""
        _leave(WRONG_INPUT, f"error: {error}. Make the file or folder usable.{way_out}")
    except KeyboardInterrupt:
        _leave(130, "interrupted: nothing was saved since the last checkpoint")


def _run(command: arguments.Command) -> None:
    match command:
        case commands.Report(folder):
            from train import report

            report.write(folder)
            print(f"{folder / 'report.html'}, {folder / 'report.md'}")
        case commands.Watch(folder, port):
            jax.config.update("jax_platforms", "cpu")  # the accelerator belongs to the run
            from train import watch

            early.listen()
            watch.serve(folder, port)
        case commands.RunStudy():
            from train.cli import study

            early.listen()
            study.run(command)
        case commands.Optimum():
            from train.cli import optimum

            optimum.run(command)
        case commands.RangeTest():
            _initialize(command)
            from train.run.range_test import run as test

            test(
                command.config,
                command.workdir,
                min_value=command.min_value,
                max_value=command.max_value,
                num_steps=command.num_steps,
                sweep=command.sweep,
            )
        case commands.Arguments(dry_run=True):
            _initialize(command)
            from train.run.dry_run import show

            show(command.config, command.workdir, command.extend)
        case commands.Arguments():
            _initialize(command)
            from train.run.loop import run

            run(
                command.config,
                command.workdir,
                adjust_schedule=command.adjust_schedule,
                extend=command.extend,
                from_step=command.from_step,
                log_to=command.log,
            )


def _initialize(command: commands.Arguments | commands.RangeTest) -> None:
    if command.config.cpu_devices > 1:
        jax.config.update("jax_num_cpu_devices", command.config.cpu_devices)
    distributed.initialize(command.coordinator, command.num_processes, command.process_id)


def _python() -> str:
    """Returns the path of this interpreter as a person would type it in this folder."""
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _leave(code: int, message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
