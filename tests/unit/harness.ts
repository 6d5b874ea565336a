import Timer from "timer";

/** What a test does. It fails when it throws, or when the promise it returns is rejected. */
type Body = () => void | Promise<void>;

/** How long one test may take, in ms. Generous: it also runs under valgrind. */
const limit = 60_000;

const tests: { name: string; body: Body }[] = [];

/**
 * Adds a test, named by the behaviour it holds to. The tests of a module run one after another once the module is
 * loaded; each prints `ok NAME` or `not ok NAME` and, indented, why. If any failed, the run ends with exit code 1.
 */
export function test(name: string, body: Body): void {
  if (tests.push({ name, body }) === 1) Timer.set(() => void runAll());
}

async function runAll(): Promise<void> {
  let failed = 0;
  for (const { name, body } of tests) {
    try {
      await withLimit(body);
      trace(`ok ${name}\n`);
    } catch (error) {
      failed++;
      trace(`not ok ${name}\n${indented(explain(error))}\n`);
    }
  }
  if (failed > 0) throw summary(`${failed} of ${tests.length} tests failed`);
}

/** Also keeps the event loop running while a test waits for something that never comes, so that it is seen to fail. */
function withLimit(body: Body): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = Timer.set(
      () => reject(new Error(`did not finish within ${limit / 1000} s`)),
      limit,
    );
    Promise.resolve()
      .then(body)
      .finally(() => Timer.clear(timer))
      .then(resolve, reject);
  });
}

function explain(error: unknown): string {
  if (error instanceof Error) return error.stack ?? String(error);
  return `thrown: ${String(error)}`;
}

const indented = (text: string): string => text.replace(/^/gm, "    ");

/** An error that the host prints as its message alone. */
function summary(message: string): Error {
  const error = new Error(message);
  return Object.defineProperty(error, "stack", { value: message });
}
