/**
 * XS's Native API (documentation/xs/XS in C.md of the Moddable SDK), typed strictly.
 *
 * `class Foo extends Native("xs_foo_destructor")` makes the instances host objects; a method whose body is
 * `return native<(n: number) => number>("xs_foo_read").call(this, n);` becomes the C function itself.
 * The type argument is the native's signature; it is erased, and wrong arguments or results are compile errors.
 */
declare function Native(destructor: string): new () => object;

declare function native<
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- it is the native's signature
  F extends (...args: never[]) => unknown = (...args: unknown[]) => unknown,
>(name: string): F;

/** Writes to the console of the device: a serial line, xsbug, or standard output on a desktop. */
declare function trace(...text: (string | number | boolean)[]): void;

interface StringConstructor {
  /** XS: the string whose UTF-8 bytes the buffer holds. Throws on malformed UTF-8. */
  fromArrayBuffer(buffer: ArrayBufferLike): string;
}

interface ArrayBufferConstructor {
  /** XS: the string's UTF-8 bytes. */
  fromString(text: string): ArrayBuffer;
}

interface ArrayBuffer {
  /** XS: a new buffer that holds this one's bytes and then those of the others. */
  concat(...buffers: ArrayBufferLike[]): ArrayBuffer;
}
