/*
 * npm run cost: writes docs/cost.md from counted operations and the price table. `--check` only tells
 * whether it is up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { countOperations } from './cost/count-operations.ts';
import { costPage } from './cost/page.ts';

const PAGE = new URL('../docs/cost.md', import.meta.url);

const page = costPage(await countOperations());
if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (readFileSync(PAGE, 'utf8') !== page) {
  console.error('docs/cost.md is not what npm run cost writes. Run it.');
  process.exitCode = 1;
}
