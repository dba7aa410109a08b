import { z } from 'zod';
import { appendEvents } from '../../functions/src/engine/event-log.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import type { Steps } from '../../functions/src/engine/register-steps.ts';
import { defineStep } from '../../functions/src/engine/step.ts';
import type { StepContext } from '../../functions/src/engine/step.ts';
import { updateState } from '../../functions/src/engine/versioned-state.ts';
import type { Updated } from '../../functions/src/engine/versioned-state.ts';
import { instanceClock } from './instance.ts';
import type { Instance } from './instance.ts';
import { LEASE_MS } from './leases.ts';
import { remote } from './network.ts';
import { logicalTimeOf } from './state-clock.ts';
import {
  entityOf,
  EVENTS,
  eventsFor,
  labelOf,
  LOG_ROOT,
  notedIfRoom,
  noteToken,
} from './state-notes.ts';
import type { Note, NoteParams, Tally } from './state-notes.ts';
import { remoteLog, remoteState } from './state-stores.ts';
import type { StateWorld } from './state-world.ts';
import { NAMESPACE } from './world.ts';

export const ACTION = 'sim.note';

/** What a task's record holds in the end: the version that each of its updates made. */
export interface Noted {
  readonly versions: readonly number[];
}

/** A step that updates entities and appends events, each under a token of its operation. */
export function noteSteps(world: StateWorld, instance: Instance): Steps {
  const store = remoteState(world, instance);
  const at = {
    log: remoteLog(world, instance),
    events: EVENTS,
    namespace: NAMESPACE,
    root: LOG_ROOT,
  };
  const runtime = { store, clock: instanceClock(world, instance), random: world.dice.random };
  const logicalTime = logicalTimeOf(world, instance);
  const moment = () => remote(world, instance, 'self', 'work', () => {});

  async function update(context: StepContext<NoteParams>, note: Note, index: number) {
    const token = noteToken(context.token, index);
    const updated = await updateState(
      runtime,
      entityOf(note.entity),
      async (current) => {
        await moment();
        return notedIfRoom(current, note);
      },
      { token },
    );
    if (!instance.dead) checkTold(world, note, updated);
    return updated.version;
  }

  return registerSteps([
    defineStep({
      action: ACTION,
      effect: 'idempotent',
      params: z.custom<NoteParams>(),
      leaseMs: LEASE_MS,
      timeoutMs: 20_000,
      maxAttempts: 1_000,
      async run(context): Promise<Noted> {
        const { params, token } = context;
        const versions: number[] = [];
        for (const [index, note] of params.notes.entries()) {
          await moment();
          versions.push(await update(context, note, index));
        }
        await moment();
        const now = await logicalTime();
        await appendEvents(at, eventsFor(params, token, params.clocked ? now : undefined));
        if (!instance.dead) checkAppended(world, params);
        await moment();
        return { versions };
      },
    }),
  ]);
}

/** Whoever is told of a version finds it there, made by its own update. */
function checkTold(world: StateWorld, note: Note, { kind, version, value }: Updated<Tally>): void {
  world.meet(`update ${kind}`);
  const stands = world.noted.versions(entityOf(note.entity).id)[version - 1];
  if (stands?.value.last === note.id && stands.value.chain === value.chain) return;
  const what = stands ? `made by ${stands.value.last}` : 'nowhere';
  world.watch.broken(`It was told of version ${version}, which is ${what}.`, labelOf(note.id));
}

function checkAppended({ noted, watch }: StateWorld, { label, events }: NoteParams): void {
  const there = events.every((_, index) => noted.appended.has(`${label}/${index}`));
  if (!there) watch.broken('It was told that its events are in the log, and they are not.', label);
}
