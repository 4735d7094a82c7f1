import dataclasses
import json
import os
import shutil
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from train import batches, data
from train.data import cache, download
from train.errors import UserError


def pictures(seed, labels):
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 32, 32, 3), np.uint8)
    return images, np.array(labels, np.int32)


TRAIN = pictures(0, [0, 1, 2] * 7)
TEST = pictures(1, [2, 1, 0, 1])


class LogAnnealPictures(tfds.core.GeneratorBasedBuilder):
    """A data set as most in TFDS are: it yields arrays, which TFDS encodes with TensorFlow."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(32, 32, 3)),
                    "label": tfds.features.ClassLabel(names=["cat", "dog", "eel"]),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(TRAIN), "test": self._generate_examples(TEST)}

    def _generate_examples(self, split):
        for key, (image, label) in enumerate(zip(*split, strict=True)):
            yield key, {"image": image, "label": int(label)}


NAME = "log_anneal_pictures"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("tfds")
    data.load(NAME, data_dir=data_dir, cache_dir=tmp_path_factory.mktemp("cache"))
    return data_dir


@pytest.fixture
def data_dir(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "tfds")


@pytest.fixture
def folder(tmp_path):
    """An image folder that holds TRAIN and TEST."""
    for split, (images, labels) in (("train", TRAIN), ("test", TEST)):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            file = tmp_path / "folder" / split / ["cat", "dog", "eel"][label] / f"{i:03}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(file)
    return tmp_path / "folder"


def assert_holds(split, expected):
    images, labels = expected
    np.testing.assert_array_equal(split.images, images)
    np.testing.assert_array_equal(split.labels, labels)
    assert split.images.dtype == np.uint8 and split.labels.dtype == np.int32


def by_class(split):
    order = np.argsort(split[1], kind="stable")
    return split[0][order], split[1][order]


# Sources


def test_digits_are_the_same_everywhere(tmp_path):
    digits = data.load("digits", cache_dir=tmp_path)
    assert digits.train.images.shape == (1437, 32, 32, 3)
    assert digits.test.images.shape == (360, 32, 32, 3)
    assert digits.num_classes == 10
    assert digits.digest == "132c41f36573856da892fb4b40499eb653545237a546126d3ba4a3f1c06e8ba1"


def test_digits_are_scikit_learns_each_once(tmp_path):
    from sklearn.datasets import load_digits

    digits = data.load("digits", cache_dir=tmp_path)
    images = np.concatenate([digits.train.images, digits.test.images])[:, ::4, ::4, 0]
    labels = np.concatenate([digits.train.labels, digits.test.labels])
    ours = sorted(zip(images.reshape(-1, 64).tolist(), labels.tolist(), strict=True))
    source = load_digits()
    pixels = np.rint(source.data * 255 / 16).astype(int)
    assert ours == sorted(zip(pixels.tolist(), source.target.tolist(), strict=True))


def test_a_tfds_set_is_prepared_and_read_exactly_without_tensorflow(tmp_path):
    dataset = data.load(NAME, data_dir=tmp_path / "tfds", cache_dir=tmp_path / "cache")
    assert_holds(dataset.train, TRAIN)
    assert_holds(dataset.test, TEST)
    assert dataset.class_names == ("cat", "dog", "eel")
    assert dataset.validation is None
    assert "tensorflow" not in sys.modules


def test_the_data_dir_is_the_argument_then_the_environments(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "prepare", lambda builder: pytest.fail(str(builder.data_dir)))
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    data.load(NAME, cache_dir=tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "elsewhere"))
    data.load(NAME, data_dir=prepared, cache_dir=tmp_path)


def test_an_image_folder_is_read_exactly_class_by_class(folder, tmp_path):
    dataset = data.load(str(folder), cache_dir=tmp_path / "cache")
    assert_holds(dataset.train, by_class(TRAIN))
    assert_holds(dataset.test, by_class(TEST))
    assert dataset.class_names == ("cat", "dog", "eel")


def test_a_grey_image_gets_three_equal_channels(folder, tmp_path):
    grey = TRAIN[0][0, :, :, 0]
    Image.fromarray(grey).save(folder / "train" / "cat" / "000.png")
    dataset = data.load(str(folder), cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(dataset.train.images[0], np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize(
    "name, message",
    [
        ("cifar1o", "got 'cifar1o'. Did you mean cifar10"),
        ("nothing_like_it", "must be 'digits', one that TFDS knows or the path"),
        ("imdb_reviews", "must be one for image classification"),
        ("kitti", "must be one for image classification"),
        ("mnist", "must be 32x32 pixels, got 28x28 in mnist"),
        ("cifar10:9.9.9", "cannot be opened: .*9.9.9"),
        ("cifar-10", "got 'cifar-10'. Did you mean cifar10[^\n]*$"),
        ("cifar10:three", r"got 'cifar10:three'. After cifar10, TFDS .* a version as :1.2.3.$"),
        ("./nowhere", "must be the path of an image folder, and .*/nowhere is not there. Give"),
        ("", "must have a name or a path"),
        ("~no-such-user/pets", "`dataset` must be a path .* the home of that user is not known"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_before_any_download(
    name, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(download, "prepare", lambda builder: pytest.fail("downloads"))
    with pytest.raises(UserError, match=message):
        data.load(name, data_dir=tmp_path, cache_dir=tmp_path)


def test_no_network_is_said_at_once_with_the_data_dir_and_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_answers", lambda url: False)
    with pytest.raises(UserError, match=r"`data_dir` \(.*\) holds no .*cannot be reached. Set"):
        data.load("cifar10", data_dir=tmp_path / "none", cache_dir=tmp_path)


def test_a_server_is_reachable_if_it_answers_whatever_it_says(monkeypatch):
    class Refuse(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_error(403)

        def log_message(self, *args):
            pass

    monkeypatch.setenv("NO_PROXY", "*")
    with HTTPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert download._answers(f"http://127.0.0.1:{server.server_port}/x")
        server.shutdown()
    assert not download._answers(f"http://127.0.0.1:{server.server_port}/x")


def test_a_silent_server_is_given_up_in_time(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        assert not download._answers(f"http://127.0.0.1:{silent.getsockname()[1]}/", seconds=0.3)
        assert time.monotonic() - start < 60  # forever, were it not given up


def test_a_failing_preparation_is_one_clear_error(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(LogAnnealPictures, "_split_generators", fail)
    with pytest.raises(UserError, match="preparing it failed: No space left"):
        data.load(NAME, data_dir=tmp_path, cache_dir=tmp_path)


def edit_json(file, edit):
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))


def test_a_set_prepared_as_tfrecord_is_refused_with_the_way_out(data_dir, tmp_path):
    info = data_dir / NAME / "1.0.0" / "dataset_info.json"
    edit_json(info, lambda content: content.update(fileFormat="tfrecord"))
    with pytest.raises(UserError, match=r"holds it as tfrecord\. Use another `data_dir`"):
        data.load(NAME, data_dir=data_dir, cache_dir=tmp_path)


def test_a_missing_tfds_split_is_named(data_dir, tmp_path):
    info = data_dir / NAME / "1.0.0" / "dataset_info.json"
    edit_json(info, lambda content: content["splits"][1].update(name="extra"))
    with pytest.raises(UserError, match="must have the splits train and test, it has"):
        data.load(NAME, data_dir=data_dir, cache_dir=tmp_path)


@pytest.mark.parametrize("damage", ["short", "gone", "description"])
def test_a_damaged_tfds_set_is_named(damage, data_dir, tmp_path):
    folder = data_dir / NAME / "1.0.0"
    (record,) = folder.glob("*-test.array_record*")
    if damage == "short":
        os.truncate(record, 66_000)
    elif damage == "gone":
        record.unlink()
    else:
        (folder / "dataset_info.json").write_text("{oops")
    with pytest.raises(
        UserError, match=r"(is damaged|cannot be opened).*[Rr]emove (that|its) fold"
    ):
        data.load(NAME, data_dir=data_dir, cache_dir=tmp_path)


def break_depth(folder):
    Image.fromarray(np.zeros((32, 32), np.uint16)).save(folder / "train" / "cat" / "000.png")


def break_png(folder):
    file = folder / "train" / "cat" / "000.png"
    file.write_bytes(file.read_bytes()[:500])


def break_to_text(folder):
    (folder / "train" / "cat" / "000.png").write_text("hello")


def empty_class(folder):
    shutil.rmtree(folder / "train" / "dog")


def empty_test(folder):
    shutil.rmtree(folder / "test")
    (folder / "test" / "cat").mkdir(parents=True)


def no_test(folder):
    shutil.rmtree(folder / "test")


@pytest.mark.parametrize(
    "damage, message",
    [
        (
            break_depth,
            r"1 of 25 in .* cannot be read: train/cat/000.png \(its mode I;16 has no 8 bit",
        ),
        (break_png, r"1 of 25 in .* cannot be read: train/cat/000.png \(.*truncated"),
        (break_to_text, r"1 of 25 in .* cannot be read: train/cat/000.png \(no picture that"),
        (empty_class, "must be in train too, and dog is not"),
        (empty_test, "The test split .* must hold images"),
        (no_test, "test is missing"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_image_folder_that_cannot_be_used_says_what_and_where(damage, message, folder, tmp_path):
    damage(folder)
    with pytest.raises(UserError, match=message):
        data.load(str(folder), cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


# The cache


def decoded():
    return cache.Decoded(("cat", "dog", "eel"), cache.Split(*TRAIN), cache.Split(*TEST))


def refuse():
    pytest.fail("decodes again")


def test_cached_arrays_are_those_decoded_with_their_digest(tmp_path):
    fresh, digest = cache.load(tmp_path / "x", "key", decoded)
    cached, cached_digest = cache.load(tmp_path / "x", "key", refuse)
    assert_holds(cached.train, TRAIN)
    assert_holds(cached.test, TEST)
    assert cached.class_names == fresh.class_names
    assert cached_digest == digest == cached.digest()


def test_a_damaged_cache_is_never_used(tmp_path, capsys):
    path = tmp_path / "x"
    _, digest = cache.load(path, "key", decoded)
    content = path.read_bytes()
    draws = np.random.default_rng(0)
    header = content.index(b"\n") + 1
    for position in [*range(header), *draws.integers(header, len(content), 50)]:
        damaged = bytearray(content)
        damaged[position] ^= 1 << draws.integers(8)
        path.write_bytes(damaged)
        capsys.readouterr()
        arrays, found = cache.load(path, "key", decoded)
        assert found == digest and arrays.digest() == digest
        assert arrays.class_names == ("cat", "dog", "eel")
    for length in (0, 10, header, len(content) - 1):
        path.write_bytes(content[:length])
        assert cache.load(path, "key", decoded)[1] == digest
        assert "is not usable" in capsys.readouterr().err
    assert path.read_bytes() == content


def test_a_change_of_the_source_is_noticed(folder, tmp_path, capsys):
    before = data.load(str(folder), cache_dir=tmp_path / "cache")
    Image.fromarray(255 - TRAIN[0][0]).save(folder / "train" / "cat" / "000.png")
    after = data.load(str(folder), cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(after.train.images[0], 255 - before.train.images[0])
    assert after.digest != before.digest
    assert "its source has changed" in capsys.readouterr().err
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_many_at_once_do_not_meet(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(cache.load, tmp_path / "x", "key", decoded) for _ in range(32)]
        digests = {run.result()[1] for run in runs}
    assert digests == {decoded().digest()}
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_an_unwritable_cache_costs_one_line_and_nothing_else(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    dataset = data.load(str(folder), cache_dir=tmp_path / "file")
    assert_holds(dataset.train, by_class(TRAIN))
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(warnings) == 1 and "LOG_ANNEAL_CACHE" in warnings[0]


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    path = tmp_path / "x"
    cache.load(path, "key", decoded)
    content = path.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    cache.load(path, "another key", decoded)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_the_cache_can_be_read_by_those_whom_the_umask_lets(tmp_path):
    cache.load(tmp_path / "x", "key", decoded)
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o666 & ~umask


def test_the_sentences_on_what_was_found_are_kept_and_sealed(tmp_path, capsys):
    path = tmp_path / "x"
    cache.load(path, "key", lambda: dataclasses.replace(decoded(), found="Two dogs."))
    assert cache.load(path, "key", refuse)[0].found == "Two dogs."
    for old, new in ((b"Two", b"Six"), (b'"found"', b'"fount"'), (b'"seal"', b'"sea1"')):
        path.write_bytes(path.read_bytes().replace(old, new))
        again = cache.load(path, "key", lambda: dataclasses.replace(decoded(), found="Two dogs."))
        assert again[0].found == "Two dogs."
        assert "is not usable" in capsys.readouterr().err


def test_the_cache_lies_where_it_is_told(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.delenv("LOG_ANNEAL_CACHE", raising=False)
    assert cache.directory() == Path("/x/log_anneal")
    monkeypatch.setenv("LOG_ANNEAL_CACHE", "/y")
    assert cache.directory() == Path("/y")
    assert cache.directory("/z") == Path("/z")


# The validation split


def rows(split):
    return sorted(
        image.tobytes() + bytes([label])
        for image, label in zip(split.images, split.labels, strict=True)
    )


def test_the_validation_split_parts_the_training_images_and_nothing_else(folder, tmp_path):
    whole = data.load(str(folder), cache_dir=tmp_path)
    parted = data.load(str(folder), cache_dir=tmp_path, validation_fraction=0.2, seed=3)
    assert len(parted.validation.labels) == 4
    assert sorted(rows(parted.train) + rows(parted.validation)) == rows(whole.train)
    assert_holds(parted.test, (whole.test.images, whole.test.labels))
    assert parted.digest == whole.digest


def test_the_validation_split_is_a_function_of_its_seed(folder, tmp_path):
    first, again, other = (
        rows(data.load(str(folder), cache_dir=tmp_path, validation_fraction=0.4, seed=s).validation)
        for s in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan"), 0.001, 0.999])
def test_a_validation_fraction_that_leaves_nothing_is_refused(fraction, folder, tmp_path):
    with pytest.raises(UserError, match="`validation_fraction` must"):
        data.load(str(folder), cache_dir=tmp_path, validation_fraction=fraction)


# Batches


def test_an_epoch_takes_each_image_at_most_once_and_the_next_is_another_permutation():
    indices = batches.batch_indices(0, range(20), num_examples=103, batch_size=10)
    epochs = indices.reshape(2, 100)
    assert indices.shape == (20, 10) and indices.dtype == np.int32
    for epoch in epochs:
        assert len(np.unique(epoch)) == 100 and epoch.min() >= 0 and epoch.max() < 103
    assert not np.array_equal(*epochs)


def test_a_batch_depends_on_seed_and_step_alone():
    whole = batches.batch_indices(7, range(50), num_examples=97, batch_size=8)
    for start, stop in ((0, 1), (11, 14), (47, 50)):
        batches.order.cache_clear()
        part = batches.batch_indices(7, range(start, stop), num_examples=97, batch_size=8)
        np.testing.assert_array_equal(part, whole[start:stop])
    other = batches.batch_indices(8, range(50), num_examples=97, batch_size=8)
    assert not np.array_equal(whole, other)


def test_the_permutation_is_the_sorted_order_of_philoxs_draws():
    draws = np.random.Philox(key=[5, 2]).random_raw(64).tolist()
    expected = sorted(range(64), key=draws.__getitem__)
    found = batches.batch_indices(5, range(4, 6), num_examples=64, batch_size=32)
    assert found.reshape(-1).tolist() == expected


@pytest.mark.parametrize("batch_size", [0, -1, 65])
def test_a_batch_that_the_data_cannot_fill_is_refused(batch_size):
    with pytest.raises(UserError, match="`batch_size` must be between 1 and the 64"):
        batches.batch_indices(0, range(1), num_examples=64, batch_size=batch_size)


# The real thing


def test_real_cifar10_is_whole_and_the_same_from_the_cache(tmp_path):
    beside = Path(__file__).parents[2] / "shared" / "tfds"
    data_dir = Path(os.environ.get("TFDS_DATA_DIR", beside))
    if not (data_dir / "cifar10").is_dir():
        pytest.skip("skipped: no CIFAR-10 in TFDS_DATA_DIR or ../shared/tfds")
    fresh = data.load("cifar10", data_dir=data_dir, cache_dir=tmp_path)
    assert fresh.train.images.shape == (50_000, 32, 32, 3)
    assert fresh.test.images.shape == (10_000, 32, 32, 3)
    assert np.bincount(fresh.train.labels).tolist() == [5000] * 10
    assert np.bincount(fresh.test.labels).tolist() == [1000] * 10
    assert fresh.class_names[:2] == ("airplane", "automobile")
    cached = data.load("cifar10", data_dir=data_dir, cache_dir=tmp_path)
    np.testing.assert_array_equal(cached.train.images, fresh.train.images)
    assert cached.train.labels.tolist() == fresh.train.labels.tolist()
    assert cached.digest == fresh.digest
    by_tfds = tfds.data_source("cifar10", split="test", data_dir=data_dir)
    for i in (0, 1234, 9999):
        np.testing.assert_array_equal(fresh.test.images[i], by_tfds[i]["image"])
        assert fresh.test.labels[i] == by_tfds[i]["label"]
