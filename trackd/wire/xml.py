"""XML of devices. Document types, and with them entities of the sender's own, are refused."""

from __future__ import annotations

from typing import Any, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from trackd.wire.values import WireError


def parsed(data: bytes) -> Element:
    """The root of a document; WireError if it is malformed or declares a type."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refused
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:
        raise WireError(f"no XML: {error}") from error
    return builder.close()


def _refused(*declared: Any) -> NoReturn:
    raise WireError("a document type")
