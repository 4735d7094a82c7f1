"""Prepares a TFDS data set as ArrayRecord, without TensorFlow. It notices a missing network."""

import importlib.util
import io
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.utils import lazy_imports_utils

from train.errors import UserError


def prepare(builder: tfds.core.DatasetBuilder) -> None:
    """Downloads and prepares `builder`'s data set in its `data_dir`, as ArrayRecord.

    Raises:
      UserError: the first address does not answer within 5 s, or the preparation fails.
    """
    missing = f"`data_dir` ({builder.data_dir_root}) holds no data set {builder.info.full_name}"
    way_out = (
        "Set `data_dir` or TFDS_DATA_DIR to a folder that holds it as ArrayRecord, "
        "or use the data set 'digits', which needs no download."
    )

    # Without this check, TFDS tries again and again for more than 3 minutes.
    addresses = [url for url in builder.url_infos or {} if url.startswith("http")]
    if addresses and not _answers(addresses[0]):
        raise UserError(f"{missing}, and {addresses[0]} cannot be reached. {way_out}")

    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        with _stand_in_for_tensorflow():
            builder.download_and_prepare(download_config=config, file_format="array_record")
    except Exception as error:  # the data set's own code may raise anything
        if not builder.is_prepared():  # if it is, another process was faster
            raise UserError(f"{missing}, and preparing it failed: {error}. {way_out}") from error
    if not builder.is_prepared():
        raise UserError(
            f"The folder {builder.data_dir} holds no complete data set. Remove it to have it "
            "prepared again."
        )


def _answers(url: str, seconds: float = 5.0) -> bool:
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=seconds).close()
        except urllib.error.HTTPError as error:
            error.close()  # an error is an answer too
        except OSError:
            return
        answered.set()

    # It asks in a thread, because a name server may take any time to answer.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answered.is_set()


class _Encoded(bytes):
    def numpy(self) -> bytes:
        return self


def _encode_png(image: np.ndarray) -> _Encoded:
    file = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(file, "png")
    return _Encoded(file.getvalue())


@contextmanager
def _stand_in_for_tensorflow() -> Iterator[None]:
    """Lets TFDS unpack archives, open files and encode images where TensorFlow is missing.

    TFDS 4.9.10 reads ArrayRecord without TensorFlow, but prepares most data sets, CIFAR-10 among
    them, with `tf.io.gfile` and `tf.image.encode_png`. All its modules share one lazy module.
    """
    if importlib.util.find_spec("tensorflow") is not None:
        yield
        return
    gfile = SimpleNamespace(
        GFile=open,
        exists=os.path.exists,
        isdir=os.path.isdir,
        listdir=os.listdir,
        makedirs=lambda path: os.makedirs(path, exist_ok=True),
    )
    lazy_module = vars(lazy_imports_utils.tensorflow)
    lazy_module["_module"] = SimpleNamespace(
        compat=SimpleNamespace(as_text=os.fsdecode),
        errors=SimpleNamespace(UnimplementedError=NotImplementedError),
        executing_eagerly=lambda: True,
        image=SimpleNamespace(encode_png=_encode_png),
        io=SimpleNamespace(gfile=gfile),
    )
    try:
        yield
    finally:
        del lazy_module["_module"]
