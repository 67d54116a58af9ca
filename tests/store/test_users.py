"""Users and the server's row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twisted.internet import defer

from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, user
from trackd.store.database import Refused
from trackd.store.listing import Listing
from trackd.store.sessions import Sessions
from trackd.store.users import Users


class UserTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.users = Users(self.db)

    async def names(self, listing: Listing) -> list[str]:
        return [one.name for one in await self.users.all(listing)]

    async def test_all_columns(self) -> None:
        """What is stored of a user comes back."""
        values = {
            "attributes": {"b": [1, {"c": None}], "a": "\0"},
            "name": "Ä",
            "login": "me",
            "email": "a@b",
            "phone": "1",
            "administrator": True,
            "latitude": 1.5,
            "zoom": 3,
            "expiration_time": datetime(2030, 1, 1, tzinfo=UTC),
            "device_limit": -1,
            "totp_key": "KEY",
            "password_hash": "hash",
        }
        made = await self.users.insert(values)
        found = await self.users.get(made.id)
        for name, value in values.items():
            self.assertEqual(getattr(found, name), value, name)
        assert found is not None
        self.assertEqual(list(found.attributes), ["b", "a"])
        self.assertEqual((found.readonly, found.map, found.user_limit), (False, None, 0))

    async def test_strange_column(self) -> None:
        """A name that is no column does not reach the database."""
        for name in ("id", "deleted_at", "name) VALUES (1); --"):
            with self.assertRaises(ValueError):
                await self.users.insert({"name": "x", "email": "y", name: 1})

    async def test_found_in_any_case(self) -> None:
        """A user is found by address or login, whatever the case; the address of one goes before the login of another."""
        one = await user(self.db, email="Ärger@Example.org", login="One")
        other = await user(self.db, email="other@example.org", login="ärger@example.org")
        for name, id in (("ärger@EXAMPLE.org ", one.id), (" oNE", one.id), ("OTHER@example.org", other.id)):
            found = await self.users.find(name)
            assert found is not None
            self.assertEqual(found.id, id)
        self.assertIsNone(await self.users.find("%"))
        self.assertIsNone(await self.users.find(""))

    async def test_same_address(self) -> None:
        """Two users can't have addresses that differ in case only; that of a deleted user is free."""
        one = await user(self.db, email="a@b")
        with self.assertRaises(Refused) as caught:
            await user(self.db, email="A@B")
        self.assertEqual(caught.exception.constraint, "users_email")
        await self.users.delete(one.id)
        await user(self.db, email="A@B")

    async def test_update(self) -> None:
        """Only what is given is changed, and the user comes back as it is then."""
        made = await user(self.db, phone="1", attributes={"a": 1})
        after = await self.users.update(made.id, {"name": "New", "attributes": {"b": 2}})
        assert after is not None
        self.assertEqual((after.name, after.phone, after.attributes), ("New", "1", {"b": 2}))
        same = await self.users.update(made.id, {})
        assert same is not None
        self.assertEqual(same.name, "New")
        self.assertIsNone(await self.users.update(10**9, {"name": "Nobody"}))

    async def test_deleted(self) -> None:
        """A deleted user is not found by anything, and neither its session nor its token lets anybody in."""
        made = await user(self.db, email="a@b")
        sessions = Sessions(self.db)
        await sessions.create(b"s" * 32, made.id, NOON)
        await sessions.create_token(b"t" * 32, made.id, NOON, NOON + timedelta(days=1))
        self.assertTrue(await self.users.delete(made.id))
        self.assertFalse(await self.users.delete(made.id))
        self.assertIsNone(await self.users.get(made.id))
        self.assertIsNone(await self.users.find("a@b"))
        self.assertEqual((await self.users.all(), await self.users.count(), await self.users.any()), ([], 0, False))
        self.assertIsNone(await self.users.update(made.id, {"name": "x"}))
        self.assertIsNone(await sessions.find(b"s" * 32, NOON))
        self.assertIsNone(await sessions.find_token(b"t" * 32, NOON))

    async def test_managed(self) -> None:
        """A manager has the users that were made for it, one level deep."""
        manager = await user(self.db)
        below = await self.users.insert({"name": "below", "email": "below"}, manager.id)
        deeper = await self.users.insert({"name": "deeper", "email": "deeper"}, below.id)
        self.assertEqual([one.id for one in await self.users.managed(manager.id)], [below.id])
        self.assertTrue(await self.users.manages(manager.id, below.id))
        self.assertFalse(await self.users.manages(manager.id, deeper.id))
        self.assertFalse(await self.users.manages(below.id, manager.id))
        await self.users.delete(below.id)
        self.assertEqual(await self.users.managed(manager.id), [])
        self.assertFalse(await self.users.manages(manager.id, below.id))

    async def test_listing(self) -> None:
        """A list is sorted by name; a keyword and a page narrow it."""
        for name, email in (("Carol", "x@1"), ("Alice", "y@1"), ("Bob", "carolus@1")):
            await user(self.db, name=name, email=email)
        self.assertEqual(await self.names(Listing()), ["Alice", "Bob", "Carol"])
        self.assertEqual(await self.names(Listing("CAROL")), ["Bob", "Carol"])
        self.assertEqual(await self.names(Listing("a%e")), ["Alice"])
        self.assertEqual(await self.names(Listing("\\")), [])
        self.assertEqual(await self.names(Listing(limit=2)), ["Alice", "Bob"])
        self.assertEqual(await self.names(Listing(limit=2, offset=2)), ["Carol"])
        self.assertEqual(await self.names(Listing("carol", limit=1, offset=1)), ["Carol"])

    async def test_first(self) -> None:
        """Of two who want to be the first administrator one becomes it."""
        self.assertFalse(await self.users.any())
        made = await defer.gatherResults(
            [
                defer.Deferred.fromCoroutine(self.users.create_first(name, f"{name}@x", "hash"))
                for name in ("one", "other")
            ]
        )
        self.assertEqual(made.count(None), 1)
        self.assertTrue(await self.users.any())
        (first,) = await self.users.all()
        self.assertTrue(first.administrator)
        self.assertEqual((first.device_limit, first.password_hash), (-1, "hash"))

    async def test_server(self) -> None:
        """The server has one row, which can be changed."""
        self.assertFalse((await self.users.server()).registration)
        after = await self.users.update_server({"registration": True, "attributes": {"a": 1}})
        self.assertEqual((after.id, after.registration, after.attributes), (1, True, {"a": 1}))
        self.assertTrue((await self.users.server()).registration)
