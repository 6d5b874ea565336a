/** What a device under test is started with. Names of files are absolute. */
export interface SubjectStart {
  readonly host: string;
  readonly port: number;
  /** PEM files. */
  readonly cert: string;
  readonly key: string;
  readonly trust: string;
  /** Name of the thing; the client id, if the device leaves that to be chosen. */
  readonly thing: string;
  /** So many seconds pass for it in one of the machine's. */
  readonly scale: number;
  /** A folder of its own, empty. */
  readonly folder: string;
  /** Is told each line that it prints. */
  readonly onLine: (line: string) => void;
}

/** A device under test that runs. */
export interface RunningSubject {
  /** Resolves when it ended by itself, with words for how. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** A kind of device that can be put to the test: each case gets a fresh one. */
export interface Subject {
  readonly name: string;
  /** Name of the endpoint; one that this device can resolve to the loopback. */
  readonly host: string;
  /** Whether its time can be made to run faster. */
  readonly scalable: boolean;
  start(start: SubjectStart): Promise<RunningSubject>;
}
