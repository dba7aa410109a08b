import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Where an emulator's component of the gcloud SDK is installed. Rejects with one line that names the
 * package to install when the SDK or the component is missing.
 */
export async function sdkComponent(title: string, component: string): Promise<string> {
  const install =
    `apt-get install google-cloud-cli-${component.replace('cloud-', '')}, ` +
    `or: gcloud components install ${component}`;
  for await (const root of sdkRoots()) {
    const folder = join(root, 'platform', component);
    if (await usable(folder)) return folder;
  }
  throw new Error(
    `The ${title} is not installed. It is part of the gcloud SDK: ${install}. ` +
      `An SDK that is not on PATH is found through CLOUDSDK_ROOT_DIR.`,
  );
}

/** The Java that runs the emulators: that of JAVA_HOME, else the first on PATH. */
export async function javaCommand(): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = home ? join(home, 'bin', 'java') : await onPath('java');
  if (java && (await usable(java, constants.X_OK))) return java;
  throw new Error(
    home
      ? `JAVA_HOME names no Java: there is no ${java}. Unset it, or set it to a JDK 17 or newer.`
      : 'Java is not installed, and the emulators run on it: apt-get install openjdk-17-jre-headless',
  );
}

async function* sdkRoots(): AsyncGenerator<string> {
  const declared = process.env['CLOUDSDK_ROOT_DIR'];
  if (declared) yield declared;
  const gcloud = await onPath('gcloud');
  if (!gcloud) return;
  yield dirname(dirname(await realpath(gcloud)));
  // A wrapper script can hide the root from the path; asking gcloud itself takes about a second.
  const { stdout } = await promisify(execFile)(gcloud, [
    'info',
    '--format=value(installation.sdk_root)',
  ]);
  yield stdout.trim();
}

async function onPath(command: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, command);
    if (folder && (await usable(file, constants.X_OK))) return file;
  }
  return undefined;
}

async function usable(path: string, mode = constants.R_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
