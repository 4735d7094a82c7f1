"""Random wrong commands and configurations, each of which is wrong by how it is made."""

import dataclasses
import difflib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from train import optimizer
from train.models import NETWORKS

WAYS = ("file", "label", "words")
WHOLE = {
    "epochs": (1, 10**6),
    "batch_size": (1, 2**31 - 1),
    "seed": (0, 2**32 - 1),
    "cpu_devices": (1, 256),
    "eval_batch_size": (1, 2**16),
    "eval_epochs": (1, 10**6),
    "checkpoint_epochs": (1, 10**6),
    "augment.crop_padding": (0, 32),
    "halt.grace_epochs": (0, 10**6),
    "halt.skip_limit": (1, 2**31 - 1),
    "optimizer.microbatches": (1, 2**31 - 1),
    "num_train_images": (1, 2**31 - 1),
    "num_test_images": (1, 2**31 - 1),
    "chunk_steps": (1, 2**31 - 1),
    "model.width": (1, 2**16),
    "model.transformer.width": (1, 2**16),
    "model.transformer.num_heads": (1, 2**16),
}
"""The least and the largest of each whole number. They are written here once more."""
SHARES = ("validation_fraction", "label_smoothing", "optimizer.momentum", "model.dropout")
POSITIVE = ("preprocess.zca_epsilon", "optimizer.clip_norm", "halt.spike", "halt.threshold")
CHOICES = {
    "schedule_unit": ("epochs", "steps"),
    "head": ("softmax", "sigmoid"),
    "engine": ("pmap", "shard_map"),
    "loop": ("auto", "python", "scan"),
    "model.dtype": ("auto", "float32", "bfloat16"),
    "model.batch_norm": ("global", "local", "none"),
    "halt.action": ("halt", "skip", "ignore"),
    "schedule.form": ("anchored", "equation_4", "author_release"),
    "model.name": NETWORKS,
    "optimizer.name": optimizer.names(),
}
FLAGS = ("preprocess_once", "augment.flip", "preprocess.zca_whitening", "optimizer.nesterov")
RATES = ("schedule.peak_value", "schedule.end_value", "schedule.restart_multiplier")
DURATIONS = ("schedule.decay_steps", "schedule.warmup_steps", "schedule.restart_steps")
NAMES = (*WHOLE, *SHARES, *POSITIVE, *CHOICES, *FLAGS, *RATES, *DURATIONS)

_CLASSES = {
    "model": "ModelConfig",
    "model.transformer": "Transformer",
    "optimizer": "OptimizerConfig",
    "halt": "Halt",
    "augment": "Augment",
    "preprocess": "Preprocess",
}
IMPORTS = """
import log_anneal as la
from train.augment import Augment
from train.config import Config
from train.halt import Halt
from train.models import ModelConfig, Transformer
from train.optimizer import OptimizerConfig
from train.preprocess import Preprocess
from train.study import Study

nan, inf = float("nan"), float("inf")
CYCLE = {"peak_value": 0.1, "end_value": 1e-3, "decay_steps": 5, "restart_steps": 5}


"""
GOOD = "Config(schedule=la.cyclical_log_schedule(**CYCLE))"


@dataclasses.dataclass(frozen=True)
class Case:
    """A wrong command: the words of it, and what its refusal must say."""

    way: str
    words: list[str]
    names: tuple[str, ...]
    """The names of which the refusal must have one."""
    wrong: str = ""
    """A misspelt name; empty: the name is right, and the value is wrong."""
    right: str = ""
    """The name that was misspelt."""


def cases(random: np.random.Generator, folder: Path, count: int) -> Iterator[Case]:
    """Yields wrong commands without end to their kinds. Their files are in the folder."""
    good = _write(folder / "good.py", f"def get_config():\n    return {GOOD}\n")
    kinds: list[Callable[[], Case]] = [
        lambda: _wrong_value(random, folder, good),
        lambda: _wrong_value(random, folder, good),
        lambda: _misspelt_choice(random, folder, good),
        lambda: _misspelt_field(random, folder, good),
        lambda: _wrong_line(random, folder, good),
    ]
    for _ in range(count):
        yield kinds[random.integers(len(kinds))]()


def misspelt(random: np.random.Generator, name: str, known: tuple[str, ...]) -> str:
    """Returns a name with a letter left out, doubled, exchanged or put in another's place."""
    letters = [place for place, each in enumerate(name) if each.isalnum()]
    while True:
        at = int(random.choice(letters))
        other = chr(random.integers(ord("a"), ord("z") + 1))
        wrong = [
            name[:at] + name[at + 1 :],
            name[: at + 1] + name[at:],
            name[:at] + other + name[at + 1 :],
            name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
        ][random.integers(4)]
        if wrong not in known and wrong != name and wrong.strip("_-.") == wrong:
            return wrong


def is_as_near(wrong: str, right: str, said: str) -> bool:
    """Tells whether a refusal proposes a name that is as near to the wrong one as the right one."""
    proposed = said.partition("Did you mean ")[2]
    names = [word.strip("`'\"?,.").removeprefix("--") for word in proposed.split()]
    wrong, right, *near = [each.replace("-", "_") for each in (wrong, right, *names)]
    least = difflib.SequenceMatcher(None, right, wrong).ratio()
    # An option may be proposed by its whole name, and a file with its ending.
    parts = [part for name in near for part in (name, *name.split("."))]
    return any(difflib.SequenceMatcher(None, part, wrong).ratio() >= least for part in parts)


def _wrong_value(random: np.random.Generator, folder: Path, good: Path) -> Case:
    way = WAYS[random.integers(3)]
    path = str(random.choice([*WHOLE, *SHARES, *POSITIVE, *FLAGS, *RATES, *DURATIONS]))
    values: list[Any] = ["x", "two words", float("nan"), float("inf"), [1, 2], b"3", -1]
    if path in WHOLE:
        low, high = WHOLE[path]
        values += [low - 1, high + 1, 10**20, low + 0.5, -(2**31), True, str(low)]
    elif path in SHARES:
        values += [1, 1.0, 1.5, -1e-9, 10**20, True, "0.1"]
    elif path in POSITIVE:
        values += [0, 0.0, -0.5, 10**310, True, "0.1"]
    elif path in FLAGS:
        values += [0, 1, "True", 0.5, None]
    else:
        values += [10**40, -0.5, "0.1", None]
    if path == "schedule.restart_steps":
        values.remove(None)
    if way == "words":  # every word is a text, and a value of a flag is none
        values = [each for each in values if isinstance(each, int | float) and each is not True]
        values += ["x", "yes", "0x3", "1,5"] if path not in FLAGS else ["yes", "True"]
    return _case(way, folder, good, path, values[random.integers(len(values))])


def _misspelt_choice(random: np.random.Generator, folder: Path, good: Path) -> Case:
    path = str(random.choice([*CHOICES]))
    right = str(random.choice(CHOICES[path]))
    wrong = misspelt(random, right, tuple(CHOICES[path]))
    case = _case(WAYS[random.integers(3)], folder, good, path, wrong)
    return dataclasses.replace(case, wrong=wrong, right=right)


def _misspelt_field(random: np.random.Generator, folder: Path, good: Path) -> Case:
    path = str(random.choice(NAMES))
    *above, right = path.split(".")
    known = tuple(each.rpartition(".")[2] for each in NAMES)
    wrong = misspelt(random, right, known)
    case = _case(WAYS[random.integers(3)], folder, good, ".".join([*above, wrong]), 1)
    option = f"--{wrong.replace('_', '-')}"
    return dataclasses.replace(case, names=(wrong, option), wrong=wrong, right=right)


def _wrong_line(random: np.random.Generator, folder: Path, good: Path) -> Case:
    """Returns a command whose file, folder or own option is wrong."""
    study = _write(folder / "study_good.py", "def get_study(size):\n    return None\n")
    here = {"range-test": [str(good)], "study": [str(study)], "watch": [str(folder)]}
    options: dict[str, tuple[str, list[str]]] = {
        "port": ("watch", ["65536", "-1", "x", "1.5"]),
        "size": ("study", ["smok", "larg", "3"]),
        "workers": ("study", ["0", "two", "1e99"]),
        "executor": ("study", ["rya", "locl"]),
        "num-steps": ("range-test", ["9", "x", str(10**20)]),
        "min-value": ("range-test", ["0", "nan", "x"]),
        "sweep": ("range-test", ["lineer", "log"]),
        "from-step": ("", ["-1", "x", "1.5", str(10**20)]),
        "extend": ("", ["kep", "strech", "3"]),
        "coordinator": ("", ["localhost", "localhost:", ":80", "a:70000", "a:b"]),
        "process-id": ("", ["-1", "x"]),
        "log": ("", ["wandbb", "mlfow"]),
    }
    name = str(random.choice([*options]))
    command, values = options[name]
    front = [command, *here[command]] if command else [str(good)]
    match random.integers(4):
        case 0:
            wrong = misspelt(random, name, tuple(options))
            words = [*front, f"--{wrong}", values[0]]
            names = (f"--{wrong}", wrong.replace("-", "_"))
            return Case("line", words, names, wrong=wrong, right=name)
        case 1:
            wrong = misspelt(random, "configs/quickstart.py"[8:-3], ())
            return Case("line", [f"configs/{wrong}.py"], ("config",), wrong, "quickstart")
        case 2:
            commands = ("range-test", "study", "report", "watch")
            right = str(random.choice(commands))
            wrong = misspelt(random, right, commands)
            return Case("line", [wrong, str(good)], (wrong,), wrong, right)
        case _:
            value = values[random.integers(len(values))]
            return Case("line", [*front, f"--{name}", value], (f"--{name}",))


def _case(way: str, folder: Path, good: Path, path: str, value: Any) -> Case:
    names = (path, path.rpartition(".")[2])
    if way == "words":
        return Case(way, [str(good), f"--{path.replace('_', '-')}", str(value)], names)
    if way == "label":
        label = f"{{'a': {{'b': {{{path!r}: {value!r}}}}}}}"
        study = f"Study(title='', description='', base={GOOD}, axes={label})"
        file = _write(folder / "study_wrong.py", f"def get_study(size):\n    return {study}\n")
        return Case(way, ["study", str(file), "--size", "smoke"], names)
    *above, last = path.split(".")
    text = f"{last}={value!r}"
    if above == ["schedule"]:
        text = f"schedule=la.cyclical_log_schedule(**{{**CYCLE, {last!r}: {value!r}}})"
    else:
        for place in range(len(above), 0, -1):
            text = f"{above[place - 1]}={_CLASSES['.'.join(above[:place])]}({text})"
        text = f"schedule=la.cyclical_log_schedule(**CYCLE), {text}"
    file = _write(folder / "wrong.py", f"def get_config():\n    return Config({text})\n")
    return Case(way, [str(file)], names)


def _write(path: Path, text: str) -> Path:
    path.write_text(IMPORTS + text)
    return path
