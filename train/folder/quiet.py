"""Keeps libraries from printing pages of traceback where one sentence of ours says it all."""

import logging
import sys


def keep() -> None:
    """Begins to leave out what Orbax and TensorStore print of an error that they also raise."""
    logging.getLogger("absl").addFilter(lambda record: "orbax" not in record.pathname)
    logging.getLogger("asyncio").addFilter(lambda record: not _is_of_tensorstore(record))
    shown = sys.unraisablehook

    def without(unraisable: "sys.UnraisableHookArgs") -> None:
        # TensorStore's threads tell each array's future to an event loop that Orbax has closed
        # since, at the first error. A full disk or a damaged file gives 500 lines of that.
        error = unraisable.exc_value
        if not (isinstance(error, RuntimeError) and str(error) == "Event loop is closed"):
            shown(unraisable)

    sys.unraisablehook = without


def _is_of_tensorstore(record: logging.LogRecord) -> bool:
    """Tells whether a record is of the error of one array, where that of another was raised."""
    error = record.exc_info[1] if record.exc_info else None
    return "tensorstore_spec" in str(error)
