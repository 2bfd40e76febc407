// SPDX-License-Identifier: Apache-2.0
/** Flags that many commands share. */
import { type Command, InvalidArgumentError } from 'commander';

/** A flag's value, refused when the flag is given twice: the last one silently winning would hide a mistake. */
export function once(value: string, before: string | undefined): string {
  if (before !== undefined) throw new InvalidArgumentError('It is given twice.');
  return value;
}

export function addAdminFlags(command: Command): Command {
  return command
    .option('--admin-socket <path>', 'the admin socket of the daemon', once)
    .option('--config <file>', 'the configuration of the daemon, to find its socket', once);
}

export function addWorkloadFlags(command: Command): Command {
  return command
    .option('--socket <uri>', 'the Workload API, such as unix:///run/assay/workload/api.sock', once)
    .option('--config <file>', 'the configuration of the daemon, to find its socket', once);
}

export function addPageFlags(command: Command): Command {
  return command.option('--limit <n>', 'stop after so many', once);
}

/** What the configuration may also be told on the command line. */
export function addConfigFlags(command: Command): Command {
  return command
    .option('--config <file>', 'the configuration, a YAML file', once)
    .option('--trust-domain <name>', 'the trust domain, such as example.org', once)
    .option('--data-dir <path>', 'where keys and the database lie', once)
    .option('--workload-socket <path>', 'where workloads connect', once)
    .option('--admin-socket <path>', 'where administrators connect', once)
    .option('--log-level <level>', 'error, warn, info or debug', once)
    .option('--log-format <format>', 'text or json', once);
}
