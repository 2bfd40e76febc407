// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run quickstart`: a daemon of its own, two services that prove to each other who they are, and a third process
 * that cannot. It ends by itself once both services changed their certificates under traffic; with `--stay` it goes on
 * until Ctrl-C. It needs neither root nor a network, and leaves nothing behind.
 */
import { parseArgs } from 'node:util';
import { castByPath, castByUid, type Player, type Role, strangers } from './stage/cast.ts';
import { Daemon, TRUST_DOMAIN } from './stage/daemon.ts';
import { type Program, Programs } from './stage/programs.ts';
import { Scratch } from './stage/scratch.ts';
import { note, says, step, title } from './stage/screen.ts';
import { stopSignal, unlessStopped } from './stage/stop.ts';
import { Tally } from './stage/tally.ts';

const USAGE = `npm run quickstart -- [--stay] [--one-uid]

  --stay      go on until Ctrl-C
  --one-uid   as root too, play without uids of their own
`;
/** Rotations come every 15 s or so; a machine under load may take its time. */
const PATIENCE_MS = 120_000;

const { values: flags } = parseArgs({
  options: { stay: { type: 'boolean' }, 'one-uid': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});

if (flags.help) process.stdout.write(USAGE);
else await main();

async function main(): Promise<void> {
  const stop = stopSignal();
  const uids = flags['one-uid'] ? undefined : strangers();
  const scratch = new Scratch(uids !== undefined);
  const programs = new Programs();
  try {
    await play(scratch, programs, uids, stop);
  } catch (error) {
    if (!stop.aborted) {
      process.stderr.write(`\nquickstart: ${(error as Error).message}\n`);
      process.exitCode = 1;
    }
  } finally {
    await programs.stopAll();
    scratch.sweep();
    if (stop.aborted) note('', 'Stopped; nothing is left behind.');
  }
}

async function play(
  scratch: Scratch,
  programs: Programs,
  uids: readonly number[] | undefined,
  stop: AbortSignal,
): Promise<void> {
  title('Two services prove to each other who they are');
  note(`All of it lies in ${scratch.dir}, called $Q below, and goes away at the end.`);

  step(`A daemon for the trust domain ${TRUST_DOMAIN}, whose certificates live 30 seconds`);
  const daemon = new Daemon(scratch);
  await unlessStopped(stop, daemon.start(programs));

  step('Who gets which identity: one entry for each service, and none for the intruder');
  const cast = uids === undefined ? castByPath(scratch) : castByUid(scratch, uids);
  explainCast(uids, daemon, cast);
  for (const role of ['billing', 'orders'] as const) {
    const selectors = cast.get(role)?.selectors.flatMap((selector) => ['--selector', selector]) ?? [];
    const id = `spiffe://${TRUST_DOMAIN}/${role}`;
    await unlessStopped(stop, daemon.tell(['entry', 'create'], ['--spiffe-id', id, ...selectors]));
  }

  step('The service billing starts, and the daemon looks at what it is');
  const start = (role: Role, args: readonly string[], hear: (line: string) => void): Program =>
    startPlayer(programs, daemon, cast.get(role) as Player, args, (line) => {
      says(role, line);
      hear(line);
    });
  const port = await unlessStopped(stop, portOf(start));

  step('A process that nobody registered tries its luck');
  await unlessStopped(stop, start('intruder', [port], () => undefined).ended);
  note(
    uids === undefined
      ? 'It has the same uid as the others, but runs another program than the two that have an entry.'
      : `The daemon asked the kernel who it is: uid ${uids[2]}, and no entry is for that uid.`,
    'What a process says about itself does not count; and billing takes nobody without an identity.',
  );

  step('The service orders has its orders charged: on a new connection each time, and on one it keeps');
  note('Each line names the certificates that both ends showed on that connection, by their serial numbers.');
  const tally = new Tally();
  const orders = start('orders', [port], (line) => tally.hear(line));
  await unlessStopped(stop, Promise.race([rotation(tally, stop), orders.ended]));
  conclude(tally);
  if (!flags.stay) {
    tryNext();
    return;
  }
  step('It goes on until you press Ctrl-C; in another terminal you may look around');
  for (const words of ['svid list', 'entry list', 'health']) note(`bin/assay ${words} --config ${daemon.config}`);
  await unlessStopped(stop, orders.ended);
}

function explainCast(uids: readonly number[] | undefined, daemon: Daemon, cast: ReadonlyMap<Role, Player>): void {
  if (uids !== undefined) {
    note(`You are root, so each has a uid of its own (${uids.join(', ')}): the kernel vouches for it.`);
    return;
  }
  note(
    'All run under your own uid, so they are told apart by the program they run: two copies of Node.',
    'That is good for trying it out and no security boundary: whoever has your uid can start the same',
    `program (${daemon.short(cast.get('orders')?.node ?? '')}), or look into its memory. In earnest, give each service a uid.`,
  );
}

function startPlayer(
  programs: Programs,
  daemon: Daemon,
  player: Player,
  args: readonly string[],
  onLine: (line: string) => void,
): Program {
  return programs.start(player.node, [player.script, ...args], {
    cwd: player.cwd,
    env: { SPIFFE_ENDPOINT_SOCKET: daemon.socket },
    onLine,
    ...(player.uid === undefined ? {} : { uid: player.uid }),
  });
}

/** Where billing listens, once it does. */
async function portOf(
  start: (role: Role, args: readonly string[], hear: (line: string) => void) => Program,
): Promise<string> {
  let billing: Program | undefined;
  const listening = new Promise<string>((resolve) => {
    billing = start('billing', [], (line) => {
      const port = /^listening on port (\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(port);
    });
  });
  const port = await Promise.race([listening, billing?.ended]);
  if (typeof port === 'string') return port;
  throw new Error('billing did not start');
}

/** Until both ends were seen with a second certificate. */
async function rotation(tally: Tally, stop: AbortSignal): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!stop.aborted && !tally.rotated && tally.counts.failed === 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function conclude(tally: Tally): void {
  const { fresh, kept, failed } = tally.counts;
  if (!tally.rotated || failed > 0)
    throw new Error(`${failed} requests failed, or no rotation was seen within ${PATIENCE_MS / 1000} s`);
  step('What you saw');
  note(
    `${fresh} requests on new connections and ${kept} on the one kept open, and none failed.`,
    `Certificates changed under way: orders showed ${tally.serials.orders}, billing ${tally.serials.billing}. New connections had the newest, and`,
    'the kept one went on with those it began with. No private key was ever in a file.',
  );
}

function tryNext(): void {
  note(
    '',
    'Try next:',
    '  npm run quickstart -- --stay      and look around with bin/assay while it runs',
    '  docs/quickstart.md                your own daemon and your own first entry, in four commands',
    '  examples/mtls/billing.ts          the service you just saw: 40 lines',
  );
}
