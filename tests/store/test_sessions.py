"""Sessions and tokens."""

from __future__ import annotations

from datetime import timedelta

from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, after, user
from trackd.store.sessions import Sessions

ONE, OTHER = b"\x01" * 32, b"\0" * 32


class SessionTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.sessions = Sessions(self.db)
        self.user = await user(self.db)

    async def last_used(self) -> object:
        return (await self.db.query("SELECT last_used FROM sessions"))[0][0]

    async def test_found(self) -> None:
        """A session is found by its digest, with its user."""
        await self.sessions.create(OTHER, self.user.id, NOON, expires=after(60), token_id=7, origin="https://x")
        found = await self.sessions.find(OTHER, NOON)
        assert found is not None
        session, owner = found
        self.assertEqual((session.digest, session.created, session.last_used), (OTHER, NOON, NOON))
        self.assertEqual((session.expires, session.token_id, session.origin), (after(60), 7, "https://x"))
        self.assertEqual((owner.id, owner.email), (self.user.id, self.user.email))
        self.assertIsNone(await self.sessions.find(ONE, NOON))

    async def test_expired(self) -> None:
        """A session that was made from a token ends with it."""
        await self.sessions.create(ONE, self.user.id, NOON, expires=after(60))
        self.assertIsNotNone(await self.sessions.find(ONE, after(59)))
        self.assertIsNone(await self.sessions.find(ONE, after(60)))

    async def test_last_used(self) -> None:
        """That a session is used is noted once a minute, not more often."""
        await self.sessions.create(ONE, self.user.id, NOON)
        await self.sessions.find(ONE, after(60))
        self.assertEqual(await self.last_used(), NOON)
        await self.sessions.find(ONE, after(61))
        self.assertEqual(await self.last_used(), after(61))

    async def test_most(self) -> None:
        """Of too many sessions of a user the one that has rested for longest gives way; others' sessions stay."""
        other = await user(self.db)
        await self.sessions.create(b"\x09" * 32, other.id, NOON)
        for number in range(3):
            await self.sessions.create(bytes([number]) * 32, self.user.id, after(number), most=3)
        await self.sessions.find(bytes(32), after(90))
        await self.sessions.create(b"\x03" * 32, self.user.id, after(91), most=3)
        digests = await self.db.query("SELECT digest FROM sessions ORDER BY digest")
        self.assertEqual([0, 2, 3, 9], [digest[0] for (digest,) in digests])

    async def test_delete(self) -> None:
        """Sessions are ended one by one."""
        for digest in (ONE, OTHER):
            await self.sessions.create(digest, self.user.id, NOON)
        self.assertTrue(await self.sessions.delete(OTHER))
        self.assertFalse(await self.sessions.delete(OTHER))
        self.assertIsNotNone(await self.sessions.find(ONE, NOON))

    async def test_delete_expired(self) -> None:
        """What has expired is removed; with a limit, also what has not been used for long."""
        await self.sessions.create(ONE, self.user.id, NOON, expires=after(60))
        await self.sessions.create(OTHER, self.user.id, NOON)
        await self.sessions.create_token(ONE, self.user.id, NOON, after(60))
        self.assertEqual(await self.sessions.delete_expired(after(60)), 1)
        self.assertEqual(await self.db.query("SELECT count(*) FROM tokens"), [(0,)])
        self.assertEqual(await self.sessions.delete_expired(after(100), timedelta(seconds=100)), 0)
        self.assertEqual(await self.sessions.delete_expired(after(101), timedelta(seconds=100)), 1)

    async def test_token(self) -> None:
        """A token is found until it expires."""
        id = await self.sessions.create_token(ONE, self.user.id, NOON, after(60))
        found = await self.sessions.find_token(ONE, after(59))
        assert found is not None
        self.assertEqual((found[0].id, found[0].expires, found[1].id), (id, after(60), self.user.id))
        self.assertIsNone(await self.sessions.find_token(ONE, after(60)))
        self.assertIsNone(await self.sessions.find_token(OTHER, NOON))

    async def test_revoked(self) -> None:
        """A token that was revoked is not found, nor are sessions that were made from it; others go on."""
        id = await self.sessions.create_token(ONE, self.user.id, NOON, after(60))
        await self.sessions.create(OTHER, self.user.id, NOON, token_id=id)
        await self.sessions.create(b"\x02" * 32, self.user.id, NOON)
        self.assertTrue(await self.sessions.revoke(ONE, NOON))
        self.assertFalse(await self.sessions.revoke(ONE, NOON))
        self.assertIsNone(await self.sessions.find_token(ONE, NOON))
        self.assertIsNone(await self.sessions.find(OTHER, NOON))
        self.assertIsNotNone(await self.sessions.find(b"\x02" * 32, NOON))
