import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import WiFi from "embedded:network/interface/wifi";
import NTP from "embedded:network/ntp/client";
import config from "mc/config";

/**
 * Joins the access point that its settings describe, and prints the address of each name in `config.names` and the time:
 * for tests/system/access-point.test.ts.
 */
interface Settings {
  wifi: { SSID: string; password: string };
  dns: string[];
  ntp: string[];
  names: string[];
}

const { wifi, dns: servers, ntp, names } = config as unknown as Settings;
const dns = { io: Resolver, servers, socket: { io: UDP } };

const network = new WiFi({
  onChanged: (property) => {
    if (property === "address") void ask();
  },
});
network.connect(wifi);

async function ask(): Promise<void> {
  const resolver = new Resolver(dns);
  for (const host of names)
    trace(`${host}: ${await resolve(resolver, host)}\n`);
  resolver.close();
  const client = new NTP({ servers: ntp, socket: { io: UDP }, dns });
  client.getTime((error, time) => {
    client.close();
    trace(error ? String(error) : `time: ${time}\n`);
  });
}

function resolve(resolver: Resolver, host: string): Promise<string> {
  return new Promise((resolve) =>
    resolver.resolve({
      host,
      onResolved: (_, address) => resolve(address),
      onError: () => resolve("unknown"),
    }),
  );
}
