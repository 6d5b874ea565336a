import SDKResolver from "./sdk-resolver.js";

type Question = Parameters<SDKResolver["resolve"]>[0];

/**
 * `embedded:network/dns/resolver/udp` for the SDK's desktop: the SDK's resolver, which in addition knows that every name
 * under `localhost` is this machine and never asks a server for one (RFC 6761, 6.3, rule 3). The endpoint of the local
 * cloud is such a name.
 */
export default class LocalhostResolver extends SDKResolver {
  override resolve(question: Question): void {
    const { host, onResolved } = question;
    if (!host.endsWith(".localhost")) super.resolve(question);
    else
      super.resolve({
        ...question,
        host: "127.0.0.1",
        onResolved: (_, address) => onResolved(host, address),
      });
  }
}
