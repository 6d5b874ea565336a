import { SettingsReader } from "./settings-reader.js";
import {
  readChannel,
  readSensor,
  standardChannels,
  standardSensors,
  type ChannelSettings,
  type SensorSettings,
} from "./telemetry-settings.js";

/** A Wi-Fi network. */
export interface NetworkSettings {
  SSID: string;
  /** Absent for an open network. */
  password?: string;
  /** The network does not tell its name. */
  hidden?: boolean;
}

/** How a node sleeps between two measurements. */
export interface SleepSettings {
  /** It connects every so many wakes, and on an alarm; in between it only measures and stores. */
  connectEvery: number;
  /** How long a connection may take, in ms, before the node sleeps on what is in flash. */
  limit: number;
  /** A pin that wakes it as well, then to connect: one that can wake this chip, and the level at which it does. */
  pin?: { number: number; level: 0 | 1 };
}

/** What a node needs to know before it starts; `mc/config` holds it (the manifest's `config` section on the SDK). */
export interface Settings {
  /** The Wi-Fi networks that the node may join, the preferred one first. One alone may stand without the list. */
  wifi: NetworkSettings[];
  /** Name or IPv4 address of the data endpoint. */
  host: string;
  /** The only port to use; undefined when none is given, which leaves IoT Core's own. */
  port: number | undefined;
  /** The thing's name, which is the client id as well. 1 to 128 characters. */
  thing: string;
  /** Milliseconds between two samples of a sensor that names no interval of its own. */
  interval: number;
  mqtt: "5" | "3.1.1";
  /** IPv4 addresses of name servers. */
  dns: string[];
  /** Names or IPv4 addresses of time servers. */
  ntp: string[];
  /** End after that many acknowledged publishes; 0 means never. */
  count: number;
  /** Does beside its work what AWS's Device Advisor wants to see. */
  qualification: boolean;
  /** Where readings go: `telemetry`, which keeps all, and `alarm`, unless others are given. */
  channels: ChannelSettings[];
  /** What measures: an SHT3x on the standard pins unless others are given. */
  sensors: SensorSettings[];
  /** Absent for a node that stays awake. The interval between two wakes is `interval`; sensors' own do not count. */
  sleep: SleepSettings | undefined;
}

/**
 * Reads and checks the settings. Throws a Failure `config.missing` or `config.invalid` that names every wrong field.
 *
 * @param config the value of the module `mc/config`
 */
export function readSettings(config: Record<string, unknown>): Settings {
  const reader = new SettingsReader();
  const interval = reader.wait("interval", config.interval, 10, 60_000);
  const channels = reader.list(
    "channels",
    config.channels,
    (name, section) => readChannel(reader, name, section),
    standardChannels,
  );
  const settings: Settings = {
    wifi: readNetworks(reader, config.wifi),
    ...readEndpoint(reader, config.endpoint),
    thing: readThing(reader, config.thing),
    interval,
    mqtt: reader.choice("mqtt", config.mqtt, ["5", "3.1.1"]),
    dns: readAddresses(reader, "dns", config.dns),
    ntp: reader.texts("ntp", config.ntp),
    count: reader.whole("count", config.count, 0, 0),
    qualification: reader.flag("qualification", config.qualification, false),
    channels,
    sensors: reader.list(
      "sensors",
      config.sensors,
      (name, section) => readSensor(reader, name, section, interval, channels),
      standardSensors,
    ),
    sleep: readSleep(reader, config.sleep),
  };
  channels.forEach(({ number }, index) => {
    if (channels.findIndex((one) => one.number === number) !== index)
      reader.wrong(`channels[${index}].number ${number} is another's`);
  });
  reader.finish();
  return settings;
}

function readNetworks(
  reader: SettingsReader,
  value: unknown,
): NetworkSettings[] {
  const networks: unknown[] = Array.isArray(value) ? value : [value];
  return networks.map((one, index) => {
    const name = Array.isArray(value) ? `wifi[${index}]` : "wifi";
    const section = reader.section(name, one);
    if (one === undefined) return { SSID: "" };
    const { SSID, password, hidden } = section;
    reader.unknown(name, section, ["SSID", "password", "hidden"]);
    // IEEE 802.11 and WPA; a password of 64 characters would be the key itself.
    reader.length(`${name}.SSID`, SSID, 1, 32);
    reader.length(`${name}.password`, password, 8, 64);
    return {
      SSID: reader.text(`${name}.SSID`, SSID),
      ...(password === undefined
        ? {}
        : { password: reader.text(`${name}.password`, password) }),
      ...(reader.flag(`${name}.hidden`, hidden, false) ? { hidden: true } : {}),
    };
  });
}

function readAddresses(
  reader: SettingsReader,
  name: string,
  value: unknown,
): string[] {
  const addresses = reader.texts(name, value);
  for (const address of addresses)
    if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(address))
      reader.wrong(`${name} must be IPv4 addresses, not "${address}"`);
  return addresses;
}

function readEndpoint(
  reader: SettingsReader,
  value: unknown,
): { host: string; port: number | undefined } {
  const endpoint = reader.text("endpoint", value);
  const match = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(endpoint);
  const host = match?.[1] ?? "";
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  const isPort = port === undefined || (port >= 1 && port <= 65_535);
  if (endpoint !== "" && (host === "" || !isPort))
    reader.wrong(`endpoint must be HOST or HOST:PORT, not "${endpoint}"`);
  return { host, port };
}

function readThing(reader: SettingsReader, value: unknown): string {
  const thing = reader.text("thing", value);
  if (thing !== "" && !/^[a-zA-Z0-9:_-]{1,128}$/.test(thing))
    reader.wrong("thing must be 1 to 128 letters, digits, and : _ -");
  return thing;
}

function readSleep(
  reader: SettingsReader,
  value: unknown,
): SleepSettings | undefined {
  if (value === undefined) return undefined;
  const given = reader.section("sleep", value);
  reader.unknown("sleep", given, ["connectEvery", "limit", "pin"]);
  return {
    connectEvery: reader.whole("sleep.connectEvery", given.connectEvery, 1, 1),
    limit: reader.wait("sleep.limit", given.limit, 1000, 60_000),
    ...(given.pin === undefined ? {} : { pin: readPin(reader, given.pin) }),
  };
}

function readPin(
  reader: SettingsReader,
  value: unknown,
): { number: number; level: 0 | 1 } {
  const given = reader.section("sleep.pin", value);
  reader.unknown("sleep.pin", given, ["number", "level"]);
  const number = reader.whole("sleep.pin.number", given.number, 0, -1);
  if (given.number === undefined) reader.wrong("sleep.pin.number is missing");
  const level = reader.whole("sleep.pin.level", given.level, 0, 1, 1);
  return { number, level: level === 0 ? 0 : 1 };
}
