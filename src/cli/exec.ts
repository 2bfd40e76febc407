// SPDX-License-Identifier: Apache-2.0
/**
 * `assay exec`: has this very process bound to a SPIFFE ID, then becomes the program, in place: same pid, nothing in
 * between. It names no pid to the daemon, which knows its caller by itself (attack A12).
 */
import { Failure } from '../lib/failure.ts';
import { handOverDescriptors, inherited, undoNode } from './exec-descriptors.ts';
import { childEnvironment, withoutLauncher } from './exec-environment.ts';
import { announcement, findProgram } from './exec-program.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { bindThisProcess } from './launcher-client.ts';
import { required } from './usage.ts';
import { type WorkloadOptions, workloadPlace } from './workload-place.ts';

interface Options extends WorkloadOptions {
  readonly spiffeId?: string;
  readonly keepEnv?: readonly string[];
  readonly keepFd?: readonly string[];
}

export async function exec(io: Io, options: Options, [command = '', ...args]: readonly string[]): Promise<number> {
  const become = process.execve;
  if (typeof become !== 'function') throw noExecve();
  const spiffeId = required(options.spiffeId, '--spiffe-id');
  const kept = inherited(options.keepFd ?? []);
  const env = withoutLauncher(io.env);
  const program = await findProgram(command, env.variables.get('PATH'));
  const argv = [command, ...args];
  const announced = await announcement(program, argv);
  const place = await workloadPlace({ ...io, env: env.variables }, options);
  await withFlagNames(['--spiffe-id'], bindThisProcess(place, spiffeId, announced));
  const variables = childEnvironment(env, options.keepEnv ?? [], place.endpoint.uri);
  handOverDescriptors(kept, env.descriptorLimit);
  undoNode();
  become.call(process, program, argv, variables);
  throw new Error('the program was not started');
}

function noExecve(): Failure {
  return new Failure(
    'failed-precondition',
    'EXECVE_ABSENT',
    `this Node (${process.version}) cannot become another program: process.execve came with Node 22.15 and 23.11`,
    { hint: 'run assay with Node 24' },
  );
}
