/**
 * Writes the document that is committed, and the page made from it:
 * `node test/unit/api/write-openapi.ts && npx oxfmt functions/openapi.json`.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { referencePage } from './reference.ts';
import { serveApi } from './service.ts';

const api = await serveApi();
const root = join(import.meta.dirname, '../../..');
const document = api.app.document();
await writeFile(join(root, 'functions/openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
const page = referencePage(document as Parameters<typeof referencePage>[0]);
await writeFile(join(root, 'docs/http-reference.md'), page);
await api.close();
