import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const VERSION = '15.34.2';
const TOOLS = fileURLToPath(new URL('../../.agent-once/tools/', import.meta.url));

/**
 * The folder of the firebase-tools package, installed from npm on first use (a minute or two, 270 MB)
 * and kept beside the project. Two processes may ask at once: each installs apart, one of them is kept.
 */
export async function firebaseTools(): Promise<string> {
  const folder = join(TOOLS, `firebase-tools-${VERSION}`);
  const installed = join(folder, 'node_modules', 'firebase-tools');
  if (await exists(installed)) return installed;

  console.error(
    `Installing firebase-tools ${VERSION} for its storage emulator, once: a minute or two.`,
  );
  await mkdir(TOOLS, { recursive: true });
  const staging = await mkdtemp(join(TOOLS, 'installing-'));
  try {
    await writeFile(join(staging, 'package.json'), '{ "private": true }\n');
    await npmInstall(staging);
    await rename(staging, folder).catch(async (error: unknown) => {
      if (!(await exists(installed))) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return installed;
}

async function npmInstall(prefix: string): Promise<void> {
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', [
      'install',
      `firebase-tools@${VERSION}`,
      `--prefix=${prefix}`,
      ...flags,
    ]);
  } catch (error) {
    throw new Error(
      `firebase-tools ${VERSION}, which holds the storage emulator, could not be installed from npm.`,
      { cause: error },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
