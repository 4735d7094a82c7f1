"""What comes before all other imports, which take two seconds.

Until a command listens to signals, Ctrl-C ends the process at once and without a word. Python's own
handler would print a traceback out of the midst of an import.
"""

import gc
import signal


def leave_at_once() -> None:
    """Lets Ctrl-C end this process, unless it is to be ignored, as under `nohup`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def listen() -> None:
    """Lets Ctrl-C raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def import_quickly() -> None:
    """Lets nothing look for garbage, of which imports make none: it takes a sixth of their time."""
    gc.disable()


def have_imported() -> None:
    """Looks for garbage again, but never among the modules, which stay."""
    gc.freeze()
    gc.enable()
