import * as fc from 'fast-check';
import { z } from 'zod';

/** As much of JSON Schema 2020-12 as the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface GeneratedRequest {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Names of values that requests have in common, so that they meet: drawn again when a request is sent. */
export const HANDLE = 'handle from an answer before';
export const TOKEN = 'token from an answer before';

/** Requests to every operation of a document: most as it describes them, some spoilt. */
export function requestsFrom(document: Document): fc.Arbitrary<GeneratedRequest> {
  const requests = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      requestTo(document, method.toUpperCase(), path, operation),
    ),
  );
  return fc.oneof(...requests);
}

function requestTo(
  document: Document,
  method: string,
  path: string,
  operation: Operation,
): fc.Arbitrary<GeneratedRequest> {
  const { parameters = [], requestBody } = operation;
  const values = fc.record(
    Object.fromEntries(
      parameters.map(({ name, schema }) => [name, valueOf(document, name, schema)]),
    ),
    { requiredKeys: parameters.filter(({ required }) => required).map(({ name }) => name) },
  );
  const schema = requestBody?.content?.['application/json']?.schema;
  const sound = schema ? valueOf(document, 'body', schema) : fc.constant(undefined);
  const body = schema
    ? fc.oneof(
        { weight: 8, arbitrary: sound.map((json) => JSON.stringify(json)) },
        { weight: 1, arbitrary: fc.json() },
        { weight: 1, arbitrary: sound.chain(spoilt) },
      )
    : fc.constant(undefined);
  return fc.tuple(values, body).map(([given, text]) => {
    const of = (place: string) => parameters.filter((parameter) => parameter.in === place);
    const query = new URLSearchParams();
    for (const { name } of of('query')) if (name in given) query.set(name, String(given[name]));
    const named = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(String(given[name])),
    );
    const headers = of('header').flatMap(({ name }): [string, string][] =>
      name in given && name !== 'Agent-Once-Namespace' ? [[name, printable(given[name])]] : [],
    );
    return {
      operation,
      method,
      path: query.size > 0 ? `${named}?${query.toString()}` : named,
      headers: Object.fromEntries(headers),
      ...(text !== undefined && { body: text }),
    };
  });
}

function printable(value: unknown): string {
  return String(value)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .trim();
}

/** One member changed for anything, or the text cut short. */
function spoilt(json: unknown): fc.Arbitrary<string> {
  const names = Object.keys(json as object);
  const cut = fc.nat({ max: 40 }).map((length) => JSON.stringify(json).slice(0, length));
  if (names.length === 0) return cut;
  const changed = fc
    .tuple(fc.constantFrom(...names), fc.jsonValue())
    .map(([name, value]) => JSON.stringify({ ...(json as object), [name]: value }));
  return fc.oneof(cut, changed);
}

function valueOf(document: Document, name: string, schema: Schema): fc.Arbitrary<unknown> {
  const { $ref, type, anyOf, oneOf, properties = {}, required = [] } = schema;
  if ($ref) return valueOf(document, name, resolved(document, $ref));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = anyOf ?? oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => valueOf(document, name, choice)));
  switch (type) {
    case 'string':
      return textOf(name, schema);
    case 'integer':
    case 'number':
      if (name === 'ifVersion' || name === 'fence') return fc.integer({ min: 0, max: 4 });
      return fc.oneof(
        fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 9, 100_000) }),
        fc.maxSafeInteger(),
      );
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueOf(document, name, schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: 4,
      });
    case 'object':
      return objectOf(document, properties, required);
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

function objectOf(
  document: Document,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
): fc.Arbitrary<unknown> {
  const values = Object.entries(properties).map(
    ([name, schema]) => [name, valueOf(document, name, schema)] as const,
  );
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  // Few at a time, or no two requests would ever be about the same operation.
  const some = fc.shuffledSubarray(optional).map((names) => names.slice(0, 3));
  return fc
    .tuple(fc.record(Object.fromEntries(values)), some)
    .map(([whole, kept]) =>
      Object.fromEntries([...required, ...kept].map((name) => [name, whole[name]])),
    );
}

function textOf(name: string, { pattern, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  const few = fc.constantFrom('order-1', 'order-2', 'order-3');
  switch (name) {
    case 'handle':
      return fc.constant(HANDLE);
    case 'key':
    case 'Idempotency-Key':
      return fc.oneof({ weight: 4, arbitrary: few }, fc.string({ minLength: 1, maxLength: 20 }));
    case 'token':
    case 'root':
      return fc.oneof(fc.constant(TOKEN), fc.stringMatching(new RegExp(pattern ?? '')));
    case 'entity':
      return fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom('account/1', 'account/2', 'stock.item/.') },
        { weight: 1, arbitrary: fc.string({ maxLength: 20 }).map((id) => `account/${id}`) },
      );
    case 'action':
      return fc.constantFrom('payments.charge', 'mail.send');
    default:
      return pattern === undefined || /\\u/.test(pattern)
        ? fc.string({ unit: 'grapheme', minLength: 1, maxLength: Math.min(maxLength, 40) })
        : fc.stringMatching(new RegExp(pattern));
  }
}

function resolved({ components }: Document, ref: string): Schema {
  const schema = components.schemas[ref.split('/').at(-1) ?? ''];
  if (!schema) throw new RangeError(`The document has no ${ref}.`);
  return schema;
}

/** What is wrong with an answer, by the document; nothing where it is as described. */
export function answerCheck(
  document: Document,
): (operation: Operation, status: number, type: string, body: unknown) => string | undefined {
  const compiled = new Map<Schema, z.ZodType>();
  return ({ responses }, status, type, body) => {
    const described = responses[String(status)];
    if (!described) return `status ${status} is not described`;
    const schema = described.content?.[type]?.schema;
    if (!schema) return `${type} is not described for ${status}`;
    let check = compiled.get(schema);
    if (!check) {
      const whole = { ...schema, $defs: document.components.schemas };
      const text = JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/');
      check = z.fromJSONSchema(JSON.parse(text));
      compiled.set(schema, check);
    }
    const parsed = check.safeParse(body);
    return parsed.success ? undefined : z.prettifyError(parsed.error);
  };
}
