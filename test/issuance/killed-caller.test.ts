// SPDX-License-Identifier: Apache-2.0
/**
 * The caller is killed while its row waits for the fsync, and a second process holds the same descriptor. Real socket,
 * real peer credentials, real attestor, real store; only the writer is held open before its commit.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountNames } from '../../attestors/unix/account-names.ts';
import { unixAttestor } from '../../attestors/unix/unix-attestor.ts';
import { GrpcDoor } from '../../src/api/grpc-door.ts';
import { loadProtoDefinition } from '../../src/api/proto.ts';
import { addWorkloadService } from '../../src/api/workload/workload-service.ts';
import { AttestationEngine } from '../../src/attestation/engine.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Ceilings } from '../../src/peer/ceilings.ts';
import { listenForPeers, type PeerListener } from '../../src/peer/listener.ts';
import { type PeerPlatform, preparePeerPlatform } from '../../src/peer/platform.ts';
import { CommitGate } from '../../src/store/sqlite/commit-gate.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { compile, hasCompiler } from '../support/c-program.ts';
import { lone, OPERATOR } from '../support/lone.ts';
import { fetchX509SvidBytes } from '../support/request-bytes.ts';
import { tempDir } from '../support/temp-dir.ts';

const TRIES = 1_000;
const REFUSED_AT_LEAST = 950;
const ENTRY = 'caller';

if (!hasCompiler)
  console.warn('skipped: gcc is not installed, and a caller that dies at the right moment is written in C');
const withCompiler = hasCompiler ? describe : describe.skip;

withCompiler('a caller that is killed while its row waits for the fsync', () => {
  const folder = tempDir('killed');
  const socket = join(folder, 'w', 'api.sock');
  const gate = new CommitGate();
  let rooms: Awaited<ReturnType<typeof lone>>;
  let platform: PeerPlatform;
  let listener: PeerListener;
  let door: GrpcDoor;
  let program: ChildProcessWithoutNullStreams;
  let lines: AsyncIterator<string>;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    platform = await preparePeerPlatform({ log: silentLogger, clock: systemClock, digestFileBytes: 1 << 20 });
    const attestation = new AttestationEngine({
      attestors: [unixAttestor({ path: false, sha256: false, pathInContainers: false, users: accountNames() })],
      timeoutMs: 10_000,
      atOnce: 16,
      clock: systemClock,
      log: silentLogger,
    });
    rooms = await lone({ dataDir: join(folder, 'data'), clock: systemClock, gate, attestation });
    door = new GrpcDoor({
      name: 'workload',
      clock: systemClock,
      streamsPerConnection: 32,
      headerBytes: 8192,
      requestBytes: 65_536,
      interceptors: [],
      log: silentLogger,
    });
    addWorkloadService({
      server: door.server,
      definition: loadProtoDefinition('workload.proto')['SpiffeWorkloadAPI']!,
      identities: rooms.standings,
      peerOf: (call) => door.peerOf(call),
      onConnectionClose: (call, closed) => door.onConnectionClose(call, closed),
      x509: true,
      undrainedMs: 30_000,
      clock: systemClock,
    });
    const ceilings = new Ceilings({
      what: 'connections',
      perUid: 100,
      perCgroup: 100,
      total: 100,
      reserved: 1,
      ownUid: 0,
    });
    const { accept } = door;
    listener = await listenForPeers({
      path: socket,
      mode: 0o777,
      folderMode: 0o755,
      accept,
      log: silentLogger,
      ceilings,
      platform,
    });
    await rooms.registry.createEntry(
      { entryId: ENTRY, spiffeId: 'spiffe://example.org/caller', selectors: [`unix:uid:${process.getuid?.() ?? 0}`] },
      OPERATOR,
    );
    const request = join(folder, 'request');
    writeFileSync(request, await fetchX509SvidBytes());
    program = spawn(compile('shared-descriptor', folder), [socket, request]);
    lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  });
  afterAll(async () => {
    program.stdin.end();
    await door.close(100);
    await listener.close();
    await rooms.close();
    await platform.close();
  });

  const say = async (word: string): Promise<string> => {
    program.stdin.write(`${word}\n`);
    return (await lines.next()).value as string;
  };

  /** The row is there and marked, so that what the gate holds next is the next try's row. */
  const marked = async (after: number): Promise<void> => {
    for (let wait = 0; wait < 500; wait += 1) {
      const [row] = rooms.store.list({ entryId: ENTRY }, { limit: 1 }).rows;
      if (row !== undefined && row.seq > after && !row.delivered) return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };

  it('delivers to the second holder of the descriptor while the caller lives (what A2 concedes, and what shows that the test sees keys)', async () => {
    await say('go');
    expect(await say('read')).toMatch(/^open [1-9]\d+$/);
    await say('kill');
  });

  it('A2, I1: nothing leaves once the caller is dead, a thousand times', async () => {
    const before = rooms.store.lastIssuanceSeq();
    for (let i = 0; i < TRIES; i += 1) {
      const last = rooms.store.lastIssuanceSeq();
      gate.hold();
      await say('go');
      await gate.reached();
      expect(await say('kill')).toBe('killed');
      gate.release();
      expect(await say('read')).toBe('read 0');
      await marked(last);
    }
    const { rows } = rooms.store.list({ entryId: ENTRY }, { limit: 1000 });
    const refused = rows.filter((row) => row.seq > before && !row.delivered).length;
    expect(refused).toBeGreaterThanOrEqual(REFUSED_AT_LEAST);
  }, 240_000);
});
