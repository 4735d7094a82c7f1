"""A configuration checks itself: a thousand wrong values, in three ways, and none trains."""

import ast
import dataclasses
import enum
import inspect
import itertools
import json
import math
import random
import re
import typing
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import small

from train import optimizer
from train.augment import Augment
from train.changes import changed
from train.checked import kinds_of
from train.cli.arguments import parse
from train.config import Config, digest
from train.errors import UserError
from train.halt import Halt
from train.kinds import Within
from train.models import NETWORKS, ModelConfig, Transformer
from train.models import build as models
from train.optimizer import OptimizerConfig
from train.preprocess import Preprocess
from train.study import RangeTests, Study
from train.study.tune import Range, Tune

BASE = small.config()
QUICKSTART = str(small.ROOT / "configs/quickstart.py")


def is_number(value):
    return type(value) is int or (type(value) is float and abs(value) < 1.7e308)


def whole(low, high):
    return lambda value: type(value) is int and low <= value <= high


def share(value):
    return is_number(value) and 0 <= value < 1


def positive(value):
    return is_number(value) and 0 < value < 1e308


def flag(value):
    return type(value) is bool


def one_of(*choices):
    return lambda value: type(value) in (str, int) and value in choices


def text(value):
    return isinstance(value, str | Path)


def strength(value):
    return is_number(value) and 0 <= value < 1e308


def or_none(rule):
    return lambda value: value is None or rule(value)


RIGHT = {
    "schedule_unit": one_of("epochs", "steps"),
    "epochs": whole(1, 10**6),
    "batch_size": whole(1, 2**31 - 1),
    "seed": whole(0, 2**32 - 1),
    "dataset": text,
    "data_dir": or_none(text),
    "num_train_images": or_none(whole(1, 2**31 - 1)),
    "num_test_images": or_none(whole(1, 2**31 - 1)),
    "validation_fraction": share,
    "preprocess.contrast_stretching": flag,
    "preprocess.global_contrast_normalisation": flag,
    "preprocess.per_pixel_mean": flag,
    "preprocess.zca_whitening": flag,
    "preprocess.zca_epsilon": positive,
    "preprocess.standardise": flag,
    "preprocess_once": flag,
    "augment.flip": flag,
    "augment.crop_padding": whole(0, 32),
    "model.name": one_of(*NETWORKS),
    "model.width": or_none(whole(1, 2**16)),
    "model.image_size": one_of(32, 224),
    "model.dtype": one_of("auto", "float32", "bfloat16"),
    "model.batch_norm": one_of("global", "local", "none"),
    "model.zero_init_residual": flag,
    "model.dropout": share,
    "model.transformer.patch_size": whole(1, 2**16),
    "model.transformer.width": whole(1, 2**16),
    "model.transformer.num_heads": whole(1, 2**16),
    "model.builder": or_none(callable),
    "head": one_of("softmax", "sigmoid"),
    "label_smoothing": share,
    "optimizer.name": one_of(*optimizer.names()),
    "optimizer.momentum": share,
    "optimizer.nesterov": flag,
    "optimizer.weight_decay": strength,
    "optimizer.clip_norm": or_none(positive),
    "optimizer.microbatches": whole(1, 2**31 - 1),
    "optimizer.arguments": lambda value: isinstance(value, dict) and not value,
    "halt.threshold": lambda value: one_of("auto")(value) or or_none(positive)(value),
    "halt.spike": or_none(positive),
    "halt.grace_epochs": whole(0, 10**6),
    "halt.action": one_of("halt", "skip", "ignore"),
    "halt.skip_limit": whole(1, 2**31 - 1),
    "engine": one_of("pmap", "shard_map"),
    "loop": one_of("auto", "python", "scan"),
    "cpu_devices": whole(1, 256),
    "measures": lambda value: isinstance(value, dict) and not value,
    "task": lambda value: value is None,
    "chunk_steps": or_none(whole(1, 2**31 - 1)),
    "eval_epochs": whole(1, 10**6),
    "eval_batch_size": whole(1, 2**16),
    "checkpoint_epochs": whole(1, 10**6),
}
"""Each field, and what it may be. The rules are written once more, apart from the annotations."""

WRONG = [
    *(2**31, 10**20),
    *("", "x", "yes", "true", "False", "None", "0.1", "3", "sigmiod", "step", "resnet43", "addam"),
    *("two words", "naïve", "32.0", "[1]", True, False, None, 0, -1, -7, 64, 33, 2**32),
    *(
        10**310,
        0.0,
        -0.5,
        1.0,
        1.5,
        2.5,
        -1e-9,
        math.nan,
        math.inf,
        -math.inf,
        1j,
        b"softmax",
        [],
        [1],
    ),
    *((1, 2), {}, {"b1": "x"}, {"b1": math.nan}, {1: 2}, {"b7": 1.0}, object(), Path("x"), print),
    *(np.float32("nan"), np.int64(-3), np.float64(2.5), np.bool_(True), np.array([1, 2]), int),
    *(Halt(), Augment(), ModelConfig, "softmax " * 40, "line\nline"),
]


def part_of(path):
    """The configuration's part that a path leads into, by its name, and the field's name."""
    *parts, name = path.split(".")
    part = BASE
    for each in parts:
        part = getattr(part, each)
    return part, name


def leaves(part=None, front=""):
    part = part or BASE
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Preprocess | Augment | ModelConfig | Transformer | Halt):
            yield from leaves(value, f"{front}{field.name}.")
        elif isinstance(value, OptimizerConfig):
            yield from leaves(value, "optimizer.")
        elif field.name != "schedule":
            yield f"{front}{field.name}"


def by_file(path, value):
    """As a file does it: the innermost part first."""
    part, name = part_of(path)
    built = dataclasses.replace(part, **{name: value})
    if "." in path:
        by_file(path.rpartition(".")[0], built)


def by_label(path, value):
    Study(title="", description="", base=BASE, axes={"a": {"b": {path: value}}})


def by_words(path, *words):
    parse([QUICKSTART, f"--{path.replace('_', '-')}", *words])


def refusal(build, *arguments):
    with pytest.raises(UserError) as raised:
        build(*arguments)
    said = str(raised.value)
    assert "\n" not in said and len(said) < 1000
    return said


def wrong_values(count):
    draw = random.Random(13)
    while count:
        path, value = draw.choice(list(RIGHT)), draw.choice(WRONG)
        if not RIGHT[path](value.item() if isinstance(value, np.generic) else value):
            yield path, value
            count -= 1


def wrong_names(count):
    draw = random.Random(14)
    while count:
        path = draw.choice(list(RIGHT))
        *front, name = path.split(".")
        place = draw.randrange(len(name))
        wrong = name[:place] + draw.choice(["", "x", "_", name[place] * 2]) + name[place + 1 :]
        if wrong.strip("_") not in {field.name for field in dataclasses.fields(part_of(path)[0])}:
            yield ".".join([*front, wrong])
            count -= 1


def test_the_rules_of_this_test_are_those_of_every_field():
    assert set(leaves()) == set(RIGHT)
    assert all(RIGHT[path](getattr(*part_of(path))) for path in RIGHT)


def test_a_wrong_value_is_refused_in_one_sentence_by_file_and_by_label():
    for path, value in wrong_values(850):
        said = refusal(by_file, path, value)
        assert said.startswith((f"`{path}` must be ", f"`{path}.")), (path, value, said)
        assert refusal(by_label, path, value) == said


def test_a_wrong_name_is_refused_in_one_sentence_that_names_it():
    for path in wrong_names(150):
        name = path.rpartition(".")[2]
        said = refusal(by_file, path, 1)
        assert said.startswith(f"`{name}` must be a field of "), said
        assert refusal(by_label, path, 1) == said


def wrong_words():
    """Those of the wrong values that can be typed, and are wrong as words too."""
    for path, value in wrong_values(2500):
        kinds = (str,) if path.endswith(".name") else (str, int, float)  # every word is a text
        with_words = type(value) in kinds and RIGHT[path] is not flag
        if with_words and not RIGHT[path](read(str(value))) and not RIGHT[path](str(value)):
            yield path, value


def read(word):
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def test_a_wrong_word_is_refused_in_the_same_sentence():
    words = list(wrong_words())
    assert len(words) > 500
    for path, value in words:
        said, rule = refusal(by_words, path, str(value)), refusal(by_file, path, value)
        if type(value) is str or path.startswith(
            ("optimizer.arg", "task")
        ):  # a typed number has no quotes
            said, rule = (each.split(", got ")[0].replace("a finite", "a") for each in (said, rule))
        assert said == rule, (path, value)


def test_a_wrong_name_on_the_command_line_is_refused_in_the_same_sentence():
    for path in wrong_names(25):
        if path.rpartition(".")[2] in ("_engine", "_head", "_loop", "_model") or "__" in path:
            continue  # dashes and underscores count as one
        assert refusal(by_words, path, "1") == refusal(by_file, path, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--augment.flip", "yes"),
            "`augment.flip` must be --augment.flip or --augment.no-flip on",
        ),
        (("--preprocess-once=1",), "`preprocess_once` must be --preprocess-once or --no-preproc"),
        (("--head",), "`head` must have a value, got none"),
        (("--data-dir", "my", "data"), "`data_dir` must be one value, got 'my data'. Put quotes"),
        (
            ("--optimizer.arguments", "b1", "x"),
            "`optimizer.arguments.b1` must be a number, got 'x'",
        ),
        (("--optimizer.arguments", "b1"), "`optimizer.arguments` must be a mapping from names to"),
        (("--model", "resnet18"), "`model` must be a ModelConfig, .* such as `model.name`"),
        (("--schedule.peak-valu", "1"), "`peak_valu` .* CyclicalLogSchedule, .* mean peak_value"),
        (("--workdirr", "x"), "--workdirr.* Did you mean --workdir"),
        (("--extend",), "`--extend` must have a value, got none"),
        (("--extend", "strech"), "`--extend` must be keep or stretch, .* Did you mean stretch"),
        (("--adjust-shedule",), "--adjust-shedule.* Did you mean --adjust-schedule"),
    ],
)
def test_what_only_words_can_get_wrong_is_refused_too(words, said):
    with pytest.raises(UserError, match=said):
        parse([QUICKSTART, *words])


def test_what_is_right_is_read_as_before(capsys):
    words = (
        "--no-adjust-schedule",
        "--no-dry-run",
        "--augment.no-flip",
        "--data-dir=a b",
        "--seed",
    )
    command = parse([QUICKSTART, *words, "05", "--optimizer.clip-norm", "1e-3"])
    config = command.config
    assert (command.adjust_schedule, config.augment.flip, config.data_dir) == (False, False, "a b")
    assert (config.seed, config.optimizer.clip_norm) == (5, 1e-3)
    with pytest.raises(SystemExit) as left:
        parse([QUICKSTART, "--epochs", "3", "-h"])
    assert left.value.code == 0 and "--epochs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"head": "sigmiod"},
            "`head` must be softmax or sigmoid, got 'sigmiod'. Did you mean sigm",
        ),
        ({"schedule_unit": "step"}, "`schedule_unit` must be .*, got 'step'. Did you mean steps"),
        ({"preprocess_once": "False"}, "must be True or False, got 'False'. Write False."),
        ({"preprocess_once": 1}, "`preprocess_once` must be True or False, got 1. Write True."),
        ({"label_smoothing": "0.1"}, "`label_smoothing` must be .*, got '0.1'. Write 0.1."),
        ({"epochs": True}, "`epochs` must be a whole number of at least 1, got True. Write 1."),
        ({"epochs": 3.0}, "`epochs` must be a whole number of at least 1, got 3.0. Write 3."),
        ({"label_smoothing": math.nan}, "must be a finite number of at least 0 and below 1, got"),
        (
            {"model": "resnet18"},
            "`model` must be a ModelConfig, .* its fields, such as `model.name`",
        ),
        (
            {"model.name": "resnet43"},
            "`model.name` must be .*, got 'resnet43'. Did you mean resnet",
        ),
        ({"halt": None}, "`halt` must be a Halt, got None. .* such as `halt.threshold`"),
        ({"optimizer": {"momentum": 0.5}}, "`optimizer` must be an OptimizerConfig, got {"),
        (
            {"optimizer.clip_norm": 0},
            "`optimizer.clip_norm` must be .* or None, got 0. None switches",
        ),
        ({"optimizer.arguments": {"b1": "0.9"}}, "`optimizer.arguments.b1` must be a number, got"),
        ({"model.transformer.width": 0}, "`model.transformer.width` must be a whole number of at"),
        ({"epochs.of": 3}, "`of` must be a field of int, and is none. There are none."),
    ],
)
def test_the_sentence_says_what_was_meant(changes, said):
    with pytest.raises(UserError, match=said):
        changed(BASE, changes)


def test_a_field_that_must_be_given_is_named():
    with pytest.raises(UserError, match="`schedule` must be given to Config, and is missing"):
        Config()
    with pytest.raises(UserError, match="`high` must be given to Range, and is missing"):
        Range(low=1)


class Head(enum.StrEnum):
    SIGMOID = "sigmoid"


def test_a_value_that_is_right_becomes_one_that_json_can_hold():
    given = {
        "label_smoothing": np.float32(0.25),
        "epochs": np.int64(3),
        "preprocess_once": np.bool_(True),
        "optimizer.weight_decay": 0,
        "head": Head.SIGMOID,
        "halt.threshold": 4,
    }
    plain = {
        "label_smoothing": 0.25,
        "epochs": 3,
        "preprocess_once": True,
        "optimizer.weight_decay": 0.0,
        "head": "sigmoid",
        "halt.threshold": 4.0,
    }
    one, other = (changed(BASE, changes).to_dict() for changes in (given, plain))
    assert json.dumps(one) == json.dumps(other) and digest(one) == digest(other)


@pytest.mark.parametrize("path", RIGHT)
def test_a_number_that_nobody_can_write_is_refused(path):
    if not RIGHT[path](10**5000):
        assert "got a number of 16610 bits" in refusal(by_label, path, 10**5000)


@pytest.mark.parametrize(
    ("path", "largest"),
    [
        ("epochs", 10**6),
        ("batch_size", 2**31 - 1),
        ("eval_batch_size", 2**16),
        ("chunk_steps", 2**31 - 1),
        ("cpu_devices", 256),
        ("seed", 2**32 - 1),
        ("halt.grace_epochs", 10**6),
        ("model.width", 2**16),
        ("optimizer.microbatches", 2**31 - 1),
    ],
)
def test_a_whole_number_has_a_largest_one_which_its_refusal_names(path, largest):
    changed(BASE, {path: largest})
    for value in (largest + 1, 2**32, 10**20):
        said = refusal(by_label, path, value)
        assert said.startswith(f"`{path}` must be a whole number from ")
        assert f" to {largest}" in said
    for value in (-1, 1.5, math.nan, True, "3"):
        said = refusal(by_label, path, value)
        assert said.startswith(f"`{path}` must be a whole number ") and f"got {value!r}. " in said


def test_an_array_is_no_number():
    with pytest.raises(UserError, match="`label_smoothing` must be a number"):
        small.config(label_smoothing=jnp.float32(0.1))


def test_a_path_is_a_folder_and_no_name():
    config = small.config(dataset=Path("digits"), data_dir=Path("/data"))
    assert (config.dataset, config.data_dir) == ("./digits", "/data")
    assert small.config(dataset=Path("~/birds")).dataset == "~/birds"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Range(low="1", high=2), "`low` must be a number, got '1'. Write 1."),
        (lambda: Range(low=1, high=2, scale="lin"), "`scale` must be log or linear, got 'lin'"),
        (lambda: Range(low=1, high=math.inf), "`high` must be a finite number, got inf"),
        (lambda: Tune(search={"a": {"epochs": (1, 2)}}), "`search.a.epochs` must be a Range, got"),
        (lambda: Tune(search={}, trials=0), "`trials` must be a whole number of at least 1, got 0"),
        (lambda: Tune(search={}, method="gird"), "`method` must be .* Did you mean grid"),
        (lambda: RangeTests(fallback=(0.1,)), "`fallback` must be 2 values in a row, got"),
        (lambda: RangeTests(fallback=(0.1, "1")), "`fallback.1` must be a number, got '1'. Write"),
        (lambda: RangeTests(fallback=(0, 1), num_steps=9), "`num_steps` must be .* at least 10"),
        (lambda: RangeTests(fallback=(0, 1), min_value=2), "`min_value` must be below `max_value`"),
        (lambda: study(seeds=3), "`seeds` must be a sequence, got 3"),
        (lambda: study(seeds=[0, -1]), "`seeds.1` must be a whole number from 0 to"),
        (lambda: study(kind="sensitive"), "`kind` must be .* Did you mean sensitivity"),
        (lambda: study(axes={"a": {"b": None}}), "`axes.a.b` must be a mapping or a function"),
        (lambda: study(axes={"a": {1: {}}}), "`axes.a.1` must be a text, got 1"),
        (lambda: study(axes={"a": {"b": lambda context: 3}}), "Changes must be .*, got 3"),
    ],
)
def test_the_parts_of_a_study_check_themselves_too(make, said):
    with pytest.raises(UserError, match=said):
        make()


def study(**fields):
    return Study(**{"title": "", "description": "", "base": BASE, "axes": {}, **fields})


def docstrings(cls):
    """The text below each field of a class, or for each of its attributes in the class's own."""
    body = ast.parse(inspect.getsource(cls)).body[0].body
    attributes = re.findall(r"^  (\w+): (.*(?:\n    .*)*)", inspect.getdoc(cls), re.M)
    return dict(attributes) | {
        field.target.id: text.value.value
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)
    }


def ranges(kind):
    """The ranges and the plain numbers in an annotation."""
    if typing.get_origin(kind) is typing.Annotated:
        return [each for each in typing.get_args(kind) if isinstance(each, Within)]
    parts = typing.get_args(kind)
    found = [each for part in parts for each in ranges(part)]
    return found if parts else [kind] * (kind in (int, float))


FREE = {("Range", "low"), ("Range", "high"), ("OptimizerConfig", "arguments")}
"""Numbers whose range depends on other fields."""


@pytest.mark.parametrize(
    "cls",
    [
        *(Augment, Config, Halt, ModelConfig, OptimizerConfig, Preprocess, Range, RangeTests),
        *(Study, Transformer, Tune),
    ],
)
def test_every_number_has_the_range_that_its_docstring_states(cls):
    said = docstrings(cls)
    for name, kind in kinds_of(cls).items():
        is_said = bool(re.search(r"(At least|Above|From) \d", said.get(name, "")))
        found = ranges(kind)
        if (cls.__name__, name) not in FREE and name not in ("fallback", "seeds"):
            assert is_said == bool(found), name
            assert all(isinstance(each, Within) for each in found), name


def test_a_network_that_a_configuration_may_name_can_be_built():
    assert set(NETWORKS) == set(models.names())


def test_nothing_wrong_is_trained_by_the_real_command(tmp_path):
    wrong = {
        "head": ("--head", "sigmiod"),
        "optimizer.momentum": ("--optimizer.momentum", "-1"),
        "momentun": ("--optimizer.momentun", "0.5"),
    }
    ended = {name: small.here(*small.words(tmp_path), *words) for name, words in wrong.items()}
    file = tmp_path / "mine.py"
    content = "import small, dataclasses\nget_config = lambda: small.config(loop='scam')\n"
    file.write_text(f"import sys\nsys.path.insert(0, {str(small.ROOT / 'tests')!r})\n{content}")
    process = small.start(str(file), "--workdir", str(tmp_path / "run"))
    out, err = process.communicate(timeout=120)
    ended["loop"] = process.returncode, out, err
    for name, (code, out, err) in ended.items():
        assert (code, out) == (2, ""), err
        assert err.startswith("error: ") and f"`{name}` must be" in err and err.count("\n") == 1
    assert not (tmp_path / "run").exists()
