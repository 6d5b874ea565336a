import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { pass, type Verdict } from "../verdict.js";

/** Outages of the intermittent case, and how long each is at least and at most, in seconds. */
const outages = { count: 5, least: 2, most: 40 };

/** Minutes that the server is gone for: Device Advisor's shortest and longest LONG_SERVER_DISCONNECT_TIME. */
const longOutage = { usual: 30, long: 120 };

/** The server is gone for so many seconds, then there again. @returns seconds until the device's next CONNECT */
async function outage(trial: Trial, seconds: number): Promise<number> {
  const before = trial.connections.length;
  trial.timeline.add({
    from: "advisor",
    what: `gone for ${seconds.toFixed(0)} s`,
  });
  await trial.endpoint.close();
  await trial.pass(seconds);
  await trial.endpoint.open();
  const back = trial.timeline.now;
  trial.timeline.add({ from: "advisor", what: "there again" });
  const { connect } = await trial.connected(before);
  return connect!.time - back;
}

async function reconnects(trial: Trial): Promise<Verdict> {
  const first = await trial.connected();
  await trial.pass(1);
  first.drop();
  const second = await trial.connected(first.number);
  const after = second.connect!.time - first.ended!.time;
  return pass(`It was back after ${after.toFixed(1)} s.`);
}

async function survivesOutages(trial: Trial): Promise<Verdict> {
  const back: string[] = [];
  await trial.connected();
  for (let count = 0; count < outages.count; count++) {
    const { least, most } = outages;
    await trial.pass(least + Math.random() * (most - least));
    const seconds = least + Math.random() * (most - least);
    back.push((await outage(trial, seconds)).toFixed(1));
  }
  return pass(`It was back each time, after ${back.join(", ")} s.`);
}

async function survivesLongOutage(trial: Trial): Promise<Verdict> {
  await trial.connected();
  await trial.pass(10);
  const minutes = trial.long ? longOutage.long : longOutage.usual;
  const after = await outage(trial, minutes * 60);
  return pass(`It was back ${after.toFixed(0)} s after ${minutes} minutes.`);
}

export const longReconnect: TestCase = {
  number: "L6",
  id: "RECONNECT",
  group: "MQTT long duration",
  title: "connects again after the server has disconnected it",
  scenario: "Basic",
  timeout: 300,
  scale: 5,
  run: reconnects,
};

export const longIntermittent: TestCase = {
  number: "L11",
  id: "INTERMITTENT_CONNECTIVITY",
  group: "MQTT long duration",
  title: "comes back from outages of random length",
  scenario: "Advanced",
  timeout: 3600,
  scale: 30,
  run: survivesOutages,
};

export const longServerDisconnect: TestCase = {
  number: "L13",
  id: "LONG_SERVER_DISCONNECT",
  group: "MQTT long duration",
  title: "comes back when the server was gone for 30 minutes",
  scenario: "Advanced",
  timeout: 4 * 3600,
  scale: 120,
  run: survivesLongOutage,
};
