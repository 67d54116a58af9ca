import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.catalog import Catalog
from trackd.configuration import read_toml
from trackd.keys import KEYS, PER_ASKING_FORMAT, PER_FORMAT
from trackd.sample import sample
from trackd.settings import load

FILE = Path(__file__).parent.parent / "etc" / "trackd.toml"


class SampleTests(SynchronousTestCase):
    def test_in_the_tree(self) -> None:
        """``etc/trackd.toml`` is what ``python -m trackd.sample`` writes."""
        self.assertEqual(FILE.read_text("utf-8"), sample())

    def test_changes_nothing(self) -> None:
        """As it is, the example says nothing; with every line in force, it says the defaults."""
        self.assertEqual(read_toml(sample().encode()), [])
        said = re.sub(r'^#(?=[\w"])', "", sample(), flags=re.MULTILINE)
        path = Path(self.mktemp())
        path.write_text(said)
        settings, defaults = load([path], {}, Catalog()), load([], {}, Catalog())
        self.assertEqual(dict(settings.values), dict(defaults.values))
        self.assertEqual(len(settings.origins), len(KEYS))

    def test_formats(self) -> None:
        """The keys of all formats are in it too."""
        for key in (*PER_FORMAT, *PER_ASKING_FORMAT):
            self.assertIn(f"\n#<format>.{key.name} = ", sample())
