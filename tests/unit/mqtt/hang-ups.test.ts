import { Failure } from "../../../modules/system/failure.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";
import { Fixture, present } from "./session-fixture.js";
import { raw } from "./wire.js";

test("names what the broker hung up on in 3.1.1, and gives it up after three times", () => {
  const fixture = new Fixture();
  const connect = () => fixture.connect("00 00", { protocol: "3.1.1" });
  fixture.publish("secret", "denied");
  fixture.publish("fine");
  for (let turn = 0; turn < 3; turn++) {
    connect();
    // From the second time on alone, so that nothing else is blamed.
    equal(fixture.wire.take().length, turn === 0 ? 2 : 1);
    fixture.wire.cut(new Failure("tls.closed"));
  }
  deepEqual(
    fixture.closed,
    Array<string>(3).fill("tls.closed PUBLISH to denied"),
  );
  deepEqual(fixture.outcomes, ["secret policy.likely"]);
  connect();
  equal(fixture.wire.take().length, 1);
  fixture.wire.receive("40 02 00 04");
  fixture.session.close();
});

test("blames no message for a network that breaks, and names a QoS 0 message too", () => {
  const fixture = new Fixture();
  const connect = () => fixture.connect("00 00", { protocol: "3.1.1" });
  fixture.publish("kept");
  for (let turn = 0; turn < 5; turn++) {
    connect();
    fixture.wire.cut(new Failure("tls.truncated"));
  }
  connect();
  fixture.wire.receive("40 02 00 06");
  fixture.publish("unheard", "denied", 0);
  fixture.wire.cut(new Failure("tls.closed"));
  deepEqual(fixture.outcomes, ["kept 0", "unheard 0"]);
  deepEqual(fixture.closed, [
    ...Array<string>(5).fill("tls.truncated"),
    "tls.closed PUBLISH to denied",
  ]);
  fixture.session.close();
});

test("gives up the one message that a broker of MQTT 5 disconnects for, and no other", () => {
  const fixture = new Fixture();
  for (const name of ["fine", "evil", "good"]) fixture.publish(name);
  for (let turn = 0; turn < 6 && fixture.session.length > 0; turn++) {
    fixture.connect(present);
    for (;;) {
      const packets = fixture.wire.take();
      if (packets.length === 0) break;
      // A broker that does not get to its acknowledgements when something is too large for it.
      if (packets.some((one) => one.includes(raw("evil")))) {
        fixture.wire.receive("e0 01 95");
        break;
      }
      const id = packets[0].split(" ").slice(5, 7).join(" ");
      fixture.wire.receive(`40 02 ${id}`);
    }
  }
  deepEqual(fixture.outcomes, ["fine 0", "evil mqtt.too-large", "good 0"]);
  equal(fixture.closed[0], "mqtt.too-large PUBLISH to t");
  fixture.session.close();
});

test("finds the one filter of many that the broker hangs up on in 3.1.1", () => {
  const fixture = new Fixture();
  for (const filter of ["good", "evil", "fair"])
    fixture.session.subscribe(filter, {}, fixture.outcome(filter));
  for (let turn = 0; turn < 8; turn++) {
    fixture.connect("00 00", { protocol: "3.1.1" });
    for (;;) {
      const [request] = fixture.wire.take();
      if (!request || request.includes(raw("evil"))) break;
      const id = request.split(" ").slice(2, 4).join(" ");
      fixture.wire.receive(`90 03 ${id} 01`);
    }
    fixture.wire.cut(new Failure("tcp.closed"));
  }
  deepEqual(fixture.outcomes.sort(), [
    "evil policy.likely",
    "fair 1",
    "good 1",
  ]);
  fixture.session.close();
});

test("tells a filter that the broker takes from the message it hangs up on", () => {
  const fixture = new Fixture();
  fixture.session.subscribe("good", {}, fixture.outcome("good"));
  fixture.publish("evil");
  for (let turn = 0; turn < 6 && fixture.session.length > 0; turn++) {
    fixture.connect(turn === 0 ? "00 00" : "01 00", { protocol: "3.1.1" });
    for (;;) {
      const packets = fixture.wire.take();
      // A broker that does not get to its acknowledgements when it hangs up.
      if (packets.length === 0 || packets.some((one) => one.startsWith("3")))
        break;
      const id = packets[0].split(" ").slice(2, 4).join(" ");
      fixture.wire.receive(`90 03 ${id} 01`);
    }
    fixture.wire.cut(new Failure("tls.closed"));
  }
  deepEqual(fixture.outcomes, ["good 1", "evil policy.likely"]);
  fixture.session.close();
});
