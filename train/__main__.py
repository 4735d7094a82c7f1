"""`python -m train`: argv -> Config -> run; the exit code says how it ended."""

import logging
import shlex
import sys
from pathlib import Path
from typing import NoReturn

import jax

from train import commandline, distributed
from train.errors import UserError
from train.guard import Halted
from train.interrupt import Interrupted

WRONG_INPUT, HALTED, INTERRUPTED = 2, 3, 75  # 75 is EX_TEMPFAIL of sysexits.h: try again


def main() -> None:
    """Runs one command and leaves.

    Exit codes: 0, done; 2, wrong input; 3, halted by the guard; 75, interrupted by a signal, and
    the same command goes on; 130, interrupted before the run had begun.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)  # TFDS warns of what we say as an error
    command = shlex.join([_python(), "-m", "train", *sys.argv[1:]])
    try:
        arguments = commandline.parse(sys.argv[1:])
        if arguments.config.cpu_devices > 1:
            jax.config.update("jax_num_cpu_devices", arguments.config.cpu_devices)
        distributed.initialize(arguments.coordinator, arguments.num_processes, arguments.process_id)
        if isinstance(arguments, commandline.RangeTest):
            from train.range_test import run as test

            test(
                arguments.config,
                arguments.workdir,
                min_value=arguments.min_value,
                max_value=arguments.max_value,
                num_steps=arguments.num_steps,
                sweep=arguments.sweep,
            )
        elif arguments.dry_run:
            from train.dry_run import show

            show(arguments.config)
        else:
            from train.loop import run

            run(
                arguments.config,
                arguments.workdir,
                adjust_schedule=arguments.adjust_schedule,
            )
    except UserError as error:
        _leave(WRONG_INPUT, f"error: {error}")
    except Halted as error:
        adjusted = command.replace(" --adjust-schedule", "")
        _leave(
            HALTED,
            f"halted: {error} To go on from there with another schedule, run\n"
            f"  {adjusted} --adjust-schedule --schedule.<field> <value>",
        )
    except Interrupted as error:
        _leave(INTERRUPTED, f"interrupted: {error} To go on, run\n  {command}")
    except OSError as error:
        _leave(WRONG_INPUT, f"error: {error}. The same command goes on from the last checkpoint.")
    except KeyboardInterrupt:
        _leave(130, "interrupted: nothing was saved since the last checkpoint")


def _python() -> str:
    """This interpreter, as one would type it here."""
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _leave(code: int, message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
