// SPDX-License-Identifier: Apache-2.0
/** The detectors that look at tasks, in a real daemon, with a real agent under a uid of its own; in the order of an incident. */
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { AGENT, AgentBench } from '../support/agent-bench.ts';
import { assayHere } from '../support/cli.ts';
import { asRoot } from '../support/peers.ts';

const READ = ['--intent', 'crm:read'];
const WRITE = ['--intent', 'crm:write'];
/** Prints the answer to FetchJWTSVID for the audience `aud`, in which the token stands as text. */
const FETCH_TOKEN = `
const session = require('node:http2').connect('http://localhost', {
  createConnection: () => require('node:net').connect(process.env.SPIFFE_ENDPOINT_SOCKET.slice('unix://'.length)),
});
const call = session.request({
  ':method': 'POST', ':path': '/SpiffeWorkloadAPI/FetchJWTSVID', 'content-type': 'application/grpc', te: 'trailers',
  'workload.spiffe.io': 'true',
});
call.end(Buffer.from([0, 0, 0, 0, 5, 10, 3, 97, 117, 100]));
const heard = [];
call.on('data', (chunk) => heard.push(chunk));
call.on('close', () => {
  console.log(Buffer.concat(heard).toString('latin1').match(/eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+/)?.[0]);
  session.close();
});`;

let bench: AgentBench;
beforeAll(async () => {
  const detectors =
    'intent_mismatch: require-approval, undeclared_intents: suspend, thresholds: { undeclared_intents: 3 }';
  bench = await AgentBench.start([`detectors: { ${detectors} }`]);
});
afterAll(() => bench?.close());

interface Shown {
  readonly id: number;
  readonly identity: string;
  readonly task: string | null;
  readonly evidence: object;
}

async function findingsOf(detector: string): Promise<readonly Shown[]> {
  for (let tries = 0; ; tries += 1) {
    const { findings } = await bench.json('finding', 'list', '--open', '--detector', detector);
    if (findings.length > 0 || tries === 200) return findings;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Nothing to run: what is asked for is refused. */
async function refused(flags: readonly string[]): Promise<string> {
  const program = bench.task(flags, ['/bin/true']);
  return program.heard('text').then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );
}
/** One that people are asked about; then whoever asked goes away. */
async function waits(flags: readonly string[]) {
  const before = await latest();
  const program = bench.task(flags, ['/bin/true']);
  for (let tries = 0; tries < 200 && (await latest()).id === before.id; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 25));
  const asked = await latest();
  program.child.kill('SIGKILL');
  await program.ended;
  return asked;
}
const latest = async () => (await bench.json('task', 'list', '--limit', '1')).tasks[0];

describe('an agent', () => {
  asRoot(
    'I7: whose token is shown after its task ended leaves a finding of the task and of the identity that it lent',
    async () => {
      const uid = process.getuid?.();
      await bench.admin.createEntry({ id: 'me', spiffe_id: 'spiffe://example.org/me', selectors: [`unix:uid:${uid}`] });
      const program = bench.task(READ, [process.execPath, '-e', FETCH_TOKEN]);
      const token = String((await program.heard('text'))['text']);
      await program.ended;
      const { id, state } = await latest();
      expect(state).toBe('ended');
      const env = { SPIFFE_ENDPOINT_SOCKET: bench.daemon.endpoint };
      const checked = await assayHere(['validate', 'jwt', '--audience', 'aud'], { env, input: token });
      expect(checked.err).toContain('taken back');
      const [finding] = await findingsOf('replay-after-revocation');
      expect(finding).toMatchObject({ identity: AGENT, task: id, evidence: { kind: 'jwt', by: `uid:${uid}` } });
    },
  );

  asRoot(
    'C1: that asks for what is not permitted leaves a finding, and then people are asked for all it does',
    async () => {
      expect(await refused(WRITE)).toContain('was denied');
      const [finding] = await findingsOf('intent-mismatch');
      const { id, state } = await latest();
      expect([finding?.identity, finding?.task, state]).toEqual([AGENT, id, 'denied']);
      expect(finding?.evidence).toMatchObject({ cause: 'not-permitted', intents: ['crm:write'] });
      expect(await bench.good('finding', 'show', String(finding?.id))).toContain(id);
      // Of an allowed intent, too.
      const asked = await waits(READ);
      expect(asked).toMatchObject({ intents: ['crm:read'], state: 'pending' });
      await bench.good('finding', 'close', String(finding?.id), '--resolution', 'a test of ours');
      const program = bench.task(READ, ['/bin/echo', 'begun']);
      expect((await program.heard('text'))['text']).toBe('begun');
    },
  );

  asRoot('C1: that asks for more impact after a deny leaves another', async () => {
    const { id } = await waits(['--intent', 'payments:refund']);
    const [finding] = await findingsOf('escalation-after-deny');
    expect(finding).toMatchObject({ identity: AGENT, evidence: { intents: ['payments:refund'] } });
    expect(finding?.task).toBe(id);
  });

  asRoot('I7: that does not stop asking is suspended, and its tasks end', async () => {
    const { program, call } = bench.follower(READ);
    await call.at(1);
    const { id } = await latest();
    await refused(WRITE);
    await refused(WRITE);
    await program.ended;
    expect((await bench.json('task', 'show', id)).task).toMatchObject({ end: 'revoked' });
    const shown = await bench.good('identity', 'show', AGENT);
    expect(shown).toContain('found by the detector undeclared-intents');
    expect(await refused(READ)).toContain('no identity of this process can be lent');
    expect(await findingsOf('undeclared-intents')).toMatchObject([{ identity: AGENT, count: 1 }]);
  });
});
