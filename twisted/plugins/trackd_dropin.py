"""Tells twistd that `trackd` exists; everything else is in trackd.tap, which is imported only when it is run."""

from twisted.application.service import ServiceMaker

trackd = ServiceMaker("trackd", "trackd.tap", "The GPS tracking server that never loses a position.", "trackd")
