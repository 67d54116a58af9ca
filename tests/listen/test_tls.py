"""TLS, over real sockets: what its transport does with a pause no fake would tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import define
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import WORDS
from trackd.listen.server import Listener, Server
from trackd.listen.service import Listeners
from trackd.listen.stream import Connection
from trackd.listen.tls import BadCertificate, context


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """The files of a new self-signed certificate and of its key."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


class FilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.certificate, self.key = certificate(self.folder)

    def test_usable(self) -> None:
        """A certificate and its key make a context; so do a certificate with a chain and its key."""
        context(self.certificate, self.key)
        other, _ = certificate(self.folder, "other")
        chain = self.folder / "chain.pem"
        chain.write_bytes(self.certificate.read_bytes() + other.read_bytes())
        self.assertEqual(len(context(chain, self.key).extraCertChain), 1)

    def test_unusable(self) -> None:
        """Files that cannot be used are told by name."""
        _, foreign = certificate(self.folder, "foreign")
        missing, empty = self.folder / "missing", self.folder / "empty"
        empty.write_bytes(b"")
        for files, culprit in (
            ((missing, self.key), missing),
            ((empty, self.key), empty),
            ((self.key, self.key), self.key),
            ((self.certificate, missing), missing),
            ((self.certificate, self.certificate), self.certificate),
            ((self.certificate, foreign), foreign),
        ):
            error = self.assertRaises(BadCertificate, context, *files)
            self.assertTrue(str(error).startswith(f"{culprit}: "), str(error))


class Device(Protocol):
    """The other end: what it has heard, and when it has heard enough, or the end."""

    def __init__(self) -> None:
        self.heard = b""
        self.enough: tuple[int, Deferred[None]] | None = None
        self.over: Deferred[None] = Deferred()

    def hears(self, length: int) -> Deferred[None]:
        """Fires when so many bytes have come."""
        waiting: Deferred[None] = Deferred()
        self.enough = (length, waiting)
        self._look()
        return waiting

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        self._look()

    def _look(self) -> None:
        if self.enough is not None and len(self.heard) >= self.enough[0]:
            waiting, self.enough = self.enough[1], None
            waiting.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over.callback(None)


@define(eq=False, slots=False)
class PromptIntake(MemoryIntake):
    """Commits in the next turn of the reactor."""

    reactor: Any = None

    def take(self, *taken: Any) -> Deferred[None] | None:
        if self._barrier is None and taken[1]:
            self.reactor.callLater(0, self.commit)
        return super().take(*taken)


class TlsTests(TestCase):
    timeout = 10  # less than the time after which a connection that cannot be closed is aborted

    async def setUp(self) -> None:  # type: ignore[override]
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.intake = PromptIntake.knowing("1", held=True, reactor=reactor)
        files = certificate(Path(self.mktemp()))
        self.server = Server(self.intake, self.reactor)
        self.service = Listeners(reactor, self.server, [Listener(WORDS, 0, "127.0.0.1", tls=context(*files))])
        self.service.startService()
        self.addCleanup(self.service.stopService)
        options = ssl.optionsForClientTLS("localhost", ssl.Certificate.loadPEM(files[0].read_bytes()))
        port = self.service._streams[0].getHost().port
        endpoint = wrapClientTLS(options, TCP4ClientEndpoint(self.reactor, "127.0.0.1", port))
        self.device = await connectProtocol(endpoint, Device())
        assert self.device.transport is not None
        self.device.transport.write(b"login:1\n")
        await self.device.hears(5)

    async def test_delivers_after_a_pause(self) -> None:
        """What TLS delivers although it was told to wait is stored and answered, in order and nothing twice."""
        behind: list[int] = []
        received = Connection.dataReceived

        def dataReceived(connection: Connection, data: bytes) -> None:
            if connection._paused:
                behind.append(len(data))
            received(connection, data)

        self.patch(Connection, "dataReceived", dataReceived)
        count = 9000
        lines = [f"at:{number / 1000} reply:{number:04d}" for number in range(count)]
        assert self.device.transport is not None
        for start in range(0, count, 10):  # each of them a record, of which several are read at once
            self.device.transport.write("\n".join([*lines[start : start + 10], ""]).encode())
            await deferLater(self.reactor, 0)
        await self.device.hears(5 + 4 * count)
        self.assertEqual(self.device.heard, b"(yes)" + b"".join(b"%04d" % number for number in range(count)))
        self.assertEqual([p.latitude for p in self.intake.positions], [number / 1000 for number in range(count)])
        self.assertTrue(behind, "nothing was delivered during a pause: this test has shown nothing")

    async def test_bad_frame(self) -> None:
        """A bad frame closes the connection after what was owed."""
        assert self.device.transport is not None
        self.device.transport.write(b"at:1 reply:A\nbad\n")
        await self.device.over
        self.assertEqual(self.device.heard, b"(yes)A")
        await self.server.door.empty()

    async def test_stop(self) -> None:
        """At the stop a device gets what it is owed."""
        taken = Deferred[None]()
        take = self.intake.take

        def telling(*args: Any) -> Deferred[None] | None:
            self.reactor.callLater(0, taken.callback, None)
            return take(*args)

        self.patch(self.intake, "take", telling)
        assert self.device.transport is not None
        self.device.transport.write(b"at:1 reply:A\n")
        await taken
        await self.service.stop()
        await self.device.over
        self.assertEqual(self.device.heard, b"(yes)A")
        self.assertEqual(len(self.intake.gone), 1)
