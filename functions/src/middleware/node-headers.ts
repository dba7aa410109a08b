import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** What is set on a response of Node's own server, several values of a name as one. */
export function headersOf(response: ServerResponse): [string, string][] {
  return Object.entries(response.getHeaders()).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : String(value),
  ]);
}

/** Sets headers in any form that `writeHead` takes. */
export function setHeaders(response: ServerResponse, headers: unknown): void {
  if (headers === undefined || headers === null) return;
  if (Array.isArray(headers)) {
    for (const [name, value] of pairsOf(headers)) response.appendHeader(name, value);
    return;
  }
  for (const [name, value] of Object.entries(headers as OutgoingHttpHeaders)) {
    if (value !== undefined) response.setHeader(name, value);
  }
}

/** Pairs, or names and values in turn. */
function pairsOf(list: readonly unknown[]): [string, string][] {
  if (Array.isArray(list[0])) return list as [string, string][];
  const pairs: [string, string][] = [];
  for (let index = 0; index < list.length; index += 2) {
    pairs.push([String(list[index]), String(list[index + 1])]);
  }
  return pairs;
}
