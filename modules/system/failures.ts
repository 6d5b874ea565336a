/** A row of the table: what happened, why it usually does, what to do, and whether time alone can cure it. */
export interface FailureWords {
  readonly meaning: string;
  readonly reason: string;
  readonly fix: string;
  readonly heals: boolean;
}

const lasting = (
  meaning: string,
  reason: string,
  fix: string,
): FailureWords => ({
  meaning,
  reason,
  fix,
  heals: false,
});

const passing = (
  meaning: string,
  reason: string,
  fix: string,
): FailureWords => ({
  meaning,
  reason,
  fix,
  heals: true,
});

/** Every failure of the firmware and its words, by stage. The one place to look a code up. */
export const failures = {
  "config.missing": lasting(
    "A setting is missing",
    "The configuration does not hold what the node needs to start.",
    "Add the setting to the manifest's config section, or to the command line of the simulator.",
  ),
  "config.invalid": lasting(
    "A setting has a value that cannot be used",
    "It is misspelt, or of the wrong kind.",
    "Correct the setting.",
  ),

  "flash.unreadable": lasting(
    "The node's flash cannot be read",
    "The file or partition is missing, or not readable for this user.",
    "Check the flash folder's path and permissions, or flash the node again.",
  ),
  "flash.corrupt": lasting(
    "What is stored in flash is damaged",
    "Its checksum does not fit its content.",
    "Write the identity or the settings again; the damaged entry is left as it is.",
  ),
  "flash.write-failed": passing(
    "The node's flash cannot be written",
    "It is full, read-only or worn out.",
    "Free space or replace the flash; what was stored before is still whole.",
  ),

  "identity.no-key": lasting(
    "The node has no private key",
    "It was never provisioned, or its flash was erased.",
    "Provision it: npm run provision, then flash its identity.",
  ),
  "identity.no-certificate": lasting(
    "The node has a key but no certificate",
    "Provisioning stopped half way.",
    "Have a certificate issued for the node's key and store it.",
  ),
  "identity.bad-key": lasting(
    "The private key cannot be read",
    "It is not a PEM or DER key in SEC1, PKCS#1 or PKCS#8 form.",
    "Export the key as PEM or DER, and provision the node again.",
  ),
  "identity.encrypted-key": lasting(
    "The private key is encrypted, and the node has nobody to ask for the password",
    "It was exported with a password.",
    "Decrypt it (openssl pkey -in FILE -out plain.key.pem) and provision the node again; flash encryption protects it there.",
  ),
  "identity.weak-key": lasting(
    "The private key is too weak",
    "An RSA key needs 2048 bits or more; AWS IoT Core refuses shorter ones.",
    "Have a certificate issued for a P-256 key, or for RSA with 2048 bits.",
  ),
  "identity.unsupported-key": lasting(
    "The private key is of a kind that the node does not use",
    "It is neither on P-256 or P-384 nor RSA with 2048 to 4096 bits.",
    "Have a certificate issued for a P-256 key.",
  ),
  "identity.hardware-key": lasting(
    "The private key in hardware cannot be used",
    "The firmware has no driver for it, or the chip does not answer or sign.",
    "Build the firmware with the board's driver (modules/identity/hardware-key.h), and check the chip.",
  ),
  "identity.bad-certificate": lasting(
    "The certificate cannot be read",
    "It is not an X.509 certificate in PEM or DER form.",
    "Provision the node with the certificate file that belongs to its key.",
  ),
  "identity.mismatch": lasting(
    "The private key and the certificate do not belong together",
    "They come from two different provisionings.",
    "Use the key and the certificate that were made together.",
  ),
  "identity.expired": passing(
    "The node's own certificate has expired, so servers will refuse it",
    "It was issued for a limited time, which is over; or the node's clock is ahead.",
    "Have a new certificate issued (Identity.generate(), csr(), store(), activate()), or provision the node again.",
  ),
  "identity.no-pending": lasting(
    "There is no new identity in the pending slot",
    "None was generated, or what lies there is the one from before.",
    "Make a key with Identity.generate(), then store the certificate for it.",
  ),
  "identity.no-previous": lasting(
    "There is no identity to return to",
    "The node was not changed to another identity, or has a newer key pending since.",
    "Go on with the active identity, or prepare a new one with Identity.generate().",
  ),
  "identity.no-trust": lasting(
    "The node trusts no root certificate, so it cannot tell the real server from a false one",
    "Neither its flash nor the firmware holds a root for this endpoint.",
    "Store the endpoint's root certificate as trust; for AWS these are Amazon Root CA 1 and 3.",
  ),
  "identity.bad-trust": lasting(
    "A trusted root certificate cannot be used",
    "It is not an X.509 certificate in PEM or DER form, or not one of a certificate authority.",
    "Provision the node with the root certificate of its endpoint.",
  ),

  "wifi.not-found": passing(
    "The Wi-Fi network is not to be seen",
    "It is out of range or switched off, or its name is misspelt.",
    "Check the network's name and the distance; the node keeps looking.",
  ),
  "wifi.wrong-password": passing(
    "The Wi-Fi network refuses the node",
    "The password is wrong, or the signal is too weak for the handshake.",
    "Check the password; the node tries again more slowly.",
  ),
  "wifi.lost": passing(
    "The Wi-Fi connection was lost",
    "The access point restarted or the signal faded.",
    "Nothing to do if it comes back; the node joins again by itself.",
  ),
  "wifi.kicked": passing(
    "The access point put the node out",
    "It restarted, its list of stations is full or filtered, or it lost patience with a weak signal.",
    "Nothing to do if the node comes back; otherwise look into the access point's log.",
  ),
  "wifi.too-weak": passing(
    "The Wi-Fi signal is too weak",
    "The access point is too far away, or the antenna is covered or broken.",
    "Move the node or the access point closer together; below -85 dBm a link does not last.",
  ),
  "wifi.security": passing(
    "The access point and the node have no Wi-Fi security in common",
    "It wants another method than the network's password, or only one that is not safe any more.",
    "Set the access point to WPA2 or WPA3 with a password (personal).",
  ),
  "wifi.full": passing(
    "The access point takes no more stations",
    "It has as many as it can serve.",
    "Add an access point, or raise its limit; the node tries again.",
  ),
  "wifi.refused": passing(
    "The access point refuses the node's association",
    "It filters by MAC address, or does not know what to do with the node's request.",
    "Look into the access point's log and its filters; the node tries again.",
  ),
  "wifi.failed": passing(
    "The Wi-Fi interface does not do what it is told",
    "It is busy, or cannot use the network's name or password.",
    "Check name and password; the node tries again.",
  ),
  "wifi.no-address": passing(
    "The Wi-Fi network gave the node no address",
    "Its DHCP server does not answer or has no address left.",
    "Check the router's DHCP server; the node tries again.",
  ),

  "time.no-answer": passing(
    "No time server answers",
    "The network blocks NTP (UDP port 123), or the servers are down.",
    "Allow NTP, or name a time server inside the network.",
  ),

  "dns.not-found": passing(
    "The endpoint's name is not known",
    "It is misspelt, or the name server of this network does not know it.",
    "Check the endpoint: aws iot describe-endpoint --endpoint-type iot:Data-ATS prints it.",
  ),
  "dns.no-answer": passing(
    "No name server answers",
    "The network blocks DNS, or has no way to the Internet.",
    "Check the network; the node tries again.",
  ),

  "tcp.unreachable": passing(
    "The endpoint cannot be reached",
    "Nothing listens there, or a firewall blocks the port.",
    "Check address and port (8883, or 443 where only that is open); the node tries again.",
  ),
  "tcp.timed-out": passing(
    "The endpoint does not answer",
    "A firewall drops the packets, or the network is down.",
    "Check that outgoing port 8883 is open; the node tries again.",
  ),
  "tcp.closed": passing(
    "The connection broke",
    "The network failed, or the server restarted.",
    "Nothing to do; the node connects again.",
  ),

  "tls.out-of-memory": passing(
    "There was not enough memory for TLS",
    "Too much of the heap is in use at the moment of the handshake.",
    "Free memory: fewer buffers, smaller XS heap; the node tries again.",
  ),
  "tls.unknown-root": lasting(
    "The server's certificate does not end at a root that this node trusts",
    "The endpoint is not the one the node was provisioned for, its root was changed, or somebody intercepts the connection.",
    "Provision the root certificate of this endpoint, and use the -ats endpoint on AWS.",
  ),
  "tls.wrong-name": lasting(
    "The server's certificate is for another name",
    "The endpoint is misspelt, or somebody intercepts the connection.",
    "Use the endpoint's name exactly as the certificate has it.",
  ),
  "tls.unknown-name": lasting(
    "The server does not answer for the name that the node asked for",
    "The endpoint is misspelt, or its name leads to another server.",
    "Use the endpoint's name exactly as the service gives it.",
  ),
  "tls.server-expired": passing(
    "The server's certificate has expired",
    "The server was not maintained, or the node's clock is ahead.",
    "Check the node's time, then renew the server's certificate.",
  ),
  "tls.server-not-yet-valid": passing(
    "The server's certificate is not valid yet",
    "The node's clock is behind, or the certificate was issued for later.",
    "Check the node's time.",
  ),
  "tls.clock-unset": passing(
    "The node's clock was never set, so dates cannot be judged",
    "The time servers did not answer since the node started.",
    "Let the node reach a time server (NTP, UDP port 123).",
  ),
  "tls.wrong-usage": lasting(
    "The server's certificate may not be used for a server",
    "Its key usage or extended key usage forbids it, or it was signed by a certificate that is no authority.",
    "Issue the server a certificate for server authentication, by a real certificate authority.",
  ),
  "tls.weak-certificate": lasting(
    "The server's certificate has a key or a signature that the node does not accept",
    "A key in its chain is too short or of a curve that AWS does not use, or a signature is by an old hash such as SHA-1.",
    "Issue the server a certificate with RSA of 2048 bits or more, or P-256, and SHA-256.",
  ),
  "tls.bad-certificate": lasting(
    "The server's certificate is malformed",
    "It is damaged or does not follow X.509.",
    "Check the server's certificate with openssl x509 -text.",
  ),
  "tls.chain-too-long": lasting(
    "The server sends more certificates than this node's TLS library looks at",
    "Its chain file holds certificates that do not belong to it.",
    "Give the server its own certificate and the intermediates up to the root, no more.",
  ),
  "tls.no-common-version": lasting(
    "Node and server have no TLS version in common",
    "The server insists on a version that this node's library or settings do not have.",
    "Allow TLS 1.2 on the server, or build the node with TLS 1.3.",
  ),
  "tls.no-common-suite": lasting(
    "Node and server have no cipher suite in common",
    "One side allows only suites, curves or signatures that the other does not have.",
    "Allow ECDHE with AES-GCM, the curve P-256, and signatures by ECDSA or RSA PKCS#1 with SHA-256 on the server.",
  ),
  "tls.no-common-signature": lasting(
    "The server proves its identity by a kind of signature that this node's TLS library cannot check",
    "It insists on RSA-PSS with TLS 1.2, or the message was changed on its way.",
    "Allow RSA PKCS#1 signatures on the server, or TLS 1.3.",
  ),
  "tls.certificate-refused": lasting(
    "The server refuses this node's certificate",
    "It is unknown or inactive there.",
    "Register and activate the node's certificate with the server.",
  ),
  "tls.certificate-missing": lasting(
    "The server demands a certificate, and the node has sent none",
    "The connection was made without an identity.",
    "Provision the node: npm run provision, then flash its identity.",
  ),
  "tls.certificate-unsupported": lasting(
    "The server has no use for a certificate such as this node's",
    "Its key or signature is of a kind that is not allowed there, or it is not for clients.",
    "Issue the node a certificate for client authentication, with a key on P-256 and SHA-256.",
  ),
  "tls.certificate-revoked": lasting(
    "This node's certificate was revoked",
    "Somebody withdrew it at the server.",
    "Find out why, then provision the node with a new key and certificate.",
  ),
  "tls.certificate-expired": lasting(
    "This node's certificate has expired by the server's clock",
    "It was not renewed, or the server's clock is wrong.",
    "Issue and store a new certificate for the node's key.",
  ),
  "tls.certificate-unknown-issuer": lasting(
    "The server does not know who issued this node's certificate",
    "The node was provisioned for another service, or its issuer is not registered there.",
    "Provision the node for this server, or register the issuer with it.",
  ),
  "tls.access-denied": lasting(
    "The server knows this node's certificate and denies it access",
    "A rule of the server's own.",
    "Look the node up in the server's rules.",
  ),
  "tls.own-chain-too-long": lasting(
    "This node's certificate and its intermediates are too long to be sent",
    "They take more than one TLS record.",
    "Store the node's certificate with the intermediates that the server needs, no more.",
  ),
  "tls.cannot-sign": lasting(
    "The node cannot sign with its private key",
    "The chip that holds the key does not answer, or the key does not allow what the server asks for.",
    "Check the secure element; for a key in flash, provision the node again.",
  ),
  "tls.alpn-refused": lasting(
    "The server does not speak the protocol that the node asked for by ALPN",
    "Port 443 of another service answers, or a proxy stands between.",
    "Check endpoint and port.",
  ),
  "tls.tampered": passing(
    "A record was changed or damaged on its way",
    "Somebody or something between node and server alters the data.",
    "If it comes back, look for a proxy or faulty equipment in the network.",
  ),
  "tls.truncated": passing(
    "The connection ended without a proper close, so something may be missing",
    "The network failed, the server crashed, or somebody cut the connection.",
    "Nothing to do; the node connects again.",
  ),
  "tls.closed": passing(
    "The server closed the connection",
    "It ended the connection in the proper way.",
    "The node connects again.",
  ),
  "tls.timed-out": passing(
    "The handshake took too long",
    "The network is very slow, or the server stopped answering.",
    "Nothing to do; the node tries again.",
  ),
  "tls.busy": passing(
    "Other connections of the node took all the time there was for a handshake",
    "A node makes one handshake at a time, and one before this was slow.",
    "Nothing to do; the node tries again.",
  ),
  "tls.refused": passing(
    "The server refuses the handshake",
    "It does not say why. Often it does not accept the node's certificate.",
    "Look the connection up in the server's log.",
  ),
  "tls.not-understood": passing(
    "The server does not accept a message of the node",
    "Server and node read the rules of TLS differently, or something between alters the data.",
    "If it comes back, look the alert up in the server's log and report it.",
  ),
  "tls.server-failed": passing(
    "The server gave up for a reason of its own",
    "It is overloaded or misconfigured, or it was stopped.",
    "Nothing to do if it passes; else look in the server's log.",
  ),
  "tls.alert": passing(
    "The server ended the connection with an alert that has no meaning for a node",
    "Its number stands in brackets.",
    "Look the alert up in the server's log.",
  ),
  "tls.protocol": passing(
    "What the server sent is not proper TLS",
    "Another service answers on this port, or something between alters the data.",
    "Check endpoint and port.",
  ),
  "tls.record-too-long": passing(
    "The server sent a record that is longer than TLS allows",
    "Something between node and server alters the data, or the server does not keep to 16 KB.",
    "If it comes back, look for a proxy in the network, or for another make of server.",
  ),
  "tls.unsupported": passing(
    "The server wants something of TLS that this node does not do",
    "For example a handshake message in several records (mbedTLS 2.28), a key update, or one request after another to negotiate anew.",
    "Switch it off on the server.",
  ),
  "tls.no-randomness": passing(
    "The node has no random numbers",
    "The chip's generator does not work, or was not started.",
    "Restart the node; if it comes back, replace it.",
  ),
  "tls.internal": passing(
    "The TLS library failed",
    "An internal error, with its number in brackets.",
    "Report it with the number.",
  ),

  "mqtt.malformed": passing(
    "The broker sent what MQTT forbids",
    "The broker is faulty, or something else answers on its port.",
    "Check endpoint and port.",
  ),
  "mqtt.no-connack": passing(
    "The broker does not answer CONNECT",
    "It is overloaded, or what listens there is not MQTT.",
    "Nothing to do if it passes; the node tries again.",
  ),
  "mqtt.refused": passing(
    "The broker refuses the connection",
    "Its reason stands in brackets.",
    "Act on the broker's reason; the node tries again.",
  ),
  "mqtt.closed-before-connack": lasting(
    "The server closed the connection before it accepted it",
    "On AWS IoT Core this means that the certificate is not registered, not ACTIVE, or has no policy that allows iot:Connect with this client id.",
    "Check that the certificate is ACTIVE, attached to the thing and to a policy, and that the client id is the thing's name.",
  ),
  "mqtt.disconnected": passing(
    "The broker ended the connection",
    "Its reason stands in brackets.",
    "Act on the broker's reason; the node connects again.",
  ),
  "mqtt.session-taken": passing(
    "Another client connected with this client id",
    "Two nodes share one thing name.",
    "Give each node a thing and a certificate of its own.",
  ),
  "mqtt.keep-alive": passing(
    "The broker was silent for too long",
    "The network broke without saying so.",
    "Nothing to do; the node connects again.",
  ),
  "mqtt.unsupported": lasting(
    "MQTT as AWS IoT Core has it does not do this",
    "QoS 2, for example, does not exist there.",
    "Use what the service has: QoS 0 or 1.",
  ),
  "mqtt.too-large": lasting(
    "The message is larger than the broker takes",
    "IoT Core takes 128 KB a message.",
    "Send it in parts.",
  ),
  "mqtt.topic-invalid": lasting(
    "This topic cannot be used",
    "It is not what MQTT allows, or beyond IoT Core's limits: 256 bytes and 7 slashes.",
    "Correct the topic or filter.",
  ),
  "mqtt.too-many": lasting(
    "More at a time than AWS IoT Core allows",
    "The limit stands in brackets.",
    "End subscriptions that are not needed, or join several by a wildcard.",
  ),
  "mqtt.quota": passing(
    "The broker has no room for it now",
    "A quota of the account or of the connection is used up.",
    "Publish less often, or raise the quota.",
  ),
  "mqtt.full": passing(
    "Too many messages wait to be acknowledged",
    "The node is offline, or publishes faster than the broker acknowledges.",
    "Publish again when earlier messages are through.",
  ),
  "mqtt.rejected": lasting(
    "The broker did not take the message or subscription",
    "Its reason stands in brackets.",
    "Act on the broker's reason.",
  ),
  "mqtt.closed": passing(
    "The connection was closed before the message was acknowledged",
    "The node went offline or was told to stop.",
    "Publish it again when the node is online.",
  ),

  "policy.connect-denied": lasting(
    "The node is known, but not allowed to connect",
    "No policy of its certificate allows iot:Connect for this client id.",
    "Attach a policy that does, and use the thing's name as client id.",
  ),
  "policy.publish-denied": lasting(
    "The node is not allowed to publish to this topic",
    "No policy of its certificate allows iot:Publish for it.",
    "Allow the topic in the policy.",
  ),
  "policy.subscribe-denied": lasting(
    "The node is not allowed to subscribe to this filter",
    "No policy of its certificate allows iot:Subscribe for it.",
    "Allow the topic filter in the policy.",
  ),
  "policy.likely": passing(
    "The server closed the connection right after the node sent something",
    "With MQTT 3.1.1, IoT Core says so when a policy does not allow the topic.",
    "Check iot:Publish and iot:Subscribe in the policy, or use MQTT 5, which gives the reason.",
  ),

  "sensor.no-driver": lasting(
    "The firmware has no driver of that name for a sensor",
    "The manifest does not include the driver's manifest, or the setting is misspelt.",
    "Include the driver's manifest of the SDK, and name its module: embedded:sensor/….",
  ),
} as const satisfies Record<string, FailureWords>;

/** A code of the table: `stage.name`. */
export type FailureCode = keyof typeof failures;
