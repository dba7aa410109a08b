import { z } from '@hono/zod-openapi';
import { within } from '../../engine/within.ts';
import type { StateWriteAnswer } from '../../ports/state-store.ts';
import { encodeCanonical } from '../../token/canonical.ts';
import { STATE_MAX_BYTES } from '../../workflow/state.ts';
import type { EntityId, StateVersion } from '../../workflow/state.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import type { Answer } from './answer.ts';
import { pageLimit } from './fields.ts';
import { problem } from './problem.ts';
import { decoded, writeToken } from './read-operation.ts';
import { historyQuery, momentQuery, versionSchema, writeFields } from './state-fields.ts';

const writtenSchema = z.object({ version: z.int(), token: z.string() }).openapi('StateWritten');

/** Values whose every version is kept, and that are only written over what the writer has seen. */
export function addState(api: Api): void {
  addEndpoint(api, {
    method: 'get',
    path: '/v1/state',
    operationId: 'ReadState',
    tag: 'state',
    summary: 'An entity’s value: now, at a version, or as of a time.',
    permission: 'read',
    query: momentQuery,
    answers: { 200: versionSchema },
    problems: [404],
    async handle({ caller: { namespace }, query }, { runtime, state }) {
      const { entity, version, asOf } = query;
      if (version !== undefined && asOf !== undefined) {
        const faults = ['query.asOf: give a version or a time, not both'];
        return problem('invalid', 'Which value is meant is not clear.', { faults });
      }
      const read =
        version !== undefined
          ? state.readVersion(namespace, entity, version)
          : asOf !== undefined
            ? state.readAsOf(namespace, entity, asOf)
            : state.read(namespace, entity);
      const found = await within(runtime.clock, runtime.limits.claimAnswerMs, read);
      if (!found) return problem('absent', `${entity} has no such value in this namespace.`);
      return { status: 200, body: versionView(found) };
    },
  });

  addEndpoint(api, {
    method: 'get',
    path: '/v1/state/history',
    operationId: 'ReadStateHistory',
    tag: 'state',
    summary: 'Every version that an entity has had, the oldest first.',
    permission: 'read',
    query: historyQuery,
    answers: {
      200: z
        .object({
          versions: z.array(versionSchema),
          next: z.int().optional().describe('The `after` of the next page.'),
        })
        .openapi('StateHistory'),
    },
    async handle({ caller: { namespace }, query }, { runtime, state }) {
      const { entity, limit, after } = query;
      const page = { limit: limit ?? pageLimit.default, after: String(after ?? 0) };
      const read = state.history(namespace, entity, page);
      const { versions, next } = await within(runtime.clock, runtime.limits.recordAnswerMs, read);
      const body = {
        versions: versions.map(versionView),
        ...(next !== undefined && { next: Number(next) }),
      };
      return { status: 200, body };
    },
  });

  addEndpoint(api, {
    method: 'post',
    path: '/v1/state',
    operationId: 'WriteState',
    tells: ['replayed'],
    tag: 'state',
    summary: 'Writes an entity’s next version, only if it is at `ifVersion` still.',
    description:
      '201: written. 200: this key wrote that version before. 409 `conflict`: somebody else came first; ' +
      'read, decide again, and write under a new key.',
    permission: 'run',
    keyed: true,
    body: writeFields,
    answers: { 200: writtenSchema, 201: writtenSchema },
    problems: [409, 422],
    async handle({ caller: { namespace }, body, key }, { runtime, state }) {
      const faults: string[] = [];
      const token = writeToken(namespace, body, key, faults);
      if (body.value === undefined) faults.push('body.value: is needed');
      const value = decoded('body.value', body.value, faults);
      if (faults.length > 0 || !token) return problem('invalid', 'It is no write.', { faults });
      const text = encodeCanonical(value);
      if (Buffer.byteLength(text) > STATE_MAX_BYTES) {
        return problem('too_large', `A value takes at most ${STATE_MAX_BYTES} bytes.`);
      }
      const { entity, ifVersion, schemaVersion = 1 } = body;
      const write = { ifVersion, token, schemaVersion, text };
      const asked = state.write(namespace, entity, write);
      const answer = await within(runtime.clock, runtime.limits.recordAnswerMs, asked);
      return writeAnswer(entity, write, answer);
    },
  });
}

function versionView({ version, text, schemaVersion, token, at }: StateVersion): unknown {
  return { version, value: JSON.parse(text) as unknown, schemaVersion, token, at };
}

function writeAnswer(
  entity: EntityId,
  asked: { ifVersion: number; token: string; schemaVersion: number; text: string },
  answer: StateWriteAnswer,
): Answer {
  const { token, ifVersion } = asked;
  switch (answer.kind) {
    case 'written':
      return { status: 201, body: { version: answer.version, token } };
    case 'conflict': {
      const { version } = answer;
      const detail = `${entity} is at version ${version}, not at ${ifVersion}.`;
      return problem('conflict', detail, { version });
    }
    case 'repeated': {
      const { version, text, schemaVersion } = answer.found;
      const same =
        version === ifVersion + 1 && text === asked.text && schemaVersion === asked.schemaVersion;
      if (!same) {
        const detail = `The key wrote version ${version} of ${entity}, with other contents.`;
        return problem('mismatch', detail, { token });
      }
      const headers = { 'Idempotency-Replayed': 'true' };
      return { status: 200, body: { version, token }, headers };
    }
  }
}
