import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import type { IPublishPacket } from "mqtt-packet";
import { arn } from "../../simulator/cloud/names.js";
import { allow, TestCloud, WireClient, type Device } from "./cloud-fixture.js";
import { ServiceClient, type Json } from "./service-client.js";

let cloud: TestCloud;
let free: Device;
let client: ServiceClient;

before(async () => {
  cloud = await TestCloud.start({
    alpnPort: 0,
    choices: { connectRate: 0, publishRate: 0, shadowRate: 0 },
  });
  free = await cloud.freeDevice("https-device");
  client = await ServiceClient.connect(cloud, free);
});
after(() => cloud.stop());

interface Answer {
  readonly status: number;
  readonly error: string | undefined;
  readonly body: Json;
}

/** One request of a device over mutual TLS. */
function call(
  device: Device | undefined,
  method: string,
  path: string,
  body: string | Buffer | object = "",
  more: RequestOptions & { ALPNProtocols?: string[] } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port: cloud.cloud.httpsPort,
        servername: cloud.cloud.endpoint,
        ca: cloud.cloud.authority.roots,
        ...(device && { key: device.privateKey, cert: device.certificate }),
        method,
        path,
        agent: false,
        ...more,
      },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            error: answer.headers["x-amzn-errortype"] as string | undefined,
            body: JSON.parse(text || "{}") as Json,
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(
      typeof body === "string" || Buffer.isBuffer(body)
        ? body
        : JSON.stringify(body),
    );
  });
}

describe("HTTPS with a client certificate: messages (section 2.9)", () => {
  test("a publish reaches subscribers with its QoS and its MQTT 5 properties", async () => {
    const wire = await WireClient.connect(cloud, free, {
      clientId: "https-reader",
      protocolVersion: 5,
    });
    await wire.subscribe("from/https");
    const { status, body } = await call(
      free,
      "POST",
      "/topics/from%2Fhttps?qos=1&contentType=text%2Fplain&responseTopic=back&messageExpiry=60",
      "hello",
      {
        headers: {
          "x-amz-mqtt5-user-properties": Buffer.from(
            '[{"a":"1"},{"a":"2"},{"b":"3"}]',
          ).toString("base64"),
          "x-amz-mqtt5-payload-format-indicator": "UTF8_DATA",
          "x-amz-mqtt5-correlation-data": Buffer.from("id").toString("base64"),
        },
      },
    );
    assert.deepEqual([status, body.message], [200, "OK"] as unknown[]);
    assert.match(JSON.stringify(body.traceId), /^"[0-9a-f-]{36}"$/);
    const packet = (await wire.next("publish")) as IPublishPacket;
    assert.equal(packet.payload.toString(), "hello");
    assert.equal(packet.qos, 1);
    const { properties } = packet;
    assert.equal(properties?.contentType, "text/plain");
    assert.equal(properties.responseTopic, "back");
    assert.equal(properties.correlationData?.toString(), "id");
    assert.equal(properties.payloadFormatIndicator, true);
    assert.deepEqual(
      { ...properties.userProperties },
      { a: ["1", "2"], b: "3" },
    );
    await wire.disconnect();
  });

  test("retained messages are got and listed", async () => {
    for (const topic of ["kept/a", "kept/b"])
      await call(free, "POST", `/topics/${topic}?qos=1&retain=true`, topic);
    const { body } = await call(free, "GET", "/retainedMessage/kept%2Fa");
    assert.equal(
      Buffer.from(body.payload as unknown as string, "base64").toString(),
      "kept/a",
    );
    assert.equal(body.qos, 1);
    assert.ok(Math.abs(Number(body.lastModifiedTime) - Date.now()) < 600_000);
    const first = await call(free, "GET", "/retainedMessage?maxResults=1");
    assert.equal(first.body.retainedTopics["0"].topic, "kept/a");
    const token = first.body.nextToken as unknown as string;
    const second = await call(
      free,
      "GET",
      `/retainedMessage?maxResults=1&nextToken=${token}`,
    );
    assert.equal(second.body.retainedTopics["0"].payloadSize, 6);
    const none = await call(free, "GET", "/retainedMessage/kept%2Fc");
    assert.deepEqual(
      [none.status, none.error],
      [404, "ResourceNotFoundException"],
    );
  });

  test("reserved topics, topics that are none, and payloads above 128 KB are refused", async () => {
    for (const [path, body, status] of [
      ["/topics/%24aws%2Fthings%2Ft%2Fshadow%2Fupdate", "{}", 400],
      ["/topics/a%2F%23", "x", 400],
      ["/topics/1/2/3/4/5/6/7/8/9", "x", 400],
      ["/topics/a?qos=2", "x", 400],
      ["/topics/large", Buffer.alloc(131_073), 413],
      ["/nothing/here", "", 404],
    ] as [string, string | Buffer, number][])
      assert.equal((await call(free, "POST", path, body)).status, status, path);
  });

  test("443's stand-in speaks HTTPS with ALPN x-amzn-http-ca, and refuses other names", async () => {
    const port = cloud.cloud.alpnPort;
    const { status } = await call(free, "POST", "/topics/alpn", "x", {
      port,
      ALPNProtocols: ["x-amzn-http-ca"],
    });
    assert.equal(status, 200);
    await assert.rejects(
      call(free, "POST", "/topics/alpn", "x", {
        port,
        ALPNProtocols: ["http/1.1"],
      }),
    );
  });
});

describe("HTTPS: shadows", () => {
  const path = "/things/https-thing/shadow";

  test("update, get, delete, list; classic and named", async () => {
    const updated = await call(free, "POST", path, {
      state: { desired: { a: 1 } },
      clientToken: "t",
    });
    assert.equal(updated.status, 200);
    assert.deepEqual(updated.body.state, { desired: { a: 1 } });
    assert.equal(updated.body.clientToken, "t");
    await call(free, "POST", `${path}?name=lamp`, {
      state: { reported: { b: 2 } },
    });
    const got = await call(free, "GET", path);
    assert.deepEqual(got.body.state.delta, { a: 1 });
    const named = await call(free, "GET", `${path}?name=lamp`);
    assert.deepEqual(named.body.state, { reported: { b: 2 } });
    const list = await call(
      free,
      "GET",
      "/api/things/shadow/ListNamedShadowsForThing/https-thing",
    );
    assert.deepEqual(list.body.results, ["lamp"]);
    assert.equal((await call(free, "DELETE", path)).body.version, 1);
    const gone = await call(free, "GET", path);
    assert.deepEqual(
      [gone.status, gone.error],
      [404, "ResourceNotFoundException"],
    );
    assert.equal(
      gone.body.message,
      "No shadow exists with name: 'https-thing'",
    );
  });

  test("errors have the status of section 4.4", async () => {
    await call(free, "POST", path, { state: { desired: { a: 1 } } });
    for (const [body, status, error] of [
      ["{", 400, "InvalidRequestException"],
      ["{}", 400, "InvalidRequestException"],
      [{ state: {}, version: 99 }, 409, "ConflictException"],
      [
        { state: { desired: { a: "x".repeat(8200) } } },
        413,
        "RequestEntityTooLargeException",
      ],
      [
        Buffer.from([0x7b, 0xff, 0x7d]),
        415,
        "UnsupportedDocumentEncodingException",
      ],
    ] as [string | object, number, string][]) {
      const answer = await call(free, "POST", path, body);
      assert.deepEqual([answer.status, answer.error], [status, error]);
    }
  });

  test("4.3.12: an update over HTTPS is told on delta and documents; what it refuses is told to nobody", async () => {
    await client.wire.subscribe("$aws/things/https-told/shadow/+/+");
    await call(free, "POST", "/things/https-told/shadow", {
      state: { desired: { a: 1 } },
    });
    await call(free, "POST", "/things/https-told/shadow", "{");
    assert.deepEqual(
      (await client.rest()).map(({ topic }) => topic.split("/").at(-1)),
      ["delta", "documents"],
    );
  });
});

describe("HTTPS: jobs", () => {
  test("12.9: pending, start, describe and update; jobDocument is text here", async () => {
    cloud.cloud.registry.things.create("https-jobs");
    const document = '{"operation":"test"}';
    const { jobs } = cloud.cloud.services;
    jobs.create({ jobId: "h1", targets: [arn("thing/https-jobs")], document });
    const base = "/things/https-jobs/jobs";
    const pending = await call(free, "GET", base);
    assert.equal(pending.body.queuedJobs["0"].jobId, "h1");
    const started = await call(free, "PUT", `${base}/$next`, {
      statusDetails: { step: "1" },
    });
    assert.equal(started.body.execution.jobDocument, document);
    assert.equal(started.body.execution.status, "IN_PROGRESS");
    const described = await call(
      free,
      "GET",
      `${base}/h1?includeJobDocument=false`,
    );
    assert.deepEqual(described.body.execution.statusDetails, { step: "1" });
    assert.equal(described.body.execution.jobDocument, undefined);
    const wrong = await call(free, "POST", `${base}/h1`, {
      status: "SUCCEEDED",
      expectedVersion: 7,
    });
    assert.equal(wrong.status, 409);
    const updated = await call(free, "POST", `${base}/h1`, {
      status: "SUCCEEDED",
      expectedVersion: 2,
      includeJobExecutionState: true,
    });
    assert.equal(updated.body.executionState.status, "SUCCEEDED");
    const terminal = await call(free, "GET", `${base}/h1`);
    assert.deepEqual(
      [terminal.status, terminal.error],
      [410, "TerminalStateException"],
    );
    const again = await call(free, "POST", `${base}/h1`, { status: "FAILED" });
    assert.equal(again.error, "InvalidStateTransitionException");
  });

  test("5.3: a placeholder for a presigned URL is filled when the document is sent; the URL opens the object for a while", async () => {
    const folder = join(cloud.directory, "s3", "firmware");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "app 1.json"), '{"an":"object"}');
    const { services } = cloud.cloud;
    cloud.cloud.registry.things.create("https-urls");
    const place = (key: string) =>
      JSON.stringify({
        url: `\${aws:iot:s3-presigned-url:https://s3.local-1.amazonaws.com/firmware/${key}}`,
      });
    const create = (more: object, document = place("app%201.json")) =>
      services.jobs.create({
        jobId: "u1",
        targets: [arn("thing/https-urls")],
        document,
        ...more,
      });
    assert.throws(() => create({}), /roleArn/);
    const roleArn = "arn:aws:iam::000000000000:role/s3";
    const presignedUrlConfig = { roleArn, expiresInSec: 60 };
    assert.throws(
      () => create({ presignedUrlConfig }, place("%zz")),
      /no address/,
    );
    create({ presignedUrlConfig });
    const next = await call(free, "PUT", "/things/https-urls/jobs/$next", {});
    const document = next.body.execution.jobDocument as unknown as string;
    const { url } = JSON.parse(document) as { url: string };
    const { origin, pathname, search } = new URL(url);
    assert.equal(
      origin,
      `https://${cloud.cloud.endpoint}:${cloud.cloud.httpsPort}`,
    );
    const got = await call(undefined, "GET", pathname + search);
    assert.deepEqual([got.status, got.body], [200, { an: "object" }]);
    const other = pathname.replace("app", "bpp");
    assert.equal((await call(undefined, "GET", other + search)).status, 403);
    assert.equal((await call(undefined, "GET", pathname)).status, 403);
    const old = JSON.parse(
      services.presignedUrls.fill(place("app%201.json"), -2),
    ) as { url: string };
    const late = new URL(old.url);
    assert.equal(
      (await call(undefined, "GET", late.pathname + late.search)).status,
      403,
    );
  });
});

test("HTTPS: bytes that are no HTTP, and requests that never end, leave the port to others", async () => {
  const sockets = [];
  for (const [begin, again] of [
    ["\0\x01\xff\xfe nothing of HTTP\r\n\r\n", 30],
    ["POST /topics/a HTTP/1.1\r\ncontent-length: 100\r\n\r\n{", 50],
    ["GET /things/https-device/shadow HTTP/1.1\r\nx-slow:", 50],
  ] as const)
    for (let count = 0; count < again; count++) {
      const socket = connect({
        host: "127.0.0.1",
        port: cloud.cloud.httpsPort,
        servername: cloud.cloud.endpoint,
        ca: cloud.cloud.authority.roots,
        key: free.privateKey,
        cert: free.certificate,
      });
      socket.on("error", () => socket.destroy());
      socket.write(begin);
      sockets.push(socket);
    }
  await Promise.all(sockets.map((socket) => once(socket, "secureConnect")));
  assert.equal((await call(free, "POST", "/topics/a", "x")).status, 200);
  for (const socket of sockets) socket.destroy();
});

describe("HTTPS: who may do what", () => {
  test("no certificate, one that is not registered or not ACTIVE: 403", async () => {
    const lost = await cloud.freeDevice("https-lost");
    assert.equal((await call(lost, "POST", "/topics/a", "x")).status, 200);
    cloud.cloud.registry.certificates.setStatus(lost.certificateId, "INACTIVE");
    for (const device of [undefined, lost]) {
      const answer = await call(device, "POST", "/topics/a", "x");
      assert.deepEqual(
        [answer.status, answer.error],
        [403, "ForbiddenException"],
      );
    }
  });

  test("each operation asks the policies for its action on its resource", async () => {
    const limited = await cloud.device("https-limited", [
      allow("iot:Publish", "topic/mine/*"),
      allow("iot:GetThingShadow", "thing/https-limited/open"),
      allow("iotjobsdata:GetPendingJobExecutions", "thing/https-limited"),
    ]);
    const shadow = "/things/https-limited/shadow";
    for (const [method, path, status] of [
      ["POST", "/topics/mine%2Fa", 200],
      ["POST", "/topics/mine%2Fa?retain=true", 403],
      ["POST", "/topics/other", 403],
      ["GET", `${shadow}?name=open`, 404],
      ["GET", shadow, 403],
      ["POST", `${shadow}?name=open`, 403],
      ["GET", "/things/https-limited/jobs", 200],
      ["PUT", "/things/https-limited/jobs/$next", 403],
      ["GET", "/retainedMessage", 403],
      ["GET", "/api/things/shadow/ListNamedShadowsForThing/https-limited", 403],
    ] as [string, string, number][])
      assert.equal(
        (await call(limited, method, path)).status,
        status,
        `${method} ${path}`,
      );
    await cloud.event("https", ({ reason }) =>
      /iot:RetainPublish/.test(reason ?? ""),
    );
  });
});
