"""The set-up form, and the pages around it."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from attrs import define
from klein import Klein
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from werkzeug.exceptions import HTTPException

from trackd.people.errors import Busy, Denied, Invalid
from trackd.people.setup import SHORTEST_PASSWORD, Done, Setup
from trackd.rest.errors import ApiError
from trackd.rest.params import pairs
from trackd.rest.routes import FORM, media_type
from trackd.web.errors import refusal_of, refuse
from trackd.web.proxies import Proxies
from trackd.web.site import Request

FOLDER = Path(__file__).with_name("pages")
# Nothing from elsewhere, no script at all, in nobody's frame; the set-up link must not leak as a referrer.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(request: Request, file: str, status: int = 200, /, **texts: object) -> bytes:
    """One of the pages, with these texts in their places, escaped."""
    body = source(file).substitute({key: escape(str(text)) for key, text in texts.items()}).encode()
    return sent(request, body, "text/html; charset=utf-8", status)


@cache
def source(file: str) -> Template:
    return Template((FOLDER / file).read_text("utf-8"))


def sent(request: Request, body: bytes, content_type: str, status: int = 200) -> bytes:
    request.setResponseCode(status)
    for name, value in HEADERS.items():
        request.setHeader(name, value)
    request.setHeader("Content-Type", content_type)
    request.setHeader("Content-Length", str(len(body)))
    return body


@define(eq=False)
class Pages:
    """The pages."""

    setup: Setup
    proxies: Proxies

    def resource(self) -> IResource:
        app = Klein()
        app.route("/trackd/style.css", methods=["GET"])(self.style)
        app.route("/setup", methods=["GET"])(self.form)
        app.route("/setup", methods=["POST"])(self.make)
        app.handle_errors(Exception)(self.failed)
        return app.resource()

    def style(self, request: Request) -> bytes:
        return sent(request, source("style.css").template.encode(), "text/css; charset=utf-8")

    async def form(self, request: Request) -> bytes:
        """The form, for who has the link."""
        token = first(pairs(request.uri.partition(b"?")[2].decode("ascii", "replace")), "token")
        await self.setup.check(token, self.proxies.client(request)[0])
        return self._form(request, token)

    async def make(self, request: Request) -> bytes:
        """What the form sends."""
        if media_type(request.getHeader("content-type")) != FORM:
            raise ApiError(415, f"The body must be {FORM}")
        sent = pairs(request.content.read().decode("utf-8", "replace"))
        token, name, email, password, again = (
            first(sent, field) for field in ("token", "name", "email", "password", "again")
        )
        try:
            await self.setup.make(token, name, email, password, again, self.proxies.client(request)[0])
        except Invalid as error:
            return self._form(request, token, error.message, name, email)
        return page(request, "done.html", name=name, email=email)

    def _form(self, request: Request, token: str, problem: str = "", name: str = "", email: str = "") -> bytes:
        return page(
            request,
            "setup.html",
            400 if problem else 200,
            token=token,
            problem=problem,
            problem_class="problem" if problem else "",
            name=name,
            email=email,
            shortest=SHORTEST_PASSWORD,
        )

    def failed(self, request: Any, failure: Failure) -> bytes:
        """Refusals as pages; for errors of the house one line."""
        error = failure.value
        assert isinstance(error, Exception)
        if isinstance(error, HTTPException):
            return refuse(request, ApiError(error.code or 404, error.name))
        if isinstance(error, Done):
            return page(request, "refused.html", 410, title="The set-up is done", problem=error.message)
        if isinstance(error, Denied):
            return page(request, "refused.html", 403, title="Not this link", problem=error.message)
        if isinstance(error, Busy):
            request.setHeader("Retry-After", str(error.retry_after))
            return page(request, "refused.html", 429, title="Too often", problem=error.message)
        return refuse(request, refusal_of(error))


def first(sent: dict[str, list[str]], name: str) -> str:
    return sent.get(name, [""])[0]
