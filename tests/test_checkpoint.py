import gc
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest

from train.config import digest
from train.errors import UserError
from train.folder import checkpoint
from train.folder.checkpoint import Checkpoints
from train.folder.thin import thin


def make_state(value: float = 0.0) -> dict[str, Any]:
    noise = np.random.default_rng(0).standard_normal((3, 3, 64, 64), np.float32)
    kernel, bias = jnp.array(noise + value), jnp.full((4,), value, float)
    params = {"conv": {"kernel": kernel, "bias": bias}}
    optimizer = optax.chain(optax.clip(1.0), optax.inject_hyperparams(optax.adam)(1e-3))
    return {"step": jnp.int32(value), "params": params, "optimizer": optimizer.init(params)}


def save_steps(directory: Path, *steps: int) -> None:
    with Checkpoints(directory) as checkpoints:
        for step in steps:
            checkpoints.save(step, make_state(step), about={})


def restore(directory: Path, like: Any = None) -> tuple[int, Any] | None:
    with Checkpoints(directory) as checkpoints:
        return found(checkpoints, make_state() if like is None else like)


def found(checkpoints: Checkpoints, like: Any) -> tuple[int, Any] | None:
    restored = checkpoints.restore(lambda _: like)
    return None if restored is None else (restored.step, restored.state)


def steps_in(directory: Path) -> set[int]:
    return {int(path.name) for path in directory.iterdir() if path.name.isdecimal()}


def largest_file(directory: Path) -> Path:
    return max((p for p in directory.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)


def flip_a_bit(path: Path, at: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 1
    path.write_bytes(content)


def test_an_optimizer_state_returns_with_its_structure_and_bits(tmp_path: Path) -> None:
    state = make_state(3.0)
    save_steps(tmp_path, 3)
    step, restored = restore(tmp_path)
    assert step == 3
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    for new, old in zip(jax.tree.leaves(restored), jax.tree.leaves(state), strict=True):
        assert isinstance(new, np.ndarray)
        assert (new.dtype, new.shape, new.tobytes()) == (
            old.dtype,
            old.shape,
            np.array(old).tobytes(),
        )


def test_every_type_of_leaf_returns_exactly(tmp_path: Path) -> None:
    state = {
        "bfloat16": np.arange(3, dtype=ml_dtypes.bfloat16),
        "float64": np.array([np.pi, np.nan, -0.0]),
        "int64": np.array(2**40),
        "bool": np.array([True, False]),
        "empty": np.zeros((0, 3), np.float32),
        "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    }
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state, wait=True, about={})
        _, restored = found(checkpoints, state)
    for name, leaf in state.items():
        assert (restored[name].dtype, restored[name].tobytes()) == (leaf.dtype, leaf.tobytes())


def test_a_folder_without_checkpoints_restores_to_none(tmp_path: Path) -> None:
    assert restore(tmp_path / "new") is None


def test_a_save_takes_the_values_of_its_moment(tmp_path: Path) -> None:
    state = {"leaf": np.zeros(1000, np.float32)}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state, about={})
        state["leaf"] += 1
    _, restored = restore(tmp_path, state)
    assert not restored["leaf"].any()


def test_the_two_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        for step, score in enumerate([0.1, 0.9, 0.3, 0.2, 0.4], start=1):
            checkpoints.save(step, make_state(step), score=score, about={})
    assert steps_in(tmp_path) == {2, 4, 5}
    assert not (tmp_path / "todelete").exists()


@pytest.mark.parametrize("score", [float("nan"), float("inf"), None])
def test_what_is_no_score_never_replaces_the_best(tmp_path: Path, score: float | None) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(1), score=0.5, about={})
        for step in (2, 3, 4):
            checkpoints.save(step, make_state(step), score=score, about={})
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.best_step() == 1
    assert steps_in(tmp_path) == {1, 3, 4}


def test_thinning_leaves_the_newest_intact_and_takes_no_folder_amiss(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        for step, score in ((1, 0.9), (2, 0.1), (10, 0.3)):
            checkpoints.save(step, make_state(step), score=score, about={})
    thin(tmp_path)
    thin(tmp_path / "absent")
    assert steps_in(tmp_path) == {10}
    with Checkpoints(tmp_path) as checkpoints:
        step, state = found(checkpoints, make_state())
    assert (step, state["step"]) == (10, 10)


def test_the_best_is_kept_across_restarts(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(1), score=0.5, about={})
    for step in (2, 3, 4):
        save_steps(tmp_path, step)
    assert steps_in(tmp_path) == {1, 3, 4}


# Orbax leaves coroutines behind when it cannot open one of many leaves.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("damage", [flip_a_bit, lambda path: path.write_bytes(b""), Path.unlink])
def test_damage_to_any_file_falls_back_or_changes_nothing(
    tmp_path: Path, damage: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, hurt = tmp_path / "sound", tmp_path / "hurt"
    save_steps(sound, 1, 2)
    files = [path.relative_to(sound) for path in (sound / "2").rglob("*") if path.is_file()]
    fallbacks = 0
    for file in files:
        shutil.copytree(sound, hurt)
        damage(hurt / file)
        step, state = restore(hurt)
        jax.tree.map(np.testing.assert_array_equal, state, make_state(step))
        assert steps_in(hurt) == set(range(1, step + 1))
        assert (hurt / "set_aside/2").exists() == (step == 1)
        fallbacks += step == 1
        shutil.rmtree(hurt)
    gc.collect()
    assert fallbacks >= 3
    assert capsys.readouterr().err.count("checkpoint of step 2 is damaged (") == fallbacks


def test_no_flipped_bit_in_an_array_passes(tmp_path: Path) -> None:
    for trial in range(5):
        directory = tmp_path / str(trial)
        save_steps(directory, 1, 2)
        flip_a_bit(largest_file(directory / "2"), at=0.1 + 0.19 * trial)
        assert restore(directory)[0] == 1


def test_after_a_fallback_the_lost_step_can_be_saved_again(tmp_path: Path) -> None:
    save_steps(tmp_path, 1, 2)
    flip_a_bit(largest_file(tmp_path / "2"))
    with Checkpoints(tmp_path) as checkpoints:
        assert found(checkpoints, make_state())[0] == 1
        checkpoints.save(2, make_state(2), wait=True, about={})
        assert checkpoints.latest_step() == 2
    assert restore(tmp_path)[0] == 2


def test_where_all_are_damaged_nothing_is_moved_and_the_run_does_not_start_afresh(
    tmp_path: Path,
) -> None:
    save_steps(tmp_path, 1, 2)
    for step in (1, 2):
        flip_a_bit(largest_file(tmp_path / str(step)))
    for _ in range(2):
        with pytest.raises(UserError, match=r"No checkpoint in .* is intact \(step 2: .*step 1: "):
            restore(tmp_path)
    assert steps_in(tmp_path) == {1, 2}


def test_another_shape_is_an_error_that_names_the_leaf(tmp_path: Path) -> None:
    save_steps(tmp_path, 1)
    like = make_state()
    like["params"]["conv"]["kernel"] = jax.ShapeDtypeStruct((3, 3, 64, 8), jnp.float32)
    with pytest.raises(
        UserError, match=r"leaf `params/conv/kernel` is float32\[3, 3, 64, 64\] in it"
    ):
        restore(tmp_path, like)


def test_another_type_is_an_error_and_not_a_cast(tmp_path: Path) -> None:
    save_steps(tmp_path, 1)
    like = make_state()
    like["params"]["conv"]["bias"] = jnp.zeros(4, jnp.bfloat16)
    with pytest.raises(
        UserError, match=r"leaf `params/conv/bias` is float32\[4\] in it and bfloat16"
    ):
        restore(tmp_path, like)


def test_another_structure_is_an_error_that_names_the_leaf(tmp_path: Path) -> None:
    save_steps(tmp_path, 1)
    with pytest.raises(UserError, match="leaf `momentum` is missing in it"):
        restore(tmp_path, make_state() | {"momentum": np.zeros(1)})
    with pytest.raises(UserError, match=r"has a leaf `optimizer/.*` that is missing here"):
        restore(tmp_path, {name: make_state()[name] for name in ("step", "params")})


def test_a_checkpoint_of_another_run_is_refused_and_nothing_is_moved(tmp_path: Path) -> None:
    save_steps(tmp_path, 1)

    def like(manifest: Any) -> Any:
        raise UserError(f"of another run: {manifest['step']}")

    with Checkpoints(tmp_path) as checkpoints, pytest.raises(UserError, match="of another run: 1"):
        checkpoints.restore(like)
    assert steps_in(tmp_path) == {1}


def test_a_checkpoint_of_other_shapes_is_restored_as_its_manifest_says(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(), about={"epochs": 3})
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore(lambda manifest: {3: make_state()}[manifest["epochs"]])
    assert restored is not None and restored.state["step"].shape == ()
    assert restored.manifest["epochs"] == 3


@pytest.mark.parametrize("is_there", [False, True])
def test_a_folder_that_was_renamed_to_another_step_is_found_and_put_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_there: bool
) -> None:
    save_steps(tmp_path, 4, 8)
    if is_there:
        shutil.copytree(tmp_path / "8", tmp_path / "11")
    else:
        (tmp_path / "8").rename(tmp_path / "11")
    with Checkpoints(tmp_path) as checkpoints:
        assert found(checkpoints, make_state())[0] == 8
        said = capsys.readouterr().err
        assert said.count("11 holds the checkpoint of step 8; moved to ") == 1
        checkpoints.save(9, make_state(9), about={})
    assert steps_in(tmp_path) == {8, 9}
    assert (tmp_path / "set_aside/11").exists() == is_there
    restore(tmp_path)
    assert capsys.readouterr().err == ""


def test_a_manifest_of_a_newer_release_is_refused_in_one_line(tmp_path: Path) -> None:
    save_steps(tmp_path, 1)
    path = tmp_path / "1/manifest/metadata"
    record = {**json.loads(path.read_text()), "version": 9}
    del record["sha256"]
    path.write_text(json.dumps({**record, "sha256": digest(record)}))
    with pytest.raises(UserError, match=r"must be of version 1 or of before, got 9. Go on with"):
        restore(tmp_path)
    assert steps_in(tmp_path) == {1}


def test_a_step_gets_its_place_and_an_older_one_goes_when_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_steps(tmp_path, 1, 2)
    seen = []
    real = checkpoint.flush_folder
    monkeypatch.setattr(
        checkpoint, "flush_folder", lambda path: (seen.append(steps_in(tmp_path)), real(path))
    )
    save_steps(tmp_path, 3)
    assert seen == [{1, 2}]
    assert steps_in(tmp_path) == {2, 3}


def test_saving_a_saved_or_restored_step_again_changes_nothing(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(1), score=0.5, about={})
        checkpoints.save(1, make_state(9), wait=True, about={})
        assert checkpoints.best_step() == 1
    with Checkpoints(tmp_path) as checkpoints:
        found(checkpoints, make_state())
        checkpoints.save(1, make_state(9), wait=True, about={})
        assert found(checkpoints, make_state())[1]["step"] == 1


def test_a_save_below_the_newest_step_is_an_error(tmp_path: Path) -> None:
    save_steps(tmp_path, 5)
    with Checkpoints(tmp_path) as checkpoints:
        for step in (4, 5):
            with pytest.raises(
                ValueError, match=r"`step` must be above the newest checkpoint's \(5\)"
            ):
                checkpoints.save(step, make_state(step), about={})


@pytest.fixture
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
def test_an_error_in_the_background_surfaces_at_the_next_save_and_at_the_exit(
    tmp_path: Path, capfd
) -> None:
    noise = {"leaf": np.random.default_rng(0).standard_normal(100_000)}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, noise, about={})
        with pytest.raises(UserError, match="checkpoint of step 1 could not be written"):
            checkpoints.save(2, noise, about={})
        checkpoints.save(3, make_state(3), wait=True, about={})
    with (
        pytest.raises(UserError, match="checkpoint of step 4 could not be written"),
        Checkpoints(tmp_path) as checkpoints,
    ):
        checkpoints.save(4, noise, about={})
    assert restore(tmp_path)[0] == 3
    assert capfd.readouterr().err == ""


def test_two_writers_in_one_folder_are_refused(tmp_path: Path) -> None:
    with (
        Checkpoints(tmp_path),
        pytest.raises(UserError, match=rf"writing to .* \(process {os.getpid()} on .*, since 20"),
        Checkpoints(tmp_path),
    ):
        pass
    with Checkpoints(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"`workdir` must be writable, got .*file"),
        Checkpoints(tmp_path / "file"),
    ):
        pass


def test_a_reader_reads_beside_the_writer_and_leaves_no_trace(tmp_path: Path) -> None:
    with Checkpoints(tmp_path / "none", is_writer=False) as reader:
        reader.save(1, make_state(1), wait=True, about={})
        assert found(reader, make_state()) is None
    assert not (tmp_path / "none").exists()
    save_steps(tmp_path, 1, 2)
    flip_a_bit(largest_file(tmp_path / "2"))
    with (
        Checkpoints(tmp_path) as writer,
        Checkpoints(tmp_path, is_writer=False) as reader,
    ):
        assert found(reader, make_state())[0] == 1
        assert writer.latest_step() == 2


def test_the_manifest_says_what_was_written(tmp_path: Path) -> None:
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(7, make_state(7), score=0.5, about={})
    manifest = json.loads((tmp_path / "7/manifest/metadata").read_text())
    assert (manifest["step"], manifest["score"], manifest["version"]) == (7, 0.5, 1)
    assert manifest["leaves"]["params/conv/bias"]["shape"] == [4]


def test_every_file_is_flushed_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = set()
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (flushed.add(os.fstat(fd).st_ino), real(fd)))
    save_steps(tmp_path, 1)
    assert {p.stat().st_ino for p in [tmp_path, *(tmp_path / "1").rglob("*")]} <= flushed


SAVES_FOR_EVER = """
    import itertools, sys
    from pathlib import Path
    import numpy as np
    from train.folder.checkpoint import Checkpoints
    with Checkpoints(Path(sys.argv[1])) as checkpoints:
        restored = checkpoints.restore(lambda _: {"leaf": np.zeros(100_000, np.int64)})
        start = 0 if restored is None else restored.step
        for step in itertools.count(start + 1):
            checkpoints.save(step, {"leaf": np.full(100_000, step)}, wait=True, about={})
            print(step, flush=True)
"""


def kill_at_random_moments(directory: Path, trials: int) -> None:
    generator = random.Random(0)
    script = textwrap.dedent(SAVES_FOR_EVER)
    newest = 0
    for trial in range(trials):
        said = directory / f"said-{trial}"
        with said.open("w") as file:
            job = subprocess.Popen([sys.executable, "-c", script, str(directory)], stdout=file)
        while not said.read_text():
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.3))
        job.kill()
        job.wait()
        newest = max(newest, *map(int, said.read_text().split()))
        with Checkpoints(directory, is_writer=False) as checkpoints:
            step, state = found(checkpoints, {"leaf": np.zeros(100_000, np.int64)})
        assert step in (newest, newest + 1)
        assert (state["leaf"] == step).all()
    assert not (directory / "set_aside").exists()
    assert newest >= trials


def test_a_kill_leaves_the_newest_complete_checkpoint(tmp_path: Path) -> None:
    kill_at_random_moments(tmp_path, trials=2)


@pytest.mark.slow
def test_a_hundred_kills_leave_the_newest_complete_checkpoint(tmp_path: Path) -> None:
    kill_at_random_moments(tmp_path, trials=100)
