import type { Document, Operation, Schema } from './requests-from-document.ts';

interface Described extends Schema {
  readonly description?: string;
  readonly example?: string;
  readonly minLength?: number;
  readonly maxItems?: number;
}

interface DescribedOperation extends Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly headers?: Readonly<Record<string, { readonly description?: string }>>;
        readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
      }
    >
  >;
}

interface DescribedDocument extends Document {
  readonly info: { readonly title: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

const HEAD = `# The HTTP service, call by call

This page is written from \`functions/openapi.json\`; what the calls are for, and in which order, is told in
[the HTTP service](http-service.md). Every call needs \`Authorization: Bearer …\`, answers JSON, and may be
sent again. Each problem has \`code\`, \`retryable\` and \`advice\`: see [Problem](#problem).
`;

/** A document as a page for people, in Markdown. */
export function referencePage(document: DescribedDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method,
      operation: operation as DescribedOperation,
    })),
  );
  const sections = document.tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return [`## ${capital(name)}\n\n${description}\n`, ...own.map(operationSection)].join('\n');
  });
  const schemas = Object.entries(document.components.schemas)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => schemaSection(name, schema));
  return [HEAD, ...sections, '## Schemas\n', ...schemas].join('\n');
}

function operationSection({
  path,
  method,
  operation,
}: {
  path: string;
  method: string;
  operation: DescribedOperation;
}): string {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const told = parameters
    .filter(({ name }) => name !== 'Agent-Once-Namespace')
    .map((parameter) => {
      const { name, required } = parameter;
      const place = parameter.in === 'header' ? 'header' : parameter.in;
      const what = typed(parameter.schema, `in the ${place}${required ? '' : ', optional'}`);
      return `- \`${name}\`: ${what}`;
    });
  const body = requestBody?.content?.['application/json']?.schema;
  const answers = Object.entries(responses).flatMap(([status, response]) => {
    const schema = response.content?.['application/json']?.schema;
    if (!schema) return [];
    const headers = Object.keys(response.headers ?? {}).map((name) => `\`${name}\``);
    const shown = headers.length > 0 ? ` Headers: ${headers.join(', ')}.` : '';
    return [`- \`${status}\`: ${nameOf(schema)}.${shown}`];
  });
  const problems = Object.keys(responses).filter(
    (status) => responses[status]?.content?.['application/problem+json'],
  );
  return [
    `### ${operationId}\n`,
    `\`${method.toUpperCase()} ${path}\`\n`,
    `${[summary, description].filter(Boolean).join(' ')}\n`,
    ...(told.length > 0 ? [`${told.join('\n')}\n`] : []),
    ...(body ? [`Body: ${nameOf(body)}.\n`] : []),
    `Answers:\n\n${answers.join('\n')}\n`,
    `Problems: ${problems.join(', ')}.\n`,
  ].join('\n');
}

function schemaSection(name: string, schema: Described): string {
  const about = schema.description === undefined ? '' : `${schema.description}\n\n`;
  const choices = schema.oneOf ?? schema.anyOf;
  if (!choices) return `### ${name}\n\n${about}${membersOf(schema, '')}\n`;
  const told = choices.map((choice) => {
    const verb = choice.properties?.['verb'] ?? {};
    return `- \`verb\`: ${nameOf(verb)}\n${membersOf(choice, '  ', new Set(['verb']))}`;
  });
  return `### ${name}\n\n${about}One of:\n\n${told.join('\n')}\n`;
}

function membersOf(schema: Described, indent: string, but = new Set<string>()): string {
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => !but.has(name))
    .map(([name, member]) => {
      const optional = schema.required?.includes(name) === true ? '' : 'optional';
      const inner = innerMembers(member, `${indent}  `);
      return `${indent}- \`${name}\`: ${typed(member, optional)}${inner}`;
    })
    .join('\n');
}

function innerMembers(schema: Described, indent: string): string {
  if (schema.properties) return `\n${membersOf(schema, indent)}`;
  if (schema.items?.properties) return `\n${membersOf(schema.items, indent)}`;
  return '';
}

/** A schema in words: its type, its bounds, then what it is about. */
function typed(schema: Described, note: string): string {
  const words = [nameOf(schema), boundsOf(schema), note].filter((word) => word !== '').join(', ');
  return schema.description === undefined ? `${words}.` : `${words}. ${schema.description}`;
}

function nameOf(schema: Described): string {
  const { $ref, type, items, anyOf, oneOf } = schema;
  if ($ref !== undefined) {
    const name = $ref.split('/').at(-1) ?? '';
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(' or ');
  const choices = anyOf ?? oneOf;
  if (choices) return choices.map(nameOf).join(' or ');
  if (type === 'array') return items ? `a list of ${plural(nameOf(items))}` : 'a list';
  return type === undefined ? 'any value' : type;
}

function plural(name: string): string {
  return name.startsWith('[') || name.startsWith('`') ? name : `${name}s`;
}

function boundsOf(schema: Described): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern } = schema;
  const range = (least: number | undefined, most: number | undefined, unit: string) => {
    if (least === undefined && most === undefined) return '';
    if (most === undefined || most === Number.MAX_SAFE_INTEGER) return `from ${least ?? 0}${unit}`;
    return least === undefined ? `at most ${most}${unit}` : `${least} to ${most}${unit}`;
  };
  const { example = pattern?.includes('\\u') ? undefined : pattern } = schema;
  return [
    range(minimum, maximum, ''),
    range(minLength, maxLength, ' characters'),
    range(minItems, maxItems, ' items'),
    example === undefined ? '' : `like \`${example}\``,
  ]
    .filter((word) => word !== '')
    .join(', ');
}

function capital(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
