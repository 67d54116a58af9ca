"""
A REST dialect as data: its routes, a request as their handlers see it, and their answers.

Nothing here does I/O; `trackd.web` turns a `Dialect` into resources. Who wants to know what the server offers (tests,
documentation) reads the same table.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

from attrs import Factory, define, frozen

from trackd.rest.errors import ApiError
from trackd.rest.params import Param

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


# Of a route that does what its path says.
UNSAID = {"GET": "One of them.", "POST": "Make it.", "PUT": "Change it.", "DELETE": "Remove it."}


class Access(Enum):
    """Who may call a route at all."""

    ANYONE = "anyone"
    USER = "user"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


class Readable(Protocol):
    """What a body is read with: `body.Model`, or another shape of the dialect."""

    @property
    def name(self) -> str: ...

    @property
    def schema(self) -> Mapping[str, Any]:
        """Its JSON Schema."""

    def read(self, data: bytes) -> Any:
        """What the body says. Raises ApiError."""


@frozen
class Raw:
    """A body as it is, of any content type that fits `type`; a part of it may be a star."""

    type: str = "*/*"
    name: str = "file"
    schema: Mapping[str, Any] = Factory(dict)

    def read(self, data: bytes) -> bytes:
        return data


@define(eq=False)
class Call:
    """
    One request. `params` are the values of the route's parameters by name; `query` is what was sent, in its order.

    `caller` is who the dialect found out to be asking, None for nobody.
    """

    route: Route
    method: str
    params: dict[str, Any] = Factory(dict)
    query: Mapping[str, Sequence[str]] = Factory(dict)
    headers: Mapping[str, str] = Factory(dict)  # by lower-case name; of several the first
    body: Any = None
    caller: Any = None
    address: str = ""  # of the client, as far as it is known
    secure: bool = False  # the client speaks TLS, with the server or with a proxy that is believed
    session: str = ""  # a session's id that was sent as `;name=…` in the path


@define
class Answer:
    """
    What comes back. A body of pieces is sent as fast as the client takes it, and never held in memory as a whole.

    No body, no content type. `type` empty: the route's.
    """

    status: int = 200
    body: bytes | AsyncIterator[bytes] | None = None
    type: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Function = Callable[[Any, Call], Awaitable[Answer]]


@frozen
class Route:
    """
    One method of one path; `{name}` in the path is a parameter.

    `denied` are the restrictions that forbid it, with `denial` as what the caller is told, `may_be_denied` those that
    the function looks at because they depend on what is asked; `needs` the kinds of objects to which the caller must
    have access, which the function checks.
    """

    method: str
    path: str
    function: Function
    access: Access = Access.USER
    denied: tuple[str, ...] = ()
    denial: str = "Write access denied"
    may_be_denied: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    place: tuple[Param, ...] = ()  # in the path; their text is looked at after the caller's name
    query: tuple[Param, ...] = ()
    form: tuple[Param, ...] | None = None
    body: Readable | None = None
    produces: str = JSON
    own_credentials: bool = False  # its Authorization header is none of a user, and for the function alone
    meaning: str = ""

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    @property
    def said(self) -> str:
        """What it does, in a sentence: `meaning`, or else what its function says of itself."""
        said = self.meaning or (self.function.__doc__ or "").strip().partition("\n")[0]
        return said or UNSAID.get(self.method, "")

    @property
    def consumes(self) -> str | None:
        """The content type of its body, if it has one."""
        if isinstance(self.body, Raw):
            return self.body.type
        return JSON if self.body is not None else FORM if self.form is not None else None


# From the parameters of a socket's address, its cookies, and the headers Origin and Host: the user, None for nobody.
Listener = Callable[[Any, Mapping[str, str], Mapping[str, str], "str | None", str], Awaitable[Any]]


@frozen
class Dialect:
    """
    A REST API. The functions get the `services` that the house gives the dialect.

    `who` finds out who is asking, and raises ApiError if nobody is; `allowed` holds a route's marks against the caller;
    `refusal` puts an error of the house into the dialect's words, or returns None for what is no refusal; `headers` are
    those of every response; `listener` finds out who opens a live socket with this dialect's credentials; under `media`
    are the files of devices, for whoever has a session; `placeholders` are the texts that pages of a web client leave
    room for, by their names.
    """

    name: str
    prefix: str
    routes: tuple[Route, ...]
    who: Callable[[Any, Call], Awaitable[Any]]
    allowed: Callable[[Any, Call], Awaitable[None]]
    refusal: Callable[[Exception], ApiError | None]
    headers: Callable[[Any, Mapping[str, str]], Sequence[tuple[str, str]]]
    session_parameter: str = ""  # name of a path parameter that may carry a session's id
    listener: Listener | None = None
    media: str = ""  # name of the path below the prefix
    placeholders: Callable[[Any], Awaitable[Mapping[str, str]]] | None = None


def accepts(accept: str | None, produced: str) -> bool:
    """Whether an Accept header lets this type through; an empty one lets everything."""
    if not accept or not accept.strip():
        return True
    kind = produced.partition("/")[0]
    for choice in accept.split(","):
        name, *parameters = (part.strip().lower() for part in choice.split(";"))
        if name in ("*/*", "*", f"{kind}/*", produced) and not any(
            re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters
        ):
            return True
    return False


def fits(sent: str, wanted: str) -> bool:
    """Whether a content type, without its parameters, is the one that is wanted, whose parts may be stars."""
    parts = zip(sent.partition("/")[::2], wanted.partition("/")[::2], strict=True)
    return all(want in ("*", part) for part, want in parts)


def media_type(content_type: str | None) -> str:
    """A content type without its parameters, in lower case."""
    return (content_type or "").partition(";")[0].strip().lower()
