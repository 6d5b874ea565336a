/**
 * The certificate library, ready to use: every file that makes or reads certificates imports it from here.
 *
 * `@peculiar/x509` finds its algorithms through a dependency injector that asks `Reflect` for decorator metadata when it is
 * loaded. No decorator in it carries any, so a table that answers is all it takes.
 */
const metadata = new WeakMap<object, Map<unknown, unknown>>();

const reflection = {
  defineMetadata(key: unknown, value: unknown, target: object): void {
    const values = metadata.get(target) ?? new Map<unknown, unknown>();
    values.set(key, value);
    metadata.set(target, values);
  },
  getOwnMetadata: (key: unknown, target: object): unknown =>
    metadata.get(target)?.get(key),
  getMetadata: (key: unknown, target: object): unknown =>
    metadata.get(target)?.get(key),
};
if (!("getMetadata" in Reflect)) Object.assign(Reflect, reflection);

const x509 = await import("@peculiar/x509");
export default x509;
