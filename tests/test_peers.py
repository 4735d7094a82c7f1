"""All names and all arguments of the other libraries: each is there, equal, and checked."""

import copy
import importlib
import inspect
import json
import pickle
import re
import sys
import warnings

import numpy as np
import pytest
from on_device import on_device
from small import ROOT

import log_anneal as la
from log_anneal import compat
from log_anneal.compat.library import LIBRARIES
from log_anneal.compat.peer import Peer
from log_anneal.compat.published import PUBLISHED_FOR_TORCH
from log_anneal.compat.torch import TORCH_MOMENTUM
from log_anneal.compat.transformers import GET_SCHEDULER

sys.path.insert(0, str(ROOT / "benchmarks"))
differences = importlib.import_module("peer_differences")
cases = importlib.import_module("peer_cases")
peer_names = importlib.import_module("peer_names")
sys.path.remove(str(ROOT / "benchmarks"))

KEPT = json.loads((ROOT / "tests/peer_names.json").read_text())
"""Names and arguments of the releases, by `benchmarks/peer_names.py`."""

EVERY = [(library, name) for library, ours in LIBRARIES.items() for name in ours.peers]

PUBLISHED = {
    "CyclicCosineDecayLR": lambda d: {
        "base_lr": d.rate(),
        "init_decay_epochs": d.steps(),
        "min_decay_lr": d.rate(),
        "restart_interval": d.steps(),
        "restart_interval_multiplier": d.of(1.0, 1.5),
        "restart_lr": d.rate(),
        "warmup_epochs": d.steps(),
        "warmup_start_lr": d.rate(),
    },
    "CyclicalLogAnnealing": lambda d: {
        "base_lr": d.rate(),
        "min_lr": d.rate(1e-4, 0.01),
        "max_lr": d.rate(0.01),
        "restart_interval": d.steps(2),
        "warmup_epochs": d.steps(2, 10),
    },
}


def build(library, name, arguments):
    return differences.ours(library, name, arguments)


def test_every_name_has_its_cases():
    for library, ours in LIBRARIES.items():
        assert set(cases.CASES[library]) == set(ours.peers), library


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_name_of_a_library_is_there_or_in_the_table_of_those_that_are_not(library):
    ours = LIBRARIES[library]
    assert not ours.peers.keys() & ours.absent.keys()
    assert set(KEPT[library]["names"]) == {*ours.peers, *ours.absent}


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_kept_of_a_library_is_what_the_release_that_is_installed_has(library):
    pytest.importorskip(library, exc_type=ImportError)
    module = importlib.import_module(LIBRARIES[library].where)
    assert peer_names.names(library, module) == KEPT[library]["names"]
    for name, kept in KEPT[library]["arguments"].items():
        assert peer_names.arguments(library, name, module) == kept, name


OURS_ALONE = {"base_lr", "num_steps", "verbose"}
"""The rate of the optimizer, how far to follow a function; `verbose` was PyTorch's until 2.6."""


@pytest.mark.parametrize(("library", "name"), EVERY)
def test_arguments_and_defaults_are_those_of_the_original(library, name):
    theirs, peer = KEPT[library]["arguments"][name], LIBRARIES[library].peers[name]
    assert set(theirs) <= set(peer.known)
    extra = {"num_warmup_steps", "num_training_steps"} if library == "transformers" else set()
    assert set(peer.known) - set(theirs) <= OURS_ALONE | extra
    for each in inspect.signature(peer.build).parameters.values():
        if each.name in theirs and each.name != "base_lr":
            default = "(none)" if each.default is each.empty else each.default
            assert default == theirs[each.name], each.name


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_name_without_a_place_is_refused_with_the_reason_and_the_way(library):
    ours = LIBRARIES[library]
    for name, absent in ours.absent.items():
        with pytest.raises(ValueError) as error:
            getattr(compat, ours.builder)(name)
        assert f"{absent.reason} {absent.way}" in str(error.value)


def test_the_name_of_another_library_is_sent_there():
    with pytest.raises(ValueError, match="which is Keras's. Take `compat.keras_schedule`."):
        compat.torch_schedule("CosineDecayRestarts")
    with pytest.raises(ValueError, match="which is PyTorch's. Take `compat.torch_schedule`."):
        compat.keras_schedule("SequentialLR")


ALL_PEERS = [
    *(
        (ours.builder, name, peer)
        for ours in LIBRARIES.values()
        for name, peer in ours.peers.items()
    ),
    *(("torch_schedule", name, peer) for name, peer in PUBLISHED_FOR_TORCH.items()),
    *(("torch_momentum", name, peer) for name, peer in TORCH_MOMENTUM.items()),
]

every_peer = pytest.mark.parametrize(
    ("builder", "name", "peer"), ALL_PEERS, ids=[f"{each[0]}-{each[1]}" for each in ALL_PEERS]
)


def arguments_of(builder, name, seed=1):
    """Arguments that are in order."""
    draws = {ours.builder: cases.CASES[key] for key, ours in LIBRARIES.items()}
    draw = PUBLISHED.get(name) or draws[builder.replace("torch_momentum", "torch_schedule")][name]
    arguments = draw(cases.Draw(seed))
    if name == "join_schedules":
        arguments["schedules"] = [0.1, 0.2, 0.3]
    return arguments


WRONG = [object(), [object()], float("nan")]
"""What no argument takes: no number, no word, no list of numbers."""


@every_peer
def test_a_wrong_value_of_any_argument_is_refused_under_that_name(
    builder: str, name: str, peer: Peer
):
    arguments = arguments_of(builder, name)
    assert getattr(compat, builder)(name, **arguments)
    for argument in peer.known:
        for wrong in WRONG:
            with pytest.raises(ValueError) as error:
                getattr(compat, builder)(name, **arguments | {argument: wrong})
            assert str(error.value).startswith(f"`{argument}"), (argument, wrong, error.value)


ODD = [-1, 0, 0.0, 1, 1.0, 2, 0.3, 1e-31, 1e-8, 1.5, 1e31, 2**31, 10**30, float("inf"), None, True]


@every_peer
def test_every_error_names_an_argument_of_the_original_first(builder: str, name: str, peer: Peer):
    """One value that may be out of its range, or may not go with the others."""
    known = {*peer.known, "epochs` * `steps_per_epoch"}
    for seed in range(3):
        arguments = arguments_of(builder, name, seed)
        for argument in inspect.signature(peer.build).parameters:
            for odd in ODD:
                try:
                    getattr(compat, builder)(name, **arguments | {argument: odd})
                except ValueError as error:
                    words = re.findall(r"`([^`]*?)(?:\[.*?\])?`", str(error))
                    assert words[0] in known, (argument, odd, error)
                    assert (
                        " must " in str(error) and ", got" in str(error)
                    ) or "is missing" in str(error), (argument, odd, error)
                    assert not our_fields(words) - known, (argument, odd, error)


def our_fields(words):
    """The names of our own fields among the words of a message."""
    ours = {
        "cycle_decay",
        "decay_rate",
        "down_steps",
        "end_value",
        "final_steps",
        "init_value",
        "num_restarts",
        "peak_value",
        "restart_decay",
        "restart_multiplier",
        "restart_steps",
        "restart_value",
        "stable_steps",
        "step_decay",
        "timescale_steps",
        "up_steps",
    }
    return ours & set(words)


@pytest.mark.parametrize("name", LIBRARIES["optax"].peers)
def test_is_equal_to_optax_at_every_step(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = list(differences.compared("optax", name, seed=0, cases=3))
    assert all(each.error <= 1e-12 for each in results), max(results, key=lambda each: each.error)


@pytest.mark.parametrize("name", LIBRARIES["optax"].peers)
def test_is_optaxs_curve_on_the_device_too(name):
    schedule = build("optax", name, cases.CASES["optax"][name](cases.Draw(3)))
    steps = np.arange(differences.NUM_STEPS)
    host = schedule.at(steps)
    np.testing.assert_allclose(on_device(schedule, steps), host, rtol=0, atol=2e-6 * host.max())


def test_the_table_of_the_page_is_the_table_of_the_library():
    page = (ROOT / "docs/coming_from.md").read_text()
    for ours in LIBRARIES.values():
        for name in ours.peers:
            assert re.search(rf"^\|.*`{name}`.*\|.*\|$", page, re.M), name
        for name, absent in ours.absent.items():
            assert f"| `{name}` | not here. {absent.reason} {absent.way} |" in page, name


CURVES = sorted((ROOT / "tests/golden/peers").glob("*.json"))
NO_CURVE = {"torch-LambdaLR", "torch-MultiplicativeLR"}
"""JSON has no place for their functions; the next test has their equations."""


def test_every_name_has_a_curve_that_the_original_made_or_the_original_at_hand():
    names = {
        f"{library}-{name}"
        for library, name in EVERY
        if library != "optax" and name not in GET_SCHEDULER
    }
    assert {path.stem for path in CURVES} == names - NO_CURVE


@pytest.mark.parametrize("path", CURVES, ids=lambda path: path.stem)
def test_is_the_curve_that_the_original_made(path):
    curve = json.loads(path.read_text())
    schedule = build(*path.stem.split("-", 1), curve["params"])
    steps = np.arange(len(curve["values"]))
    largest = max(curve["values"])
    np.testing.assert_allclose(schedule.at(steps), curve["values"], rtol=0, atol=1e-12 * largest)
    on = on_device(schedule, steps)
    np.testing.assert_allclose(on, curve["values"], rtol=0, atol=2e-6 * largest)


def test_a_short_name_of_transformers_is_the_function_that_it_calls():
    peers = LIBRARIES["transformers"].peers
    for name, function in GET_SCHEDULER.items():
        assert peers[name].build is peers[function].build


def python_alone(step):
    """Nothing that JAX can trace."""
    return 0.5 if step < 3 else 0.1


def test_a_function_of_pytorchs_may_be_any_python():
    arguments = {"base_lr": 0.2, "lr_lambda": python_alone, "num_steps": 5}
    by_lambda = compat.torch_schedule("LambdaLR", **arguments)
    assert by_lambda.at(np.arange(7)).tolist() == [0.1, 0.1, 0.1, *[0.2 * 0.1] * 4]
    product = compat.torch_schedule("MultiplicativeLR", **arguments)
    expected = [0.2, 0.1, 0.05, 0.005, 0.0005, 0.0005]
    np.testing.assert_allclose(product.at(np.arange(6)), expected, rtol=1e-15)


@pytest.mark.parametrize(("library", "name"), EVERY)
def test_is_data(library, name):
    """It pickles, copies and is JSON, whatever the arguments were."""
    schedule = build(library, name, cases.CASES[library][name](cases.Draw(5)))
    for again in (
        pickle.loads(pickle.dumps(schedule)),
        copy.deepcopy(schedule),
        la.from_json(la.to_json(schedule)),
    ):
        assert again == schedule


RISING = [
    ("torch", "StepLR", {"base_lr": 0.1, "step_size": 3, "gamma": 1.5}),
    ("torch", "ExponentialLR", {"base_lr": 0.1, "gamma": 1.01}),
    ("torch", "MultiStepLR", {"base_lr": 0.1, "milestones": [3], "gamma": 2.0}),
    (
        "keras",
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 2.0},
    ),
    ("timm", "StepLRScheduler", {"base_lr": 0.1, "decay_t": 3, "decay_rate": 2.0}),
    (
        "timm",
        "CosineLRScheduler",
        {"base_lr": 0.1, "t_initial": 3, "cycle_decay": 2.0, "cycle_limit": 3},
    ),
    ("optax", "exponential_decay", {"init_value": 0.1, "transition_steps": 3, "decay_rate": 2.0}),
]


@pytest.mark.parametrize(("library", "name", "arguments"), RISING)
def test_a_factor_above_one_makes_a_rise(library, name, arguments):
    assert build(library, name, arguments).at(7) > 0.1
