import base64

from twisted.trial.unittest import SynchronousTestCase

from trackd.people.codes import code, new_key, step_of

# The secret of RFC 6238, appendix B; its codes have eight digits, of which these are the last six.
KEY = base64.b32encode(b"12345678901234567890").decode()


class CodesTests(SynchronousTestCase):
    def test_code(self) -> None:
        """The codes of the standard's appendix."""
        for at, wanted in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
            self.assertEqual(code(KEY, at), wanted)

    def test_right(self) -> None:
        """A code is right for its step and its neighbours; leading zeros may be missing."""
        for later in (0, 30, -30):
            self.assertEqual(1234567890 // 30, step_of(KEY, 5924, 1234567890 + later))
        self.assertIsNone(step_of(KEY, 5924, 1234567890 + 90))
        self.assertIsNone(step_of(KEY, 5925, 1234567890))

    def test_no_key(self) -> None:
        """With something that is no key nobody gets in."""
        self.assertIsNone(step_of("not base32!", 0, 0))
        self.assertIsNone(step_of("é", 0, 0))

    def test_new_key(self) -> None:
        """A new key is of 160 bits, and another each time."""
        self.assertEqual(len(base64.b32decode(new_key())), 20)
        self.assertNotEqual(new_key(), new_key())
