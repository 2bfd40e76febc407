// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run example:agent`: an agent that is lent an identity for each of its tasks. It reads, waits for a human before it refunds, is
 * refused what it did not declare, and is killed in the middle; then its evidence is checked without the daemon. No model takes part: the agent
 * is a script. It needs neither root nor a network, but ssh-keygen, and leaves nothing behind.
 */
import { spawnSync } from 'node:child_process';
import { strangers } from '../mtls/stage/cast.ts';
import { Daemon } from '../mtls/stage/daemon.ts';
import { type Program, Programs } from '../mtls/stage/programs.ts';
import { Scratch, top } from '../mtls/stage/scratch.ts';
import { command, note, says, step, title } from '../mtls/stage/screen.ts';
import { stopSignal, unlessStopped } from '../mtls/stage/stop.ts';
import { type Players, playersIn, scriptOf } from './stage/players.ts';

const TRUST_DOMAIN = 'agents.example';
const BOT = `spiffe://${TRUST_DOMAIN}/agent/support-bot`;
const READ = ['crm:read', '--ttl', '10m'];
/** A machine under load may take its time. */
const PATIENCE_MS = 60_000;

async function main(): Promise<void> {
  const stop = stopSignal();
  const uids = strangers();
  const scratch = new Scratch(uids !== undefined);
  const programs = new Programs();
  try {
    await unlessStopped(stop, new Story(scratch, programs, playersIn(scratch, uids)).play());
  } catch (error) {
    if (!stop.aborted) {
      process.stderr.write(`\nexample:agent: ${(error as Error).message}\n`);
      process.exitCode = 1;
    }
  } finally {
    await programs.stopAll();
    scratch.sweep();
    if (stop.aborted) note('', 'Stopped; nothing is left behind.');
  }
}

/** A program whose lines are waited for. */
interface Heard {
  readonly program: Program;
  /** What the pattern's first group caught. */
  line(pattern: RegExp): Promise<string>;
}

class Story {
  readonly #scratch: Scratch;
  readonly #programs: Programs;
  readonly #players: Players;
  readonly #daemon: Daemon;
  #port = '';

  constructor(scratch: Scratch, programs: Programs, players: Players) {
    this.#scratch = scratch;
    this.#programs = programs;
    this.#players = players;
    this.#daemon = new Daemon(scratch, configuration(scratch, players.ownUids));
  }

  async play(): Promise<void> {
    title('An agent gets credentials for one task at a time');
    note(`All of it lies in ${this.#scratch.dir}, called $Q below, and goes away at the end.`);
    await this.#furnish();
    await this.#openDesk();
    await this.#reads();
    await this.#oversteps();
    const refund = await this.#refunds();
    await this.#isKilled();
    await this.#evidence(refund);
  }

  async #furnish(): Promise<void> {
    step(`A daemon for the trust domain ${TRUST_DOMAIN}`);
    await this.#daemon.start(this.#programs);
    const { ownUids, human, desk, agent } = this.#players;
    if (!ownUids)
      note(
        'All run under your own uid, and so does the daemon, which accepts that here (insecure_same_uid) and marks what it',
        'issues. That is good for trying it out and no security boundary. In earnest the daemon and the agent have uids of their own.',
      );
    step('Who answers: alice, with an SSH key, under another uid than the agent');
    const key = this.#scratch.path('alice');
    command(`ssh-keygen -t ed25519 -f ${this.#daemon.short(key)}`);
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'alice', '-f', key]);
    if (made.status !== 0) throw new Error('ssh-keygen is needed, of OpenSSH, and did not make a key');
    await this.#daemon.tell(['human', 'add', 'alice'], ['--uid', String(human)]);
    await this.#daemon.tell(['human', 'key', 'add', 'alice'], ['--file', `${key}.pub`]);
    step('What there is to do, who may ask for it, and what policies say');
    for (const [name, impact, ...intents] of [
      ['crm', 'low', 'read', 'write'],
      ['payments', 'high', 'refund'],
    ] as const)
      await this.#daemon.tell(
        ['target', 'put', name],
        ['--env', 'prod', '--impact', impact, ...intents.flatMap((one) => ['--intent', one]), '--owner', 'human:alice'],
      );
    const deskId = `spiffe://${TRUST_DOMAIN}/desk`;
    await this.#daemon.tell(['entry', 'create'], ['--spiffe-id', deskId, ...selectorFlags(desk.selectors)]);
    await this.#daemon.tell(
      ['entry', 'create'],
      [
        ...['--spiffe-id', BOT, ...selectorFlags(agent.selectors), '--kind', 'agent', '--owner', 'human:alice'],
        ...['--purpose', 'answers tickets', '--env', 'prod', '--label', 'team=support'],
      ],
    );
    await this.#daemon.tell(['policy', 'apply'], ['examples/agent/policies']);
  }

  async #openDesk(): Promise<void> {
    step('The desk opens: it shows tickets and pays refunds, to tasks of the agent alone');
    const { desk } = this.#players;
    const heard = this.#start('desk', [scriptOf(desk, 'desk')], desk, {});
    this.#port = await heard.line(/^listening on port (\d+)$/);
  }

  async #reads(): Promise<void> {
    step('The agent reads a ticket: of low impact, so it flows');
    const { program } = this.#task('ticket 4711', READ, ['GET', '/tickets/4711']);
    await succeeded(program);
    note('The identity was lent for this task: its ID ends in /task/ and the id, and it is revoked by now.');
  }

  async #oversteps(): Promise<void> {
    step('It tries what it may not: the desk refuses what the task did not declare, the daemon what no policy permits');
    await succeeded(this.#task('ticket 4711', READ, ['PUT', '/tickets/4711']).program);
    const code = await this.#task('ticket 4711', ['crm:write', '--ttl', '10m'], ['PUT', '/tickets/4711']).program.ended;
    if (code !== 1) throw new Error('a task that no policy permits began');
    await this.#print(['finding', 'list'], ['--open'], /DETECTOR|intent/);
  }

  /** Resolves with its id. */
  async #refunds(): Promise<string> {
    step('It wants to refund: of high impact, so a human has to say yes, outside of the agent');
    const heard = this.#task('refund order 7', ['payments:refund=order 7', '--ttl', '5m'], ['POST', '/refunds/7']);
    const id = await heard.line(/^assay: task (\S+) waits for/);
    await this.#print(['approvals'], [], /./);
    const key = this.#scratch.path('alice');
    note('alice sees every field that she signs; --yes says that she has looked.');
    await this.#daemon.tell(['approve', id], ['--key', key, '--yes', '--reason', 'the parcel is lost']);
    await succeeded(heard.program);
    return id;
  }

  async #isKilled(): Promise<void> {
    step(
      'It is killed in the middle of a task: the credentials die with the task, also what the program it left behind still holds',
    );
    const heard = this.#task('ticket 4711', READ, ['GET', '/tickets/4711', '--again']);
    const id = await heard.line(/^assay: task (\S+) as/);
    await heard.line(/, again and again: (200)/);
    const at = Date.now();
    command('kill -9 the process that holds the task');
    heard.program.kill();
    await heard.line(/(my connection was cut)/);
    note(`${Date.now() - at} ms after that the connection was cut that was open.`);
    await heard.line(/(there is no other)/);
    await this.#print(['task', 'show', id], [], /^(state|reason) /);
  }

  async #evidence(id: string): Promise<void> {
    step('What is left of the refund: one file, that anybody checks without the daemon');
    const file = this.#scratch.path('evidence.json');
    await this.#daemon.tell(['evidence', id], ['--out', file]);
    command(`bin/assay evidence verify ${this.#daemon.short(file)}`);
    const checked = spawnSync(`${top}/bin/assay`, ['evidence', 'verify', file], { encoding: 'utf8' });
    for (const line of checked.stdout.trimEnd().split('\n')) note(this.#daemon.short(line));
    if (checked.status !== 0) throw new Error(`the evidence does not verify:\n${checked.stderr}`);
  }

  /** Runs the agent in a task, shown as it is run. */
  #task(purpose: string, [intent = '', ...flags]: readonly string[], does: readonly string[]): Heard {
    const { agent } = this.#players;
    const words = ['--intent', intent, ...flags];
    command(
      `bin/assay task run --purpose "${purpose}" ${words.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ')}`,
      `-- node agent.ts $PORT ${does.join(' ')}`,
    );
    const run = ['--no-warnings', 'src/main.ts', 'task', 'run', '--purpose', purpose, '--socket', this.#daemon.socket];
    const program = ['--', agent.node, '--no-warnings', scriptOf(agent, 'agent'), this.#port, ...does];
    return this.#start('agent', [...run, ...words, ...program], agent, {});
  }

  #start(
    who: string,
    args: readonly string[],
    { node, cwd, uid }: Players['desk'],
    env: Record<string, string>,
  ): Heard {
    const lines: string[] = [];
    const waiting = new Set<() => void>();
    const onLine = (line: string): void => {
      says(who, this.#daemon.short(line));
      lines.push(line);
      for (const wake of waiting) wake();
    };
    const program = this.#programs.start(node, args, {
      cwd,
      env: { SPIFFE_ENDPOINT_SOCKET: this.#daemon.socket, ...env },
      onLine,
      ...(uid === undefined ? {} : { uid }),
    });
    return { program, line: (pattern) => found(lines, waiting, pattern) };
  }

  /** A command, and of what it prints the lines that matter here. */
  async #print(name: readonly string[], flags: readonly string[], which: RegExp): Promise<void> {
    const printed = await this.#daemon.tell(name, flags);
    for (const line of printed.trimEnd().split('\n')) if (which.test(line)) note(`  ${line}`);
  }
}

function found(lines: readonly string[], waiting: Set<() => void>, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`nobody said ${pattern}`)), PATIENCE_MS);
    const look = (): void => {
      const line = lines.map((one) => pattern.exec(one)).find((match) => match !== null);
      if (line === undefined || line === null) return;
      waiting.delete(look);
      clearTimeout(late);
      resolve(line[1] ?? '');
    };
    waiting.add(look);
    look();
  });
}

async function succeeded(program: Program): Promise<void> {
  const code = await program.ended;
  if (code !== 0) throw new Error(`a task ended with status ${code}`);
}

function selectorFlags(selectors: readonly string[]): string[] {
  return selectors.flatMap((selector) => ['--selector', selector]);
}

function configuration(scratch: Scratch, ownUids: boolean): string {
  return `trust_domain: ${TRUST_DOMAIN}
data_dir: ${scratch.path('data')}
sockets:
  workload: ${scratch.path('workload/api.sock')}
  admin: ${scratch.path('admin/admin.sock')}
  task_dir: ${scratch.path('task')}
ca: { key_manager: { memory: {} } }
${ownUids ? '' : 'insecure_same_uid: true\n'}`;
}

await main();
