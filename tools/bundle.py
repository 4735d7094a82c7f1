"""Makes one folder for a machine without network: wheels (Linux, Python 3.12) and CIFAR-10.

    make bundle

The wheels are for x86-64. To stay small, the folder leaves out what a machine with an accelerator
already has: JAX, Flax, Optax, Orbax and Chex with their requirements (etils, importlib-resources,
protobuf), and matplotlib, rich, scikit-learn, pillow, pyarrow, psutil, requests and wrapt. On that
machine:

    python3 -m pip install --no-index --no-deps --target site bundle/wheels/*.whl
    export PYTHONPATH=site TFDS_DATA_DIR=bundle/tfds
"""

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

MAX_BYTES = 63_000_000
ROOT = Path(__file__).parent.parent

BINARY = ("array-record", "dm-tree")
PURE = (
    "colorlog",
    "docstring-parser",
    "immutabledict",
    "optuna",  # without SQL, which its journal does not need
    "simple-parsing",
    "tensorboardx",
    "tensorflow-datasets",
    "tensorflow-metadata",
    "termcolor",
    "toml",
    "tqdm",
    "typeguard",
    "tyro",
)
FROM_SOURCE = ("promise",)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def main() -> None:
    """Fills the folder. It raises an error if the folder becomes too large."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a data_dir that holds cifar10")
    parser.add_argument("--out", type=Path, required=True, help="the folder to make or replace")
    arguments = parser.parse_args()

    source = arguments.data / "cifar10"
    if not source.is_dir():
        sys.exit(
            f"error: `--data` must hold a prepared cifar10, got {arguments.data}. "
            "Set TFDS_DATA_DIR to the folder that does."
        )
    if arguments.out.exists() and not (arguments.out / "wheels").is_dir():
        sys.exit(f"error: `--out` must be a new folder or an old bundle, got {arguments.out}.")

    partial = arguments.out.with_name(f".{arguments.out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial / "tfds" / "cifar10")
    wheels = partial / "wheels"
    pins = dict(_pins(ROOT / "requirements.txt"))
    _pip(
        *("download", "--no-deps", "--only-binary=:all:", "--dest", wheels),
        *("--python-version", "3.12", "--implementation", "cp"),
        *(word for platform in PLATFORMS for word in ("--platform", platform)),
        *(f"{name}=={pins[name]}" for name in (*BINARY, *PURE)),
    )
    # These are published only as source. The wheels that pip builds of them are pure Python.
    _pip(
        *("wheel", "--no-deps", "--wheel-dir", wheels, ROOT),
        *(f"{name}=={pins[name]}" for name in FROM_SOURCE),
    )

    for wheel in wheels.iterdir():
        _pack(wheel)
    size = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
    if size >= MAX_BYTES:
        sys.exit(f"error: the bundle must stay below {MAX_BYTES:,} bytes, got {size:,}.")

    shutil.rmtree(arguments.out, ignore_errors=True)
    partial.rename(arguments.out)
    print(
        f"{arguments.out}: {size:,} bytes, {len(list((arguments.out / 'wheels').iterdir()))} wheels"
    )


def _pack(wheel: Path) -> None:
    """Compresses a wheel more strongly, in a way that pip can read."""
    packed = wheel.with_suffix(".packed")
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(packed, "w") as after:
        for member in before.infolist():
            after.writestr(member, before.read(member), zipfile.ZIP_LZMA)
    packed.replace(wheel)


def _pins(path: Path):
    for line in path.read_text().splitlines():
        requirement, _, marker = line.partition(" ; ")
        if "< '3.12'" not in marker:
            yield tuple(requirement.split("=="))


def _pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", *map(str, arguments), "--quiet"]
    subprocess.run([*command, "--disable-pip-version-check"], check=True)


if __name__ == "__main__":
    main()
