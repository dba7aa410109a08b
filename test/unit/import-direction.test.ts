import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { lintProject } from '../support/lint-project.ts';

/** Who imports (a folder stands for any file in it), and what. */
type Import = readonly [importer: string, specifier: string];

const REFUSED: readonly Import[] = [
  ['functions/src/token', '../ports/clock.ts'],
  ['functions/src/token', 'zod'],
  ['functions/src/operation', '../engine/run-task.ts'],
  ['functions/src/workflow', '../store/claim.ts'],
  ['functions/src/retention', 'node:fs'],
  ['functions/src/names.ts', './ports/clock.ts'],
  ['functions/src/config.ts', './adapters/firestore/store.ts'],
  ['functions/src/config', '../ports/clock.ts'],
  ['functions/src/config', '../engine/step.ts'],
  ['functions/src/ports', '../store/claim.ts'],
  ['functions/src/ports', '@google-cloud/firestore'],
  ['functions/src/store', '../adapters/firestore/store.ts'],
  ['functions/src/store', '../engine/run-task.ts'],
  ['functions/src/store', '@google-cloud/firestore'],
  ['functions/src/engine', '../store/claim.ts'],
  ['functions/src/engine', 'node:fs'],
  ['functions/src/engine', '../adapters/system/clock.ts'],
  ['functions/src/engine', '../handlers/push.ts'],
  ['functions/src/engine', '@google-cloud/pubsub'],
  ['functions/src/adapters/firestore', '../../engine/run-task.ts'],
  ['functions/src/adapters/firestore', '../../handlers/push.ts'],
  ['functions/src/adapters/firestore', '../embedded/store.ts'],
  ['functions/src/adapters/firestore', '@google-cloud/pubsub'],
  ['functions/src/adapters/firestore', 'node:sqlite'],
  ['functions/src/adapters/embedded', '../firestore/store.ts'],
  ['functions/src/adapters/embedded', '@google-cloud/firestore'],
  ['functions/src/adapters/pubsub', '../../engine/run-task.ts'],
  ['functions/src/adapters/pubsub', '@google-cloud/storage'],
  ['functions/src/adapters/auth', '../../handlers/push.ts'],
  ['functions/src/adapters/pubsub', 'google-auth-library'],
  ['functions/src/adapters/storage', '../filesystem/blob-store.ts'],
  ['functions/src/adapters/storage', '@google-cloud/firestore'],
  ['functions/src/adapters/filesystem', '@google-cloud/storage'],
  ['functions/src/adapters/anything-new', '../embedded/store.ts'],
  ['functions/src/adapters/anything-new', '@google-cloud/firestore'],
  ['functions/src/handlers', '../adapters/pubsub/publisher.ts'],
  ['functions/src/handlers', '../store/claim.ts'],
  ['functions/src/handlers', '../main.ts'],
  ['functions/src/handlers', '@google-cloud/firestore'],
  ['functions/src/handlers', 'google-auth-library'],
  ['functions/src/steps', '../adapters/system/clock.ts'],
  ['functions/src/steps', '@google-cloud/firestore'],
  ['functions/src/client', '../adapters/firestore/store.ts'],
  ['functions/src/client', '@google-cloud/firestore'],
  ['functions/src/middleware', '../adapters/embedded/store.ts'],
  ['functions/src/middleware', 'node:sqlite'],
  ['functions/src/verify', '../engine/run-task.ts'],
  ['functions/src/verify', 'node:sqlite'],
  ['functions/src/testing', 'node:sqlite'],
  ['functions/src/testing', '@google-cloud/firestore'],
  ['functions/src/cli', '@google-cloud/firestore'],
  ['functions/src/cli', 'node:sqlite'],
  ['functions/agents', '../src/engine/run-task.ts'],
  ['functions/agents', '../src/index.ts'],
  ['functions/agents', 'agent-once/testing'],
  ['functions/agents', '@google-cloud/firestore'],
  ['functions/agents/travel', '../../src/index.ts'],
  ['functions/agents/travel', 'node:fs'],
  ['functions/agents/sandbox', 'agent-once'],
  ['infra', 'agent-once'],
  ['infra', '../functions/src/index.ts'],
  ['infra/stacks', '../../functions/src/engine/run-task.ts'],
  ['infra/constructs', '../../functions/agents/travel/steps.ts'],
];

const ALLOWED: readonly Import[] = [
  ['functions/src/token', './canonical.ts'],
  ['functions/src/token', 'node:crypto'],
  ['functions/src/operation', '../token/token.ts'],
  ['functions/src/ports', '../operation/record.ts'],
  ['functions/src/store', '../ports/token-store.ts'],
  ['functions/src/engine', '../ports/token-store.ts'],
  ['functions/src/engine', 'zod'],
  ['functions/src/engine', 'node:zlib'],
  ['functions/src/engine', '../workflow/saga.ts'],
  ['functions/src/adapters/firestore', '../../store/token-store.ts'],
  ['functions/src/adapters/firestore', '@google-cloud/firestore'],
  ['functions/src/adapters/embedded', 'node:sqlite'],
  ['functions/src/adapters/pubsub', '@google-cloud/pubsub'],
  ['functions/src/adapters/storage', '@google-cloud/storage'],
  ['functions/src/adapters/auth', 'google-auth-library'],
  ['functions/src/adapters/filesystem', 'node:fs/promises'],
  ['functions/src/handlers', '../engine/run-task.ts'],
  ['functions/src/handlers', 'zod'],
  ['functions/agents', 'agent-once'],
  ['functions/agents', './travel/steps.ts'],
  ['functions/agents/travel', '../payments/steps.ts'],
  ['functions/agents/travel', 'zod'],
  ['functions/agents/sandbox', 'node:http'],
  ['infra', 'cdktf'],
  ['infra/stacks', '../../functions/src/names.ts'],
  ['infra/stacks', '../../functions/src/config.ts'],
];

/** The machine may be busy. */
const LINT_MS = 30_000;

let findings: ReadonlySet<string>;

const fileOf = ([importer, specifier]: Import) =>
  importer.endsWith('.ts')
    ? importer
    : join(importer, `imports-${specifier.replaceAll(/[^a-z]+/g, '-')}.ts`);

const textOf = ([, specifier]: Import) =>
  `import * as imported from '${specifier}';\nexport { imported };\n`;

const refusal = (imported: Import) => `${fileOf(imported)} eslint(no-restricted-imports)`;

beforeAll(async () => {
  const files = [...REFUSED, ...ALLOWED].map((it) => [fileOf(it), textOf(it)] as const);
  findings = await lintProject(Object.fromEntries(files));
}, LINT_MS);

describe('imports point one way', () => {
  it.each(REFUSED)('%s may not import %s', (...imported) => {
    expect(findings).toContain(refusal(imported));
  });

  it.each(ALLOWED)('%s may import %s', (...imported) => {
    expect(findings).not.toContain(refusal(imported));
  });
});
