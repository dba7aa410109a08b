/*
 * npm run build: compiles functions to functions/dist, a directory that can be served as it is.
 */
import { fileURLToPath } from 'node:url';
import { CompileError, compileFunctions } from './package/compile.ts';

const FUNCTIONS = fileURLToPath(new URL('../functions', import.meta.url));

try {
  compileFunctions(FUNCTIONS, `${FUNCTIONS}/dist`);
} catch (error) {
  if (!(error instanceof CompileError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
