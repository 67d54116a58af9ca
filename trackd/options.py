"""
The options that `twistd trackd` and the console script have in common: which configuration, which data folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from twisted.python import usage

from trackd.configuration import dialects
from trackd.settings import Settings, load
from trackd.wire import catalog


class Options(usage.Options):
    """
    `--config`, `--data` and `--set`, before a subcommand or behind it.

    A mistake on the command line ends the process with one line; what the configuration says wrongly raises
    SettingsError from `settings`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: list[Path] = []
        self.folder: Path | None = None
        self.overrides: dict[str, str] = {}

    def opt_config(self, file: str) -> None:
        """Configuration: TOML, or another server's file as it is. Of several, later ones go before earlier ones."""
        self.files.append(Path(file).absolute())

    def opt_data(self, folder: str) -> None:
        """Folder of the embedded database, of media and of the set-up token. [default: ./var]"""
        self.folder = Path(folder).absolute()

    def opt_set(self, setting: str) -> None:
        """A key and its value, before what the configuration says: --set web.port=8083"""
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise usage.UsageError(f'--set needs KEY=VALUE, not "{setting[:60]}"')
        self.overrides[key.strip()] = value

    opt_c = opt_config
    opt_d = opt_data

    def opt_version(self) -> None:
        """Show the version and exit."""
        print(f"trackd {version('trackd')}")
        raise SystemExit(0)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            # twistd would print its whole help around it.
            raise SystemExit(f"trackd: {' '.join(str(error).split())}; --help says more") from None

    def settings(self, environ: Mapping[str, str] | None = None, formats: Any = catalog) -> Settings:
        """The settings that these options and the environment (the process's by default) make. SettingsError."""
        chain = [self]
        while isinstance(above := chain[0].parent, Options):
            chain.insert(0, above)
        overrides: dict[str, str] = {}
        for options in chain:
            overrides |= options.overrides
        return load(
            [file for options in chain for file in options.files],
            overrides,
            formats,
            data=next((options.folder for options in reversed(chain) if options.folder), Path("var")),
            dialects=dialects(),
            environ=os.environ if environ is None else environ,
        )
