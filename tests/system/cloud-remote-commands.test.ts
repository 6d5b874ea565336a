import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encode } from "cborg";
import type { IPublishPacket } from "mqtt-packet";
import { Commands } from "../../simulator/cloud/commands/commands.js";
import { arn } from "../../simulator/cloud/names.js";
import { Store } from "../../simulator/cloud/store.js";
import { temporaryFolder, TestCloud } from "./cloud-fixture.js";
import { ServiceClient } from "./service-client.js";

let cloud: TestCloud;
let client: ServiceClient;
const base = "$aws/commands/things/commands-device/executions";

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, publishRate: 0 },
  });
  client = await ServiceClient.connect(
    cloud,
    await cloud.freeDevice("commands-device"),
    [`${base}/+/request/#`, `${base}/+/request`, `${base}/+/response/+/+`],
  );
});
after(() => cloud.stop());

/** Makes a command of this content and starts it. @returns the id of the execution */
function start(commandId: string, contentType: string, content: Uint8Array) {
  const { commands } = cloud.cloud.services;
  const { commandArn } = commands.create({
    commandId,
    payload: { contentType, content: Buffer.from(content).toString("base64") },
  });
  return commands.start({ commandArn, targetArn: arn("thing/commands-device") })
    .executionId;
}

const execution = (id: string) =>
  cloud.cloud.services.commands.describeExecution(id);

describe("remote commands (section 9.2)", () => {
  for (const format of ["json", "cbor"])
    test(`a command reaches its device, and its answers are accepted, in ${format}`, async () => {
      const request = { light: "on" };
      const bytes =
        format === "json"
          ? Buffer.from(JSON.stringify(request))
          : encode(request);
      const id = start(`light-${format}`, `application/${format}`, bytes);
      const { topic, body } = await client.next();
      assert.equal(topic, `${base}/${id}/request/${format}`);
      assert.deepEqual(body, request);
      assert.equal(execution(id).status, "CREATED");
      const response = `${base}/${id}/response/${format}`;
      const first = await client.request(response, { status: "IN_PROGRESS" });
      assert.equal(first.topic, `${base}/${id}/response/accepted/${format}`);
      assert.deepEqual(first.body, { executionId: id });
      await client.request(response, {
        status: "SUCCEEDED",
        statusReason: { reasonCode: "DONE", reasonDescription: "in 5 ms" },
        result: { light: { s: "on" } },
      });
      const { status, statusReason, result } = execution(id);
      assert.equal(status, "SUCCEEDED");
      assert.equal(statusReason?.reasonCode, "DONE");
      assert.deepEqual(result, { light: { s: "on" } });
      const late = await client.request(response, { status: "FAILED" });
      assert.equal(late.topic, `${base}/${id}/response/rejected/${format}`);
      assert.equal(late.body.error, "ConflictException");
    });

  test("any other content type has no format in the topic; its bytes are as they were stored", async () => {
    const id = start("raw", "text/plain", Buffer.from("reboot"));
    const packet = (await client.wire.next("publish")) as IPublishPacket;
    assert.equal(packet.topic, `${base}/${id}/request`);
    assert.equal(packet.payload.toString(), "reboot");
  });

  test("rejected: no status, another's execution, one that is none, a bad reason, no JSON", async () => {
    const id = start("bad", "text/plain", Buffer.from("x"));
    await client.wire.next("publish");
    const other = `$aws/commands/things/another/executions/${id}/response/json`;
    await client.wire.subscribe("$aws/commands/things/another/#");
    for (const [topic, body, error] of [
      [`${base}/${id}/response/json`, {}, "ValidationException"],
      [
        `${base}/${id}/response/json`,
        { status: "CREATED" },
        "ValidationException",
      ],
      [`${base}/${id}/response/json`, "{", "ValidationException"],
      [
        `${base}/${id}/response/json`,
        { status: "FAILED", statusReason: { reasonCode: "lower case" } },
        "ValidationException",
      ],
      [
        `${base}/none/response/json`,
        { status: "FAILED" },
        "ResourceNotFoundException",
      ],
      [other, { status: "FAILED" }, "ResourceNotFoundException"],
    ] as [string, unknown, string][])
      assert.equal((await client.request(topic, body)).body.error, error);
    assert.equal(execution(id).status, "CREATED");
  });

  test("no answer in time is TIMED_OUT, which a late answer still ends; a device's own TIMED_OUT is final", () => {
    let now = 1_700_000_000_000;
    const commands = new Commands({
      store: new Store(temporaryFolder()),
      thingExists: () => true,
      send: () => undefined,
      now: () => now,
    });
    const { commandArn } = commands.create({
      commandId: "c",
      payload: { content: "", contentType: "text/plain" },
    });
    const targetArn = arn("thing/t");
    const target = { kind: "things", name: "t" } as const;
    const { executionId: id } = commands.start({ commandArn, targetArn });
    now += 9_999;
    commands.expire();
    assert.equal(commands.describeExecution(id).status, "CREATED");
    now += 1;
    commands.expire();
    const late = commands.describeExecution(id);
    assert.deepEqual(
      [late.status, late.statusReason?.reasonCode, late.completedAt],
      ["TIMED_OUT", "$NO_RESPONSE_FROM_DEVICE", undefined],
    );
    assert.throws(() => commands.deleteExecution(id), {
      code: "ConflictException",
    });
    commands.respond(target, id, {
      status: "TIMED_OUT",
      statusReason: { reasonCode: "OWN" },
    });
    assert.throws(() => commands.respond(target, id, { status: "SUCCEEDED" }), {
      code: "ConflictException",
    });
    commands.deleteExecution(id);
    assert.throws(() => commands.describeExecution(id), {
      code: "ResourceNotFoundException",
    });
  });

  test("12.28: answers come on a topic of eight slashes", async () => {
    const id = start("deep", "text/plain", Buffer.from("x"));
    await client.wire.next("publish");
    const { topic } = await client.request(`${base}/${id}/response/json`, {
      status: "SUCCEEDED",
    });
    assert.equal(topic.split("/").length - 1, 8);
  });
});
