import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as iot from "@aws-sdk/client-iot";
import * as iotdata from "@aws-sdk/client-iot-data-plane";
import * as iotJobsData from "@aws-sdk/client-iot-jobs-data-plane";
import { routes } from "../../simulator/cloud/api/routes.js";
import { apiClient, refusal } from "./aws-clients.js";
import { allow, policyOf, TestCloud } from "./cloud-fixture.js";

/** A client's commands by name, with what the SDK's own model says of each. */
type Commands = Record<
  string,
  new (input: object) => { schema: [number, string, string, HttpTraits] }
>;

/** Where the SDK's own model of an operation has its method, path and status. */
interface HttpTraits {
  readonly http: readonly [string, string, number];
}

let cloud: TestCloud;
let client: iot.IoTClient;
let url: string;

before(async () => {
  cloud = await TestCloud.start();
  url = `http://127.0.0.1:${cloud.cloud.apiPort}`;
  client = apiClient(iot.IoTClient, cloud);
});
after(async () => {
  client.destroy();
  await cloud.stop();
});

describe("certificates", () => {
  test("12.27: a state that is not allowed is 406, a limit 410", async () => {
    const device = await cloud.device("states");
    const { certificateId } = device;
    assert.equal(
      await refusal(
        client.send(
          new iot.UpdateCertificateCommand({
            certificateId,
            newStatus: "PENDING_ACTIVATION",
          }),
        ),
      ),
      "CertificateStateException 406",
    );
    const target = `arn:aws:iot:local-1:000000000000:cert/${certificateId}`;
    const attach = async (n: number) => {
      const policyName = `limit-${n}`;
      await client.send(
        new iot.CreatePolicyCommand({
          policyName,
          policyDocument: policyOf([allow("iot:Connect", "*")]),
        }),
      );
      await client.send(new iot.AttachPolicyCommand({ policyName, target }));
    };
    for (let n = 1; n <= 9; n++) await attach(n);
    assert.equal(await refusal(attach(10)), "LimitExceededException 410");
  });

  test("12.27: a throttled call is 400 of iot, 429 of iot-data", async () => {
    const narrow = await TestCloud.start({ choices: { apiRate: 1 } });
    const control = apiClient(iot.IoTClient, narrow);
    const data = apiClient(iotdata.IoTDataPlaneClient, narrow);
    const list = () => refusal(control.send(new iot.ListThingsCommand({})));
    const shadow = () =>
      refusal(
        data.send(new iotdata.GetThingShadowCommand({ thingName: "none" })),
      );
    const answers = await Promise.all([list(), list(), list()]);
    assert.ok(answers.includes("ThrottlingException 400"), answers.join());
    const others = await Promise.all([shadow(), shadow(), shadow()]);
    assert.ok(others.includes("ThrottlingException 429"), others.join());
    control.destroy();
    data.destroy();
    await narrow.stop();
  });

  test("are in every status that AWS has, by the calls that lead there", async () => {
    const made = await client.send(new iot.CreateKeysAndCertificateCommand({}));
    const certificateId = made.certificateId!;
    const status = async () =>
      (await client.send(new iot.DescribeCertificateCommand({ certificateId })))
        .certificateDescription?.status;
    const update = (newStatus: iot.CertificateStatus) =>
      client.send(
        new iot.UpdateCertificateCommand({ certificateId, newStatus }),
      );
    assert.equal(await status(), "INACTIVE");
    await update("ACTIVE");
    assert.equal(await status(), "ACTIVE");
    const transfer = () =>
      client.send(
        new iot.TransferCertificateCommand({
          certificateId,
          targetAwsAccount: "111122223333",
        }),
      );
    assert.equal(await refusal(transfer()), "CertificateStateException 406");
    await update("INACTIVE");
    await transfer();
    assert.equal(await status(), "PENDING_TRANSFER");
    await client.send(
      new iot.CancelCertificateTransferCommand({ certificateId }),
    );
    assert.equal(await status(), "INACTIVE");
    await update("REVOKED");
    assert.equal(await status(), "REVOKED");
    assert.equal(
      await refusal(
        client.send(
          new iot.RegisterCertificateWithoutCACommand({
            certificatePem: made.certificatePem,
            status: "PENDING_ACTIVATION",
          }),
        ),
      ),
      "CertificateStateException 406",
    );
  });
});

describe("what is not as it should be", () => {
  test("an operation that is not implemented says so, with its path", async () => {
    await assert.rejects(
      client.send(new iot.ListAuditTasksCommand({} as never)),
      (error: iot.IoTServiceException) =>
        error.name === "NotImplementedException" &&
        error.$metadata.httpStatusCode === 501 &&
        /does not implement GET \/audit\/tasks of iot/.test(error.message),
    );
  });

  test("a request without a signature, with a broken one, with a body that is no JSON", async () => {
    const ask = async (headers: Record<string, string>, body?: string) => {
      const response = await fetch(`${url}/things/x`, {
        method: "POST",
        headers,
        body: body ?? "{}",
      });
      await response.text();
      return `${response.headers.get("x-amzn-errortype") ?? ""} ${response.status}`;
    };
    assert.equal(await ask({}), "MissingAuthenticationTokenException 403");
    assert.equal(
      await ask({ authorization: "AWS4-HMAC-SHA256 Credential=x" }),
      "IncompleteSignatureException 403",
    );
    const signed = {
      authorization: `AWS4-HMAC-SHA256 Credential=AKID/20260101/local-1/iot/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
    };
    assert.equal(await ask(signed, "{"), "InvalidRequestException 400");
    assert.equal(await ask(signed, "[]"), "InvalidRequestException 400");
    assert.equal(
      await ask(signed, " ".repeat(1024 * 1024 + 1)),
      "RequestEntityTooLargeException 413",
    );
    assert.equal(
      await ask(signed, '{"thingTypeName":5}'),
      "InvalidRequestException 400",
    );
  });
});

test("every route is the official client's own, by name, method and path", () => {
  const clients = {
    iot,
    iotdata,
    "iot-jobs-data": iotJobsData,
  } as unknown as Record<string, Commands>;
  for (const { service, name, method, path } of routes) {
    const Command = clients[service][`${name}Command`];
    const [, , , { http }] = new Command({}).schema;
    assert.deepEqual([name, method, path], [name, http[0], http[1]]);
  }
});
