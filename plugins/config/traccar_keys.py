"""
What Traccar's configuration knows: its keys, and its device formats with their ports.

`{format}` in front stands for the name of any of its formats.
"""

from __future__ import annotations

# Name, type, and who may set it: the configuration, or an attribute of a device, a user, the server.
_KEYS = """
{format}.address text config
{format}.port int config
{format}.devices text config
{format}.interval int config
{format}.ssl flag config
{format}.timeout int config
devicePassword text device
{format}.devicePassword text config
{format}.mask int config
{format}.messageLength int config
{format}.extended flag config,device
{format}.utf8 flag config
{format}.can flag config
{format}.ack flag config,device
{format}.ignoreFixTime flag config
{format}.decodeLow flag config
{format}.longDate flag config
{format}.decimalFuel flag config
{format}.custom flag config
{format}.form text config
{format}.frameMask int config
{format}.config text config
{format}.alarmMap text config
{format}.prefix flag config
{format}.server text config
{format}.speed text config
{format}.format0 text config
{format}.format1 text config
{format}.reportColumns text config
suntech.protocolType int config,device
suntech.hbm int config,device
{format}.includeAdc flag config,device
{format}.includeRpm flag config,device
{format}.includeTemp flag config,device
{format}.disableCommands flag config
{format}.format text config,device
{format}.dateFormat text config,device
decoder.timezone text config,device
orbcomm.accessId text config
orbcomm.password text config
smartcar.managementToken text config
osmand.minAccuracy float config
{format}.alternative flag config,device
{format}.language flag config,device
server.buffering.threshold int config
server.timeout int config
server.delayAcknowledgement flag config
server.nettyBossThreads int config
server.nettyThreads int config
server.statistics text config
fuelDropThreshold float server,device
fuelIncreaseThreshold float server,device
fuelCapacity text device
speedLimit float server,device
proximityEnterDistance float device
proximityExitDistance float device
unaccompaniedDistance float device
disableShare flag server
event.overspeed.thresholdMultiplier float config
event.overspeed.minimalDuration int config
event.overspeed.preferLowest flag config
event.geofence.segmentCrossing flag config
event.behavior.accelerationThreshold float config
event.behavior.brakingThreshold float config
event.ignoreDuplicateAlerts flag config
event.status.enable flag config
event.motion.speedThreshold float config,device
database.memory flag config
database.driverFile text config
database.driver text config
database.url text config
database.user text config
database.password text config
database.changelog text config
database.maxPoolSize int config
database.streamFetchSize int config
database.checkConnection text config
database.saveOriginal flag config
database.throttleUnknown flag config
database.registerUnknown flag config
database.registerUnknown.defaultCategory text config
database.registerUnknown.defaultGroupId int config
database.registerUnknown.regex text config
database.positionPeriod int config
database.saveEmpty flag config
database.maxLifetime int config
database.positionBatchInterval int config
database.positionBatchSize int config
users.defaultDeviceLimit int config
users.defaultExpirationDays int config
ldap.url text config
ldap.user text config
ldap.password text config
ldap.force flag config
ldap.base text config
ldap.idAttribute text config
ldap.nameAttribute text config
ldap.mailAttribute text config
ldap.searchFilter text config
ldap.adminFilter text config
ldap.adminGroup text config
openid.clients text config
openid.force flag config
openid.allowRegistration flag config
openid.clientId text config
openid.clientSecret text config
openid.issuerUrl text config
openid.authUrl text config
openid.tokenUrl text config
openid.userInfoUrl text config
openid.groupsClaimName text config
openid.allowGroup text config
openid.adminGroup text config
status.timeout int config
status.ignoreOffline text config
media.path text config
media.bufferSize int config
web.address text config
web.port int config
web.path text config
web.override text config
web.timeout int config
web.sessionTimeout int config
web.console flag config
web.serviceAccountToken text config
web.origin text config
web.cacheControl text config
web.localizationPath text config
totpEnable flag server
totpForce flag server
server.forward text config
server.forward.connectTimeout int config
server.forward.writeTimeout int config
client.connectTimeout int config
client.readTimeout int config
forward.type text config
forward.exchange text config
forward.topic text config
forward.url text config,device
forward.header text config
forward.retry.enable flag config
forward.retry.delay int config
forward.retry.count int config
forward.retry.limit int config
event.forward.type text config
event.forward.exchange text config
event.forward.topic text config
event.forward.url text config
event.forward.header text config
templates.root text config
mail.debug flag config
mail.smtp.systemOnly flag config
mail.smtp.ignoreUserConfig flag config
mail.smtp.host text config,user
mail.smtp.port int config,user
mail.transport.protocol text config,user
mail.smtp.starttls.enable flag config,user
mail.smtp.starttls.required flag config,user
mail.smtp.ssl.enable flag config,user
mail.smtp.ssl.trust text config,user
mail.smtp.ssl.protocols text config,user
mail.smtp.username text config,user
mail.smtp.password text config,user
mail.smtp.from text config,user
mail.smtp.fromName text config,user
mail.smtp.timeout int config
sms.http.url text config
sms.http.authorizationHeader text config
sms.http.authorization text config
sms.http.user text config
sms.http.password text config
sms.http.template text config
sms.aws.access text config
sms.aws.secret text config
sms.aws.region text config
command.sender text device
command.client.serviceAccount text config
command.findHub.url text device
command.findHub.key text device
notificator.types text config
notificator.timeThreshold int config
notificator.traccar.key text config
notificator.firebase.serviceAccount text config
notificator.firebase.mode text config
notificator.pushover.user text config
notificator.pushover.token text config
notificator.telegram.key text config
notificator.telegram.chatId text config
notificator.telegram.sendLocation flag config,user
notificator.telegram.proxy.url text config
notificator.whatsapp.token text config
notificator.whatsapp.phoneNumberId text config
notificator.whatsapp.templateName text config
notificator.whatsapp.templateLanguage text config
notification.expiration.user flag config
notification.expiration.user.reminder int config
notification.expiration.device flag config
notification.expiration.device.reminder int config
notification.block.users text config
report.periodLimit int config
report.maxPositions int config
report.fastThreshold int config
report.trip.newLogic flag config
report.trip.minDistance int config,device
report.trip.minDuration int config,device
report.trip.stopGap int config,device
report.trip.minimalTripDistance int config,device
report.trip.minimalTripDuration int config,device
report.trip.minimalParkingDuration int config,device
report.trip.minimalNoDataDuration int config,device
report.trip.useIgnition flag config,device
report.ignoreOdometer flag config,device
filter.enable flag config
filter.invalid flag config,device
filter.zero flag config,device
filter.duplicate flag config,device
filter.outdated flag config,device
filter.future int config,device
filter.past int config,device
filter.accuracy int config,device
filter.approximate flag config,device
filter.static flag config,device
filter.distance int config,device
filter.maxSpeed int config,device
filter.minPeriod int config,device
filter.dailyLimit int config,device
filter.dailyLimitInterval int config,device
filter.skipLimit int config,device
filter.skipAttributes text config,device
time.override text config,device
protocols.enable text config
time.protocols text config
coordinates.filter flag config
coordinates.minError int config
coordinates.maxError int config
processing.remoteAddress.enable flag config
processing.useLinkedDriver flag config
processing.copyAttributes.enable flag config
processing.copyAttributes text config,device
processing.computedAttributes.deviceAttributes flag config
processing.computedAttributes.lastAttributes flag config
processing.computedAttributes.localVariables flag config
processing.computedAttributes.loops flag config
processing.computedAttributes.newInstanceCreation flag config
geocoder.enable flag config
geocoder.type text config
geocoder.url text config
geocoder.key text config
geocoder.language text config
geocoder.format text config
geocoder.cacheSize int config
geocoder.ignorePositions flag config
geocoder.reuseDistance int config
geocoder.onRequest flag config
mapMatcher.enable flag config
mapMatcher.type text config
mapMatcher.url text config
mapMatcher.key text config
geolocation.enable flag config
geolocation.type text config
geolocation.url text config
geolocation.key text config
geolocation.processInvalidPositions flag config
geolocation.reuse flag config
geolocation.requireWifi flag config
geolocation.mcc int config
geolocation.mnc int config
speedLimit.enable flag config
speedLimit.type text config
speedLimit.url text config
speedLimit.accuracy int config
location.latitudeHemisphere text config
location.longitudeHemisphere text config
web.requestLog.path text config
web.requestLog.retainDays int config
web.disableHealthCheck flag config
web.healthCheck.dropThreshold float config
web.sameSiteCookie text config
web.persistSession flag config
web.url text config
web.showUnknownDevices flag config
web.shareDevice.commands flag config
web.shareDevice.reports flag config
web.mcp.enable flag config
logger.console flag config
logger.queries flag config
logger.file text config
logger.level text config
logger.fullStackTraces flag config
logger.rotate flag config
logger.decodeTextData flag config
logger.rotate.interval text config
logger.attributes text config
broadcast.type text config
broadcast.interface text config
broadcast.address text config
broadcast.port int config
broadcast.secondary flag config
"""

KEYS = {name: (kind, scope) for name, kind, scope in (line.split() for line in _KEYS.strip().splitlines())}

_PORTS = """
gps103:5001 tk103:5002 gl100:5003 gl200:5004 t55:5005 xexun:5006 totem:5007 enfora:5008 meiligao:5009 trv:5010
suntech:5011 progress:5012 h02:5013 jt600:5014 jt808:5015 v680:5016 pt502:5017 tr20:5018 navis:5019 meitrack:5020
skypatrol:5021 gt02:5022 gt06:5023 megastek:5024 navigil:5025 gpsgate:5026 teltonika:5027 mta6:5028 tzone:5029
tlt2h:5030 taip:5031 wondex:5032 cellocator:5033 galileo:5034 ywt:5035 tk102:5036 intellitrac:5037 gpsmta:5038
wialon:5039 carscop:5040 apel:5041 manpower:5042 globalsat:5043 atrack:5044 pt3000:5045 ruptela:5046 topflytech:5047
laipac:5048 aplicom:5049 gotop:5050 sanav:5051 gator:5052 noran:5053 m2m:5054 osmand:5055 easytrack:5056
gpsmarker:5057 khd:5058 piligrim:5059 stl060:5060 cartrack:5061 minifinder:5062 haicom:5063 eelink:5064 box:5065
freedom:5066 telic:5067 trackbox:5068 visiontek:5069 orion:5070 riti:5071 ulbotech:5072 tramigo:5073 tr900:5074
ardi01:5075 xt013:5076 autofon:5077 gosafe:5078 tt8850:5079 bce:5080 xirgo:5081 calamp:5082 mtx:5083 tytan:5084
avl301:5085 castel:5086 mxt:5087 cityeasy:5088 aquila:5089 flextrack:5090 blackkite:5091 adm:5092 watch:5093
t800x:5094 upro:5095 auro:5096 disha:5097 thinkrace:5098 pathaway:5099 arnavi:5100 nvs:5101 kenji:5102 astra:5103
homtecs:5104 fox:5105 gnx:5106 arknav:5107 supermate:5108 appello:5109 idpl:5110 huasheng:5111 l100:5112 granit:5113
carcell:5114 obddongle:5115 hunterpro:5116 raveon:5117 cradlepoint:5118 arknavx8:5119 autograde:5120 oigo:5121
jpkorjar:5122 cguard:5123 fifotrack:5124 smokey:5125 extremtrac:5126 trakmate:5127 at2000:5128 maestro:5129 ais:5130
gt30:5131 tmg:5132 pretrace:5133 pricol:5134 siwi:5135 starlink:5136 dmt:5137 xt2400:5138 dmthttp:5139 alematics:5140
gps056:5141 flexcomm:5142 vt200:5143 owntracks:5144 vtfms:5145 tlv:5146 esky:5147 genx:5148 flespi:5149 dway:5150
recoda:5151 oko:5152 ivt401:5153 sigfox:5154 t57:5155 spot:5156 m2c:5157 austinnb:5158 opengts:5159 cautela:5160
continental:5161 egts:5162 robotrack:5163 pt60:5164 telemax:5165 sabertek:5166 retranslator:5167 svias:5168 eseal:5169
freematics:5170 avema:5171 autotrack:5172 tek:5173 wristband:5174 milesmate:5176 anytrek:5177 smartsole:5178 its:5179
xrb28:5180 c2stek:5181 nyitech:5182 neos:5183 satsol:5184 globalstar:5185 sanul:5186 minifinder2:5187 radar:5188
techtlt:5189 starcom:5190 mictrack:5191 plugin:5192 leafspy:5193 naviset:5194 racedynamics:5195 rst:5196 pt215:5197
pacifictrack:5198 topin:5199 outsafe:5200 solarpowered:5201 motor:5202 omnicomm:5203 s168:5204 vnet:5205 blue:5206
pst:5207 dingtek:5208 wli:5209 niot:5210 portman:5211 moovbox:5212 futureway:5213 polte:5214 net:5215 mobilogix:5216
swiftech:5217 iotm:5218 dolphin:5219 ennfu:5220 maxpb:5221 startek:5222 gs100:5223 mavlink2:5224 uux:5225 r12w:5226
flexiblereport:5227 thinkpower:5228 stb:5229 b2316:5230 hoopo:5231 dualcam:5232 xexun2:5233 techtocruz:5234
flexapi:5235 dsf22:5236 jido:5237 armoli:5238 teratrack:5239 envotech:5240 bstpl:5241 thuraya:5242 ndtpv6:5243
g1rus:5244 rftrack:5245 vlt:5246 transync:5247 t622iridium:5248 pui:5249 nto:5250 ramac:5251 positrex:5252
dragino:5253 fleetguide:5254 valtrack:5255 snapper:5256 gl601:5257 hyn600:5258 jmak:5259 bws:5260 ttnhttp:5261
smartcar:5262 jt1078:5263 xexun3:5264 radshid:5265 r16h:5266 jimiphoto:5267
"""

# orbcomm asks a server of its own, and has no port by default.
PORTS = {"orbcomm": 0} | {name: int(port) for name, port in (item.split(":") for item in _PORTS.split())}
