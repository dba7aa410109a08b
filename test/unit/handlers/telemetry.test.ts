import { expect, it } from 'vitest';
import { jsonLinesTelemetry } from '../../../functions/src/adapters/system/telemetry.ts';
import { handleMessage } from '../../../functions/src/handlers/handle-message.ts';
import { PUBSUB_ANSWERS } from '../../../functions/src/operation/outcome.ts';
import type { OutcomeKind } from '../../../functions/src/operation/outcome.ts';
import { shownToken, keyToken } from '../../../functions/src/token/token.ts';
import { messageOf, testReceiver } from './receiver.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const NOW = Date.UTC(2026, 0, 31, 12, 0, 0, 5);

/** Severities that Cloud Logging knows (https://cloud.google.com/logging/docs/structured-logging). */
const SEVERITIES = ['DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR', 'CRITICAL'];

function logging() {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const telemetry = jsonLinesTelemetry({ write, now: () => NOW, project: 'shop-1' });
  return { lines, telemetry };
}

const TASK = {
  schema: 'agent-once/task@1',
  action: 'a.b',
  key: 'order-17',
  traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`,
  params: { card: '4111-1111' },
};

it('what JSON has no form for is told as text, or as unprintable, and never thrown', () => {
  const { lines, telemetry } = logging();
  const cycle: Record<string, unknown> = {};
  cycle['itself'] = cycle;
  telemetry.event('INFO', 'Charged', { cents: 4_200n });
  telemetry.event('INFO', 'Charged', { cycle });
  const [first = '', second = ''] = lines;
  expect(JSON.parse(first)).toMatchObject({ message: 'Charged', cents: '4200' });
  expect(JSON.parse(second)).toMatchObject({ message: 'Charged', unprintable: expect.any(String) });
});

it('a task that is run leaves one line, in the form that Cloud Logging takes', async () => {
  const { lines, telemetry } = logging();
  const receiver = testReceiver({ runtime: { telemetry } });
  const message = messageOf(TASK);
  await handleMessage(receiver, { message, redelivery: false });

  expect(lines).toHaveLength(1);
  const [line = ''] = lines;
  expect(line).toMatch(/^[^\n]*\n$/);
  expect(JSON.parse(line)).toEqual({
    severity: 'INFO',
    message: 'a.b: completed',
    time: '2026-01-31T12:00:00.005Z',
    'logging.googleapis.com/trace': `projects/shop-1/traces/${TRACE_ID}`,
    decision: {
      outcome: 'completed',
      action: 'a.b',
      class: 'workflow',
      store: 'embedded',
      milliseconds: expect.any(Number),
      checkMilliseconds: expect.any(Number),
      attempt: 1,
      token: shownToken(keyToken(receiver.namespace, 'order-17')),
      namespace: 'shop',
      messageId: message.id,
    },
  });
});

it('no line holds a token, a key or the params', async () => {
  const { lines, telemetry } = logging();
  const receiver = testReceiver({ runtime: { telemetry } });
  for (const change of [{}, {}, { params: { card: '4222-2222' } }, { action: 'a.c' }]) {
    const message = messageOf({ ...TASK, ...change });
    await handleMessage(receiver, { message, redelivery: false });
  }
  expect(lines).toHaveLength(4);
  const secrets = [keyToken(receiver.namespace, 'order-17'), 'order-17', '4111', '4222'];
  for (const line of lines) {
    for (const secret of secrets) expect(line).not.toContain(secret);
  }
});

it.each(Object.keys(PUBSUB_ANSWERS) as OutcomeKind[])(
  'a decision %s has a severity that Cloud Logging knows',
  (outcome) => {
    const { lines, telemetry } = logging();
    telemetry.decision({
      outcome,
      action: 'a.b',
      class: 'api',
      store: 'embedded',
      milliseconds: 1.2345,
      checkMilliseconds: 0,
      attempt: 1,
      token: 'h1_x',
      namespace: 'shop',
    });
    const { severity, decision } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(severity).toBeOneOf(SEVERITIES);
    expect(decision).toMatchObject({ outcome, milliseconds: 1.2 });
  },
);

it('line breaks in what is logged stay within the line', () => {
  const { lines, telemetry } = logging();
  telemetry.event('WARNING', 'two\nlines', { detail: 'and\r\nmore\u2028' });
  expect(lines.join('').split('\n')).toHaveLength(2);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ severity: 'WARNING', message: 'two\nlines' });
});
