import type { TestCloud } from "./cloud-fixture.js";

/** How the AWS SDK's clients are made. */
interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  readonly maxAttempts: number;
}

/** An official client of AWS's on a cloud's API port: nothing but the endpoint tells it that this is not AWS. */
export function apiClient<T>(
  Client: new (config: ClientConfig) => T,
  { cloud }: TestCloud,
): T {
  return new Client({
    endpoint: `http://127.0.0.1:${cloud.apiPort}`,
    region: "local-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
}

/** Name and HTTP status of the exception that a call ends with. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const { name, $metadata } = error as {
      name: string;
      $metadata?: { httpStatusCode?: number };
    };
    return `${name} ${$metadata?.httpStatusCode ?? ""}`;
  }
  return "no exception";
}
