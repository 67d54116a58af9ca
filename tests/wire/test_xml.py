from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire.values import WireError
from trackd.wire.xml import parsed


class XmlTests(SynchronousTestCase):
    def test_elements(self) -> None:
        """Elements, attributes and texts, in the encoding that the document declares."""
        root = parsed('<?xml version="1.0" encoding="ISO-8859-1"?><a b="1"><c>ü</c><c/>t</a>'.encode("latin-1"))
        self.assertEqual((root.tag, root.get("b"), [child.text for child in root.iter("c")]), ("a", "1", ["ü", None]))

    def test_refused(self) -> None:
        """A document type is refused, and with it whatever it would have brought."""
        for bad in (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            "<!DOCTYPE a><a/>".encode("utf-16"),
            b"<a>&x;</a>",
            b"<a>",
            b"<a/><b/>",
            b"",
            b"\xff\xfe",
            b'<?xml version="1.0" encoding="none"?><a/>',
        ):
            with self.assertRaises(WireError, msg=bad):
                parsed(bad)

    def test_deep(self) -> None:
        """Depth is no danger."""
        self.assertEqual(parsed(b"<a>" * 20_000 + b"</a>" * 20_000).tag, "a")
