/**
 * Whole files in the node's flash, which on a desktop is the folder of the option --flash ($FIELDNODE_FLASH).
 *
 * A file is replaced in one step: after a crash or a power cut it has its old content or its new one, never a mixture.
 */
export class FlashFile {
  readonly #name: string;

  /** @param name without a folder */
  constructor(name: string) {
    this.#name = name;
  }

  /** The content, or undefined when there is no such file. Throws an Error that names the file when it cannot be read. */
  read(): ArrayBuffer | undefined {
    return FlashFile.#read(this.#name);
  }

  /** Replaces the content; on return it is on the disk. Throws an Error that names the file when that failed. */
  write(content: ArrayBufferLike | ArrayBufferView): void {
    FlashFile.#write(this.#name, content);
  }

  /** Where the file is, for messages. */
  get path(): string {
    return FlashFile.#path(this.#name);
  }

  static #read(name: string): ArrayBuffer | undefined {
    return native<(name: string) => ArrayBuffer | undefined>(
      "xs_flash_file_read",
    ).call(this, name);
  }

  static #write(
    name: string,
    content: ArrayBufferLike | ArrayBufferView,
  ): void {
    native<(name: string, content: ArrayBufferLike | ArrayBufferView) => void>(
      "xs_flash_file_write",
    ).call(this, name, content);
  }

  static #path(name: string): string {
    return native<(name: string) => string>("xs_flash_file_path").call(
      this,
      name,
    );
  }
}
