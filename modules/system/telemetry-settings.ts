import type { Section, SettingsReader } from "./settings-reader.js";

/** A channel: what is measured together goes the same way, and is kept by the same rule. */
export interface ChannelSettings {
  /** 0 to 7: what marks its samples in flash. A channel that is to keep its samples keeps its number. */
  number: number;
  /** The last level of its topic. */
  name: string;
  /**
   * What goes when flash is full. `all`: the oldest, and not before everything of lower priority. `thin`: every second
   * sample, the oldest first, so that a long outage is covered more sparsely the longer ago. `latest`: only the newest
   * sample matters at all.
   */
  policy: "all" | "thin" | "latest";
  /** The higher, the earlier it is sent and the later it gives way. */
  priority: number;
  /** After an outage the newest sample goes first, not the oldest. */
  newestFirst: boolean;
  /** Milliseconds after which a sample is of no use; 0 for never. */
  maxAge: number;
  format: "json" | "cbor";
  /** Most samples in one message, 1 to 32. */
  batch: number;
  /** The rule of IoT Core that gets the messages directly (Basic Ingest), past the broker and its price; "" for none. */
  rule: string;
}

/** A sensor: its driver, when it is asked, and where its readings go. */
export interface SensorSettings {
  /** Specifier of the driver's module, a class of ECMA-419: `embedded:sensor/…`. */
  driver: string;
  /** What its readings are marked with. */
  name: string;
  /** Number of the channel. */
  channel: number;
  /** Milliseconds between two samples. */
  interval: number;
  /** So many times the very same values in a row are a fault; 0: never. */
  stuckAfter: number;
  /** Readings beyond these go to the channel `to` as well, when they begin to. By name of the quantity. */
  alarms: { to: number; quantity: string; above: number; below: number }[];
  /** Options of the driver and its bus: pins (`data`, `clock`), `address`, `hz`. */
  options: Record<string, unknown>;
}

/** The channels of a node whose settings name none. */
export const standardChannels: Section[] = [
  { number: 0, name: "telemetry" },
  { number: 1, name: "alarm", priority: 9, newestFirst: true },
];

/** The sensors of a node whose settings name none. */
export const standardSensors: Section[] = [
  { driver: "embedded:sensor/Humidity-Temperature/SHT3x" },
];

/** Reads and checks the settings of a channel. */
export function readChannel(
  reader: SettingsReader,
  at: string,
  given: Section,
): ChannelSettings {
  const name = reader.text(`${at}.name`, given.name);
  const rule = reader.text(`${at}.rule`, given.rule, "");
  if (/[/+#]/.test(name))
    reader.wrong(`${at}.name is one level of a topic: without / + #`);
  if (!/^[a-zA-Z0-9_]{0,128}$/.test(rule))
    reader.wrong(`${at}.rule must be letters, digits and _`);
  const channel: ChannelSettings = {
    number: reader.whole(`${at}.number`, given.number, 0, 0, 7),
    name,
    policy: reader.choice(`${at}.policy`, given.policy, [
      "all",
      "thin",
      "latest",
    ]),
    priority: reader.whole(`${at}.priority`, given.priority, 0, 0),
    newestFirst: reader.flag(`${at}.newestFirst`, given.newestFirst, false),
    maxAge: reader.whole(`${at}.maxAge`, given.maxAge, 0, 0),
    format: reader.choice(`${at}.format`, given.format, ["json", "cbor"]),
    batch: reader.whole(`${at}.batch`, given.batch, 1, 12, 32),
    rule,
  };
  reader.unknown(at, given, Object.keys(channel));
  return channel;
}

/** Reads and checks the settings of a sensor. */
export function readSensor(
  reader: SettingsReader,
  at: string,
  given: Section,
  interval: number,
  channels: readonly ChannelSettings[],
): SensorSettings {
  const known = channels.map(({ number }) => number);
  const toChannel = (name: string, value: unknown, otherwise: number) => {
    const number = reader.whole(name, value, 0, otherwise, 7);
    if (!known.includes(number))
      reader.wrong(`${name}: there is no channel ${number}`);
    return number;
  };
  const driver = reader.text(`${at}.driver`, given.driver);
  const model = driver.slice(driver.lastIndexOf("/") + 1).toLowerCase();
  const sensor: SensorSettings = {
    driver,
    name: reader.text(`${at}.name`, given.name, model),
    channel: toChannel(`${at}.channel`, given.channel, known[0] ?? 0),
    interval: reader.wait(`${at}.interval`, given.interval, 10, interval),
    stuckAfter: reader.whole(`${at}.stuckAfter`, given.stuckAfter, 0, 60),
    alarms: reader.list(
      `${at}.alarms`,
      given.alarms,
      (name, section) => {
        const { to, quantity, above, below } = section;
        reader.unknown(name, section, ["to", "quantity", "above", "below"]);
        if (above === undefined && below === undefined)
          reader.wrong(`${name} must say above or below`);
        return {
          to: toChannel(`${name}.to`, to, known[1] ?? 1),
          quantity: reader.text(`${name}.quantity`, quantity),
          above: reader.number(`${name}.above`, above, Infinity),
          below: reader.number(`${name}.below`, below, -Infinity),
        };
      },
      [],
    ),
    options: reader.section(`${at}.options`, given.options, {}),
  };
  if (!/^[\w.:-]{0,32}$/.test(sensor.name))
    reader.wrong(`${at}.name must be up to 32 letters, digits and _ . : -`);
  reader.unknown(at, given, Object.keys(sensor));
  return sensor;
}
