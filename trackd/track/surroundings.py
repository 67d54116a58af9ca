"""What a device heard around it, as the JSON that is stored."""

from __future__ import annotations

from functools import lru_cache

from trackd.track.digest import dumps
from trackd.wire.values import CellTower, Network


def surroundings(network: Network) -> str:
    """The JSON, as the API shows it."""
    cells = network.cells
    if (
        len(cells) == 1
        and not network.wifi
        and network.radio == "gsm"
        and network.carrier is None
        and not network.consider_ip
        and network.home_mcc is None
        and network.home_mnc is None
    ):
        cell = cells[0]
        return _one_cell(cell.mcc, cell.mnc, cell.lac, cell.cid, cell.signal, cell.radio)
    return dumps(network.to_json()).decode()


# One cell is what most reports name, and mostly the one that was named before.
@lru_cache(4096, typed=True)
def _one_cell(mcc: int, mnc: int, lac: int, cid: int, signal: int | None, radio: str | None) -> str:
    return dumps(Network([CellTower(mcc, mnc, lac, cid, signal, radio)]).to_json()).decode()
