import type { z } from 'zod';
import type { InputFault } from './contract.ts';

/** Every fault of a body by the field it is in; a field that nobody asked for is one too. */
export function inputFaults(error: z.ZodError): InputFault[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: key, message: 'is not a known field' }));
    }
    return [{ path: issue.path.map(String).join('.') || 'body', message: issue.message }];
  });
}
