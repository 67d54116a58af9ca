"""Models that mean something else by the same bytes, as they are written in the devices' records."""

from __future__ import annotations

VL300 = "VL300"
G1C_PRO = "G1C Pro"
DT800 = "DT800"
W15L = "W15L"
BSJ = "BSJ"
WITH_DOOR = frozenset(("MV810G", "MV710G"))
PADLOCKS = frozenset(("G-360P", "G-508P"))
AOVX = frozenset(("AL300", "GL100"))
C5 = frozenset(("C5", "C5L"))
JC = frozenset(("JC371", "JC181", "JC182", "JC450", "JC451"))
