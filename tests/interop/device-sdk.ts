import { once } from "node:events";
import * as awsIot from "@aws-sdk/client-iot";
import { iot, mqtt, mqtt5, mqtt_request_response } from "aws-iot-device-sdk-v2";
import type { TestCloud } from "../system/cloud-fixture.js";
import { policyOf } from "../system/cloud-fixture.js";

/** A device as the AWS SDK made it. */
export interface SdkDevice {
  readonly thingName: string;
  readonly certificateArn: string;
  readonly certificatePem: string;
  readonly privateKey: string;
}

/** Makes a thing with key, certificate and policy, by AWS's own client and nothing else. */
export async function makeDevice(
  client: awsIot.IoTClient,
  thingName: string,
  statements: object[],
): Promise<SdkDevice> {
  await client.send(new awsIot.CreateThingCommand({ thingName }));
  const { certificateArn, certificatePem, keyPair } = await client.send(
    new awsIot.CreateKeysAndCertificateCommand({ setAsActive: true }),
  );
  const policyName = `${thingName}-policy`;
  await client.send(
    new awsIot.CreatePolicyCommand({
      policyName,
      policyDocument: policyOf(statements),
    }),
  );
  await client.send(
    new awsIot.AttachPolicyCommand({ policyName, target: certificateArn }),
  );
  await client.send(
    new awsIot.AttachThingPrincipalCommand({
      thingName,
      principal: certificateArn,
    }),
  );
  return {
    thingName,
    certificateArn: certificateArn!,
    certificatePem: certificatePem!,
    privateKey: keyPair!.PrivateKey!,
  };
}

/** A connected MQTT 5 client of the AWS IoT Device SDK. Rejects with the reason code of a CONNACK that refuses it. */
export async function connect5(
  { cloud }: TestCloud,
  device: SdkDevice,
): Promise<mqtt5.Mqtt5Client> {
  const builder =
    iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromMemory(
      "localhost",
      device.certificatePem,
      device.privateKey,
    );
  builder.withCertificateAuthority(cloud.authority.roots);
  builder.withPort(cloud.port);
  builder.withConnectProperties({
    clientId: device.thingName,
    keepAliveIntervalSeconds: 60,
  });
  const client = new mqtt5.Mqtt5Client(builder.build());
  try {
    await new Promise<void>((resolve, reject) => {
      client.on("connectionSuccess", () => resolve());
      client.on("connectionFailure", ({ error, connack }) =>
        reject(
          new Error(`CONNACK ${connack?.reasonCode ?? ""}`, { cause: error }),
        ),
      );
      client.start();
    });
  } catch (error) {
    // It would try again for ever.
    await disconnect5(client);
    throw error;
  }
  return client;
}

/** Ends an MQTT 5 client. */
export async function disconnect5(client: mqtt5.Mqtt5Client): Promise<void> {
  const stopped = once(client, "stopped");
  client.stop();
  await stopped;
  client.close();
}

/** A connected MQTT 3.1.1 client of the AWS IoT Device SDK. */
export async function connect311(
  { cloud }: TestCloud,
  device: SdkDevice,
): Promise<mqtt.MqttClientConnection> {
  const config = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(
    device.certificatePem,
    device.privateKey,
  )
    .with_certificate_authority(cloud.authority.roots)
    .with_endpoint("localhost")
    .with_port(cloud.port)
    .with_client_id(device.thingName)
    .with_clean_session(true)
    .build();
  const connection = new mqtt.MqttClient().new_connection(config);
  await connection.connect();
  return connection;
}

/** How the SDK's service clients wait for answers. */
export const requestOptions = {
  maxRequestResponseSubscriptions: 6,
  maxStreamingSubscriptions: 4,
  operationTimeoutInSeconds: 30,
};

/** Opens a stream of a service client; resolves once it is subscribed. @returns the events as they come */
export async function openStream<T>(
  stream: mqtt_request_response.StreamingOperation<T>,
): Promise<{ next: () => Promise<T>; close: () => void }> {
  const events: T[] = [];
  let wake = () => {};
  stream.on("incomingPublish", ({ message }) => {
    events.push(message);
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    stream.on("subscriptionStatus", ({ error }) => {
      if (error)
        reject(new Error("The subscription was lost.", { cause: error }));
      else resolve();
    });
    stream.open();
  });
  return {
    next: async () => {
      while (events.length === 0)
        await new Promise<void>((resolve) => (wake = resolve));
      return events.shift() as T;
    },
    close: () => stream.close(),
  };
}

/**
 * Ends the process soon after its last test. The SDK's native part would keep it alive until the garbage collector comes by
 * all of its clients, closed as they are; results of tests are written as they come, so nothing is cut off.
 */
export function endProcess(): void {
  setTimeout(() => process.exit(), 500).unref();
}
