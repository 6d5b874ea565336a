import { Failure } from "../../../modules/system/failure.js";
import {
  failures,
  type FailureCode,
} from "../../../modules/system/failures.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";

const stages =
  "config flash identity wifi time dns tcp tls mqtt policy sensor".split(" ");

test("every row of the table has a known stage and says what, why and what to do", () => {
  for (const code of Object.keys(failures) as FailureCode[]) {
    const failure = new Failure(code);
    ok(stages.includes(failure.stage), code);
    for (const words of [failure.reason, failure.fix])
      ok(/^[A-Z].*\.$/.test(words), `${code}: ${words}`);
    ok(/^[A-Z].*[^.]$/.test(failure.meaning), code);
  }
});

test("reads as one line that holds meaning, detail, reason, remedy and code", () => {
  const line = String(new Failure("tls.wrong-name", "example.com"));
  ok(
    line.startsWith(
      "The server's certificate is for another name (example.com). ",
    ),
    line,
  );
  ok(line.endsWith("[tls.wrong-name]"), line);
  equal(line.includes("\n"), false);
});

test("an error of another kind becomes the detail of a failure, and a failure stays itself", () => {
  const failure = Failure.from(new Error("no space"), "flash.write-failed");
  equal(failure.code, "flash.write-failed");
  equal(failure.detail, "no space");
  equal(Failure.from(failure, "tcp.closed"), failure);
});
