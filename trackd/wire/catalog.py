"""
Where the wire formats are: imported by their configured name, so that a typo or a broken module stops the start.

A format is `plugins/wire/<name>.py`, or, when it is large, the module `plugins/wire/<name>/<name>.py` among its parts;
either has an object of that name.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from trackd.wire.format import WireFormat


class UnknownFormat(LookupError):
    """There is no format of this name."""


def load(name: str, package: str = "plugins.wire") -> WireFormat:
    """
    The format of this name.

    UnknownFormat if there is none; what the module itself raises while it is imported is passed on.
    """
    if name not in names(package):
        raise UnknownFormat(name)
    found = part(package, name, name)
    if not isinstance(found, WireFormat) or found.name != name:
        raise TypeError(f"{package}.{name} has no WireFormat of this name")
    return found


def part(package: str, name: str, attribute: str) -> Any:
    """What a plugin offers under this name; what its module raises while it is imported is passed on."""
    module = import_module(f"{package}.{name}")
    if hasattr(module, "__path__"):  # a folder
        module = import_module(f"{package}.{name}.{name}")
    return getattr(module, attribute)


def names(package: str = "plugins.wire") -> list[str]:
    """
    The names of all formats (or other plugins) that are installed, those of a site's own plugin directory included.
    """
    paths = [Path(folder) for folder in import_module(package).__path__]
    files = [path.stem for folder in paths for path in folder.glob("*.py")]
    folders = [path.parent.name for folder in paths for path in folder.glob("*/*.py") if path.stem == path.parent.name]
    return sorted(name for name in {*files, *folders} if re.fullmatch(r"[a-z][a-z0-9]*", name))
