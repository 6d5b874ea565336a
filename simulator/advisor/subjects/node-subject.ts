import { join } from "node:path";
import { writeIdentity } from "../../commands/flash-image.js";
import { NodeProcess } from "../../commands/node-process.js";
import { AccessPoint } from "../../device/access-point/access-point.js";
import type { RunningSubject, Subject, SubjectStart } from "./subject.js";

/** Seconds between two samples. */
const interval = 20;

/** Our own firmware on the simulated device, release build, with an access point of its own. */
export class NodeSubject implements Subject {
  readonly name: string;
  readonly host = "a1advisor-ats.iot.local-1.localhost";
  readonly scalable = true;
  readonly #mqtt: "5" | "3.1.1";

  constructor(mqtt: "5" | "3.1.1" = "5") {
    this.name = `fieldnode, MQTT ${mqtt}`;
    this.#mqtt = mqtt;
  }

  async start(start: SubjectStart): Promise<RunningSubject> {
    const { host, port, thing, folder, scale, cert, key, trust } = start;
    const flash = join(folder, "flash");
    writeIdentity(flash, { cert, key, trust });
    const accessPoint = await new AccessPoint({ timeScale: scale }).open();
    const node = new NodeProcess({
      flash,
      config: {
        endpoint: `${host}:${port}`,
        thing,
        mqtt: this.#mqtt,
        interval: interval * 1000,
        // What Device Advisor wants to see of a device beside its work.
        qualification: true,
        ...accessPoint.settings,
      },
      // Its time server may be slow to answer where time runs fast, and no case is about that.
      device: [...accessPoint.deviceOptions, "--clock", "desktop"],
      onLine: start.onLine,
    });
    const kill = () => void node.stop();
    process.on("exit", kill);
    return {
      ended: node.ended.then((code) => `ended with code ${code}`),
      stop: async () => {
        process.off("exit", kill);
        await node.stop();
        accessPoint.close();
      },
    };
  }
}
