"""Sources of images: our digits, a TFDS data set, or a folder of image files."""

import contextlib
import functools
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from train.data import download
from train.data.cache import IMAGE_SHAPE, Decoded, Split
from train.data.digits import Digits
from train.errors import UserError, did_you_mean

_EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}


@dataclass(frozen=True)
class Source:
    """Images that can be decoded.

    Attributes:
      place: the place where the images lie, which tells the source from others.
      state: a digest that changes when the images may have changed.
      decode: reads all images; raises a `UserError` that names what cannot be used.
    """

    place: str
    state: str
    decode: Callable[[], Decoded] = field(compare=False)


def find(name: str, data_dir: str | os.PathLike[str] | None) -> Source:
    """Returns the source with this name, and downloads it if needed.

    Args:
      name: as `train.data.load` takes it.
      data_dir: as `train.data.load` takes it.

    Raises:
      UserError: it does not exist, cannot be downloaded, or holds no images to classify.
    """
    if name == "digits":
        return _digits()
    known = tfds.list_builders(with_community_datasets=False)
    folder = Path(name).expanduser()
    if name.startswith((".", "~", os.sep)) or (
        folder.is_dir() and name.split("/")[0].split(":")[0] not in known
    ):
        return _image_folder(folder)
    return _tfds_source(name, known, data_dir)


def _digits() -> Source:
    def decode() -> Decoded:
        # They are prepared again whenever the arrays are not cached. That takes seconds, and no
        # prepared copy can be out of date.
        tfds.display_progress_bar(enable=False)
        try:
            with (
                tempfile.TemporaryDirectory() as directory,
                contextlib.redirect_stdout(io.StringIO()),
            ):
                builder = Digits(data_dir=directory, file_format="array_record")
                builder.download_and_prepare(
                    download_config=tfds.download.DownloadConfig(try_download_gcs=False)
                )
                return _decode_records(builder, "image", "label")
        finally:
            tfds.display_progress_bar(enable=True)

    return Source("digits", f"digits {Digits.VERSION}", decode)


def _tfds_source(name: str, known: list[str], data_dir: str | os.PathLike[str] | None) -> Source:
    root = Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")
    root = root.expanduser().absolute()
    builder = _builder(name, known, root)
    image, label = _keys(name, builder)
    if not builder.is_prepared():
        download.prepare(builder)
        builder = _builder(name, known, root)

    formats = {str(form.value) for form in builder.info.available_file_formats()}
    if "array_record" not in formats:
        raise UserError(
            f"The data set {name} must be prepared as ArrayRecord to be read without TensorFlow, "
            f"{builder.data_dir} holds it as {', '.join(sorted(formats))}. Use another "
            "`data_dir`, where it will be prepared, or prepare it there with "
            f"`tfds build {name} --file_format=array_record`."
        )
    for split in ("train", "test"):
        if split not in builder.info.splits:
            raise UserError(
                f"The data set {name} must have the splits train and test, it has "
                f"{', '.join(builder.info.splits)}. Use another data set, or an image folder."
            )

    directory = Path(builder.data_dir)
    state = _fingerprint([builder.info.full_name, image, label], directory.iterdir())
    return Source(str(directory), state, functools.partial(_decode_records, builder, image, label))


def _builder(name: str, known: list[str], root: Path) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder(name, data_dir=str(root))
    except tfds.core.DatasetNotFoundError:
        hint = did_you_mean(name, ["digits", *known], most=3) or "Try 'digits'."
        raise UserError(
            "The data set must be 'digits', one that TFDS knows or the path of an image folder, "
            f"got {name!r}. {hint}"
        ) from None
    except Exception as error:  # the data set's own code, or a damaged description, raises anything
        raise UserError(
            f"The data set {name} in `data_dir` ({root}) cannot be opened: {error} If its "
            "description is damaged, remove its folder there to have it prepared again."
        ) from error


def _keys(name: str, builder: tfds.core.DatasetBuilder) -> tuple[str, str]:
    features = dict(builder.info.features.items())
    keys = tuple(k for k in builder.info.supervised_keys or () if isinstance(k, str))
    kinds = tuple(type(features[k]) for k in keys)
    if kinds != (tfds.features.Image, tfds.features.ClassLabel):
        raise UserError(
            "The data set must be one for image classification, with `supervised_keys` of an "
            f"image and a class; {name!r} has {', '.join(features)}. Try 'cifar10'."
        )
    image = features[keys[0]]
    if image.np_dtype != np.uint8:
        raise UserError(f"The images must be 8-bit, those of {name!r} are {image.np_dtype}.")
    if None not in image.shape[:2]:
        _check_size(image.shape[1], image.shape[0], name)
    return keys[0], keys[1]


def _check_size(width: int, height: int, where: str) -> None:
    if (height, width) != IMAGE_SHAPE[:2]:
        raise UserError(
            f"Images must be 32x32 pixels, got {width}x{height} in {where}. Write them at that "
            "size into a folder with train/<class>/*.png and test/<class>/*.png, and give its path."
        )


def _decode_records(builder: tfds.core.DatasetBuilder, image: str, label: str) -> Decoded:
    def examples(split: str) -> Iterator[tuple[io.BytesIO, int]]:
        source = builder.as_data_source(split=split, decoders={image: tfds.decode.SkipDecoding()})
        for start in range(0, len(source), 1000):
            for record in source.__getitems__(list(range(start, min(start + 1000, len(source))))):
                yield io.BytesIO(record[image]), int(record[label])

    names = builder.info.features[label].names
    splits = builder.info.splits
    try:
        return _checked(
            builder.name,
            tuple(names),
            *(_split(builder.name, splits[s].num_examples, examples(s)) for s in ("train", "test")),
        )
    except RuntimeError as error:  # ArrayRecord raises it for a damaged or a missing record
        raise UserError(
            f"The data set in {builder.data_dir} is damaged: {error} Remove that folder to have it "
            "prepared again."
        ) from error


def _image_folder(root: Path) -> Source:
    # The layout is that of tfds.folder_dataset.ImageFolder, which needs TensorFlow to list it.
    classes: set[str] = set()
    files: dict[str, list[Path]] = {}
    for split in ("train", "test"):
        if not (root / split).is_dir():
            raise UserError(
                f"The image folder {root} must hold the folders train and test, each with one "
                f"folder a class; {split} is missing."
            )
        folders = [d for d in sorted((root / split).iterdir()) if d.is_dir()]
        classes |= {d.name for d in folders}
        files[split] = [
            file
            for folder in folders
            for file in sorted(folder.iterdir())
            if file.suffix.lower() in (".png", ".jpg", ".jpeg")
        ]
    names = sorted(classes)

    def decode() -> Decoded:
        splits = [
            _split(
                str(root),
                len(files[split]),
                ((file, names.index(file.parent.name)) for file in files[split]),
            )
            for split in ("train", "test")
        ]
        return _checked(str(root), tuple(names), *splits)

    state = _fingerprint(names, files["train"] + files["test"])
    return Source(str(root.absolute()), state, decode)


def _split(where: str, num: int, examples: Iterable[tuple[Path | io.BytesIO, int]]) -> Split:
    images, labels = np.empty((num, *IMAGE_SHAPE), np.uint8), np.empty(num, np.int32)
    for i, (file, label) in enumerate(examples):
        at = str(file) if isinstance(file, Path) else f"{where}, record {i}"
        try:
            with Image.open(file) as image:
                _check_size(*image.size, at)
                if image.mode not in _EIGHT_BIT_MODES:
                    raise UserError(f"Images must be 8-bit, got mode {image.mode} in {at}.")
                images[i] = np.asarray(image.convert("RGB"))  # grey becomes three equal channels
        except (OSError, SyntaxError) as error:  # Pillow raises them for a broken file
            raise UserError(f"The image in {at} is damaged: {error}. Replace it.") from error
        labels[i] = label
    return Split(images, labels)


def _checked(where: str, class_names: tuple[str, ...], train: Split, test: Split) -> Decoded:
    for name, split in (("train", train), ("test", test)):
        if not len(split.labels):
            raise UserError(f"The {name} split of {where} must hold images, it holds none.")
        if split.labels.min() < 0:
            raise UserError(f"The {name} split of {where} must have labels, some images have none.")
    counts = np.bincount(train.labels, minlength=len(class_names))
    if empty := [name for name, count in zip(class_names, counts, strict=True) if count == 0]:
        raise UserError(
            f"Each class must have training images, {', '.join(empty)} in {where} has none. "
            "Add some, or remove the class."
        )
    return Decoded(class_names, train, test)


def _fingerprint(facts: list[str], files: Iterable[Path]) -> str:
    stats = [(str(file), file.stat()) for file in sorted(files)]
    rows = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return hashlib.sha256(json.dumps([facts, rows]).encode()).hexdigest()
