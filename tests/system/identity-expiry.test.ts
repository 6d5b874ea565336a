import { afterEach, beforeEach, test } from "node:test";
import { authority, chainPem, device, keyPem } from "../interop/pki.js";
import { Field } from "./field.js";

let field: Field;
beforeEach(async () => {
  field = new Field();
  await field.startCloud();
});
afterEach(() => field.close());

test("a node whose own certificate has expired says so once it knows the time, and goes on", async () => {
  const made = await device(await authority(), { until: 10 });
  field.flash("node-1", {
    cert: chainPem(made),
    key: await keyPem(made),
    trust: field.cloud.authority.roots,
  });
  const days = 86_400_000;
  const node = await field.startNode({
    accessPoint: { timeOffset: 20 * days },
  });
  await node.prints("[identity.expired]");
  await node.prints("tcp");
});
