import { Command } from 'commander';
import { steerWorkflow } from '../../engine/steer-workflow.ts';
import type { Steering } from '../../engine/steer-workflow.ts';
import type { WorkflowStore } from '../../ports/workflow-store.ts';
import type { Token } from '../../token/token.ts';
import { tokenArgument } from '../arguments.ts';
import type { Answer, Context, Run } from '../context.ts';
import { deployedSteps } from '../deployed-steps.ts';
import { Failure } from '../failure.ts';
import { countOf, duplicatesIn } from '../duplicates.ts';
import { describeWorkflow } from '../workflow-view.ts';
import { everyOperation } from './listing.ts';
import { signed } from './signature.ts';
import type { Signature } from './signature.ts';

export function workflowCommands(run: Run): Command[] {
  const root = ['<ROOT>', 'the workflow’s root token', tokenArgument] as const;
  const show = new Command('workflow')
    .summary('one workflow’s timeline, over all its agents')
    .description(
      'Draws a workflow: steps, agents, attempts, duplicates, compensations, and what a person can do.',
    )
    .argument(...root)
    .option('--log <FILE>', 'counts the duplicates that this log tells of; - for standard input')
    .action((token: Token, { log }: { log?: string }) =>
      run((context) => shown(context, token, log)),
    );
  const cancel = signed(new Command('cancel'))
    .summary('turn a workflow on its way back')
    .description(
      'Turns a workflow back that runs, or is parked on its way: what has completed is compensated.',
    )
    .argument(...root)
    .action((token: Token, signature: Signature) =>
      run((context) => steer(context, token, { verb: 'cancel', ...signature })),
    );
  const retry = signed(new Command('retry'))
    .summary('let a parked workflow go on')
    .description(
      'Lets a parked workflow go on; compensations that failed for good run again. One that is parked ' +
        'on its way beyond its deadline is refused: cancel it.',
    )
    .argument(...root)
    .action((token: Token, signature: Signature) =>
      run((context) => steer(context, token, { verb: 'retry', ...signature })),
    );
  const skip = signed(new Command('skip'))
    .summary('take a stuck compensation on yourself')
    .description(
      'Takes a stuck compensation on yourself: the workflow goes on as if it were undone, and it never ' +
        'runs again. One that failed for good, is in doubt, whose token another operation has, or whose ' +
        'params can’t be built.',
    )
    .argument(...root)
    .argument('<STEP>', 'the step’s name within the workflow')
    .action((token: Token, member: string, signature: Signature) =>
      run((context) => steer(context, token, { verb: 'skip', member, ...signature })),
    );
  return [show, cancel, retry, skip];
}

async function shown(context: Context, root: Token, log?: string): Promise<Answer> {
  const { runtime, namespace, invocation, terminal } = context;
  const { found } = await workflowsOf(context).get(namespace, root);
  if (!found) throw absent(context, root);
  const { record } = found;
  const operations = await everyOperation((page) => runtime.store.ledger(namespace, root, page));
  const duplicates = log === undefined ? undefined : await duplicatesIn(terminal, log);
  const now = runtime.store.now();
  const view = { record, operations, now, invocation, ...(duplicates && { duplicates }) };
  const json = {
    workflow: record,
    operations: operations.map((operation) => ({
      ...operation.record,
      ...(duplicates && { duplicates: countOf(duplicates, operation) }),
    })),
  };
  return { kind: 'value', json, text: describeWorkflow(view, terminal.paint) };
}

async function steer(context: Context, root: Token, steering: Steering): Promise<Answer> {
  const { runtime, namespace } = context;
  const steps = await deployedSteps();
  const at = { namespace, root };
  const answer = await steerWorkflow(runtime, workflowsOf(context), steps, at, steering);
  if (answer.kind === 'absent') throw absent(context, root);
  if (answer.kind === 'refused') {
    throw new Failure('refused', `Workflow ${root} is left as it was. ${answer.why}`);
  }
  return shown(context, root);
}

function workflowsOf({ runtime }: Context): WorkflowStore {
  const { workflows, name } = runtime.store;
  if (workflows) return workflows;
  throw new Failure('usage', `The ${name} store holds tokens only, and no workflows.`);
}

function absent({ namespace, invocation }: Context, root: Token): Failure {
  return new Failure('notFound', `No workflow under root ${root} in namespace "${namespace}".`, {
    advice: `Its first task may not have run yet, or it is a single operation: ${invocation} show ${root}`,
  });
}
