"""The documentation builds without a warning, and its lists have everything in them."""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree

from twisted.trial.unittest import SynchronousTestCase

from plugins.rest.traccar.traccar import dialect
from trackd.keys import KEYS
from trackd.wire import catalog

DOCS = Path(__file__).resolve().parents[2] / "docs"


class BuildTests(SynchronousTestCase):
    if find_spec("sphinx") is None:
        skip = "Sphinx is not installed"

    def test_build(self) -> None:
        """`make docs` has nothing to complain about; settings, formats and routes are all listed."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(rmtree, folder)
        build = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--builder", "text"]
        done = subprocess.run([*build, str(DOCS), str(folder)], capture_output=True, text=True, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        for page, names in [
            ("settings", [key.name for key in KEYS]),
            ("formats", catalog.names()),
            ("rest", [f"{route.method} {dialect.prefix}{route.path}" for route in dialect.routes]),
        ]:
            text = (folder / "reference" / f"{page}.txt").read_text("utf-8")
            self.assertEqual([], [name for name in names if name not in text])
