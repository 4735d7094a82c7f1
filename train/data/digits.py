"""scikit-learn's handwritten digits as a TFDS data set. It needs no network and no TensorFlow.

`sklearn.datasets.load_digits`: 1,797 images of 8x8 pixels with values 0..16, from the test set of
E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Repository, 1998.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

NUM_TEST_IMAGES = 360


class Digits(tfds.core.GeneratorBasedBuilder):
    """The digits. Each pixel is repeated to 4x4 pixels in three channels, and scaled to 0..255.

    A permutation that never changes splits them into 1,437 training and 360 test images. (In
    scikit-learn's own order, other writers wrote the last images than the first ones.)
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(32, 32, 3), encoding_format="png"),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://archive.ics.uci.edu/dataset/80",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        from sklearn.datasets import load_digits

        digits = load_digits()
        order = np.argsort(np.random.Philox(key=[0, 0]).random_raw(len(digits.target)))
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        return {
            "train": _examples(images, digits.target, order[NUM_TEST_IMAGES:]),
            "test": _examples(images, digits.target, order[:NUM_TEST_IMAGES]),
        }

    def _generate_examples(self, **kwargs: Any) -> None:
        raise AssertionError("TFDS asks for this method, and `_split_generators` needs none.")


def _examples(
    images: np.ndarray, labels: np.ndarray, order: np.ndarray
) -> Iterator[tuple[int, dict[str, Any]]]:
    for key, index in enumerate(order.tolist()):
        pixels = np.kron(images[index], np.ones((4, 4), np.uint8))
        # It is a Pillow image, because TFDS would encode an array by TensorFlow.
        image = Image.fromarray(np.repeat(pixels[..., None], 3, axis=-1))
        yield key, {"image": image, "label": int(labels[index])}
