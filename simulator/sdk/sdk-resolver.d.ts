/**
 * The SDK's own resolver (examples/io/udp/dns of the SDK): IPv4 addresses only, over UDP port 53. The manifest puts it
 * beside the module that stands in front of it.
 */
export default class SDKResolver {
  constructor(options: { servers: string[]; socket: { io: unknown } });
  resolve(options: {
    host: string;
    onResolved: (host: string, address: string) => void;
    onError: (host: string) => void;
  }): void;
  close(): void;
}
