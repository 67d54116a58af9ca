"""The floors of the house: who imports whom, what the core may not name, what plugins may not do."""

import ast
import re
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from sys import executable
from tokenize import COMMENT, generate_tokens

from twisted.trial.unittest import SynchronousTestCase

from plugins.config.traccar_keys import PORTS
from trackd.wire import catalog

ROOT = Path(__file__).parent.parent

# Names of formats that are words of the language or of the trade as well. Of these only a text that is nothing else
# is taken for the format.
WORDS = frozenset(
    """
    ais appello arnavi astra auro autotrack blue box castel continental disha dolphin dway enfora flexapi fox freedom
    globalsat globalstar gnx granit haicom its maestro manpower motor navigil neos net niot oko orion pathaway plugin
    polte portman positrex progress pst radar ramac rst sanav sigfox siwi smokey snapper spot stb supermate swiftech
    thuraya tmg totem transync trv vlt vnet watch wli
    """.split()
)
DIALECTS = frozenset({"traccar", "navixy", "itrack", "trackit", "wialon", "powunity"})
FOREIGN = (DIALECTS | PORTS.keys() | frozenset(catalog.names())) - {"trackd"}

# What reaches out of the process, or asks it for the time.
OUTSIDE = frozenset(
    """
    asyncio ctypes fcntl ftplib glob importlib io mmap multiprocessing os pathlib psycopg2 select selectors shutil
    signal smtplib socket socketserver sqlite3 ssl subprocess sys tempfile threading time treq twisted txpostgres
    http.client urllib.request
    """.split()
)
CALLS = frozenset({"open", "exec", "eval", "compile", "input", "print", "__import__"})


def sources(folder: str) -> list[tuple[str, str]]:
    """Path and text of every module in a folder of the tree."""
    return [(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in sorted((ROOT / folder).rglob("*.py"))]


def texts(source: str) -> Iterator[tuple[int, str, bool]]:
    """Names, texts and comments of a module, each with its line and whether it is a constant."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text) | ast.keyword(arg=str(text)):
                yield getattr(node, "lineno", 0), text, False
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield node.lineno, text, False
            case ast.Constant(value=str(text)):
                yield node.lineno, text, True
            case ast.Constant(value=bytes(data)):
                yield node.lineno, data.decode("latin-1"), True
            case ast.ImportFrom(module=module, names=names):
                yield node.lineno, " ".join([module or "", *(alias.name for alias in names)]), False
            case ast.Import(names=names):
                yield node.lineno, " ".join(alias.name for alias in names), False
    for token in generate_tokens(StringIO(source).readline):
        if token.type == COMMENT:
            yield token.start[0], token.string, False


def foreign(source: str) -> list[str]:
    """Foreign names in a module, as `line: name`."""
    found = []
    for line, text, constant in texts(source):
        if text in WORDS and constant:
            found.append(f"{line}: {text}")
        # camelCase and snake_case come apart, so that `gt06_frame` and `parseGt06` are seen.
        apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text).replace("_", " ").lower()
        found += [f"{line}: {word}" for word in re.findall(r"[a-z0-9]+", apart) if word in FOREIGN - WORDS]
    return found


def imported(source: str) -> Iterator[tuple[int, str]]:
    """Every module, and every name of a module, that is imported, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def reaching_out(source: str) -> list[str]:
    """What a module does that a plugin may not do, as `line: what`."""
    imports = [
        f"{line}: import {name}"
        for line, name in imported(source)
        if name.partition(".")[0] in OUTSIDE or name in OUTSIDE
    ]
    calls = [
        f"{node.lineno}: {node.func.id}()"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS
    ]
    return imports + calls


class FloorsTests(SynchronousTestCase):
    def test_contracts(self) -> None:
        """The contracts of .importlinter are kept."""
        command = [str(Path(executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_core_names_nobody(self) -> None:
        """No module of trackd names a foreign format or dialect, not even in a comment."""
        found = [f"{path}:{what}" for path, source in sources("trackd") for what in foreign(source)]
        self.assertEqual(found, [])

    def test_core_knows_no_reactor(self) -> None:
        """The global reactor is known to the composition root and the console script alone."""
        found = [
            path
            for folder in ("trackd", "plugins")
            for path, source in sources(folder)
            if any(name.startswith("twisted.internet.reactor") for _, name in imported(source))
        ]
        self.assertEqual([path for path in found if path not in ("trackd/tap.py", "trackd/cli.py")], [])

    def test_plugins_stay_inside(self) -> None:
        """No plugin opens a file or a socket, asks for the time, or imports what does."""
        found = [f"{path}:{what}" for path, source in sources("plugins") for what in reaching_out(source)]
        self.assertEqual(found, [])

    def test_no_packages(self) -> None:
        """The packages are namespaces, so that a site's own plugin folder joins in."""
        found = [path for folder in ("trackd", "plugins", "twisted") for path in (ROOT / folder).rglob("__init__.py")]
        self.assertEqual(found, [])

    def test_every_test_is_found(self) -> None:
        """``trial tests`` goes only into folders that are packages."""
        folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
        folders |= {parent for folder in folders for parent in folder.parents if parent.is_relative_to(ROOT / "tests")}
        self.assertEqual([str(folder) for folder in folders if not (folder / "__init__.py").exists()], [])


class ScanTests(SynchronousTestCase):
    """The scans find what they are for."""

    def test_foreign(self) -> None:
        """Comments, docstrings, names and imports are looked at; words of the language are let pass in a sentence."""
        for source, names in (
            ("x = 1  # as GT06 does", ["gt06"]),
            ('"""For teltonika."""', ["teltonika"]),
            ("def parse_h02(): ...", ["h02"]),
            ("class ParseGt06: ...", ["gt06"]),
            ("from plugins.rest.traccar import models", ["traccar"]),
            ("f(osmand=1)", ["osmand"]),
            ("x = b'wialon'", ["wialon"]),
            ("x = 'watch'", ["watch"]),
            ("x = 1  # watch its progress", []),
            ("x = 'spot on'", []),
        ):
            self.assertEqual([found.partition(": ")[2] for found in foreign(source)], names, source)

    def test_reaching_out(self) -> None:
        """Files, sockets, SQL, the reactor and the clock are out of reach, whatever they are called on the way."""
        for source in (
            "import os",
            "import os.path as p",
            "from socket import create_connection",
            "from twisted.internet import reactor",
            "import urllib.request",
            "from urllib import request",
            "def f():\n    from time import time",
            "open('/etc/passwd')",
            "import psycopg2",
        ):
            self.assertEqual(len(reaching_out(source)) > 0, True, source)
        self.assertEqual(reaching_out("from urllib.parse import quote\nimport struct\nx.open()"), [])
