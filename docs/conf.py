"""The site: `make docs` builds it into `docs/_build`, and stops at a broken link or reference."""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS), str(ROOT)]
# The notebook runs in a process of its own, which must find this checkout, and stay on the CPU.
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import log_anneal  # noqa: E402

project = "log_anneal"
author = "The log_anneal authors"
copyright = author
version = release = log_anneal.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "myst_nb",
    "_site.docstrings",
    "_site.pages",
]
exclude_patterns = ["_build", "_site", "**.ipynb_checkpoints"]

html_theme = "sphinx_book_theme"
html_title = f"log_anneal {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": False,
    "navbar_persistent": [],
}

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
copybutton_exclude = ".linenos, .gp, .go"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_rtype = False

# Every reference to a name of this library must lead somewhere. Other libraries have sites of their
# own; to look names up there, a build would need a network.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(jax|jaxlib|numpy|np|npt|optax|matplotlib|collections|typing|types)(\..*)?"),
    (r"py:.*", r"(ArrayLike|Array|Figure|Axes|GradientTransformation\w*|NDArray|float64)"),
    (r"py:(class|exc)", r"[a-z]+|\w*Error|Any|Callable|Sequence|Mapping|Hashable|Literal|Self"),
    # Names of types in signatures, which have no page.
    (r"py:class", r"log_anneal\._\w+\.\w+\.(_?State|Host|Device|WholeSchedule)|tuple\[float"),
]
