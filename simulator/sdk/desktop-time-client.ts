/** What happens with the answer: the time in ms since 1970. */
type Callback = (error: Error | null, now?: number) => void;

/**
 * `embedded:network/ntp/client` for the SDK's desktop: the clock there is the desktop's, which the desktop keeps and
 * which a program under the SDK cannot set. So nobody is asked, and a node on a desktop starts without waiting.
 */
export default class DesktopTimeClient {
  readonly target: unknown;
  #open = true;

  /** @param options those of a real client; only `target` means something here */
  constructor(options: {
    servers: string[];
    socket: { io: unknown };
    dns: { io: unknown };
    target?: unknown;
  }) {
    this.target = options.target;
  }

  /** Answers with the desktop's time, after the caller has returned. */
  getTime(callback: Callback): void {
    void Promise.resolve().then(() => {
      if (this.#open) callback(null, Date.now());
    });
  }

  /** Nobody is told the time any more. */
  close(): void {
    this.#open = false;
  }
}
