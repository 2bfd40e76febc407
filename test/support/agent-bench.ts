// SPDX-License-Identifier: Apache-2.0
/** A daemon with an agent's identity, targets and policies, and programs that run in tasks of it under the agent's uid. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdminClient } from './admin-client.ts';
import { CallRecord, FETCH_SVID } from './call-record.ts';
import { assayHere, type CliResult } from './cli.ts';
import { Daemon, type DaemonOptions, top } from './daemon.ts';
import { LineProgram } from './line-program.ts';

export const AGENT = 'spiffe://example.org/agent';
export const AGENT_UID = 41_711;

export const POLICIES = `
@id("agents-work-on-tickets")
@reason("agents read the CRM and refund")
permit (principal is Identity, action in [Action::"begin", Action::"issue", Action::"use"], resource)
when { principal.kind == "agent" && ["read", "refund"].contains(context.intent) };
`;

/** Prints each message of the Workload API of its task, and how the call ends. */
const CALLER_SCRIPT = `exec "$0" --no-warnings "$1" "\${SPIFFE_ENDPOINT_SOCKET#unix://}" "$2" '{"workload.spiffe.io":"true"}'`;

export class AgentBench {
  readonly daemon: Daemon;
  readonly #programs: LineProgram[] = [];

  private constructor(daemon: Daemon) {
    this.daemon = daemon;
  }

  static async start(options: readonly string[] | DaemonOptions = [], policies = POLICIES): Promise<AgentBench> {
    const bench = new AgentBench(await Daemon.start('length' in options ? { config: options } : options));
    try {
      await bench.#furnish(policies);
    } catch (error) {
      await bench.close();
      throw error;
    }
    return bench;
  }

  async #furnish(policies: string): Promise<void> {
    copyFileSync(join(top, 'test/support/bare-caller.ts'), this.caller);
    chmodSync(this.caller, 0o755);
    const folder = join(this.daemon.folder, 'policies');
    mkdirSync(folder);
    writeFileSync(join(folder, 'agents.cedar'), policies);
    const selector = `unix:uid:${AGENT_UID}`;
    const words = ['--kind', 'agent', '--purpose', 'works on tickets', '--owner', 'uid:0', '--env', 'prod'];
    await this.good('entry', 'create', '--spiffe-id', AGENT, '--selector', selector, ...words);
    await this.good(
      'target',
      'put',
      'crm',
      '--env',
      'prod',
      '--impact',
      'low',
      '--intent',
      'read',
      '--intent',
      'write',
    );
    await this.good('target', 'put', 'payments', '--env', 'prod', '--impact', 'high', '--intent', 'refund');
    await this.good('policy', 'apply', folder);
  }

  /** A human with a key in software, who works under this uid. */
  async human(name: string, uid: number): Promise<void> {
    const key = join(this.daemon.folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    await this.good('human', 'add', name, '--uid', String(uid));
    await this.good('human', 'key', 'add', name, '--file', `${key}.pub`);
  }

  /** As this human decides. */
  decide(word: 'approve' | 'reject', id: string, human: string, ...more: string[]): Promise<CliResult> {
    return this.run(word, id, '--key', join(this.daemon.folder, human), '--yes', ...more);
  }

  takeBack(id: string, human: string, ...more: string[]): Promise<CliResult> {
    return this.run('approvals', 'withdraw', id, '--key', join(this.daemon.folder, human), '--yes', ...more);
  }

  /** A service that may begin what agents may, and is given SVIDs outside of tasks too. */
  async permitAll(spiffeId: string, uid: number): Promise<void> {
    const words = ['--kind', 'service', '--purpose', 'is measured', '--owner', 'uid:0', '--env', 'prod'];
    await this.good('entry', 'create', '--spiffe-id', spiffeId, '--selector', `unix:uid:${uid}`, ...words);
    const folder = join(this.daemon.folder, 'wide');
    mkdirSync(folder);
    writeFileSync(join(folder, 'wide.cedar'), POLICIES.replace('principal.kind == "agent" && ', ''));
    await this.good('policy', 'apply', folder);
  }

  get caller(): string {
    return join(this.daemon.folder, 'bare-caller.ts');
  }

  get admin(): AdminClient {
    return this.daemon.admin;
  }

  /** `assay` as an operator. */
  run(...words: string[]): Promise<CliResult> {
    return assayHere([...words, '--admin-socket', this.daemon.adminSocket]);
  }

  async good(...words: string[]): Promise<string> {
    const { code, out, err } = await this.run(...words);
    if (code !== 0) throw new Error(`assay ${words.join(' ')}: ${err}`);
    return out;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
  async json(...words: string[]): Promise<any> {
    return JSON.parse(await this.good(...words, '-o', 'json'));
  }

  /** `assay task run` under the agent's uid, or another; what the program prints as JSON is heard as lines. */
  task(flags: readonly string[], program: readonly string[], uid = AGENT_UID): LineProgram {
    const words = [
      'task',
      'run',
      '--socket',
      this.daemon.endpoint,
      '--purpose',
      'ticket 4711',
      ...flags,
      '--',
      ...program,
    ];
    const as = ['--no-warnings', join(top, 'test/support/assay-as.ts'), `${uid}:${uid}`];
    // A session of its own: below root's shell it would be as near to everybody's keys as root is.
    const line = new LineProgram(process.execPath, [...as, ...words], { cwd: '/', detached: true });
    this.#programs.push(line);
    return line;
  }

  /** A program that follows its X509-SVIDs, in a task. */
  follower(flags: readonly string[]): { readonly program: LineProgram; readonly call: CallRecord } {
    const program = this.task(flags, ['/bin/sh', '-c', CALLER_SCRIPT, process.execPath, this.caller, FETCH_SVID]);
    const call = new CallRecord(FETCH_SVID);
    program.take = (line) => {
      if (line.event === 'text') return false;
      call.said(line);
      return true;
    };
    void program.ended.then(() => call.lost('the program ended'));
    return { program, call };
  }

  async close(): Promise<void> {
    for (const { child } of this.#programs) child.kill('SIGKILL');
    await this.daemon.close();
  }
}
