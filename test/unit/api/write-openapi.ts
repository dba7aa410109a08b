/** Writes the document that is committed: `node test/unit/api/write-openapi.ts && npx oxfmt functions/openapi.json`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveApi } from './service.ts';

const api = await serveApi();
const path = join(import.meta.dirname, '../../../functions/openapi.json');
await writeFile(path, `${JSON.stringify(api.app.document(), null, 2)}\n`);
await api.close();
