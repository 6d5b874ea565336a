/**
 * A program for `npm run bench -- node`: an outbox over flash in memory, told by `mc/config` how many samples to store, and
 * whether a cloud takes them. It prints one line of JSON.
 */
import config from "mc/config";
import Timer from "timer";
import { SettingsReader } from "../../../modules/system/settings-reader.js";
import {
  readChannel,
  standardChannels,
} from "../../../modules/system/telemetry-settings.js";
import { Outbox } from "../../../modules/telemetry/outbox.js";
import { Reading } from "../../../modules/telemetry/reading.js";
import { ModelFlash } from "./model-flash.js";

const { count, isSent, together } = config as {
  count: number;
  isSent: boolean;
  together: boolean;
};
const reader = new SettingsReader();
const flash = new ModelFlash(128, 4096);
let bytes = 0;
const outbox = new Outbox({
  openFlash: () => flash,
  channels: standardChannels.map((one) => readChannel(reader, "", one)),
  sensors: ["sht3x"],
  prefix: "dt/fieldnode/fence-post-1/",
  publish: (_, payload) => {
    bytes += payload.byteLength;
    return Promise.resolve();
  },
  now: () => undefined,
  onSent: () => undefined,
  onFailed: () => undefined,
  pace: 0,
});
const reading = new Reading();

function store(index: number): void {
  reading.begin(0, 1_800_000_000_000 + index * 60_000);
  reading.set(0, 2000 + (index % 400));
  reading.set(1, 4500 + (index % 900));
  outbox.store(0, reading);
}

async function main(): Promise<void> {
  if (isSent && !together) outbox.resume();
  for (let index = 0; index < count; index++) {
    store(index);
    // The acknowledgement comes before the next sample.
    if (isSent && !together) await Promise.resolve();
  }
  if (isSent && together) outbox.resume();
  const end = (): void => {
    if (isSent && !outbox.isEmpty) return;
    Timer.clear(timer);
    const { writes, written, erasures } = flash;
    const erased = erasures.reduce((sum, one) => sum + one, 0);
    trace(`${JSON.stringify({ writes, written, erased, bytes })}\n`);
  };
  const timer = Timer.repeat(end, 5);
}

void main();
