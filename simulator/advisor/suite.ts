import * as backoff from "./cases/backoff.js";
import * as happy from "./cases/happy.js";
import * as muted from "./cases/muted.js";
import * as session from "./cases/persistent-session.js";
import { devicePolicies } from "./cases/policies.js";
import * as receive from "./cases/receive.js";
import * as reconnect from "./cases/reconnect.js";
import * as retry from "./cases/retry.js";
import * as tlsConnect from "./cases/tls-connect.js";
import * as refusal from "./cases/tls-refusal.js";
import { tlsSuites } from "./cases/tls-suites.js";
import type { TestCase } from "./test-case.js";

/** All cases that can be run, in Device Advisor's order. */
export const suite: readonly TestCase[] = [
  tlsConnect.tlsConnect,
  receive.tlsLargeFragments,
  tlsSuites,
  tlsConnect.tlsLargeCertificate,
  refusal.tlsUnknownRoot,
  refusal.tlsWrongName,
  refusal.tlsExpired,
  happy.mqttConnect,
  receive.mqttPuback,
  backoff.mqttConnectJitter,
  backoff.mqttConnectExponential,
  backoff.mqttServerDisconnect,
  backoff.mqttUnstableConnection,
  happy.mqttPublish,
  retry.mqttPublishRetry,
  happy.mqttSubscribe,
  retry.mqttSubscribeRetry,
  muted.mqttNoPingResponse,
  session.mqttPersistentSession,
  session.mqttExpiredSession,
  devicePolicies,
  happy.longConnect,
  happy.longPublish0,
  retry.longPublish1,
  happy.longSubscribe0,
  retry.longSubscribe1,
  reconnect.longReconnect,
  receive.longPuback,
  receive.longLargePayload,
  session.longPersistentSession,
  muted.longKeepAlive,
  reconnect.longIntermittent,
  backoff.longBackoff,
  reconnect.longServerDisconnect,
];

/** Cases that need what the node does not have yet. */
export const notYetApplicable: readonly Pick<
  TestCase,
  "number" | "id" | "group" | "title"
>[] = [
  {
    number: "S1",
    id: "Shadow_Publish_Reported_State",
    group: "Shadow",
    title: "publishes its reported state",
  },
  {
    number: "S2",
    id: "Shadow_Update_Reported_State",
    group: "Shadow",
    title: "takes over the desired state",
  },
  {
    number: "J1",
    id: "Job_Execution",
    group: "Job execution",
    title: "does a job and says so",
  },
];
