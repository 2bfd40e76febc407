// SPDX-License-Identifier: Apache-2.0
/**
 * What all commands share: how one is declared, how its mistakes are told, what the process exits with.
 * A command's own file is loaded only when it runs, so that `--help` and wrong usage answer at once.
 */
import { Command, CommanderError, Option } from 'commander';
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import { type Format, printFailure } from './print.ts';
import { exitStatus, USAGE, usage } from './usage.ts';

/** Resolves with the exit status, or rejects with a Failure. */
export type Action = (io: Io, options: never, positional: readonly string[]) => Promise<number>;

/** What `--help` says below the flags. */
export interface Help {
  readonly rules: string;
  /** To paste. */
  readonly example: string;
}

export interface Program {
  readonly root: Command;
  readonly io: Io;
  /** Declares a command; `load` brings its file. */
  leaf(parent: Command, form: string, summary: string, help: string | Help, load: () => Promise<Action>): Command;
  /** Declares a group of commands. */
  group(parent: Command, name: string, summary: string): Command;
  run(argv: readonly string[]): Promise<number>;
}

export function createProgram(io: Io, version: string): Program {
  let status = 0;
  const root = new Command('assay')
    .description('Finds out what a process on this machine really is and hands it a short-lived SPIFFE identity.')
    .version(version)
    .helpCommand(false)
    .enablePositionalOptions();
  quiet(root, io);

  return {
    root,
    io,
    leaf(parent, form, summary, help, load) {
      const { rules, example } = typeof help === 'string' ? { rules: '', example: help } : help;
      const command = parent.command(form).description(summary);
      command.addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'));
      command.addHelpText('after', `${rules === '' ? '' : `\n${rules}\n`}\nExample:\n${example.replace(/^/gm, '  ')}`);
      command.action(async () => {
        status = await (await load())(io, command.opts() as never, command.args);
      });
      return command;
    },
    group(parent, name, summary) {
      return parent.command(name).description(summary).helpCommand(false);
    },
    async run(argv) {
      try {
        await root.parseAsync([...argv], { from: 'user' });
        return status;
      } catch (error) {
        return report(io, argv, error);
      }
    },
  };
}

/** Commander throws instead of exiting, and what it would say goes through `printFailure`. */
function quiet(command: Command, io: Io): void {
  command.exitOverride().configureOutput({ writeOut: (text) => io.out(text), writeErr: () => undefined });
}

function report(io: Io, argv: readonly string[], error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const failure = toFailure(error, argv);
  printFailure(io, formatOf(argv), failure);
  return exitStatus(failure);
}

function toFailure(error: unknown, argv: readonly string[]): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) return fromCommander(error, argv);
  return new Failure(
    'internal',
    'INTERNAL',
    `unexpected error: ${error instanceof Error ? error.message : String(error)}`,
    {
      hint: 'this is a defect of assay; please report it with the command that was run',
      cause: error,
    },
  );
}

/** `error: unknown option '--x'\n(Did you mean --y?)` as a Failure with field and hint. */
function fromCommander(error: CommanderError, argv: readonly string[]): Failure {
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const field = /(--[a-z0-9-]+)/.exec(first)?.[1] ?? /'([^']+)'/.exec(first)?.[1];
  const command = commandWords(argv, field);
  if (error.code === 'commander.help') return usage(command, undefined, 'needs a command', `see: ${command} --help`);
  const hint = suggestion?.replace(/^\(|\)$/g, '').replace(/^Did/, 'did') ?? `see: ${command} --help`;
  return new Failure('invalid-argument', USAGE, first, { hint, ...(field === undefined ? {} : { field }) });
}

/** What of the command line named a command, as far as it goes without `wrong`. */
function commandWords(argv: readonly string[], wrong: string | undefined): string {
  const words: string[] = ['assay'];
  for (const word of argv.slice(0, 3)) {
    if (!/^[a-z0-9]+$/.test(word) || word === wrong) break;
    words.push(word);
  }
  return words.join(' ');
}

/** As the command line has it, also when it could not be parsed. */
function formatOf(argv: readonly string[]): Format {
  for (const [at, word] of argv.entries()) {
    if (word === '--') break;
    if (word === '--output=json' || word === '-ojson' || word === '-o=json') return 'json';
    if ((word === '--output' || word === '-o') && argv[at + 1] === 'json') return 'json';
  }
  return 'text';
}

/** A flag that may be given again and again. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
