/*
 * The application that the cdktf CLI runs, from this folder. AGENT_ONCE_ENVIRONMENT says which environment,
 * CDKTF_OUTDIR where to; `npm run synth -- --env NAME` sets both.
 */
import { packageFunctions } from '../scripts/package/package-functions.ts';
import { loadEnvironment } from './load-environment.ts';
import { synthesise } from './synthesise.ts';

const outdir = process.env['CDKTF_OUTDIR'] ?? `${import.meta.dirname}/cdktf.out`;
const environment = await loadEnvironment(process.env['AGENT_ONCE_ENVIRONMENT'] ?? 'dev', {
  project: process.env['AGENT_ONCE_PROJECT'],
});
synthesise(environment, packageFunctions(`${outdir}/source`), outdir);
