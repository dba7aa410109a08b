/**
 * A process of racing clients: `race-client.ts CLIENTS PROVIDER URL…`. Says it is ready; told a key, has all
 * of its clients run that operation at once, every other one waiting for whoever came first, and tells
 * what each was answered: a result, or a problem's code.
 */
import { createClient } from '../../../functions/src/client/index.ts';
import { ServiceProblem } from '../../../functions/src/client/index.ts';
import { DEVELOPMENT_TOKEN } from './service.ts';

export interface RaceAnswer {
  readonly waits: boolean;
  readonly answer: unknown;
  readonly replayed?: boolean;
}

const [clients, provider = '', ...urls] = process.argv.slice(2);

async function race(key: string, index: number): Promise<RaceAnswer> {
  const waits = index % 2 === 0;
  const url = urls[index % urls.length] ?? '';
  const client = createClient({ url, token: DEVELOPMENT_TOKEN, deadlineMs: 30_000 });
  const request = { key, action: 'payments.charge', waitMs: waits ? 30_000 : 0 };
  try {
    const { result, replayed } = await client.once(request, async ({ token }) => {
      const charged = await fetch(provider, { method: 'POST', body: token });
      return charged.text();
    });
    return { waits, answer: result, replayed };
  } catch (error) {
    if (!(error instanceof ServiceProblem)) throw error;
    return { waits, answer: error.problem.code };
  }
}

process.on('message', (key: string) => {
  const racing = Array.from({ length: Number(clients) }, (_, index) => race(key, index));
  void Promise.all(racing).then((answers) => process.send?.(answers));
});
process.send?.('ready');
