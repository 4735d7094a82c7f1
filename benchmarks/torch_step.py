"""PyTorch's side of beside_torch.py: the small ResNet's training step as one would write it there.

    python benchmarks/torch_step.py WIDTH BATCH THREADS

It runs in an interpreter that has PyTorch and needs nothing of this repository. A line "n" on
standard input runs n steps; the answer is a line with the seconds of CPU and of wall time.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional

NUM_IMAGES, NUM_CLASSES, PADDING = 1437, 10, 4  # as many images as there are training digits


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    """A convolution without a bias."""
    return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)


class Block(nn.Module):
    """Two 3x3 convolutions, and a projected shortcut where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = conv(outputs, outputs), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[b, inputs, h, w] -> [b, outputs, h / stride, w / stride]."""
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        return functional.relu(y + self.shortcut(x), inplace=True)


class ResNet(nn.Module):
    """`resnet_small` of train/models/resnet.py."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.norm = conv(3, width, 3, 2), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(
            Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)
        )
        self.classifier = nn.Linear(4 * width, NUM_CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[b, 3, 32, 32] -> logits, [b, 10]."""
        x = functional.relu(self.norm(self.conv(images)), inplace=True)
        return self.classifier(self.blocks(x).mean((2, 3)))


def augmented(images: torch.Tensor) -> torch.Tensor:
    """Shifts and flips each image, [b, 32, 32, 3], by a draw of its own, all in one gather."""
    batch, size = images.shape[:2]
    padded = functional.pad(images, (0, 0, PADDING, PADDING, PADDING, PADDING))
    pixels = torch.arange(size)
    rows = torch.randint(0, 2 * PADDING + 1, (batch, 1)) + pixels
    columns = torch.randint(0, 2 * PADDING + 1, (batch, 1)) + pixels
    columns = torch.where(torch.rand(batch, 1) < 0.5, columns, columns.flip(1))
    return padded[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


def main() -> None:
    """Answers each line."""
    width, batch, threads = (int(word) for word in sys.argv[1:])
    torch.set_num_threads(threads)
    net = ResNet(width).to(memory_format=torch.channels_last)
    kernels = [each for each in net.parameters() if each.ndim > 1]
    others = [each for each in net.parameters() if each.ndim == 1]
    optimizer = torch.optim.SGD(
        [{"params": kernels, "weight_decay": 5e-4}, {"params": others}],
        lr=0.01,
        momentum=0.9,
        nesterov=True,
    )
    images = torch.randint(0, 256, (NUM_IMAGES, 32, 32, 3), dtype=torch.uint8)
    labels = torch.randint(0, NUM_CLASSES, (NUM_IMAGES,))

    def step() -> None:
        chosen = torch.randint(0, NUM_IMAGES, (batch,))
        # The layout of the memory is that of channels_last already.
        x = augmented((images[chosen].float() / 255 - 0.5) / 0.25).permute(0, 3, 1, 2)
        loss = functional.cross_entropy(net(x), labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    print(f"torch {torch.__version__}", flush=True)
    for line in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.process_time() - cpu, time.perf_counter() - wall, flush=True)


if __name__ == "__main__":
    main()
