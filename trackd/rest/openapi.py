"""The description of a dialect for programs: OpenAPI 3.1, made from its table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from trackd.rest.params import Param
from trackd.rest.routes import JSON, Access, Readable, Route
from trackd.rest.schema import Schema, of_type

WHO = {
    Access.ANYONE: "Anybody may call it.",
    Access.USER: "For users.",
    Access.MANAGER: "For managers.",
    Access.ADMINISTRATOR: "For administrators.",
}


@frozen
class Gives:
    """
    What a route answers when all is well: an object of a shape, or a value of one of the types of `trackd.rest.schema`.

    `of` None: nothing. `type`: content type, if it is not the route's.
    """

    of: Readable | str | None = None
    many: bool = False
    status: int = 200
    type: str = ""


@frozen
class Words:
    """
    What a description says beside the routes.

    `gives` are the answers of the routes by their names, `credentials` OpenAPI's security schemes by name, `refusals`
    what a status of 400 and more means, `flags` the dialect's names of restrictions.
    """

    title: str
    about: str
    gives: Mapping[str, Sequence[Gives]]
    credentials: Mapping[str, Schema]
    refusals: Mapping[int, str]
    flags: Mapping[str, str]


def description(prefix: str, routes: Sequence[Route], words: Words, version: str) -> dict[str, Any]:
    """The whole document; every route must be among those of which `words` knows the answers."""
    paths: dict[str, dict[str, Any]] = {}
    models: dict[str, Readable] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, words, models)
    return {
        "openapi": "3.1.0",
        "info": {"title": words.title, "version": version, "description": words.about},
        "servers": [{"url": prefix}],
        "security": [{name: []} for name in words.credentials],
        "tags": [{"name": name} for name in sorted({_tag(route) for route in routes})],
        "paths": paths,
        "components": {
            "securitySchemes": dict(words.credentials),
            "schemas": {name: dict(model.schema) for name, model in sorted(models.items())},
            "responses": {
                str(status): {"description": said, "content": {"text/plain": {"schema": {"type": "string"}}}}
                for status, said in words.refusals.items()
            },
        },
    }


def _operation(route: Route, words: Words, models: dict[str, Readable]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [_tag(route)],
        "summary": route.said,
        "description": _rights(route, words),
        "parameters": [*_parameters(route)],
        "responses": {**_answers(route, words.gives.get(route.name, (Gives(),)), models), **_refusals(route, words)},
    }
    if route.access is Access.ANYONE:
        operation["security"] = [{}, *({name: []} for name in words.credentials)]
    if route.form is not None:
        properties = {param.name: _value(param) for param in route.form}
        operation["requestBody"] = {
            "content": {route.consumes: {"schema": {"type": "object", "properties": properties}}}
        }
    elif route.body is not None:
        content = {"schema": _reference(route.body, models)} if route.consumes == JSON else {}
        operation["requestBody"] = {"required": True, "content": {route.consumes: content}}
    return operation


def operation_id(route: Route) -> str:
    """A name for the operation: `putDevicesId`."""
    words = re.findall(r"[A-Za-z0-9]+", route.path)
    return route.method.lower() + "".join(word[:1].upper() + word[1:] for word in words)


def _tag(route: Route) -> str:
    return route.path.split("/")[1]


def _rights(route: Route, words: Words) -> str:
    """Who may call it, in words."""
    said = [WHO[route.access]]
    if route.needs:
        said.append(f"The caller must have access to each {' and '.join(route.needs)} that is named.")
    for flags, verb in ((route.denied, "Refused"), (route.may_be_denied, "May be refused")):
        if flags:
            named = " or ".join(f"`{words.flags.get(flag, flag)}`" for flag in flags)
            said.append(f"{verb} while {named} is set for the user or for the server.")
    return " ".join(said)


def _parameters(route: Route) -> Iterable[dict[str, Any]]:
    known = {param.name: param for param in route.place}
    for name in re.findall(r"\{([^}:]+)", route.path):
        param = known.get(name)
        schema = _value(param) if param is not None else of_type("string")
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for param in route.query:
        said = {"description": param.meaning} if param.meaning else {}
        yield {"name": param.name, "in": "query", "schema": _value(param), **said}


def _value(param: Param) -> Schema:
    schema = of_type(param.kind.name)
    return {"type": "array", "items": schema} if param.many else schema


def _answers(route: Route, several: Iterable[Gives], models: dict[str, Readable]) -> dict[str, Any]:
    """What is answered by each status; of one there may be several shapes."""
    answers: dict[str, Any] = {}
    for gives in several:
        answer = _answer(route, gives, models)
        before = answers.setdefault(str(gives.status), answer)
        if before is not answer:
            before["description"] += f"; or {answer['description']}"
            for type, said in answer["content"].items():
                before["content"][type]["schema"] = {"anyOf": [before["content"][type]["schema"], said["schema"]]}
    return answers


def _answer(route: Route, gives: Gives, models: dict[str, Readable]) -> dict[str, Any]:
    if gives.of is None:
        return {"description": "Done"}
    type = gives.type or route.produces
    if not isinstance(gives.of, str):
        schema = _reference(gives.of, models)
        name = gives.of.name
    else:
        schema, name = of_type(gives.of), "Text" if gives.of == "string" else "Value"
    if gives.many:
        schema, name = {"type": "array", "items": schema}, f"{name}, any number"
    return {"description": name, "content": {type: {"schema": schema}}}


def _reference(model: Readable, models: dict[str, Readable]) -> Schema:
    if models.setdefault(model.name, model).schema != model.schema:
        raise ValueError(f"two different shapes are called {model.name}")
    return {"$ref": f"#/components/schemas/{model.name}"}


def _refusals(route: Route, words: Words) -> dict[str, Any]:
    statuses = {400, 406}
    if route.access is not Access.ANYONE:
        statuses.add(401)
    if route.place or _have_form(route.query):
        statuses.add(404)
    if route.consumes is not None:
        statuses.add(415)
        if route.access is Access.ANYONE:
            statuses.add(429)
    return {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses & set(words.refusals))
    }


def _have_form(params: Sequence[Param]) -> bool:
    """Whether one of them can be written in a way that makes no sense."""
    return any(param.kind.name not in ("string", "boolean") for param in params)
