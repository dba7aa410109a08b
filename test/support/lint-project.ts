import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const CONFIGS = ['.oxlintrc.json', '.oxlintrc.imports.json'];

const TSCONFIG = { compilerOptions: { strict: true, target: 'es2024', types: [], rootDir: '.' } };

/**
 * Lints files of a made-up project with this repository's own configuration.
 *
 * @param files Text by path from the project's root.
 * @returns `path rule` for each finding, as in `src/a.ts eslint(no-console)`.
 */
export async function lintProject(
  files: Readonly<Record<string, string>>,
): Promise<ReadonlySet<string>> {
  const project = await mkdtemp(join(tmpdir(), 'lint-'));
  try {
    for (const config of CONFIGS) await cp(join(ROOT, config), join(project, config));
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(project, path)), { recursive: true });
      await writeFile(join(project, path), text);
    }
    return await findings(project);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}

async function findings(project: string): Promise<ReadonlySet<string>> {
  const oxlint = join(ROOT, 'node_modules/.bin/oxlint');
  const report = await new Promise<string>((resolve) => {
    // Exits with 1 when it finds something; a broken configuration shows as a report without JSON.
    execFile(oxlint, ['--format=json'], { cwd: project }, (_exit, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(report) as {
    diagnostics: { filename: string; code: string }[];
  };
  return new Set(diagnostics.map(({ filename, code }) => `${filename} ${code}`));
}
