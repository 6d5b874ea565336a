import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { fail, pass, warn, type Verdict } from "../verdict.js";

/** Keep-alives that IoT Core takes, in seconds (General Reference, IoT Core quotas). */
const validKeepAlive = { least: 30, most: 1200 };

/** A broker that hears nothing for so many keep-alives ends the connection (MQTT 5, 3.1.2.10): a device should be as quick. */
const soonEnough = 1.5;

/** What it may be late, as a part of that: its clock and this one are not the same. */
const slack = 0.02;

/** After so many the device has not noticed at all. */
const tooLate = 2.5;

/** From CONNACK on nothing is answered, but TCP stays open: the device must notice and end the connection. */
async function noticesSilence(trial: Trial): Promise<Verdict> {
  const { answers } = trial.endpoint;
  answers.puback = answers.suback = answers.pingresp = false;
  const connection = await trial.connected();
  const { keepAlive } = connection;
  if (keepAlive === 0)
    return fail("It connects without keep-alive, so it cannot notice.");
  const start = connection.connect!.time;
  const end = await trial.within(keepAlive * tooLate, () => connection.ended);
  if (!end)
    return fail(
      `After ${tooLate} times its keep-alive of ${keepAlive} s it still holds the connection.`,
    );
  const after = end.time - start;
  const words = `It ended the connection after ${after.toFixed(1)} s, ${(after / keepAlive).toFixed(2)} times its keep-alive of ${keepAlive} s`;
  if (after > soonEnough * keepAlive * (1 + slack))
    return warn(`${words}; ${soonEnough} times is enough to know.`);
  if (keepAlive < validKeepAlive.least || keepAlive > validKeepAlive.most)
    return warn(
      `${words}; IoT Core takes keep-alives of ${validKeepAlive.least} s to ${validKeepAlive.most} s.`,
    );
  return pass(`${words}.`);
}

export const mqttNoPingResponse: TestCase = {
  number: "M11",
  id: "MQTT_No_Ack_PingResp",
  group: "MQTT",
  title: "disconnects from a server that answers nothing",
  timeout: 3600,
  scale: 20,
  tolerance: 3,
  run: noticesSilence,
};

export const longKeepAlive: TestCase = {
  number: "L10",
  id: "KEEP_ALIVE",
  group: "MQTT long duration",
  title: "disconnects from a server that answers nothing",
  scenario: "Advanced",
  timeout: 3600,
  scale: 20,
  tolerance: 3,
  run: noticesSilence,
};
