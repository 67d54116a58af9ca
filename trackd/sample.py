"""
The commented example of a configuration, from the table of keys: `python -m trackd.sample > etc/trackd.toml`.
"""

from __future__ import annotations

import json

from trackd.keys import DEVICE, KEYS, PER_ASKING_FORMAT, PER_FORMAT, SECTIONS, Key, as_text

HEAD = """\
# The configuration of trackd: every key with its meaning and its default. Nothing here is needed; take away the `#` in
# front of what is to be different.
#
#     twistd -n trackd --config trackd.toml --data /var/lib/trackd
#
# `trackd check` with the same arguments says what is wrong with it, `trackd settings` what is in force and why.
# Relative paths begin in the data folder. What is marked (device) may be an attribute of a device or of a group too.
"""

FORMATS = """\
# Each wire format has these keys, with its name in front, and may have others: `trackd settings` lists them.
# A port of 0 switches a format off.
"""

ASKING = """\
# A format that asks its devices' server, rather than being called, has these besides.
"""


def sample() -> str:
    """The text of the example."""
    parts = [HEAD]
    for title, keys in SECTIONS.items():
        parts += [f"# --- {title}\n", *(_lines(key, _quoted(key.name)) for key in keys)]
    parts += ["# --- Wire formats\n", FORMATS, *(_lines(key, f"<format>.{key.name}") for key in PER_FORMAT)]
    parts += [ASKING, *(_lines(key, f"<format>.{key.name}") for key in PER_ASKING_FORMAT)]
    return "\n".join(parts)


def _lines(key: Key, name: str) -> str:
    about = key.meaning + (f" ({', '.join(filter(None, key.choices))})" if key.choices else "")
    about += " (device)" if key.scope == DEVICE else ""
    return f"# {about}\n#{name} = {_value(key)}\n"


def _quoted(name: str) -> str:
    """A key that begins with another one is quoted: TOML would take the shorter one for a table."""
    clash = any(name.startswith(f"{other.name}.") for other in KEYS)
    return f'"{name}"' if clash else name


def _value(key: Key) -> str:
    """The default as TOML writes it."""
    if key.type is tuple:
        return json.dumps(list(key.default))
    if key.type in (bool, int, float):
        return as_text(key.default)
    # A text without escapes stands between single quotes, so that patterns need no doubled backslashes.
    return f"'{key.default}'" if "\\" in key.default else json.dumps(key.default, ensure_ascii=False)


if __name__ == "__main__":
    print(sample(), end="")
