import type { Reply } from './target.ts';

export type Fault =
  /** The endpoint could not be asked, or refused what it should have done. */
  | 'no_success'
  | 'runs_again'
  | 'other_reply'
  | 'not_varied'
  | 'not_refused'
  | 'runs_twice'
  | 'runs_never'
  | 'forgets';

export type Verdict =
  | { readonly outcome: 'passed'; readonly note?: string }
  | { readonly outcome: 'failed'; readonly fault: Fault; readonly why: string }
  | { readonly outcome: 'not_checked'; readonly why: string };

export const PASSED: Verdict = { outcome: 'passed' };

export function failed(fault: Fault, why: string): Verdict {
  return { outcome: 'failed', fault, why };
}

export function notChecked(why: string): Verdict {
  return { outcome: 'not_checked', why };
}

export function succeeded({ status }: Reply): boolean {
  return status >= 200 && status <= 299;
}

export function refused({ status }: Reply): boolean {
  return status >= 400 && status <= 499;
}

/** Status, type and content; JSON by its meaning. */
export function equal(a: Reply, b: Reply): boolean {
  return a.status === b.status && a.type === b.type && contentOf(a) === contentOf(b);
}

export function contentOf({ type, body }: Reply): string {
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return body;
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}

const SHOWN = 120;

export function shown(reply: Reply): string {
  const content = contentOf(reply).replaceAll(/\s+/g, ' ').trim();
  const text = content.length <= SHOWN ? content : `${content.slice(0, SHOWN)}…`;
  return text === '' ? String(reply.status) : `${reply.status} ${text}`;
}
