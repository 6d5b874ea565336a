import x509 from "../x509.js";

/** Attributes of a name that policies can ask for, by object identifier. */
const attributes: Readonly<Record<string, string>> = {
  "2.5.4.46": "DistinguishedNameQualifier",
  "2.5.4.6": "Country",
  "2.5.4.10": "Organization",
  "2.5.4.11": "OrganizationalUnit",
  "2.5.4.8": "State",
  "2.5.4.3": "CommonName",
  "2.5.4.5": "SerialNumber",
  "2.5.4.12": "Title",
  "2.5.4.4": "Surname",
  "2.5.4.42": "GivenName",
  "2.5.4.43": "Initials",
  "2.5.4.65": "Pseudonym",
  "2.5.4.44": "GenerationQualifier",
};

const alternativeNames: Readonly<Record<string, string>> = {
  email: "RFC822Name",
  dns: "DNSName",
  dn: "DirectoryName",
  url: "UniformResourceIdentifier",
  ip: "IPAddress",
};

/**
 * The policy variables that a certificate gives: `iot:Certificate.Subject.CommonName`, `.Issuer.…`, `.SerialNumber` and so
 * on. A name's first value has no suffix; `.1` is the second; `.List` is all of them.
 */
export function certificateVariables(pem: string): Map<string, string[]> {
  const variables = new Map<string, string[]>();
  const certificate = new x509.X509Certificate(pem);
  addName(variables, "Subject", certificate.subjectName);
  addName(variables, "Issuer", certificate.issuerName);
  for (const [owner, extension] of [
    ["Subject", certificate.getExtension(x509.SubjectAlternativeNameExtension)],
    ["Issuer", certificate.getExtension(x509.IssuerAlternativeNameExtension)],
  ] as const)
    for (const { type, value } of extension?.names.items ?? []) {
      const name = alternativeNames[type];
      if (name)
        addValue(
          variables,
          `iot:Certificate.${owner}.AlternativeName.${name}`,
          value,
        );
    }
  variables.set("iot:Certificate.SerialNumber", [certificate.serialNumber]);
  variables.set("iot:Certificate.AvailableKeys", [...variables.keys()]);
  return variables;
}

function addName(
  variables: Map<string, string[]>,
  owner: string,
  name: {
    toJSON(): Record<string, string[]>[];
    getField(id: string): string[];
  },
): void {
  for (const [id, attribute] of Object.entries(attributes))
    for (const value of name.getField(id))
      addValue(variables, `iot:Certificate.${owner}.${attribute}`, value);
}

/** Adds one more value of a variable under all of its spellings. */
function addValue(
  variables: Map<string, string[]>,
  name: string,
  value: string,
): void {
  const list = variables.get(`${name}.List`) ?? [];
  variables.set(list.length === 0 ? name : `${name}.${list.length}`, [value]);
  variables.set(`${name}.List`, [...list, value]);
}
