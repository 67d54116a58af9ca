"""Reports with a layout of their own."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from plugins.wire.gt06.blocks import DATE, cell, date, fix, hundredths, local, placed
from plugins.wire.gt06.frames import (
    S16,
    SHORT,
    TRX16I,
    U16,
    announced,
    echo,
    extended,
    remainder,
    serial_of,
)
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.format import Session
from trackd.wire.text import latin, trimmed
from trackd.wire.times import seconds
from trackd.wire.units import MINUTE
from trackd.wire.values import CellTower, Network, Output, Position


def heartbeat(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x23."""
    position = Position.last()
    status = data[at]
    at += 1
    position.set(names.ARMED, status & 1 != 0)
    position.set(names.IGNITION, status & 2 != 0)
    position.set(names.CHARGE, status & 4 != 0)
    if len(data) - at >= 8:
        position.set(names.BATTERY, hundredths(data, at))
        at += 2
    if len(data) - at >= 7:
        position.set(names.RSSI, data[at])
    return position, echo(data, 0x23)


def x1(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x34 of X1: fix, cell, driver, voltages, inputs."""
    part(data, at, 4)  # data and alarm word
    position = fix(data, at + 4, session, {})
    at += 22
    odometer, mcc, mnc, lac, cid, driver, battery, power, ports, inputs, outputs = _X1.unpack_from(data, at)
    at += _X1.size
    position.network = Network(cells=[CellTower(mcc, mnc, lac, cid)])
    position.set(names.ODOMETER, odometer)
    if driver:
        position.set(names.DRIVER_UNIQUE_ID, str(driver))
    position.set(names.BATTERY, battery / 100)
    position.set(names.POWER, power / 100)
    position.set(names.INPUT, inputs)
    position.set(names.OUTPUT, outputs)
    for number in range(1, (ports >> 20 & 15) + 1):
        position.set(f"{names.ADC}{number}", hundredths(data, at))
        at += 2
    return (position,)


_X1 = Struct(">2xIHBHIIHHIBB")


def power(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x94, short."""
    position = Position.last()
    position.set(names.POWER, S16.unpack_from(data, at)[0] / 100)
    return (position,)


def sr411(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x24 of SR411-mini: fix, cell, ignition, voltages."""
    position = fix(data, at, session, {})
    position.network, at = cell(data, at + 18, 0x24, "")
    on, external, battery = _SR411.unpack_from(data, at)
    position.set(names.IGNITION, on > 0)
    position.set(names.POWER, external / 100)
    position.set(names.BATTERY, battery / 100)
    return (position,)


_SR411 = Struct(">BHH")


def beacon_clock(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0xB2: somebody has clocked in or out at a Bluetooth beacon."""
    position = Position.last(date(data, at, session))
    rssi, mac, uuid, major, minor, battery, clock = _BEACON.unpack_from(data, at + 6)
    position.attributes |= {
        names.RSSI: rssi,
        "tagMac": mac.hex(),
        "tagUuid": uuid.hex(),
        "tagMajor": major,
        "tagMinor": minor,
        "tagBattery": battery / 100,
        "clock": clock >> 2 & 15,
    }
    return position, echo(data, 0xB2)


_BEACON = Struct(">b6s16sHHHB")


def battery_management(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x40."""
    time, *values = _BMS.unpack_from(data, at)
    relative, remaining, absolute, full, health, warmth, current, battery, cycles, *cells = values[:23]
    charge, most_charge, barcode, version, maker, status, controller, fault = values[23:]
    position = Position.last(seconds(time))
    position.attributes |= {
        "relativeCapacity": relative,
        "remainingCapacity": remaining,
        "absoluteCapacity": absolute,
        "fullCapacity": full,
        "batteryHealth": health,
        "batteryTemp": warmth / 10 - 273.1,
        "current": current,
        names.BATTERY: battery / 1000,
        "cycleIndex": cycles,
    }
    for number, voltage in enumerate(cells, 1):
        position.set(f"batteryCell{number}", voltage / 1000)
    position.set("currentChargeInterval", charge)
    position.set("maxChargeInterval", most_charge)
    position.set("barcode", trimmed(latin(barcode)))
    position.set("batteryVersion", version)
    position.set("manufacturer", trimmed(latin(maker)))
    position.set("batteryStatus", status)
    position.set("controllerStatus", controller)
    position.set("controllerFault", fault)
    return position, echo(data, 0x40)


_BMS = Struct(">8xIBHBHBHHHH14HHH16sH16sIII")


def temperature(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x13 with 16 bytes of payload. The bit that elsewhere means minus means plus here."""
    position = Position.last()
    level, value = _TEMPERATURE.unpack_from(data, at)
    position.set(names.BATTERY_LEVEL, level)
    warmth = (value & 0x7FFF) / 10
    position.set(f"{names.TEMP}1", warmth if value & 0x8000 else -warmth)
    return position, echo(data, 0x13)


_TEMPERATURE = Struct(">5xB8xH")


def ibutton(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x61: fix, cell and the number of a key."""
    part(data, at, 8)  # IMEI
    position = fix(data, at + 8, session, {})
    position.network, at = cell(data, at + 26, 0x61, "")
    position.set(names.DRIVER_UNIQUE_ID, str(int.from_bytes(part(data, at, 6), "big")))
    return position, echo(data, 0x61)


def trx16i(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x36 of TRX16i: fix, cell, distances, voltages, driver."""
    position = fix(data, at, session, {})
    position.network, at = cell(data, at + 18, 0x36, TRX16I)
    on, mode, archive, odometer, external, battery, long, long_low, driver = _TRX16I.unpack_from(data, at)
    position.attributes |= {
        names.IGNITION: on > 0,
        "uploadMode": mode,
        names.ARCHIVE: archive > 0,
        names.ODOMETER: odometer,
        names.POWER: external / 100,
        names.BATTERY: battery / 10,
        names.HOURS: (long << 16 | long_low) * MINUTE,
    }
    if any(driver):
        position.set(names.DRIVER_UNIQUE_ID, driver.hex())
    return position, echo(data, 0x36)


_TRX16I = Struct(">BBBIHBBH8s")


def media_alarm(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x95: an event, and the names of the pictures and films of it. JC400 marks its own by FFFF."""
    jc400 = at == SHORT and data[at : at + 2] == b"\xff\xff"
    fixed = announced(data, at) > 7
    if fixed and jc400:
        *parts, satellites, latitude, longitude, flags, speed = _JC400.unpack_from(data, at)
        at += _JC400.size
        found = {names.SAT: satellites & 15}
        position = placed(local(session, *parts), latitude, longitude, speed, flags, found)
    elif fixed:
        *parts, latitude, longitude, flags = _JC100.unpack_from(data, at)
        at += _JC100.size
        position = placed(local(session, *parts), latitude, longitude, 0, flags, {})
    else:
        position = Position.last(date(data, at, session))
        at += DATE.size
    if jc400:
        position.set(names.POWER, U16.unpack_from(data, at)[0] / 10)
        at += 2
    event, value = _EVENT.unpack_from(data, at)
    at += _EVENT.size
    position.set(names.EVENT, event)
    position.set("eventData", value)
    if event == 0x01:
        position.add_alarm(names.ALARM_SOS if fixed else names.ALARM_GENERAL)
    else:
        position.add_alarm(_EVENT_ALARMS.get(event))
    if len(data) - at > 6:
        position.set("eventFiles", latin(remainder(data, at)))
    return position, echo(data, 0x95)


_JC400 = Struct(">3x6BBIIHH")  # date, satellites, latitude, longitude, flags, km/h
_JC100 = Struct(">6BIIH")  # date, latitude, longitude, flags
_EVENT = Struct(">BH")

_EVENT_ALARMS = {
    0x0E: names.ALARM_LOW_POWER,
    0x76: names.ALARM_TEMPERATURE,
    0x80: names.ALARM_VIBRATION,
    0x87: names.ALARM_OVERSPEED,
    0x88: names.ALARM_POWER_CUT,
    0x90: names.ALARM_ACCELERATION,
    0x91: names.ALARM_BRAKING,
    0x92: names.ALARM_CORNERING,
    0x93: names.ALARM_ACCIDENT,
}


def az735(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x32 and 0x33, extended: a location, and an alarm. Fix and cell may be left out by a length of 0."""
    type = data[at - 1]
    *parts, length = _SIZED_DATE.unpack_from(data, at)
    at += _SIZED_DATE.size
    time = local(session, *parts)
    if length:
        satellites, latitude, longitude, speed, flags = _SIZED_FIX.unpack_from(data, at)
        at += _SIZED_FIX.size
        position = placed(time, latitude, longitude, speed, flags, {names.SAT: satellites & 15})
    else:
        position = Position.at(time, outdated=True)
    position.network, at = cell(data, at, type, "", sized=True)
    if position.network is not None:
        position.set(names.RSSI, data[at])
        at += 1
    at += 1 + data[at]  # more cells
    at += 1 + data[at]  # access points
    status = data[at]
    position.set(names.STATUS, status)
    if type == 0x33:
        if status in (0xA0, 0xA1):
            position.set(names.ARMED, status == 0xA0)
        position.add_alarm(_AZ735_ALARMS.get(status))
    part(data, at + 2, data[at + 1])
    return position, extended(type, serial=serial_of(data))


_SIZED_DATE = Struct(">6BB")
_SIZED_FIX = Struct(">BIIBH")

_AZ735_ALARMS = {
    0xA2: names.ALARM_LOW_BATTERY,
    0xA3: names.ALARM_LOW_BATTERY,
    0xA4: names.ALARM_GENERAL,
    0xA5: names.ALARM_DOOR,
}


def gps_and_cell(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x38: its modules are not looked at."""
    position = fix(data, at, session, {})
    position.network, _ = cell(data, at + 20, 0x38, "")
    return (position,)
