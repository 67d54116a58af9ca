"""The description of the REST interface."""

from __future__ import annotations

import re
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator
from twisted.trial.unittest import SynchronousTestCase

from plugins.rest.traccar.description import WORDS
from plugins.rest.traccar.traccar import dialect
from plugins.rest.trackd import WORDS as OWN_WORDS
from plugins.rest.trackd import dialect as own
from trackd.rest.body import FLAG, FREE, LONG, MOMENT, TEXT, Member, Model
from trackd.rest.openapi import Gives, Words, description
from trackd.rest.params import INT, Param
from trackd.rest.routes import Access, Answer, Call, Route


async def nothing(services: object, call: Call) -> Answer:
    """Do nothing."""
    return Answer()


THING = Model(
    "Thing",
    (
        Member("id", LONG, ro=True),
        Member("attributes", FREE),
        Member("name", TEXT, required=True, most=128),
        Member("until", MOMENT),
        Member("secret", TEXT, write_only=True),
        Member("hidden", FLAG, default=True),
    ),
)


class DescriptionTests(SynchronousTestCase):
    def described(self, route: Route, *gives: Gives) -> dict[str, Any]:
        """The whole description of this one route, which is valid."""
        words = Words(
            "test",
            "A test.",
            {route.name: gives},
            {"token": {"type": "http", "scheme": "bearer"}},
            {400: "no", 401: "who?", 404: "none", 406: "not so", 415: "not this", 429: "later"},
            {"read_only": "readOnly"},
        )
        said = description("/api", [route], words, "1.0")
        self.assertEqual([], [error.message for error in OpenAPIV31SpecValidator(said).iter_errors()])
        return said

    def operation(self, route: Route, *gives: Gives) -> Any:
        paths = self.described(route, *gives)["paths"]
        return paths[route.path][route.method.lower()]

    def test_model(self) -> None:
        """An object is described by its members: types, what may be null, what is only read or only written."""
        said = self.described(Route("POST", "/things", nothing, body=THING), Gives(THING))
        self.assertEqual(
            said["components"]["schemas"],
            {
                "Thing": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name"],
                    "properties": {
                        "id": {"type": "integer", "format": "int64", "readOnly": True},
                        "attributes": {"type": "object"},
                        "name": {"type": "string", "maxLength": 128},
                        "until": {"type": ["string", "null"], "format": "date-time"},
                        "secret": {"type": ["string", "null"], "writeOnly": True},
                        "hidden": {"type": "boolean", "default": True},
                    },
                }
            },
        )
        operation = said["paths"]["/things"]["post"]
        reference = {"schema": {"$ref": "#/components/schemas/Thing"}}
        self.assertEqual(operation["requestBody"]["content"], {"application/json": reference})
        self.assertEqual(operation["responses"]["200"]["content"], {"application/json": reference})

    def test_parameters(self) -> None:
        """Parameters of path and query have their types; a repeated one is an array."""
        place, query = (Param("id", INT),), (Param("id", INT, many=True, meaning="Some"),)
        operation = self.operation(Route("GET", "/things/{id}", nothing, place=place, query=query), Gives())
        integer = {"type": "integer", "format": "int32"}
        self.assertEqual(
            operation["parameters"],
            [
                {"name": "id", "in": "path", "required": True, "schema": integer},
                {"name": "id", "in": "query", "schema": {"type": "array", "items": integer}, "description": "Some"},
            ],
        )
        self.assertEqual(list(operation["responses"]), ["200", "400", "401", "404", "406"])

    def test_rights(self) -> None:
        """It says who may call a route, and who need not say who he is."""
        needed = Route("GET", "/a", nothing, needs=("device",), denied=("read_only",))
        self.assertEqual(
            self.operation(needed, Gives())["description"],
            "For users. The caller must have access to each device that is named."
            " Refused while `readOnly` is set for the user or for the server.",
        )
        self.assertNotIn("security", self.operation(needed, Gives()))
        free = self.operation(Route("GET", "/a", nothing, Access.ANYONE), Gives())
        self.assertEqual((free["security"][0], "401" in free["responses"]), ({}, False))

    def test_names(self) -> None:
        """Two shapes of one name would be one, and wrong of one of them."""
        other = Model("Thing", (Member("id", LONG),))
        with self.assertRaises(ValueError):
            self.described(Route("POST", "/things", nothing, body=THING), Gives(other))

    def test_answers(self) -> None:
        """Several answers, lists, texts and nothing at all."""
        said = self.operation(
            Route("POST", "/a", nothing, form=(Param("n", INT),), produces="text/plain"),
            Gives("string"),
            Gives(THING, many=True, status=202, type="application/json"),
            Gives(THING, status=202, type="application/json"),
            Gives(status=204),
        )["responses"]
        self.assertEqual(said["200"]["content"], {"text/plain": {"schema": {"type": "string"}}})
        thing = {"$ref": "#/components/schemas/Thing"}
        shapes = {"anyOf": [{"type": "array", "items": thing}, thing]}
        self.assertEqual(said["202"]["content"], {"application/json": {"schema": shapes}})
        self.assertEqual(said["204"], {"description": "Done"})


class DialectTests(SynchronousTestCase):
    dialect = dialect
    words = WORDS

    def setUp(self) -> None:
        self.said = description(self.dialect.prefix, self.dialect.routes, self.words, "1.0")

    def test_valid(self) -> None:
        """The whole description is valid, with each route once."""
        self.assertEqual([], [error.message for error in OpenAPIV31SpecValidator(self.said).iter_errors()])
        operations = [(method, path) for path, item in self.said["paths"].items() for method in item]
        self.assertEqual(
            sorted(operations), sorted((route.method.lower(), route.path) for route in self.dialect.routes)
        )

    def test_answers(self) -> None:
        """Of each route it is known what it answers, and of none that there is not."""
        self.assertEqual(sorted(self.words.gives), sorted(route.name for route in self.dialect.routes))

    def test_said(self) -> None:
        """Each route says in a sentence what it does."""
        self.assertEqual([], [route.name for route in self.dialect.routes if not route.said.endswith(".")])

    def test_places(self) -> None:
        """Each parameter in a path has a type."""
        for route in self.dialect.routes:
            names = re.findall(r"\{([^}:]+)", route.path)
            self.assertEqual([param.name for param in route.place], names, route.name)


class OwnTests(DialectTests):
    """Of what the server tells of itself."""

    dialect = own
    words = OWN_WORDS
