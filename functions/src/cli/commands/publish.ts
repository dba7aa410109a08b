import { Command, InvalidArgumentError } from 'commander';
import { makeTask } from '../../engine/tasks.ts';
import type { TaskMessage } from '../../operation/task.ts';
import { ACTION_PATTERN, parseAction } from '../../token/token.ts';
import { durationArgument, jsonArgument } from '../arguments.ts';
import type { Answer, Context, Run } from '../context.ts';
import { awaitSettled } from './await-settled.ts';

interface Options {
  readonly key?: string;
  readonly agent: string;
  readonly scope?: string;
  readonly wait?: true;
  readonly timeout: number;
}

export function publishCommand(run: Run): Command {
  return new Command('publish')
    .summary('publish a task')
    .description('Publishes a task for an action’s step.')
    .argument('<ACTION>', 'the action, as in payments.charge', actionArgument)
    .argument('<PARAMS-JSON>', 'its params as JSON, or - for standard input')
    .option(
      '--key <KEY>',
      'your own key for this operation; without it, equal requests within 5 min are one',
    )
    .option('--agent <NAME>', 'the agent that asks', 'cli')
    .option('--scope <SCOPE>', 'keeps equal requests apart where there is no key')
    .option('--wait', 'wait until it is settled, and print its result')
    .option('--timeout <DURATION>', 'how long to wait', durationArgument, 60_000)
    .action((action: string, params: string, options: Options) =>
      run((context) => publish(context, action, params, options)),
    );
}

async function publish(
  context: Context,
  action: string,
  argument: string,
  { key, agent, scope, wait, timeout }: Options,
): Promise<Answer> {
  const { runtime, namespace, invocation, terminal } = context;
  const params = await jsonArgument('PARAMS-JSON', argument, terminal);
  const origin = {
    namespace,
    agent,
    ...(key !== undefined && { key }),
    ...(scope !== undefined && { scope }),
  };
  const task = makeTask({ action, params }, origin, runtime.clock.now());
  await runtime.publisher.publish([task]);
  return wait ? awaitSettled(context, task, timeout) : published(task, invocation);
}

function published({ token, action }: TaskMessage, invocation: string): Answer {
  return {
    kind: 'value',
    json: { action, token },
    text: `Published ${action} as ${token}.\nWhat became of it: ${invocation} show ${token}`,
  };
}

function actionArgument(text: string): string {
  const action = parseAction(text);
  if (action !== undefined) return action;
  throw new InvalidArgumentError(
    `An action is dotted lower-case words, at most 128 characters: ${ACTION_PATTERN.source}`,
  );
}
