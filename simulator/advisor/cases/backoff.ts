import { classifyBackoff, fewestWaits, type Backoff } from "../backoff.js";
import type { DeviceConnection } from "../endpoint/device-connection.js";
import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { fail, pass, warn, type Verdict } from "../verdict.js";

/** Waits that are looked at: AWS takes 5 to 10, and 5 random ones do not tell growth from chance. */
const retries = 10;

/** Seconds that a server waits after CONNECT before it hangs up. */
const pause = 0.5;

/** Device Advisor's default EXECUTION_TIMEOUT, in seconds. */
const usualTimeout = 300;

/** Ours: a device that waits up to two minutes between attempts needs more than AWS gives. */
const timeout = 3600;

/** Seconds from the end of each connection to the beginning of the next. */
function waits(connections: readonly DeviceConnection[]): number[] {
  return connections.slice(1).map((next, index) => {
    const end = connections[index].ended?.time ?? connections[index].accepted;
    return Math.max(0, next.accepted - end);
  });
}

/** Waits until the device's connections number `from` + 1 to `until` have come, and the last one's CONNECT. */
async function attempts(
  trial: Trial,
  from: number,
  until: number,
): Promise<readonly DeviceConnection[]> {
  await trial.expect(
    `CONNECT number ${until}`,
    () => trial.connections.filter(({ connect }) => connect)[until - 1],
  );
  return trial.connections.filter(({ connect }) => connect).slice(from, until);
}

/** Hangs up on each of the next connections, a moment after their CONNECT. */
async function hangUp(trial: Trial, times: number): Promise<void> {
  for (let count = 0, after = 0; count < times; count++) {
    const connection = await trial.connected(after);
    after = connection.number;
    await trial.pass(pause);
    connection.drop();
  }
  await attempts(trial, 0, times + 1);
}

/** Backoff with jitter is right; exponential alone is a warning; anything else is wrong. */
function judge({ kind, why }: Backoff, details: string): Verdict {
  const words = `${capital(kind)}: ${why}${details}.`;
  if (kind === "exponential with jitter") return pass(words);
  return kind === "exponential" || kind === "jitter without growth"
    ? warn(words)
    : fail(words);
}

/** The waits themselves, and whether Device Advisor's default time would have been enough. */
function details(trial: Trial, list: readonly number[]): string {
  const seconds = list.map((wait) => wait.toFixed(1)).join(", ");
  const { now } = trial.timeline;
  const slow =
    now > usualTimeout
      ? `; in ${now.toFixed(0)} s, which takes an EXECUTION_TIMEOUT above the usual ${usualTimeout}`
      : "";
  return ` (${seconds} s${slow})`;
}

const capital = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1);

/**
 * The backoff of several rounds. Some devices start anew after a connection that succeeded, others only after one that
 * lasted: the waits of all rounds one after another are looked at, and their means.
 */
export function classifyRounds(
  rounds: readonly (readonly number[])[],
  noise = 0,
): Backoff {
  const length = Math.min(...rounds.map((round) => round.length));
  const means = Array.from(
    { length },
    (_, index) =>
      rounds.reduce((sum, round) => sum + round[index], 0) / rounds.length,
  );
  const found = [rounds.flat(), means].map((list) =>
    classifyBackoff(list, noise),
  );
  return (
    found.find(({ kind }) => !kind.includes("jitter")) ??
    found.find(({ kind }) => kind === "exponential with jitter") ??
    found[0]
  );
}

export const mqttConnectJitter: TestCase = {
  number: "M3",
  id: "MQTT_Connect_Jitter_Backoff_Retries",
  group: "MQTT",
  title: "backs off with jitter when CONNACK does not come",
  required: true,
  timeout,
  scale: 30,
  async run(trial) {
    const { answers } = trial.endpoint;
    const rounds: number[][] = [];
    for (let from = 0; rounds.length < 2; from += fewestWaits + 1) {
      answers.connack = false;
      await attempts(trial, from, from + fewestWaits);
      await trial.ended((await attempts(trial, 0, from + fewestWaits)).at(-1)!);
      answers.connack = true;
      const last = from + fewestWaits + 1;
      const all = await attempts(trial, 0, last);
      await trial.pass(pause);
      all[last - 1].drop();
      // From the second round on, the wait after the connection that succeeded is the first.
      rounds.push(waits(all.slice(Math.max(0, from - 1))));
    }
    return judge(
      classifyRounds(rounds, trial.timeline.lateness),
      details(trial, rounds.flat()),
    );
  },
};

export const mqttConnectExponential: TestCase = {
  number: "M4",
  id: "MQTT_Connect_Exponential_Backoff_Retries",
  group: "MQTT",
  title: "backs off exponentially when CONNACK does not come",
  timeout,
  scale: 30,
  async run(trial) {
    trial.endpoint.answers.connack = false;
    const list = waits(await attempts(trial, 0, retries + 1));
    const { kind, why } = classifyBackoff(list, trial.timeline.lateness);
    const words = `${capital(kind)}: ${why}${details(trial, list)}.`;
    return kind.startsWith("exponential") ? pass(words) : fail(words);
  },
};

/** The device is connected once; then the server hangs up again and again. */
const hungUp =
  (accepts: boolean) =>
  async (trial: Trial): Promise<Verdict> => {
    const first = await trial.connected();
    await trial.pass(pause);
    trial.endpoint.answers.connack = accepts;
    first.drop();
    await hangUp(trial, retries);
    const list = waits(
      trial.connections.filter(({ connect }) => connect).slice(0, retries + 1),
    );
    return judge(
      classifyBackoff(list, trial.timeline.lateness),
      details(trial, list),
    );
  };

export const mqttServerDisconnect: TestCase = {
  number: "M5",
  id: "MQTT_Reconnect_Backoff_Retries_On_Server_Disconnect",
  group: "MQTT",
  title: "backs off with jitter when the server disconnects it",
  timeout,
  scale: 30,
  run: hungUp(false),
};

export const mqttUnstableConnection: TestCase = {
  number: "M6",
  id: "MQTT_Reconnect_Backoff_Retries_On_Unstable_Connection",
  group: "MQTT",
  title: "backs off with jitter when it is accepted and disconnected",
  timeout,
  scale: 30,
  run: hungUp(true),
};

export const longBackoff: TestCase = {
  number: "L12",
  id: "RECONNECT_BACK_OFF",
  group: "MQTT long duration",
  title: "backs off with jitter when the server disconnects it",
  scenario: "Advanced",
  timeout,
  scale: 30,
  run: hungUp(false),
};
