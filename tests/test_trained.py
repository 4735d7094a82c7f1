"""The network of a run, used after it, from its folder alone."""

import json
import re
import shutil
import zipfile

import numpy as np
import pytest
import small
from PIL import Image

from train import data
from train.cli.arguments import parse
from train.errors import UserError
from train.folder import sealed
from train.run import network_file, trained
from train.run.loop import run

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

OWN = """
import sys
sys.path.insert(0, {tests!r})
from flax import nnx
import small
from train.models import ModelConfig

class Networks:
    class Linear(nnx.Module):
        def __init__(self, num_classes, rngs):
            self.head = nnx.Linear(32 * 32 * 3, num_classes, rngs=rngs)

        def __call__(self, images):
            return self.head(images.reshape(len(images), -1))

def get_config():
    model = ModelConfig(builder=Networks.Linear)
    return small.config(epochs=1, batch_size=480, model=model)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    config = small.config(epochs=3, batch_size=240, validation_fraction=0.1, head="sigmoid")
    run(config, folder, is_quiet=True)
    return folder


@pytest.fixture
def no_data(monkeypatch):
    """The data is not there: whoever asks for it fails."""
    monkeypatch.setattr(data, "load", lambda *args, **how: pytest.fail("the data was loaded"))


@pytest.fixture(scope="module")
def test_split():
    return data.load("digits", validation_fraction=0.1, seed=0).test


def measured(folder):
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line for line in lines if line.get("split") == "test"}


def test_it_classifies_as_the_run_has_measured_from_its_moved_folder_alone(
    made, test_split, no_data, tmp_path
):
    folder = shutil.copytree(made, tmp_path / "elsewhere")
    before = sorted(folder.rglob("*"))
    best = json.loads((folder / "summary.json").read_text())["best_step"]
    for is_best in (False, True):
        network = trained.load(folder, is_best=is_best)
        assert network.step == (best if is_best else max(measured(folder)))
        line = measured(folder)[network.step]
        accuracy = np.mean(network.classes(test_split.images) == test_split.labels)
        assert accuracy == pytest.approx(line["accuracy"], abs=1e-6)
        of_label = network.probabilities(test_split.images)[
            np.arange(len(test_split.labels)), test_split.labels
        ]
        assert np.mean(-np.log(of_label)) == pytest.approx(line["loss"], rel=1e-5)
    np.testing.assert_allclose(network.probabilities(test_split.images).sum(-1), 1, rtol=1e-5)
    assert network.class_names == tuple("0123456789")
    assert network.logits(test_split.images[:0]).shape == network.logits([]).shape == (0, 10)
    assert sorted(folder.rglob("*")) == before


def test_pictures_are_read_as_those_of_a_folder_of_images(made, test_split, tmp_path):
    network, images = trained.load(str(made)), test_split.images[:3]
    files = [tmp_path / f"{name}.png" for name in "abc"]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file)
    np.testing.assert_array_equal(network.logits(files), network.logits(images))
    assert network.classes(str(files[1])).tolist() == network.classes(images[1:2]).tolist()
    (tmp_path / "d.png").write_bytes(b"no picture")
    for name, why in (("d.png", "no picture that Pillow knows"), ("e.png", "it is not there")):
        with pytest.raises(UserError, match=rf"must be pictures .*, got .*{name} \({why}\)"):
            network.classes([files[0], tmp_path / name])
    assert len(repr(network)) < 200


def test_the_page_shows_how(made, tmp_path, capsys, monkeypatch):
    page = (small.ROOT / "docs/trainer.md").read_text()
    _, block = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 50)).save("seven.png")
    exec(block.replace("runs/quickstart", str(made)), {})
    said = capsys.readouterr().out
    assert re.match(r"\d+ \('0', .*'9'\)\n\[\d \d \d\]\n\(3, 10\)\n\d\n$", said), said


def test_a_run_by_options_is_loaded_too(no_data, tmp_path, monkeypatch):
    monkeypatch.undo()
    file = tmp_path / "config.py"
    file.write_text(small.CONFIG_FILE)
    words = ("--epochs", "1", "--batch-size", "480", "--model.width", "6", "--seed", "3")
    command = parse([str(file), "--workdir", str(tmp_path / "run"), *words])
    run(command.config, command.workdir, is_quiet=True)
    network = trained.load(tmp_path / "run")
    assert network.step == 2
    assert network.params["network"]["conv"]["kernel"].shape[-1] == 6


def test_a_network_of_ones_own_is_built_by_its_file(tmp_path, no_data, monkeypatch):
    monkeypatch.undo()
    file, folder = tmp_path / "own.py", tmp_path / "run"
    file.write_text(OWN.format(tests=str(small.ROOT / "tests")))
    config = parse([str(file)]).config
    run(config, folder, is_quiet=True)
    images = data.load("digits").test.images[:5]
    logits = trained.load(folder).logits(images)

    text = file.read_text()
    file.unlink()
    with pytest.raises(UserError, match=r"Networks.Linear, and the file .*own.py, is gone. Give"):
        trained.load(folder)
    network = trained.load(folder, builder=config.model.builder)
    np.testing.assert_array_equal(network.logits(images), logits)

    # The next start finds it where it is now.
    moved = tmp_path / "moved.py"
    moved.write_text(text)
    run(parse([str(moved)]).config, folder, is_quiet=True)
    np.testing.assert_array_equal(trained.load(folder).logits(images), logits)

    file = moved
    file.write_text(text.replace("32 * 32 * 3", "3 * 32 * 32"))
    with pytest.raises(UserError, match=r"`builder` must be Networks.Linear with the source that"):
        trained.load(folder)
    file.write_text("1 / 0")
    with pytest.raises(UserError, match=r"which .*moved.py defined, got ZeroDivisionError"):
        trained.load(folder)


def rewrite(folder, record):
    """Another record, as if it had been written so."""
    (folder / "config.json").write_text(json.dumps(sealed.sealed(record)))


def test_a_run_of_an_earlier_release_is_loaded_with_its_data(made, test_split, tmp_path):
    folder = shutil.copytree(made, tmp_path / "run")
    logits = trained.load(folder).logits(test_split.images[:9])
    (folder / network_file.FILE).unlink()
    np.testing.assert_array_equal(trained.load(folder).logits(test_split.images[:9]), logits)

    record = sealed.read(folder / "config.json")
    lacks = "must hold network.npz, which runs of earlier releases lack, or its data be there"
    for changes, said in (
        ({"dataset": "./nowhere"}, ": `dataset` must be the path"),
        ({"data_sha256": "0"}, ", and digits holds other images than the run had. Put them back"),
    ):
        rewrite(folder, {**record, **changes})
        with pytest.raises(UserError, match=f"{lacks}{said}"):
            trained.load(folder)


def test_a_damaged_file_is_named_and_the_next_start_mends_it(made, tmp_path, capsys):
    folder = shutil.copytree(made, tmp_path / "run")
    path = folder / network_file.FILE
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        places = [info.header_offset + 300 for info in archive.infolist()]
    kept = network_file.read(folder)
    for damage in (
        *(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, *places[:1])),
        whole[:-30],
        b"",
    ):
        path.write_bytes(damage)
        with pytest.raises(UserError, match="`folder` must hold a whole network.npz, got .* damag"):
            trained.load(folder)
        network_file.keep(folder, kept)
        assert path.read_bytes() == whole
        assert "network.npz is damaged (" in capsys.readouterr().err
    assert len(list((folder / "set_aside").glob("network.npz*"))) == 4


def test_each_flipped_bit_is_found_or_changes_nothing(tmp_path):
    draw = np.random.default_rng(5)
    statistics = {"channel_mean": draw.normal(size=3).astype(np.float32)}
    needs = network_file.Needs(("cat", "dog"), (32, 32, 3), statistics)
    network_file.keep(tmp_path, needs)
    path = tmp_path / network_file.FILE
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        try:
            found = network_file.read(tmp_path)
        except UserError as error:
            assert "\n" not in str(error)
        else:
            assert found.class_names == needs.class_names
            np.testing.assert_array_equal(
                found.statistics["channel_mean"], statistics["channel_mean"]
            )


def test_where_the_newest_checkpoint_is_damaged_the_one_before_is_taken_and_said(
    made, tmp_path, capsys
):
    folder = shutil.copytree(made, tmp_path / "run")
    steps = sorted(int(path.name) for path in (folder / "checkpoints").glob("[0-9]*"))
    (folder / f"checkpoints/{steps[-1]}/manifest/metadata").write_text("{ torn")
    assert trained.load(folder).step == steps[-2]
    assert f"is damaged; taking that of step {steps[-2]}" in capsys.readouterr().err
    assert (folder / f"checkpoints/{steps[-1]}").exists()


def test_a_later_version_is_refused_and_not_moved(made, tmp_path, monkeypatch):
    folder = shutil.copytree(made, tmp_path / "run")
    monkeypatch.setattr(network_file, "VERSION", 0)
    needs = network_file.Needs((), (), {})
    for use in (trained.load, lambda folder: network_file.keep(folder, needs)):
        with pytest.raises(UserError, match=r"network.npz must be of version 0 at most, got 1"):
            use(folder)
    assert not (folder / "set_aside").exists()


def test_large_statistics_of_runs_beside_each_other_are_one_file(tmp_path):
    large = np.random.default_rng(0).normal(size=(600, 600)).astype(np.float32)
    for name, matrix in (("a", large), ("b", large), ("c", large + 1)):
        (tmp_path / name).mkdir()
        needs = network_file.Needs(("x",), (32, 32, 3), {"zca_matrix": matrix})
        network_file.keep(tmp_path / name, needs)
        found = network_file.read(tmp_path / name)
        np.testing.assert_array_equal(found.statistics["zca_matrix"], matrix)
    a, b, c = ((tmp_path / name / network_file.FILE).stat().st_ino for name in "abc")
    assert a == b != c


def test_what_cannot_be_used_is_said(made, tmp_path):
    with pytest.raises(UserError, match=r"must be that of a run, got .* holds no config.json"):
        trained.load(tmp_path)
    with pytest.raises(UserError, match=r"`folder` must be the path of a run's folder, got Config"):
        trained.load(small.config())
    with pytest.raises(UserError, match=r"`builder` must be left out for a network of the trainer"):
        trained.load(made, builder=print)
    folder = shutil.copytree(made, tmp_path / "run")
    record = sealed.read(folder / "config.json")
    record["model"]["width"] = 5
    rewrite(folder, record)
    with pytest.raises(UserError, match="is of another run"):
        trained.load(folder)
    record["model"]["width"] = "x"
    rewrite(folder, record)
    with pytest.raises(UserError, match="config.json: `model.width` must be a whole number"):
        trained.load(folder)
    shutil.rmtree(folder / "checkpoints")
    shutil.copy(made / "config.json", folder)
    with pytest.raises(UserError, match=r"`folder` must be that of a run with a checkpoint"):
        trained.load(folder)
    network = trained.load(made)
    for images in (np.zeros((2, 32, 32, 3)), np.zeros((2, 28, 28), np.uint8)):
        with pytest.raises(UserError, match=r"`images` must be uint8 of shape \(n, 32, 32, 3\)"):
            network.classes(images)
    with pytest.raises(UserError, match="got ndarray in a sequence. Stack arrays"):
        network.classes([np.zeros((32, 32, 3), np.uint8)])
