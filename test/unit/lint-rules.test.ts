import { beforeAll, expect, it } from 'vitest';
import { lintProject } from '../support/lint-project.ts';

const FLOATING = `export function start(work: () => Promise<void>) { work(); }\n`;

const CASES: readonly { rule: string; file: string; text: string }[] = [
  { rule: 'typescript(no-floating-promises)', file: 'functions/src/engine/a.ts', text: FLOATING },
  { rule: 'typescript(no-floating-promises)', file: 'test/unit/a.test.ts', text: FLOATING },
  { rule: 'typescript(no-floating-promises)', file: 'scripts/a.ts', text: FLOATING },
  {
    rule: 'typescript(no-misused-promises)',
    file: 'functions/src/engine/b.ts',
    text: `export const each = (ids: string[]) => ids.forEach(async (id) => { await id.length; });\n`,
  },
  {
    rule: 'typescript(await-thenable)',
    file: 'functions/src/engine/c.ts',
    text: `export async function wait(count: number) { await count; }\n`,
  },
  {
    rule: 'typescript(switch-exhaustiveness-check)',
    file: 'functions/src/engine/d.ts',
    text: `export function name(kind: 'a' | 'b') { switch (kind) { case 'a': return 1; } return 0; }\n`,
  },
  {
    rule: 'eslint(no-console)',
    file: 'functions/src/engine/e.ts',
    text: `console.log('never ambient');\n`,
  },
  {
    rule: 'typescript(no-explicit-any)',
    file: 'functions/src/ports/f.ts',
    text: `export const payload: any = 1;\n`,
  },
];

const CONSOLE_ALLOWED = ['functions/src/cli/g.ts', 'functions/src/adapters/system/telemetry.ts'];

/** The machine may be busy. */
const LINT_MS = 30_000;

let findings: ReadonlySet<string>;

beforeAll(async () => {
  const printing = CONSOLE_ALLOWED.map((file) => [file, `console.log('a line');\n`] as const);
  const failing = CASES.map(({ file, text }) => [file, text] as const);
  findings = await lintProject(Object.fromEntries([...failing, ...printing]));
}, LINT_MS);

it.each(CASES)('$rule is an error in $file', ({ rule, file }) => {
  expect(findings).toContain(`${file} ${rule}`);
});

it.each(CONSOLE_ALLOWED)('%s may print', (file) => {
  expect(findings).not.toContain(`${file} eslint(no-console)`);
});
