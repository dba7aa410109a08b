import type { Patch } from '../../ports/operation-documents.ts';

/** A document's text with the patch in it: `null` removes a field, a dotted name reaches into a map. */
export function patchedText(document: string, patch: Patch): string {
  const fields = JSON.parse(document) as Record<string, unknown>;
  for (const [name, value] of Object.entries(patch)) {
    const [outer = name, inner] = name.split('.');
    if (inner !== undefined) {
      fields[outer] = { ...(fields[outer] as object | undefined), [inner]: value };
    } else if (value === null) delete fields[name];
    else fields[name] = value;
  }
  return JSON.stringify(fields);
}
