"""The smoke size: runs on real images that are so small that 2 CPU cores need seconds for one."""

from collections.abc import Mapping
from typing import Any

SMOKE: Mapping[str, Any] = {
    "num_train_images": 2048,
    "num_test_images": 1024,
    "batch_size": 64,
    "eval_batch_size": 256,
    "cpu_devices": 2,
    "preprocess_once": True,
    "model.name": "resnet_small",
    "model.width": 8,
}
"""The changes for a run of smoke size: 4 % of the training images, and 25 thousand parameters."""
