"""Our schedules in the forms that other libraries take: they pickle, copy, and are saved."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import log_anneal as la
from log_anneal import compat

os.environ.setdefault("KERAS_BACKEND", "jax")  # where Keras is installed

SCHEDULE = la.exponential_schedule(init_value=0.1, decay_steps=10, decay_rate=0.5)


def in_a_fresh_process(code, *arguments):
    run = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.check_output(run, text=True).strip().splitlines()[-1]


def test_a_factor_for_pytorch_pickles_into_a_fresh_process(tmp_path):
    factor = compat.as_torch_lambda(SCHEDULE, base_lr=0.4)
    (tmp_path / "factor.pkl").write_bytes(pickle.dumps(factor))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))(10))"
    assert float(in_a_fresh_process(code, tmp_path / "factor.pkl")) == factor(10)


def test_a_factor_for_pytorch_copies_compares_and_prints():
    factor = compat.as_torch_lambda(SCHEDULE, base_lr=0.4)
    for again in pickle.loads(pickle.dumps(factor)), copy.copy(factor), copy.deepcopy(factor):
        assert again == factor and hash(again) == hash(factor)
        assert again(7) == factor(7)
    assert factor != compat.as_torch_lambda(SCHEDULE, base_lr=0.5)
    assert repr(factor) == f"as_torch_lambda({SCHEDULE!r}, base_lr=0.4)"


def test_a_factor_for_pytorch_leaves_nothing_in_a_state_dict():
    """LambdaLR saves the attributes of such an object, and sets them again when it loads."""
    assert vars(compat.as_torch_lambda(SCHEDULE, base_lr=0.4)) == {}


def test_the_real_torch_resumes_with_the_new_factor(tmp_path):
    torch = pytest.importorskip("torch")

    def scheduler(schedule):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
        factor = compat.as_torch_lambda(schedule, base_lr=0.4)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)

    torch.save(scheduler(SCHEDULE).state_dict(), tmp_path / "state.pt")
    resumed = scheduler(la.constant_schedule(0.3))
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    resumed.optimizer.step()
    resumed.step()
    assert resumed.get_last_lr() == [pytest.approx(0.3)]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_the_real_keras_loads_a_model_in_a_fresh_process(tmp_path):
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(compat.as_keras(SCHEDULE)), loss="mse")
    model.fit(np.ones((8, 2)), np.ones((8, 1)), batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    code = (
        "import sys, keras, log_anneal.compat.for_keras;"
        "print(float(keras.models.load_model(sys.argv[1]).optimizer.learning_rate))"
    )
    rate = float(in_a_fresh_process(code, tmp_path / "model.keras"))
    assert rate == pytest.approx(SCHEDULE.at(4), rel=1e-6)


def test_the_real_keras_schedule_pickles_into_a_fresh_process(tmp_path):
    pytest.importorskip("keras")
    theirs = compat.as_keras(SCHEDULE)
    assert copy.deepcopy(theirs).schedule == SCHEDULE
    (tmp_path / "theirs.pkl").write_bytes(pickle.dumps(theirs))
    code = "import pickle, sys; print(float(pickle.load(open(sys.argv[1], 'rb'))(10)))"
    assert float(in_a_fresh_process(code, tmp_path / "theirs.pkl")) == pytest.approx(0.05)
