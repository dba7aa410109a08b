import { Command } from 'commander';
import { archiveShard } from '../../engine/archive-shard.ts';
import type { ArchiveReport, Stays } from '../../engine/archive-shard.ts';
import { recordedError } from '../../operation/errors.ts';
import { archiveCost } from '../archive-cost.ts';
import { coldOf } from '../cold-of.ts';
import type { Answer, Context, Run } from '../context.ts';

interface ArchiveFlags {
  readonly dryRun?: boolean;
}

export function archiveCommand(run: Run): Command {
  return new Command('archive')
    .summary('move what has expired to cold storage, now')
    .description(
      'Moves every expired operation to cold storage, once and over all shards, as the archiver’s ' +
        'functions do. Safe to break off and to run twice.',
    )
    .option('--dry-run', 'look only: nothing is written')
    .action((flags: ArchiveFlags) => run((context) => archive(context, flags)));
}

const NOTHING: ArchiveReport = { moved: 0, kept: {}, objects: 0, bytes: 0, blobs: 0 };

async function archive(context: Context, { dryRun = false }: ArchiveFlags): Promise<Answer> {
  const { runtime, shards, terminal, invocation } = context;
  const cold = coldOf(context);
  const { signal } = terminal;
  const until = runtime.clock.now();
  let total = NOTHING;
  let failed = 0;
  for (let shard = 0; shard < shards && !signal.aborted; shard += 1) {
    let soFar = NOTHING;
    const show = (report: ArchiveReport): void => {
      soFar = report;
      terminal.progress?.(bar(shard, shards, sum(total, report)));
    };
    show(NOTHING);
    const options = { shard, until, budgetMs: Infinity, dryRun, signal, progress: show };
    try {
      total = sum(total, await archiveShard(runtime, cold, options));
    } catch (error) {
      failed += 1;
      total = sum(total, soFar);
      const { message } = recordedError(error);
      terminal.err(`Shard ${shard} was not archived to its end: ${message}\n`);
    }
  }
  terminal.progress?.('');
  const cost = archiveCost(total);
  const again = failed > 0 || signal.aborted;
  const advice = again ? `\nNot all shards are done; run it again: ${invocation} archive` : '';
  return {
    kind: 'value',
    json: { dryRun, shards, failed, interrupted: signal.aborted, ...total, cost },
    text: summary(total, dryRun) + advice,
    exit: again ? 'failed' : 'ok',
  };
}

function sum(a: ArchiveReport, b: ArchiveReport): ArchiveReport {
  const kept: Partial<Record<Stays, number>> = { ...a.kept };
  for (const [why, count] of Object.entries(b.kept) as [Stays, number][]) {
    kept[why] = (kept[why] ?? 0) + count;
  }
  return {
    moved: a.moved + b.moved,
    kept,
    objects: a.objects + b.objects,
    bytes: a.bytes + b.bytes,
    blobs: a.blobs + b.blobs,
  };
}

const BAR_WIDTH = 24;

function bar(shard: number, shards: number, { moved }: ArchiveReport): string {
  const filled = Math.round((shard / shards) * BAR_WIDTH);
  const drawn = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${drawn} shard ${shard + 1} of ${shards}, ${amount(moved, 'operation')} moved`;
}

const REASONS: Readonly<Record<Stays, string>> = {
  held: 'held until their hold is lifted',
  unsent: 'with follow-up tasks that are not published yet (sweep publishes them)',
  touched: 'that changed meanwhile',
  unmovable: 'whose payloads could not be moved (see the errors logged)',
  stale: 'that were in hand for too long (the next run takes them)',
  unexpired: 'that are not expired after all',
  archived: 'archived by another run meanwhile',
  'not settled': 'not settled',
};

function summary(total: ArchiveReport, dryRun: boolean): string {
  const { moved, kept, objects, bytes, blobs } = total;
  const would = dryRun ? 'Would move' : 'Moved';
  const spilled = blobs === 0 ? '' : `, and ${amount(blobs, 'large payload')} beside`;
  const what =
    moved === 0
      ? 'Nothing has expired that could be moved.'
      : `${would} ${amount(moved, 'operation')} to cold storage: ${amount(objects, 'object')} of ${size(bytes)}${spilled}.`;
  const stay = (Object.entries(kept) as [Stays, number][]).map(
    ([why, count]) => `Kept ${count.toLocaleString('en')} ${REASONS[why]}.`,
  );
  const { run, month } = archiveCost(total);
  const cost = `On Google Cloud this costs ${dollars(run)}, and ${dollars(month)} a month to store (list prices, us-central1).`;
  return [what, ...stay, ...(moved === 0 ? [] : [cost])].join('\n');
}

function amount(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

function size(bytes: number): string {
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

function dollars(value: number): string {
  return value < 0.01 ? 'less than $0.01' : `about $${value.toFixed(2)}`;
}
