"""
The location of reports that are matched as a whole: twelve fields, and access points between time and cell.

    1,4.3,92,70.0,121.354335,31.222073,20090214013254,0460,0000,18d8,6141,00,
    2,,,,,,,6,0e36c9916485,-50,,,,e831cd5eb79d,-73,,,,310,410,51bc,ca1dae6,0.0,
"""

from __future__ import annotations

import re
from struct import Struct

from plugins.wire.gl200.reports import rolling
from trackd.wire import names
from trackd.wire.text import integer, latin, number, number_or_none, number_or_zero
from trackd.wire.units import kmh
from trackd.wire.values import Network, Position, WifiAccessPoint

# A point inside a pattern. There is one way only to match it, so what it has matched is not tried again.
POINT = rb"""
    (?>
        (?: \d{1,3} | \d{1,2}\.\d? )?,                               # hdop
        (?: \d{1,3}\.\d )?,                                          # km/h
        (?: \d{1,4} | \d{1,3}\.\d? )?,                               # course
        (?: -?\d{1,5}\.\d )?,                                        # altitude
        (?: -?\d{1,3}\.\d{6} )?,                                     # longitude
        (?: -?\d{1,2}\.\d{6} )?,                                     # latitude
        (?: \d{14} )?,                                               # time
        (?: \d+,(?: [0-9a-fA-F]{12},-\d+,,,, )+ )?                   # number of access points, MAC and signal of each
        \d*,\d*,[0-9a-fA-F]*,[0-9a-fA-F]*,                           # cell
        (?: \d+(?: \.\d )? )?,                                       # signal, or with a point the odometer
    )
"""
# The same, taken apart.
FIELDS = re.compile(
    rb"""
    ([^,]*),([^,]*),([^,]*),([^,]*),                                 # hdop, km/h, course, altitude
    ([^,]*),([^,]*),([^,]*),                                         # longitude, latitude, time
    (?: \d+,((?: [0-9a-fA-F]{12},-\d+,,,, )+) )?                     # access points
    [^,]*,[^,]*,[^,]*,[^,]*,                                         # cell
    (?: (\d+\.\d) | \d* ),                                           # odometer
    """,
    re.VERBOSE,
)
ACCESS_POINTS = re.compile(rb"([0-9a-fA-F]{12}),(-?\d+),,,,")
MAC = Struct(6 * "2s")  # its digits, in pairs


def points(text: bytes) -> list[Position]:
    """The points of a report, one behind the other."""
    return [point(*found.groups()) for found in FIELDS.finditer(text)]


def point(
    hdop: bytes,
    speed: bytes,
    course: bytes,
    altitude: bytes,
    longitude: bytes,
    latitude: bytes,
    time: bytes,
    heard: bytes | None,
    odometer: bytes | None,
) -> Position:
    accuracy = number_or_none(hdop)
    position = Position(
        valid=accuracy is None or accuracy > 0,
        altitude=number_or_zero(altitude),
        speed=kmh(number_or_zero(speed)),
        course=number_or_zero(course),
    )
    position.set(names.HDOP, accuracy)
    if longitude and latitude and time:
        position.valid = True
        position.longitude, position.latitude = number(longitude), number(latitude)
        position.device_time = position.fix_time = rolling(time)
    else:
        position.outdated = True
    if heard:
        position.network = access_points(heard)
    if odometer:
        position.set(names.ODOMETER, number(odometer) * 1000)
    return position


def access_points(text: bytes) -> Network:
    network = Network()
    for mac, signal in dict.fromkeys(ACCESS_POINTS.findall(text)):
        network.add(WifiAccessPoint(latin(b":".join(MAC.unpack(mac))), integer(signal)))
    return network
