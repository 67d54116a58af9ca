"""What a device says, and what it is owed for that."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve
from twisted.internet.defer import Deferred, fail
from twisted.logger import LogEvent, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import WORDS, call, clock_of, log_of, server
from trackd.store.waiting import fail as all_hear
from trackd.wire.format import WireFormat
from trackd.wire.values import Command


class AcknowledgeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", "2", held=True)
        self.device = call(server(self.intake))

    def test_when_stored(self) -> None:
        """A report is acknowledged when it is committed, and not before."""
        self.assertEqual(self.device.says("login:1 at:10 reply:A"), "(yes)")
        self.assertEqual([position.latitude for position in self.intake.positions], [10.0])
        self.intake.commit()
        self.assertEqual(self.device.hears(), "A")

    def test_login_at_once(self) -> None:
        """A login is answered as soon as the device is found."""
        self.assertEqual(self.device.says("login:1"), "(yes)")
        self.assertEqual(self.device.says("login:9"), "(no)")

    def test_nothing_to_store(self) -> None:
        """The answer to a message without a report waits for nothing."""
        self.assertEqual(self.device.says("login:1", "me reply:h"), "(yes)h")

    def test_order(self) -> None:
        """Answers keep the order of what they answer, also when only some of them wait."""
        self.device.says("login:1 at:10 reply:A", "me reply:B", "at:11 reply:C")
        self.assertEqual(self.device.hears(), "")
        self.intake.commit()
        self.assertEqual(self.device.hears(), "ABC")

    def test_login_behind_an_owed_reply(self) -> None:
        """The answer to a login does not overtake one that is owed for something before."""
        self.device.says("login:1 at:10 reply:A", "login:2")
        self.assertEqual(self.device.hears(), "")
        self.intake.commit()
        self.assertEqual(self.device.hears(), "A(yes)")

    def test_login_behind_an_earlier_read(self) -> None:
        """Nor one that is owed for an earlier read."""
        self.device.says("login:1 at:10 reply:A")
        self.assertEqual(self.device.says("login:2"), "")
        self.intake.commit()
        self.assertEqual(self.device.hears(), "A(yes)")

    def test_one_write(self) -> None:
        """All answers of a read are written in one piece."""
        written: list[bytes] = []
        self.patch(self.device.transport, "write", written.append)
        self.device.connection.dataReceived(b"login:1\n" + b"at:1 reply:x\n" * 20)
        self.intake.commit()
        self.assertEqual(written, [b"(yes)", b"x" * 20])

    def test_commits_out_of_order(self) -> None:
        """An answer waits for everything before it, although its own report was committed earlier."""
        first, second = Deferred[None](), Deferred[None]()
        pending = [first, second]
        self.patch(self.intake, "take", lambda link, said, frame: pending.pop(0))
        self.device.says("login:1 at:1 reply:A", "at:2 reply:B")
        second.callback(None)
        self.assertEqual(self.device.hears(), "")
        first.callback(None)
        self.assertEqual(self.device.hears(), "AB")

    def test_shared_commit(self) -> None:
        """Many connections wait for one commit, and the one whose peer is gone spoils nothing for the others."""
        others = [call(self.device.server) for _ in range(3)]
        for other in [self.device, *others]:
            other.says("login:1 at:1 reply:A")
            other.hears()
        others[0].hangs_up()
        self.intake.commit()
        self.assertEqual([other.hears() for other in [self.device, *others]], ["A", "", "A", "A"])

    def test_intake_fails(self) -> None:
        """When nobody knows whether reports are stored, nobody who waits is acknowledged, and all are closed."""
        waiting: Deferred[None] = Deferred()
        self.patch(self.intake, "take", lambda link, said, frame: waiting)
        devices = [self.device, *(call(self.device.server) for _ in range(2))]
        for device in devices:
            self.assertEqual(device.says("login:1 at:1 reply:A"), "(yes)")
        all_hear(waiting, Failure(RuntimeError("lost")))
        self.assertEqual([(device.hears(), device.closed) for device in devices], [("", True)] * 3)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 3)


class BelieveTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", "2")
        self.device = call(server(self.intake))

    def test_whole_or_not_at_all(self) -> None:
        """Nothing of a frame counts when it cannot be read to its end."""
        self.assertEqual(self.device.says("login:1 at:10 reply:A media:x keep:y bad"), "(yes)")
        self.assertEqual((self.intake.taken, self.intake.kept, self.intake.remembered), ([], [], []))

    def test_no_place_on_earth(self) -> None:
        """A position beyond the poles spoils its frame."""
        self.device.says("login:1 at:10 at:91 reply:A")
        self.assertEqual(self.intake.taken, [])
        self.assertTrue(self.device.closed)

    def test_stranger(self) -> None:
        """The frame of an unknown device ends at its login; what was answered before it is sent."""
        self.assertEqual(self.device.says("reply:A login:9 reply:B at:1"), "A(no)")
        self.assertEqual(self.intake.taken, [])
        self.assertEqual(self.intake.strangers, [(("9",), b"reply:A login:9 reply:B at:1")])
        self.assertFalse(self.device.closed)

    def test_optional_login(self) -> None:
        """The frame of an unknown device goes on if the format says so, and its positions are nobody's."""
        self.assertEqual(self.device.says("who:9 at:1 known"), "nobody")
        self.assertEqual(self.intake.taken, [])

    def test_several_ids(self) -> None:
        """The first id that is known decides."""
        self.device.says("login:9/2/1 at:1")
        self.assertEqual([id for id, _ in self.intake.taken], ["2"])

    def test_several_devices(self) -> None:
        """A position belongs to the device of the login before it."""
        self.device.says("login:1 at:1 login:2 at:2 at:3")
        self.assertEqual([(id, p.latitude) for id, p in self.intake.taken], [("1", 1.0), ("2", 2.0), ("2", 3.0)])

    def test_frames_without_id(self) -> None:
        """A frame without an id is of whoever the connection has; on a stranger's nothing is said."""
        self.assertEqual(self.device.says("me at:1 reply:A"), "")
        self.assertEqual(self.device.says("login:1", "me at:2 reply:B"), "(yes)B")
        self.assertEqual([p.latitude for p in self.intake.positions], [2.0])

    def test_sign_of_life(self) -> None:
        """A frame that says nothing is a sign of life of a device that is known, and of nobody else."""
        self.device.says("reply:h")
        self.assertEqual(self.intake.signs, 0)
        self.device.says("login:1", "reply:h", "login:9")
        self.assertEqual(self.intake.signs, 3)

    def test_disabled(self) -> None:
        """A device that is disabled is turned away as a bad frame is."""
        self.intake.refused.add("1")
        self.assertEqual(self.device.says("login:1 at:1"), "")
        self.assertTrue(self.device.closed)

    def test_files_and_attributes(self) -> None:
        """Files and attributes are stored before the reports of their frame, all of them before the answer."""
        self.assertEqual(self.device.says("login:1 media:x keep:y at:1 reply:A"), "(yes)A")
        self.assertEqual(self.intake.log, ["kept", "remembered", "taken"])
        self.assertEqual([(id, media.data) for id, media in self.intake.kept], [("1", b"x")])
        self.assertEqual(self.intake.remembered, [("1", "note", "y")])

    def test_file_cannot_be_stored(self) -> None:
        """A frame whose file cannot be stored is not acknowledged."""
        self.patch(self.intake, "keep", lambda link, device, media: fail(OSError("disk full")))
        self.assertEqual(self.device.says("login:1 media:x at:1 reply:A"), "(yes)")
        self.assertEqual(self.intake.taken, [])
        self.assertTrue(self.device.closed)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_queued_command(self) -> None:
        """A format gets the queued command of its device, if there is one."""
        self.intake.commands.append(Command("engineStop"))
        self.assertEqual(self.device.says("login:1 command", "me command"), "(yes)engineStopnone")

    def test_queued_command_of_a_stranger(self) -> None:
        """Nobody's queue is opened for a stranger."""
        self.intake.commands.append(Command("engineStop"))
        self.assertEqual(self.device.says("who:9 command"), "none")
        self.assertEqual(len(self.intake.commands), 1)

    def test_arrival(self) -> None:
        """The session's time is that of the read."""
        clock_of(self.device.server).advance(100)
        self.device.says("login:1 now")
        self.assertEqual(self.intake.positions[0].fix_time, datetime.fromtimestamp(100, UTC))

    def test_endless(self) -> None:
        """A decoder that does not come to an end is cut."""
        device = call(server(self.intake, outputs=100))
        self.assertEqual(device.says("login:1 forever"), "(yes)")
        self.assertTrue(device.closed)

    def test_hangup(self) -> None:
        """A format closes the connection when what was said before is stored and answered."""
        self.intake.held = True
        self.device.says("login:1 at:1 reply:A hangup reply:B", "at:2 reply:C")
        self.device.hears()
        self.assertFalse(self.device.closed)
        self.intake.commit()
        self.assertEqual(self.device.hears(), "A")
        self.assertTrue(self.device.closed)
        self.assertEqual(len(self.intake.taken), 2)

    def test_outgoing_layer(self) -> None:
        """The format's outgoing layer is put round everything that is sent."""
        wrapped = evolve(WORDS, wrap=lambda data, session: b"<" + data + b">", greet=lambda session: b"hi")
        device = call(server(self.intake), wrapped)
        self.assertEqual(device.hears(), "<hi>")
        self.assertEqual(device.says("login:1 reply:A"), "<(yes)><A>")
        device.connection.conversation.send(b"command")
        self.assertEqual(device.hears(), "<command>")


class ErrorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", held=True)
        self.server = server(self.intake)
        self.device = call(self.server)
        self.lines = log_of(self)

    @property
    def complaints(self) -> list[LogEvent]:
        return [line for line in self.lines if "frame" in line]

    def test_closed_after_what_was_owed(self) -> None:
        """A bad frame closes the connection, but what is owed for the frames before is written first."""
        self.device.says("login:1 at:1 reply:A", "bad")
        self.device.hears()
        self.assertFalse(self.device.closed)
        self.intake.commit()
        self.assertEqual(self.device.hears(), "A")
        self.assertTrue(self.device.closed)

    def test_frames_behind(self) -> None:
        """Frames behind a bad one in the same read are taken; their answers go nowhere."""
        self.assertEqual(self.device.says("login:1", "bad", "at:2 reply:B", "login:1"), "(yes)")
        self.assertEqual([p.latitude for p in self.intake.positions], [2.0])
        self.intake.commit()
        self.assertEqual(self.device.hears(), "")
        self.assertTrue(self.device.closed)

    def test_nothing_more_is_read(self) -> None:
        """What comes after the read with the bad frame is not looked at."""
        self.device.says("login:1 at:1", "bad")
        self.device.says("at:2")
        self.intake.commit()
        self.device.says("at:3")
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0])

    def test_one_line(self) -> None:
        """A bad frame makes one line with format, connection, peer, device, error and hex, and is counted."""
        self.device.says("login:1 at:1", "bad {0} {peer}")
        (line,) = self.complaints
        self.assertEqual((line["name"], line["peer"]), ("words", "10.0.0.1"))
        number, device = line["connection"], line["device"]
        self.assertTrue(formatEvent(line).startswith(f"words #{number} 10.0.0.1 device {device}: "))
        self.assertIsInstance(device, int)
        self.assertEqual(bytes.fromhex(line["frame"]), b"bad {0} {peer}")
        self.assertIn("bad", line["reason"])
        self.assertEqual(self.server.counters.of("words").errors, 1)

    def test_long_frame(self) -> None:
        """The hex of a long frame is cut."""
        self.device.says("bad " + "x" * 900)
        (line,) = self.complaints
        self.assertEqual(len(line["frame"]), 2 * 256 + 1)

    def test_long_reason(self) -> None:
        """So is what the error says, which may be all that was sent."""

        def decode(frame: bytes, session: object) -> object:
            raise ValueError(frame)
            yield

        call(self.server, WireFormat("broken", 1, decode)).sends(b"x" * 100_000)  # type: ignore[arg-type]
        (line,) = self.complaints
        self.assertLess(len(formatEvent(line)), 1000)

    def test_any_error_of_the_bytes(self) -> None:
        """What bytes make a decoder raise is a bad frame, whatever it is called."""
        for error in (ValueError, KeyError, IndexError, ZeroDivisionError, UnicodeError):

            def decode(frame: bytes, session: object, error: type[Exception] = error) -> object:
                raise error("x")
                yield

            device = call(self.server, WireFormat("broken", 1, decode))  # type: ignore[arg-type]
            device.sends(b"x")
            self.assertTrue(device.closed)
        self.assertEqual(self.server.counters.of("broken").errors, 5)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_our_mistake(self) -> None:
        """A mistake of ours costs the same, and leaves a traceback."""
        self.device.says("login:1 at:1 bug", "at:2")
        self.intake.commit()
        self.assertTrue(self.device.closed)
        self.assertEqual([p.latitude for p in self.intake.positions], [2.0])
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_mistake_after_the_commit(self) -> None:
        """An answer that cannot be written closes the connection, and those of others are written."""
        other = call(self.server)
        text = evolve(WORDS, wrap=lambda data, session: data.decode())  # type: ignore[arg-type,return-value]
        device = call(self.server, text)
        device.says("who:1 at:1 reply:A")
        other.says("login:1 at:1 reply:B")
        other.hears()
        self.intake.commit()
        self.assertEqual((device.hears(), device.closed, other.hears()), ("", True, "B"))
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        device.hangs_up()
        self.assertEqual(len(self.server.door), 2)

    def test_mistake_after_the_end(self) -> None:
        """A mistake after the device has hung up costs no place at the door."""
        self.device.says("login:1 at:1 reply:A")
        self.device.hangs_up()
        self.assertEqual(len(self.server.door), 1)
        self.patch(self.device.connection, "answer", lambda frames, replies: 1 / 0)
        self.intake.commit()
        self.assertEqual(len(self.server.door), 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_lines_per_connection(self) -> None:
        """One connection fills no log; its errors are counted all the same."""
        self.device.says(*["bad"] * 100)
        self.assertEqual(len(self.complaints), 10)
        self.assertEqual(self.server.counters.of("words").errors, 100)

    def test_lines_of_all(self) -> None:
        """Nor do many connections; a second later there are lines again."""
        to = server(self.intake, errors_logged_per_second=3)
        for _ in range(10):
            call(to).says("bad")
        self.assertEqual(len(self.complaints), 3)
        clock_of(to).advance(1)
        call(to).says("bad")
        self.assertEqual(len(self.complaints), 4)


class WaitTests(SynchronousTestCase):
    """Look-ups that must ask the database, and a queue without room."""

    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", "2", asking=True)
        self.server = server(self.intake)
        self.device = call(self.server)

    def test_asked(self) -> None:
        """While a device is looked up nothing more is read; then the frame goes on, and those behind it."""
        self.assertEqual(self.device.says("login:1 at:1 reply:A", "at:2 reply:B"), "")
        self.assertTrue(self.device.paused)
        self.assertEqual(self.intake.taken, [])
        self.intake.tell()
        self.assertEqual(self.device.hears(), "(yes)AB")
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0, 2.0])
        self.assertFalse(self.device.paused)

    def test_owed_before(self) -> None:
        """What is owed for earlier frames does not wait for a look-up."""
        self.intake.asking = False
        self.device.says("login:1")
        self.intake.asking, self.intake.held = True, True
        self.device.hears()
        self.device.says("at:1 reply:A", "login:2 reply:B")
        self.intake.commit()
        self.assertEqual(self.device.hears(), "A")
        self.assertTrue(self.device.paused)
        self.intake.tell()
        self.assertEqual(self.device.hears(), "(yes)B")
        self.assertFalse(self.device.paused)

    def test_owed_between(self) -> None:
        """Nor does what is owed for frames between two look-ups wait for the second."""
        self.intake.held = True
        self.device.says("login:1 at:1 reply:A", "login:2 reply:B")
        self.intake.tell()
        self.intake.commit()
        self.assertEqual(self.device.hears(), "(yes)A")
        self.assertEqual(self.intake.questions, 1)

    def test_not_found(self) -> None:
        """A device that the database does not know either is a stranger."""
        self.device.says("login:9 reply:A", "reply:B")
        self.intake.tell()
        self.assertEqual(self.device.hears(), "(no)B")

    def test_disabled(self) -> None:
        """A device that turns out to be disabled is turned away."""
        self.intake.refused.add("1")
        self.device.says("login:1 at:1")
        self.intake.tell()
        self.assertTrue(self.device.closed)
        self.assertEqual(self.intake.taken, [])

    def test_look_up_fails(self) -> None:
        """A look-up that fails is a mistake of ours: the connection is closed, with a traceback."""
        self.patch(self.intake, "find", lambda link, ids, frame: fail(RuntimeError("no")))
        self.device.says("login:1 at:1")
        self.assertTrue(self.device.closed)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_many_look_ups(self) -> None:
        """A read full of logins that are answered at once by a fired Deferred goes no deeper than one."""
        found = self.intake.devices["1"]

        def find(link: object, ids: object, frame: bytes) -> Deferred[object]:
            deferred = Deferred[object]()
            deferred.callback(found)
            return deferred

        self.patch(self.intake, "find", find)
        self.device.says(*["login:1 at:1"] * 3000)
        self.assertEqual(len(self.intake.taken), 3000)

    def test_gone_meanwhile(self) -> None:
        """What a device said before it hung up is taken; then its connection is reported as lost."""
        conversation = self.device.connection.conversation
        self.device.says("login:1 at:1 reply:A", "at:2")
        self.device.hangs_up()
        self.assertEqual(self.intake.gone, [])
        self.assertEqual((len(self.server.door), self.server.door.strangers), (1, 0))
        self.intake.tell()
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0, 2.0])
        self.assertEqual(self.intake.gone, [conversation])
        self.assertEqual(len(self.server.door), 0)

    def test_no_room(self) -> None:
        """While the queue is full no frame is read; then all are, in order."""
        self.intake.asking = False
        self.device.says("login:1")
        self.intake.full = True
        self.device.says("at:1", "at:2")
        self.assertTrue(self.device.paused)
        self.assertEqual(self.intake.taken, [])
        self.intake.make_room()
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0, 2.0])
        self.assertFalse(self.device.paused)

    def test_no_room_in_the_middle(self) -> None:
        """The queue may become full in the middle of a read; what is owed so far goes out meanwhile."""
        self.intake.asking, self.intake.held = False, True
        self.device.says("login:1")
        self.device.hears()
        take = self.intake.take

        def full_after_one(*args: object) -> object:
            self.intake.full = True
            return take(*args)  # type: ignore[arg-type]

        self.patch(self.intake, "take", full_after_one)
        self.device.says("at:1 reply:A", "at:2 reply:B")
        self.assertEqual(len(self.intake.taken), 1)
        self.intake.commit()
        self.assertEqual(self.device.hears(), "A")
        self.intake.make_room()
        self.assertEqual(len(self.intake.taken), 2)
        self.assertTrue(self.device.paused)

    def test_gone_while_there_is_no_room(self) -> None:
        """Who hangs up while the queue is full is not forgotten: what it said is taken when there is room."""
        self.intake.asking = False
        self.device.says("login:1")
        self.intake.full = True
        self.device.says("at:1")
        self.device.hangs_up()
        self.assertEqual((self.intake.gone, len(self.server.door)), ([], 1))
        self.intake.make_room()
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0])
        self.assertEqual((len(self.intake.gone), len(self.server.door)), (1, 0))
