import type { Choices } from "../choices.js";
import type { ServicePublisher } from "../services/service-publisher.js";
import type { PayloadMap } from "../services/payload.js";
import { summary, type DeviceJobs } from "./device-jobs.js";
import { seconds } from "./job.js";
import type { PendingChange } from "./job-store.js";

/**
 * Tells on `…/jobs/notify` that an execution joined or left what is pending for a thing, and on `…/notify-next` that another
 * is first (AWS, "Jobs notifications"). These are messages like any other, for whoever is subscribed.
 */
export class JobNotifications {
  readonly #publisher: ServicePublisher;
  readonly #choices: Choices;

  constructor(publisher: ServicePublisher, choices: Choices) {
    this.#publisher = publisher;
    this.#choices = choices;
  }

  /** Sends what a change asks for. */
  send(change: PendingChange, device: DeviceJobs): void {
    const { thingName, listChanged, nextChanged, pending } = change;
    const base = `$aws/things/${thingName}/jobs`;
    const timestamp = seconds(Date.now());
    if (listChanged) {
      const listed = pending.slice(0, this.#choices.jobsNotifyLimit);
      const jobs: Record<string, PayloadMap[]> = {};
      for (const execution of listed)
        (jobs[execution.status] ??= []).push(summary(execution));
      this.#publisher.publish(`${base}/notify`, { timestamp, jobs });
    }
    if (nextChanged) {
      const next = pending.at(0);
      this.#publisher.publish(`${base}/notify-next`, {
        timestamp,
        ...(next && { execution: withParsedDocument(device.describe(next)) }),
      });
    }
  }
}

/** An execution, or an answer, with its `jobDocument` as an object: so it is over MQTT, and text over HTTPS. */
export function withParsedDocument(answer: PayloadMap): PayloadMap {
  return typeof answer.jobDocument === "string"
    ? {
        ...answer,
        jobDocument: JSON.parse(answer.jobDocument) as PayloadMap,
      }
    : answer;
}
