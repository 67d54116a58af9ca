"""
The field's standard names: attributes of a position, alarms, and types of commands.

A format writes `position.set(SAT, 9)` rather than its own spelling, so that clients find the same fact under the same
key whatever device it came from. Units are those of the API contract.
"""

# Quality of the fix
INDEX = "index"
HDOP = "hdop"
VDOP = "vdop"
PDOP = "pdop"
SAT = "sat"  # satellites in use
SAT_VISIBLE = "satVisible"
RSSI = "rssi"
GPS = "gps"
ROAMING = "roaming"
APPROXIMATE = "approximate"

# What happened
EVENT = "event"
ALARM = "alarm"  # one name, or several joined by commas: Position.add_alarm
STATUS = "status"
TYPE = "type"
FLAGS = "flags"
COMMAND = "command"
RESULT = "result"  # a device's answer to a command, text
ARCHIVE = "archive"  # true: sent from the device's memory

# Distances in metres, durations in milliseconds
ODOMETER = "odometer"
ODOMETER_SERVICE = "serviceOdometer"
ODOMETER_TRIP = "tripOdometer"
HOURS = "hours"
DRIVING_TIME = "drivingTime"
DISTANCE = "distance"
TOTAL_DISTANCE = "totalDistance"
STEPS = "steps"

# Power and body of the vehicle
POWER = "power"  # V
BATTERY = "battery"  # V
BATTERY_LEVEL = "batteryLevel"  # %
CHARGE = "charge"
IGNITION = "ignition"
MOTION = "motion"
ARMED = "armed"
BLOCKED = "blocked"
LOCK = "lock"
DOOR = "door"
ANTENNA = "antenna"
GEOFENCE = "geofence"
ACCELERATION = "acceleration"
G_SENSOR = "gSensor"
INPUT = "input"
OUTPUT = "output"
HUMIDITY = "humidity"
AXLE_WEIGHT = "axleWeight"

# Engine
FUEL = "fuel"  # l
FUEL_USED = "fuelUsed"  # l
FUEL_LEVEL = "fuelLevel"  # %
FUEL_CONSUMPTION = "fuelConsumption"  # l/h
RPM = "rpm"
THROTTLE = "throttle"
COOLANT_TEMP = "coolantTemp"  # °C
DEVICE_TEMP = "deviceTemp"  # °C
ENGINE_TEMP = "engineTemp"  # °C
ENGINE_LOAD = "engineLoad"
OBD_SPEED = "obdSpeed"  # km/h
OBD_ODOMETER = "obdOdometer"  # m
VIN = "vin"
DTCS = "dtcs"  # trouble codes, joined by blanks

# People and papers
DRIVER_UNIQUE_ID = "driverUniqueId"
CARD = "card"
HEART_RATE = "heartRate"
PHONE = "phone"
ICCID = "iccid"
OPERATOR = "operator"
SPEED_LIMIT = "speedLimit"  # kn

# Files: the value is a Media until the server has stored it under a name of its own
IMAGE = "image"
VIDEO = "video"
AUDIO = "audio"

VERSION_FW = "versionFw"
VERSION_HW = "versionHw"
RAW = "raw"
IP = "ip"

# Numbered ones: TEMP + "1"
TEMP = "temp"
ADC = "adc"
IO = "io"
COUNT = "count"
IN = "in"
OUT = "out"

# Alarms: values of ALARM
ALARM_GENERAL = "general"
ALARM_SOS = "sos"
ALARM_VIBRATION = "vibration"
ALARM_MOVEMENT = "movement"
ALARM_LOW_SPEED = "lowspeed"
ALARM_OVERSPEED = "overspeed"
ALARM_FALL_DOWN = "fallDown"
ALARM_LOW_POWER = "lowPower"
ALARM_LOW_BATTERY = "lowBattery"
ALARM_FAULT = "fault"
ALARM_POWER_OFF = "powerOff"
ALARM_POWER_ON = "powerOn"
ALARM_DOOR = "door"
ALARM_LOCK = "lock"
ALARM_UNLOCK = "unlock"
ALARM_GEOFENCE = "geofence"
ALARM_GEOFENCE_ENTER = "geofenceEnter"
ALARM_GEOFENCE_EXIT = "geofenceExit"
ALARM_GPS_ANTENNA_CUT = "gpsAntennaCut"
ALARM_ACCIDENT = "accident"
ALARM_TOW = "tow"
ALARM_IDLE = "idle"
ALARM_HIGH_RPM = "highRpm"
ALARM_ACCELERATION = "hardAcceleration"
ALARM_BRAKING = "hardBraking"
ALARM_CORNERING = "hardCornering"
ALARM_LANE_CHANGE = "laneChange"
ALARM_FATIGUE_DRIVING = "fatigueDriving"
ALARM_POWER_CUT = "powerCut"
ALARM_POWER_RESTORED = "powerRestored"
ALARM_JAMMING = "jamming"
ALARM_TEMPERATURE = "temperature"
ALARM_PARKING = "parking"
ALARM_BONNET = "bonnet"
ALARM_FOOT_BRAKE = "footBrake"
ALARM_FUEL_LEAK = "fuelLeak"
ALARM_TAMPERING = "tampering"
ALARM_REMOVING = "removing"

# Every type of command that clients may ask for, in the order in which the API lists them.
COMMANDS = tuple(
    """
    custom deviceIdentification positionSingle positionPeriodic positionStop engineStop engineResume alarmArm
    alarmDisarm alarmDismiss setTimezone requestPhoto powerOff rebootDevice factoryReset sendSms sendUssd sosNumber
    silenceTime setPhonebook message voiceMessage outputControl voiceMonitoring setAgps setIndicator configuration
    getVersion firmwareUpdate setConnection setOdometer getModemStatus getDeviceStatus setSpeedLimit modePowerSaving
    modeDeepSleep videoStart videoStop alarmGeofence alarmBattery alarmSos alarmRemove alarmClock alarmSpeed alarmFall
    alarmVibration
    """.split()
)
