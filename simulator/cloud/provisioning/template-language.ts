import { invalid } from "../services/input.js";
import {
  isMap,
  type PayloadMap,
  type PayloadValue,
} from "../services/payload.js";

/** Values of a template's parameters, those of the cloud (`AWS::IoT::Certificate::Id`) among them. */
export type Parameters = ReadonlyMap<string, string>;

/** A template's body, read and found to be one. */
export interface TemplateBody {
  readonly parameters: ReadonlyMap<string, { readonly fallback?: string }>;
  readonly mappings: PayloadMap;
  readonly resources: readonly TemplateResource[];
  readonly deviceConfiguration: PayloadMap;
}

/** One resource of a template, its properties not evaluated yet. */
export interface TemplateResource {
  readonly name: string;
  readonly type:
    "AWS::IoT::Thing" | "AWS::IoT::Certificate" | "AWS::IoT::Policy";
  readonly properties: PayloadMap;
  readonly overrides: PayloadMap;
}

const resourceTypes = [
  "AWS::IoT::Thing",
  "AWS::IoT::Certificate",
  "AWS::IoT::Policy",
] as const;
/** Characters of a template's body. */
const bodyLimit = 10_240;

/**
 * Reads a template's body (AWS, "Provisioning templates").
 * @throws ServiceError InvalidRequestException with what is wrong
 */
export function parseTemplate(text: unknown): TemplateBody {
  if (typeof text !== "string" || text.length > bodyLimit)
    invalid(`templateBody must be text of at most ${bodyLimit} characters.`);
  let body: PayloadValue;
  try {
    body = JSON.parse(text) as PayloadValue;
  } catch (error) {
    invalid(`templateBody is no JSON: ${String(error)}`);
  }
  if (!isMap(body)) invalid("templateBody must be an object.");
  const parameters = mapAt(body, "Parameters");
  const resources = Object.entries(mapAt(body, "Resources"));
  if (resources.length === 0) invalid("templateBody has no Resources.");
  return {
    parameters: new Map(
      Object.entries(parameters).map(([name, rule]) => [
        name,
        parameterOf(name, rule),
      ]),
    ),
    mappings: mapAt(body, "Mappings"),
    resources: resources.map(([name, resource]) => resourceOf(name, resource)),
    deviceConfiguration: mapAt(body, "DeviceConfiguration"),
  };
}

/** Evaluates functions and references in a value. @throws ServiceError InvalidRequestException */
export function evaluate(
  value: PayloadValue | undefined,
  parameters: Parameters,
  mappings: PayloadMap,
): PayloadValue {
  const inner = (item: PayloadValue | undefined) =>
    evaluate(item, parameters, mappings);
  if (isList(value)) return value.map(inner);
  if (!isMap(value)) return value ?? null;
  const keys = Object.keys(value);
  const name = keys.length === 1 ? keys[0] : "";
  if (name !== "Ref" && !name.startsWith("Fn::"))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, inner(item)]),
    );
  const argument = value[name];
  switch (name) {
    case "Ref":
      return valueOf(textOf(argument, name), parameters);
    case "Fn::Join": {
      const [separator, items] = listOf(inner(argument), name, 2);
      return listOf(items, name)
        .map((item) => textOf(item, name))
        .join(textOf(separator, name));
    }
    case "Fn::Select": {
      const [index, items] = listOf(inner(argument), name, 2);
      const list = listOf(items, name);
      return list[Number(index)] ?? invalid(`${name} has no such element.`);
    }
    case "Fn::Split": {
      const [separator, text] = listOf(inner(argument), name, 2);
      return textOf(text, name).split(textOf(separator, name));
    }
    case "Fn::FindInMap": {
      const path = listOf(inner(argument), name, 3);
      return path.reduce<PayloadValue>((map, key) => {
        const text = textOf(key, name);
        if (!isMap(map) || !Object.hasOwn(map, text))
          invalid(`${name} finds no "${text}".`);
        return map[text] ?? null;
      }, mappings);
    }
    case "Fn::Sub": {
      const [text, variables] = isList(argument) ? argument : [argument, {}];
      const own = inner(variables);
      return textOf(text, name).replace(
        /\$\{(!?)([^}]*)\}/g,
        (_, literal: string, variable: string) =>
          literal
            ? `\${${variable}}`
            : isMap(own) && Object.hasOwn(own, variable)
              ? textOf(own[variable], name)
              : valueOf(variable, parameters),
      );
    }
    default:
      return invalid(`The function ${name} is none of templates.`);
  }
}

function valueOf(name: string, parameters: Parameters): string {
  return parameters.get(name) ?? invalid(`The parameter ${name} has no value.`);
}

function parameterOf(
  name: string,
  rule: PayloadValue | undefined,
): { fallback?: string } {
  if (!isMap(rule) || rule.Type !== "String")
    invalid(`The parameter ${name} must have Type String.`);
  return typeof rule.Default === "string" ? { fallback: rule.Default } : {};
}

function resourceOf(
  name: string,
  resource: PayloadValue | undefined,
): TemplateResource {
  const type =
    isMap(resource) && resourceTypes.find((known) => known === resource.Type);
  if (!isMap(resource) || !type)
    invalid(
      `The resource ${name} must have one of ${resourceTypes.join(", ")}.`,
    );
  return {
    name,
    type,
    properties: mapAt(resource, "Properties"),
    overrides: mapAt(resource, "OverrideSettings"),
  };
}

function mapAt(map: PayloadMap, key: string): PayloadMap {
  const value = map[key] ?? {};
  if (!isMap(value)) invalid(`${key} must be an object.`);
  return value;
}

function listOf(
  value: PayloadValue | undefined,
  name: string,
  length?: number,
): readonly PayloadValue[] {
  if (!isList(value) || (length !== undefined && value.length !== length))
    invalid(
      `${name} needs a list${length === undefined ? "" : ` of ${length}`}.`,
    );
  return value;
}

function textOf(value: PayloadValue | undefined, name: string): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") invalid(`${name} needs text.`);
  return value;
}

function isList(
  value: PayloadValue | undefined,
): value is readonly PayloadValue[] {
  return Array.isArray(value);
}
