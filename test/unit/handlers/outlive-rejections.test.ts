import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { outliveRejections } from '../../../functions/src/handlers/outlive-rejections.ts';
import { testReceiver } from './receiver.ts';

it('a listener for rejections that is added later is taken off, any other stays', async () => {
  const { runtime, events } = testReceiver();
  const process = new EventEmitter();
  const heard: string[] = [];
  outliveRejections(process, runtime.telemetry);
  process.on('unhandledRejection', () => heard.push('fatal'));
  process.once('unhandledRejection', () => heard.push('fatal once'));
  process.on('uncaughtException', () => heard.push('exception'));
  await Promise.resolve();

  process.emit('unhandledRejection', new Error('stray'));
  process.emit('uncaughtException', new Error('thrown'));
  expect(heard).toEqual(['exception']);
  expect(events).toMatchObject([{ severity: 'ERROR', fields: { error: { message: 'stray' } } }]);
});
