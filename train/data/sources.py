"""Finds a source of images: our digits, a TFDS data set, or a folder of image files."""

import contextlib
import functools
import io
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from train.data import download, image_folder
from train.data.cache import IMAGE_SHAPE, Decoded, Split
from train.data.digits import Digits
from train.data.source import Source, checked, expanded, fingerprint, sizes_and_times
from train.errors import UserError, did_you_mean

_EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}


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
    if not name:
        raise UserError("The data set must have a name or a path, got an empty one. Try 'digits'.")
    known = tfds.list_builders(with_community_datasets=False)
    folder = expanded("dataset", name)
    if name.startswith((".", "~", os.sep)) or (
        folder.is_dir() and name.split("/")[0].split(":")[0] not in known
    ):
        return image_folder.find(folder)
    return _tfds_source(name, known, data_dir)


def is_here(name: str, data_dir: str | os.PathLike[str] | None) -> bool:
    """Tells whether `find` downloads nothing: a set of TFDS must have been prepared before.

    Args:
      name: as `train.data.load` takes it.
      data_dir: as `train.data.load` takes it.
    """
    known = tfds.list_builders(with_community_datasets=False)
    if name == "digits" or name.split("/")[0].split(":")[0] not in known:
        return True
    given = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    root = expanded("data_dir", Path(given)).absolute()
    try:
        return _builder(name, known, root).is_prepared()
    except UserError:
        return True  # `find` says what is wrong


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

    return Source("digits", "digits", f"digits {Digits.VERSION}", decode)


def _tfds_source(name: str, known: list[str], data_dir: str | os.PathLike[str] | None) -> Source:
    given = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    root = expanded("data_dir", Path(given)).absolute()
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
    files = ((str(file), file) for file in sorted(directory.iterdir()))
    state = fingerprint([builder.info.full_name, image, label], sizes_and_times(files))
    return Source(
        name, str(directory), state, functools.partial(_decode_records, builder, image, label)
    )


def _builder(name: str, known: list[str], root: Path) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder(name, data_dir=str(root))
    except tfds.core.DatasetNotFoundError:
        raise _unknown(name, known) from None
    except Exception as error:  # the data set's own code, or a damaged description, raises anything
        if "Parsing builder name string" in str(error):  # 19 lines of grammar follow
            raise _unknown(name, known) from None
        raise UserError(
            f"The data set {name} in `data_dir` ({root}) cannot be opened: {error} If its "
            "description is damaged, remove its folder there to have it prepared again."
        ) from error


def _unknown(name: str, known: list[str]) -> UserError:
    head = re.split("[/:]", name)[0]
    if head in known:
        hint = f"After {head}, TFDS takes a configuration as /name and a version as :1.2.3."
    else:
        hint = did_you_mean(head, ["digits", *known], most=3) or "Try 'digits'."
    return UserError(
        "The data set must be 'digits', one that TFDS knows or the path of an image folder, got "
        f"{name!r}. {hint}"
    )


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
            f"Images of a TFDS set must be 32x32 pixels, got {width}x{height} in {where}. Write "
            "them as files to train/<class> and test/<class> in a folder, and give its path: there "
            "they are scaled."
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
        return checked(
            builder.name,
            tuple(names),
            *(_split(builder.name, splits[s].num_examples, examples(s)) for s in ("train", "test")),
        )
    except RuntimeError as error:  # ArrayRecord raises it for a damaged or a missing record
        raise UserError(
            f"The data set in {builder.data_dir} is damaged: {error} Remove that folder to have it "
            "prepared again."
        ) from error


def _split(where: str, num: int, examples: Iterable[tuple[io.BytesIO, int]]) -> Split:
    images, labels = np.empty((num, *IMAGE_SHAPE), np.uint8), np.empty(num, np.int32)
    for i, (file, label) in enumerate(examples):
        at = f"{where}, record {i}"
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
