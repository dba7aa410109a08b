import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Answers of a fake program: the first whose pattern is in the call's arguments. */
export interface FakeAnswer {
  readonly to: string;
  readonly says?: string;
  readonly status?: number;
}

export interface FakePrograms {
  /** A PATH on which nothing else is but what a shell script needs. */
  readonly path: string;
  /** Every call so far, as it was typed. */
  calls(): readonly string[];
}

/** Puts shell scripts that stand in for programs, and note how they are called, into a folder. */
export function fakePrograms(
  folder: string,
  programs: Readonly<Record<string, readonly FakeAnswer[]>>,
): FakePrograms {
  const bin = join(folder, 'bin');
  const log = join(folder, 'calls');
  mkdirSync(bin, { recursive: true });
  for (const [name, answers] of Object.entries(programs)) {
    const cases = answers.map(
      ({ to, says = '', status = 0 }) =>
        `case "$*" in *'${to}'*) cat <<'END'\n${says}\nEND\nexit ${status};; esac`,
    );
    const script = `#!/bin/sh\nexport PATH=/usr/bin:/bin\necho "${name} $*" >> '${log}'\n${cases.join('\n')}\nexit 0\n`;
    const file = join(bin, name);
    writeFileSync(file, script);
    chmodSync(file, 0o755);
  }
  return {
    path: bin,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
  };
}
