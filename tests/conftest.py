"""Four devices out of one CPU, and where the real data lie."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
MOST_BYTES = 500_000_000


@pytest.fixture(scope="session")
def tfds_dir() -> Path:
    """The folder of the prepared CIFAR-10; without one the test is skipped."""
    folder = Path(os.environ.get("TFDS_DATA_DIR") or ROOT.parent / "shared" / "tfds")
    if not (folder / "cifar10").is_dir():
        pytest.skip(f"skipped: no prepared CIFAR-10 in {folder}; set TFDS_DATA_DIR")
    return folder


@pytest.fixture(scope="session", autouse=True)
def compiled(request: pytest.FixtureRequest) -> None:
    """Programs are compiled once: several tests, workers and sessions need the same ones.

    JAX finds them by their text, its own version and the machine, so that changed code has new
    ones. Where they have become many, all go.
    """
    folder = request.config.rootpath / ".pytest_cache" / "programs"
    if sum(path.stat().st_size for path in folder.glob("*") if path.is_file()) > MOST_BYTES:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


@pytest.fixture(scope="module")
def unoptimized() -> Iterator[None]:
    """Programs of half the effort, for tests of what a run does: where it stops, what it writes.

    They do the same, and are ready in half the time. Nothing that is made of them stays.
    """
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """The pictures of a run are composed and not turned into pixels, where nobody looks at them."""
    from train.run import pictures

    content = io.BytesIO()
    Image.new("RGBA", (1, 1)).save(content, format="png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_png", lambda figure: content.getvalue())
        yield


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of decoded images for the whole session; nothing of the user's is touched."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["LOG_ANNEAL_CACHE"] = str(folder)
    return folder


def pytest_report_header() -> str:
    return f"jax {jax.__version__} on {jax.device_count()} x {jax.devices()[0].device_kind}"
