import { App } from 'cdktf';
import { addStacks } from './stacks/all-stacks.ts';

const app = new App({ outdir: process.env['CDKTF_OUTDIR'] ?? `${import.meta.dirname}/cdktf.out` });
addStacks(app);
app.synth();
