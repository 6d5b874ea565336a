import { Failure } from "../../../modules/system/failure.js";
import MQTTClient from "../../../modules/mqtt/client.js";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";
import { Fixture, present, published, subscribed } from "./session-fixture.js";
import { packet, raw, text, toHex, wait, Wire } from "./wire.js";

test("publishes in order and tells when the broker has each message", () => {
  const fixture = new Fixture();
  fixture.publish("early");
  fixture.publish("dropped", "t", 0);
  fixture.connect();
  fixture.publish("now");
  fixture.publish("zero", "t", 0);
  deepEqual(fixture.wire.take(), [
    published("01", "early"),
    published("02", "now"),
    packet("30", `${text("t")} 00 ${raw("zero")}`),
  ]);
  deepEqual(fixture.outcomes, ["dropped mqtt.closed", "zero 0"]);
  // Acknowledged in another order, with a reason, and one that nobody waits for.
  fixture.wire.receive("40 02 00 63 40 03 00 02 10 40 02 00 01 40 02 00 01");
  deepEqual(fixture.outcomes.slice(2), ["now 16", "early 0"]);
  equal(fixture.session.length, 0);
  fixture.session.close();
});

test("says why the broker does not take a message", () => {
  const fixture = new Fixture();
  fixture.connect("00 00 05 27 00 00 00 40");
  for (const name of ["a", "b", "c"]) fixture.publish(name);
  fixture.wire.receive("40 03 00 01 87 40 03 00 02 97 40 03 00 03 90");
  fixture.publish("x".repeat(60));
  equal(fixture.wire.take().length, 3, "the large one is not sent");
  deepEqual(fixture.outcomes, [
    "a policy.publish-denied",
    "b mqtt.quota",
    "c mqtt.topic-invalid",
    `${"x".repeat(60)} mqtt.too-large`,
  ]);
  throws(() => fixture.publish("a", "a/#"), RangeError);
  throws(() => fixture.publish("a", "t", 2 as 1), Failure);
  fixture.session.close();
});

test("sends what is unacknowledged again after a reconnect, with DUP if the session was kept", () => {
  const fixture = new Fixture();
  fixture.connect();
  for (const name of ["a", "b", "c"]) fixture.publish(name);
  fixture.wire.receive("40 02 00 02");
  fixture.wire.cut();
  equal(fixture.session.connected, false);
  fixture.publish("d");
  const connect = fixture.connect(present);
  ok(connect.includes("05 00"), "not a clean start");
  equal(fixture.present, true);
  deepEqual(fixture.wire.take(), [
    published("01", "a", true),
    published("03", "c", true),
    published("04", "d"),
  ]);
  fixture.wire.receive("40 02 00 01");
  fixture.wire.cut();
  fixture.connect();
  deepEqual(fixture.wire.take(), [published("05", "c"), published("06", "d")]);
  fixture.wire.receive("40 02 00 05 40 02 00 06");
  deepEqual(fixture.outcomes, ["b 0", "a 0", "c 0", "d 0"]);
  fixture.session.close();
});

test("loses no message wherever the wire is cut in an exchange, and keeps their order", () => {
  const whole = published("01", "first").split(" ").length;
  for (let up = 0; up <= 2 * whole; up++)
    for (let down = 0; down <= (up < whole ? 0 : 8); down++) {
      const fixture = new Fixture();
      const arrived: string[] = [];
      /** Takes what is complete, as a broker would, and returns the acknowledgements. */
      const acknowledgements = (): string =>
        fixture.wire
          .take()
          .map((one) => {
            arrived.push(one.slice(one.indexOf(" 00 ", 20) + 4));
            const [, , , , , high, low] = one.split(" ");
            return `40 02 ${high} ${low}`;
          })
          .join(" ");
      fixture.publish("first");
      fixture.publish("other");
      fixture.session.connect({
        io: MQTTClient,
        host: "broker",
        socket: { io: Wire },
        onConnected: () => undefined,
        onClosed: () => undefined,
      });
      fixture.wire.open();
      fixture.wire.take();
      fixture.wire.receive("20 03 00 00 00");
      equal(fixture.wire.pending, 2 * whole);
      fixture.wire.lose(up);
      fixture.wire.receive(acknowledgements().slice(0, down * 3));
      fixture.wire.cut();
      while (fixture.session.length > 0) {
        fixture.connect(present);
        fixture.wire.drain();
        fixture.wire.receive(acknowledgements());
        fixture.wire.cut();
      }
      const where = `cut after ${up} bytes up and ${down} down`;
      deepEqual([...new Set(arrived)], [raw("first"), raw("other")], where);
      deepEqual(fixture.outcomes, ["first 0", "other 0"], where);
      fixture.session.close();
    }
});

test("sends again on the same connection, with the same packet id and DUP, until it is acknowledged", async () => {
  const fixture = new Fixture({ resendAfter: 50 });
  fixture.connect();
  fixture.publish("a");
  fixture.session.subscribe("f");
  deepEqual(fixture.wire.take(), [published("01", "a"), subscribed("02", "f")]);
  await wait(30);
  deepEqual(fixture.wire.take(), []);
  const again: string[] = [];
  while (again.length < 2) {
    await wait(5);
    again.push(...fixture.wire.take());
  }
  deepEqual(again, [subscribed("02", "f"), published("01", "a", true)]);
  fixture.wire.receive(`40 02 00 01 ${packet("90", "00 02 00 01")}`);
  await wait(80);
  deepEqual(fixture.wire.take(), []);
  fixture.wire.receive("40 02 00 01");
  deepEqual(fixture.outcomes, ["a 0"]);
  fixture.session.close();
});

test("resubscribes only when the broker lost the session", () => {
  const fixture = new Fixture();
  for (let index = 1; index <= 9; index++)
    fixture.session.subscribe(`f${index}`, {}, fixture.outcome(`f${index}`));
  fixture.connect();
  const eight = [1, 2, 3, 4, 5, 6, 7, 8].map((index) => `f${index}`);
  deepEqual(fixture.wire.take(), [subscribed("01", ...eight)]);
  fixture.wire.receive(packet("90", "00 01 00 01 01 01 01 01 01 00 87"));
  deepEqual(fixture.wire.take(), [subscribed("02", "f9")]);
  deepEqual(fixture.outcomes.slice(5), [
    "f6 1",
    "f7 0",
    "f8 policy.subscribe-denied",
  ]);
  fixture.wire.cut();

  fixture.connect(present);
  deepEqual(fixture.wire.take(), [subscribed("02", "f9")], "the one in flight");
  fixture.wire.receive(packet("90", "00 02 00 01"));
  equal(fixture.outcomes[8], "f9 1");
  fixture.wire.cut();
  fixture.connect(present);
  deepEqual(fixture.wire.take(), []);
  fixture.wire.cut();
  fixture.connect();
  deepEqual(fixture.wire.take(), [
    subscribed("03", ...eight.slice(0, 7), "f9"),
  ]);
  equal(fixture.outcomes.length, 9);
  fixture.session.close();
});

test("unsubscribes after the subscription that is under way", () => {
  const fixture = new Fixture();
  fixture.connect();
  fixture.session.subscribe("f", {}, fixture.outcome("first"));
  fixture.session.unsubscribe("f", fixture.outcome("end"));
  fixture.session.subscribe("f", {}, fixture.outcome("second"));
  deepEqual(fixture.wire.take(), [subscribed("01", "f")]);
  fixture.wire.receive(packet("90", "00 01 00 01"));
  deepEqual(fixture.wire.take(), [packet("a2", `00 02 00 ${text("f")}`)]);
  fixture.wire.receive(packet("b0", "00 02 00 00"));
  deepEqual(fixture.wire.take(), [subscribed("03", "f")]);
  fixture.wire.receive(packet("90", "00 03 00 00"));
  deepEqual(fixture.outcomes, ["first 1", "end 0", "second 0"]);
  fixture.session.close();
});

test("ends the connection when SUBACK answers another number of filters", () => {
  const fixture = new Fixture();
  fixture.connect();
  fixture.session.subscribe("f");
  fixture.wire.receive(packet("90", "00 01 00 01 01"));
  deepEqual(fixture.closed, ["mqtt.malformed"]);
  fixture.session.close();
});

test("keeps to the broker's Receive Maximum", () => {
  const fixture = new Fixture();
  fixture.connect("00 00 03 21 00 02");
  for (const name of ["a", "b", "c"]) fixture.publish(name);
  equal(fixture.wire.take().length, 2);
  fixture.wire.receive("40 02 00 02");
  deepEqual(fixture.wire.take(), [published("03", "c")]);
  fixture.wire.cut();
  fixture.connect("01 00 03 21 00 01");
  deepEqual(fixture.wire.take(), [published("01", "a", true)]);
  fixture.wire.receive("40 02 00 01");
  deepEqual(fixture.wire.take(), [published("03", "c", true)]);
  fixture.session.close();
});

test("sends a payload in pieces from its source, again from the start after a reconnect", () => {
  const fixture = new Fixture();
  const size = 3000;
  let asked = 0;
  const source = {
    byteLength: size,
    read: (offset: number, into: Uint8Array) => {
      asked += into.length;
      for (let index = 0; index < into.length; index++)
        into[index] = (offset + index) % 251;
    },
  };
  const whole = Array.from({ length: size }, (_, index) => index % 251);
  fixture.connect();
  fixture.wire.drain(100);
  fixture.session.publish("t", source, {}, fixture.outcome("source"));
  fixture.publish("next");
  for (let turn = 0; turn < 5; turn++) fixture.wire.drain(100);
  deepEqual(fixture.wire.take(), []);
  fixture.wire.cut();
  equal(asked < size, true);
  fixture.connect(present);
  while (fixture.session.length > 0) {
    const [first, second] = fixture.wire.take();
    if (first) {
      equal(first, packet("3a", `${text("t")} 00 01 00 ${toHex(whole)}`));
      fixture.wire.receive("40 02 00 01");
      if (second) equal(second, published("02", "next"));
      fixture.wire.drain(5000);
      fixture.wire.receive("40 02 00 02");
    } else fixture.wire.drain(700);
  }
  deepEqual(fixture.outcomes, ["source 0", "next 0"]);
  fixture.session.close();
});

test("gives an answer only when the payload is not needed any more", async () => {
  const fixture = new Fixture({ resendAfter: 10 });
  fixture.connect();
  fixture.publish("0123456789");
  fixture.wire.take();
  fixture.wire.drain(10);
  while (fixture.wire.pending === 0) await wait(5);
  // Half of the second copy is out when the answer to the first one comes.
  fixture.wire.receive("40 03 00 01 10");
  deepEqual(fixture.outcomes, []);
  fixture.wire.drain();
  deepEqual(fixture.outcomes, ["0123456789 16"]);
  deepEqual(fixture.wire.take(), [published("01", "0123456789", true)]);
  fixture.session.close();
});

test("gives large messages in pieces, or drops and acknowledges them", () => {
  const large = "0123456789".repeat(100);
  const input = packet("32", `${text("big")} 00 01 00 ${raw(large)}`);
  const parts: string[] = [];
  const pieces = new Fixture({
    messageLimit: 999,
    onPart: (message, part, more) =>
      parts.push(
        `${message.topic} ${String.fromArrayBuffer(part.slice().buffer)}${more ? "" : " end"}`,
      ),
  });
  pieces.connect();
  pieces.wire.receive(input, 300);
  equal(parts.map((part) => part.slice(4)).join(""), `${large} end`);
  deepEqual(pieces.wire.take(), ["40 02 00 01"]);
  pieces.session.close();

  const dropping = new Fixture({ messageLimit: 999 });
  dropping.connect();
  dropping.wire.receive(`${input} ${packet("30", `${text("a")} 00 78`)}`);
  deepEqual(dropping.dropped, ["from big: 1000 of 999 bytes"]);
  deepEqual(dropping.messages, ["a: x"]);
  deepEqual(dropping.wire.take(), ["40 02 00 01"]);
  dropping.session.close();
});

test("begins afresh when the connection breaks in the middle of a message", () => {
  const fixture = new Fixture();
  fixture.connect();
  const input = packet("32", `${text("t")} 00 01 00 ${raw("whole")}`);
  fixture.wire.receive(input.slice(0, -6));
  fixture.wire.cut();
  fixture.connect(present);
  fixture.wire.receive(input);
  deepEqual(fixture.messages, ["t: whole"]);
  fixture.session.close();
});

test("holds messages up as its pace wants, and sends all of them", async () => {
  const sizes: number[] = [];
  let free = 2;
  const fixture = new Fixture({
    pace: (byteLength) => {
      if (free === 0) {
        free = 2;
        return 20;
      }
      free--;
      sizes.push(byteLength);
      return 0;
    },
  });
  fixture.connect();
  for (const name of ["1", "22", "333", "4444", "55555"]) fixture.publish(name);
  equal(fixture.wire.take().length, 2);
  await wait(30);
  equal(fixture.wire.take().length, 2);
  fixture.wire.cut();
  fixture.connect(present);
  while (fixture.session.length > 0) {
    for (const one of fixture.wire.take())
      fixture.wire.receive(`40 02 ${one.split(" ").slice(5, 7).join(" ")}`);
    await wait(10);
  }
  deepEqual(sizes, [1, 2, 3, 4, 1, 2, 3, 4, 5]);
  fixture.session.close();
});

test("holds no more than its capacity, and fails what is left when it is closed", () => {
  const fixture = new Fixture({ capacity: 2 });
  for (const name of ["a", "b", "c"]) fixture.publish(name);
  fixture.session.subscribe("f", {}, fixture.outcome("f"));
  deepEqual(fixture.outcomes, ["c mqtt.full"]);
  fixture.session.close();
  deepEqual(fixture.outcomes.slice(1), [
    "f mqtt.closed",
    "a mqtt.closed",
    "b mqtt.closed",
  ]);
});

test("disconnects properly, and aborts without a word", () => {
  const fixture = new Fixture();
  fixture.connect();
  fixture.session.disconnect();
  deepEqual(fixture.wire.take(), ["e0 00"]);
  fixture.wire.cut();
  deepEqual(fixture.closed, ["closed"]);
  fixture.connect();
  fixture.publish("kept");
  fixture.session.abort();
  ok(fixture.wire.closed);
  deepEqual(fixture.closed, ["closed"]);
  equal(fixture.session.length, 1);
  fixture.connect(present);
  deepEqual(fixture.wire.take(), [published("01", "kept", true)]);
  fixture.session.close();
});

test("may be used from inside its callbacks", () => {
  const fixture = new Fixture();
  fixture.session.subscribe("f", {}, () => {
    fixture.publish("from suback");
  });
  fixture.session.publish("t", ArrayBuffer.fromString("1"), {}, () => {
    fixture.session.publish("t", ArrayBuffer.fromString("2"), {}, () =>
      fixture.session.abort(),
    );
  });
  fixture.connect();
  fixture.wire.take();
  fixture.wire.receive(
    `${packet("90", "00 01 00 01")} 40 02 00 02 40 02 00 04 40 02 00 03`,
  );
  deepEqual(fixture.wire.take(), [
    published("03", "from suback"),
    published("04", "2"),
  ]);
  equal(fixture.session.connected, false);
  fixture.session.close();
});

test("what is asked of a closed session fails at once, also from inside its own farewell", () => {
  const fixture = new Fixture();
  const codes: string[] = [];
  fixture.session.publish("t", new ArrayBuffer(1), {}, (failure) => {
    codes.push(`first ${failure?.code}`);
    fixture.session.publish("t", new ArrayBuffer(1), {}, (again) =>
      codes.push(`again ${again?.code}`),
    );
  });
  fixture.session.close();
  fixture.session.subscribe("t", {}, (failure) =>
    codes.push(`subscribe ${failure?.code}`),
  );
  fixture.session.unsubscribe("t", (failure) =>
    codes.push(`unsubscribe ${failure?.code}`),
  );
  deepEqual(codes, [
    "first mqtt.closed",
    "again mqtt.closed",
    "subscribe mqtt.closed",
    "unsubscribe mqtt.closed",
  ]);
  equal(fixture.session.length, 0);
});
