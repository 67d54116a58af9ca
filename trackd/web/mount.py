"""
REST dialects on Klein: from a table of routes to a resource.

The order of checks is the same for every route, so that nobody learns from a refusal what is not for him: path and
method, content type, Accept; who is asking; parameters and body; rights; and only then the function of the route.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define
from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from trackd.rest.errors import ApiError
from trackd.rest.params import pairs, values
from trackd.rest.routes import JSON, Access, Answer, Call, Dialect, Route, accepts, fits, media_type
from trackd.web.errors import refusal_of, refuse
from trackd.web.proxies import Proxies
from trackd.web.site import Request
from trackd.web.stream import Stream


class Api(Resource):
    """
    One dialect under its prefix. Children that are put here (a socket, files) go before its routes.
    """

    def __init__(self, dialect: Dialect, services: Any, proxies: Proxies, clock: IReactorTime) -> None:
        super().__init__()
        self._dialect = dialect
        self._services = services
        self._routes = _Routes(dialect, services, proxies, clock).app().resource()

    def getChild(self, path: bytes, request: Request) -> Resource:
        request.postpath.insert(0, request.prepath.pop())
        return _Leaf(self)

    def render(self, request: Request) -> Any:
        """Answer a request of the dialect's own routes."""
        for name, value in self._dialect.headers(self._services, headers_of(request)):
            request.setHeader(name, value)
        if b"" in request.postpath[:-1]:
            # Others would read the address otherwise: a proxy that lets nobody in there might.
            return refuse(request, ApiError(400, "The address has an empty part"))
        return self._routes.render(request)


class _Leaf(Resource):
    """The rest of the path belongs to the dialect."""

    isLeaf = True

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def render(self, request: Request) -> Any:
        # `;name=value` behind a segment is no part of its name.
        request.session_parameters = tuple(part for segment in request.postpath for part in segment.split(b";")[1:])
        request.postpath = [segment.partition(b";")[0] for segment in request.postpath]
        return self._api.render(request)


@define(eq=False)
class _Routes:
    """The Klein application of a dialect."""

    dialect: Dialect
    services: Any
    proxies: Proxies
    clock: IReactorTime

    def app(self) -> Klein:
        app = Klein()
        for number, route in enumerate(self.dialect.routes):
            app.route(
                route.path.replace("{", "<").replace("}", ">"),
                methods=[route.method],
                endpoint=f"{number} {route.method} {route.path}",
                strict_slashes=False,
                merge_slashes=False,
            )(self._endpoint(route))
        app.handle_errors(HTTPException)(self._not_routed)
        return app

    def _endpoint(self, route: Route) -> Any:
        def answered(request: Request, **place: str) -> Deferred[bytes | None]:
            # Klein cancels what it waits for when the client hangs up. Work that has begun is done to its end: this
            # Deferred is all that is cancelled.
            done: Deferred[bytes | None] = Deferred()
            working = Deferred.fromCoroutine(self._answered(request, route, place))
            working.addCallbacks(done.callback, done.errback)
            return done

        answered.__name__ = route.function.__name__
        return answered

    async def _answered(self, request: Request, route: Route, place: Mapping[str, str]) -> bytes | None:
        try:
            call = self._call(request, route)
            check_types(route, call.headers, request)
            if route.own_credentials:
                pass
            elif route.access is Access.ANYONE:
                try:
                    call.caller = await self.dialect.who(self.services, call)
                except ApiError as error:
                    if error.status != 401:
                        raise
            else:
                call.caller = await self.dialect.who(self.services, call)
            self._read(request, call, place)
            await self.dialect.allowed(self.services, call)
            answer = await route.function(self.services, call)
            return await self._written(request, route, answer)
        except Exception as error:
            return refuse(request, self.dialect.refusal(error) or refusal_of(error))

    def _call(self, request: Request, route: Route) -> Call:
        address, secure = self.proxies.client(request)
        return Call(
            route,
            request.method.decode("ascii"),
            query=pairs(request.uri.partition(b"?")[2].decode("utf-8", "replace")),
            headers=headers_of(request),
            address=address,
            secure=secure,
            session=self._session_in_path(request),
        )

    def _session_in_path(self, request: Request) -> str:
        for part in request.session_parameters:
            name, _, value = part.decode("latin-1").partition("=")
            if name.lower() == self.dialect.session_parameter.lower() != "":
                return value
        return ""

    def _read(self, request: Request, call: Call, place: Mapping[str, str]) -> None:
        """Parameters and body: bad ones in path and query are 404, bad ones in form and body 400."""
        route = call.route
        try:
            call.params.update(values(route.place, {name: [text] for name, text in place.items()}))
            call.params.update(values(route.query, call.query))
        except ValueError as error:
            raise ApiError(404, str(error)) from None
        if route.form is not None:
            if media_type(call.headers.get("content-type")) != route.consumes:
                raise ApiError(400, "The form is missing")
            try:
                call.params.update(values(route.form, pairs(request.content.read().decode("utf-8", "replace"))))
            except ValueError as error:
                raise ApiError(400, str(error)) from None
        if route.body is not None:
            call.body = route.body.read(request.content.read())

    async def _written(self, request: Request, route: Route, answer: Answer) -> bytes | None:
        request.setResponseCode(answer.status)
        for name, value in answer.headers:
            request.responseHeaders.addRawHeader(name, value)
        if answer.body is None:
            if answer.status != 204:
                request.setHeader("Content-Length", "0")
            return b""
        request.setHeader("Content-Type", answer.type or route.produces)
        request.setHeader("X-Content-Type-Options", "nosniff")
        if not isinstance(answer.body, bytes):
            await Stream(request, self.clock).send(answer.body)
            return None
        request.setHeader("Content-Length", str(len(answer.body)))
        return answer.body

    def _not_routed(self, request: Any, failure: Failure) -> bytes:
        error = failure.value
        if isinstance(error, MethodNotAllowed):
            allowed = {"OPTIONS", *(error.valid_methods or ())}
            if request.method == b"OPTIONS":
                request.setHeader("Allow", ", ".join(sorted(allowed)))
                request.setHeader("Content-Length", "0")
                return b""
            return refuse(
                request, ApiError(405, "Method not allowed", {"Allow": ", ".join(sorted(allowed - {"HEAD"}))})
            )
        assert isinstance(error, HTTPException)
        return refuse(request, ApiError(error.code or 404, "Not found"))


def check_types(route: Route, headers: Mapping[str, str], request: Request) -> None:
    """415 for a body that the route can't read, 406 for a client that would not take its answer."""
    sent = media_type(headers.get("content-type"))
    if route.consumes is not None:
        if sent and not fits(sent, route.consumes):
            raise ApiError(415, f"The body must be {route.consumes}")
        if not sent and route.consumes == JSON and request.content.read(1):
            raise ApiError(415, f"The body must be {route.consumes}")
        request.content.seek(0)
    if not accepts(headers.get("accept"), route.produces):
        raise ApiError(406, f"The answer is {route.produces}")


def headers_of(request: Request) -> dict[str, str]:
    """The headers by lower-case name; of several of one name the first, but all cookies."""
    found = {}
    for name, several in request.requestHeaders.getAllRawHeaders():
        key = name.decode("latin-1").lower()
        value = b"; ".join(several) if key == "cookie" else several[0]
        found[key] = value.decode("latin-1")
    return found
