"""A page in the browser that shows a run or a study while it goes on."""

from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path

from train.errors import UserError
from train.watch.run import RunSite
from train.watch.server import server
from train.watch.study import StudySite


def serve(
    folder: Path, port: int = 0, *, ready: Callable[[ThreadingHTTPServer], None] | None = None
) -> None:
    """Serves the page to the browsers of this machine, until Ctrl-C. It writes nothing.

    Args:
      folder: of a run or a study.
      port: of the page; 0: one that is free.
      ready: is called with the server before it waits for browsers.

    Raises:
      UserError: the folder holds neither, or the port cannot be had.
    """
    site = _site(folder)
    try:
        page = server(site.find, port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "it is from 0 to 65535"
        raise UserError(
            f"`--port` must be one that is free, got {port} ({why}). Leave it out to get one."
        ) from error
    with page:
        try:
            print(
                f"http://127.0.0.1:{page.server_address[1]} shows {folder}. Ctrl-C ends the page, "
                "and touches no run.",
                flush=True,
            )
            if ready is not None:
                ready(page)
            page.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print("\nThe page has ended.")


def _site(folder: Path) -> RunSite | StudySite:
    if (folder / "study.json").exists():
        return StudySite(folder)
    if (folder / "config.json").exists() or (folder / "metrics.jsonl").exists():
        return RunSite(folder)
    what = "which holds neither" if folder.is_dir() else "which is not there"
    raise UserError(
        f"`folder` must be the folder of a run or a study that has begun, got {folder}, {what}. "
        "Give the run's --workdir, as in python -m train watch runs/quickstart."
    )
