import { Command, CommanderError } from 'commander';
import { StoreAway } from '../operation/errors.ts';
import { archiveCommand } from './commands/archive.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { exportCommand } from './commands/export.ts';
import { inDoubtCommand } from './commands/in-doubt.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { overrideCommands } from './commands/override.ts';
import { publishCommand } from './commands/publish.ts';
import { resolveCommand } from './commands/resolve.ts';
import { restoreCommand } from './commands/restore.ts';
import { showCommand } from './commands/show.ts';
import { sweepCommand } from './commands/sweep.ts';
import { tailCommand } from './commands/tail.ts';
import { verifyCommand } from './commands/verify.ts';
import { workflowCommands } from './commands/workflow.ts';
import type { Answer, Connection, Run, Terminal } from './context.ts';
import { EXIT, Failure } from './failure.ts';
import type { RunOperations } from './operations.ts';
import { notServed, serviceOperations } from './service-operations.ts';
import { storeOperations } from './store-operations.ts';
import { invocationOf, serviceTarget } from './target.ts';
import type { TargetOptions } from './target.ts';

/** Reaches the deployment that the options, the environment or a dev.json name. */
export type Connect = (options: TargetOptions, terminal: Terminal) => Promise<Connection>;

/** Runs one command. Resolves to its exit code; whatever goes wrong is told on standard error. */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  connect: Connect,
): Promise<number> {
  let exit: number = EXIT.ok;
  const program = commandLine(terminal, connect, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const failure = failureOf(error);
    tell(failure, terminal, program.opts<TargetOptions>().json === true);
    return EXIT[failure.exit];
  }
}

function commandLine(
  terminal: Terminal,
  connect: Connect,
  setExit: (code: number) => void,
): Command {
  const program = new Command('agent-once')
    .description('Looks at operations, and intervenes in them.')
    .option('--url <URL>', 'the idempotency service, instead of a store')
    .option('--store <STORE>', 'embedded:FILE or firestore')
    .option('--namespace <NAME>', 'whose tokens')
    .option('--project <ID>', 'the Google Cloud project')
    .option('--json', 'one JSON value, or one a line for lists')
    .addHelpText('after', ENDING);
  const options = (): TargetOptions => program.opts<TargetOptions>();

  const print = (answer: Answer): void => {
    const text = options().json ? jsonText(answer) : answer.text;
    if (text !== '') terminal.out(`${text}\n`);
    setExit(EXIT[answer.exit ?? 'ok']);
  };
  const onStore: Run = async (work) => {
    const connection = await connect(options(), terminal);
    try {
      print(await work({ ...connection, terminal, invocation: invocationOf(options()) }));
    } finally {
      await connection.close();
    }
  };
  /** For what needs a store: a service that the options name is not it. */
  const run: Run = async (work) => {
    const target = serviceTarget(options(), terminal.env);
    const stores = terminal.env['AGENT_ONCE_STORE'] !== undefined && options().url === undefined;
    if (target && !stores) throw notServed(commandOf(program), target.url);
    return onStore(work);
  };
  const runOperations: RunOperations = async (work) => {
    const invocation = invocationOf(options());
    const target = serviceTarget(options(), terminal.env);
    if (target) {
      const operations = serviceOperations(target, invocation);
      print(await work({ operations, terminal, invocation }));
      return;
    }
    await onStore((context) => work({ ...context, operations: storeOperations(context) }));
  };

  const commands = [
    publishCommand(run),
    showCommand(runOperations),
    ledgerCommand(runOperations),
    inDoubtCommand(runOperations),
    resolveCommand(runOperations),
    ...overrideCommands(runOperations),
    ...workflowCommands(run),
    deadLettersCommand(run),
    sweepCommand(run),
    archiveCommand(run),
    restoreCommand(run),
    exportCommand(run),
    tailCommand(terminal, () => options().json === true),
    verifyCommand(terminal, print),
  ];
  for (const command of commands) program.addCommand(command);
  const nested = commands.flatMap((command) => command.commands);
  for (const command of [program, ...commands, ...nested]) {
    command
      .exitOverride()
      .showHelpAfterError('(add --help for how to use it)')
      .configureOutput({
        writeOut: (text) => terminal.out(text),
        writeErr: (text) => terminal.err(text),
      });
  }
  return program;
}

const ENDING = `
Where: --url, or --store and --namespace, else AGENT_ONCE_URL, else the store of the environment, else
the .agent-once/dev.json that npm run dev writes here or in a folder above.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused, 5 the store can't be reached.`;

/** The name of the command that is being carried out. */
function commandOf(program: Command): string {
  return program.args[0] ?? program.name();
}

function jsonText(answer: Answer): string {
  return answer.kind === 'value'
    ? JSON.stringify(answer.json)
    : answer.json.map((value) => JSON.stringify(value)).join('\n');
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof StoreAway) {
    return new Failure('storeAway', error.message, {
      advice:
        'Nothing more was done. Whether a change asked for was made is unknown: look, then ask again.',
      cause: error,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new Failure('failed', message, { cause: error });
}

function tell({ message, advice, exit }: Failure, terminal: Terminal, json: boolean): void {
  if (json) {
    const error = { code: exit, message, ...(advice !== undefined && { advice }) };
    terminal.err(`${JSON.stringify({ error })}\n`);
    return;
  }
  terminal.err(`${terminal.paint('red', message)}\n`);
  if (advice !== undefined) terminal.err(`${advice}\n`);
}
