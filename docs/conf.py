"""How Sphinx builds the documentation: `make docs`."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "trackd"
author = "the authors of trackd"
copyright = author
version = release = version_of("trackd")

extensions = ["lists"]
exclude_patterns = ["_build"]
nitpicky = True
# Python names in the text are meant to be read, not to be followed.
default_role = "code"
smartquotes = False

html_theme = "alabaster"
html_theme_options = {
    "description": "The GPS tracking server that never loses a position",
    "fixed_sidebar": True,
    "page_width": "1100px",
}
html_show_sphinx = False
