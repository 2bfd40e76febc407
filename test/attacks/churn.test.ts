// SPDX-License-Identifier: Apache-2.0
/** Streams opened and closed without end by one uid: each leaves an issuance row, and a full disk refuses everyone. */
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setCeilingSubject } from '../../src/peer/ceilings.ts';
import type { Peer } from '../../src/peer/peer.ts';
import { Rates } from '../../src/peer/rates.ts';
import { madeUpProcess, openDoor, type TestDoor } from '../support/door.ts';
import { EnvoyClient } from '../support/envoy-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SdsIdentities } from '../support/sds-identities.ts';
import { tempDir } from '../support/temp-dir.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const sdsFolder = tempDir('churn-sds');
const LIMITS = { what: 'new streams', burst: 4, perSecond: 2, ownUid: 0 };

describe('on the wire', () => {
  const socket = join(tempDir('churn'), 'api.sock');
  const clock = new FakeClock();
  let door: TestDoor;
  let followed = 0;

  beforeAll(async () => {
    const follow = (): { stop(): void } => {
      followed += 1;
      return { stop: () => undefined };
    };
    const rates = new Rates(LIMITS, clock);
    door = await openDoor({
      path: socket,
      clock,
      rates,
      identities: { followX509: follow, followX509Bundles: follow },
    });
  });
  afterAll(() => door.close());

  it('I9, WAPI-37: more new streams than a uid may begin are UNAVAILABLE, until time has passed', async () => {
    const client = new WorkloadClient(socket);
    const open = async (): Promise<void> => {
      const before = followed;
      const stream = client.fetchX509Svid();
      while (followed === before) await new Promise((resolve) => setTimeout(resolve, 2));
      stream.cancel();
      await stream.status;
    };
    for (let i = 0; i < LIMITS.burst; i += 1) await open();
    const refused = await client.fetchX509Bundles().status;
    expect(refused.code).toBe(status.UNAVAILABLE);
    expect(refused.details).toBe(
      'too many new streams of uid 1000: the ceiling is 2 a second, after 4 at once (limits.new_streams_per_second)',
    );
    await clock.advance(1_000);
    for (let i = 0; i < LIMITS.perSecond; i += 1) await open();
    expect((await client.fetchX509Svid().status).code).toBe(status.UNAVAILABLE);
    client.close();
  });
});

describe('on the wire, by an Envoy', () => {
  it('I9: its streams count as those of others do', async () => {
    const path = join(sdsFolder, 'api.sock');
    const identities = new SdsIdentities();
    const door = await openDoor({ path, identities, rates: new Rates(LIMITS, new FakeClock()) });
    const client = new EnvoyClient(path);
    for (let i = 0; i < LIMITS.burst; i += 1) await client.fetch(['ROOTCA']);
    const stream = client.stream();
    expect((await stream.status).code).toBe(status.UNAVAILABLE);
    expect(identities.followed).toHaveLength(LIMITS.burst);
    client.close();
    await door.close();
  });
});

describe('the rate of a tenant', () => {
  const peer = (uid: number, of: { owner?: number; cgroup?: string; sameNamespaces?: boolean } = {}): Peer => {
    const process = madeUpProcess(1, uid);
    setCeilingSubject(process, { owner: of.owner ?? uid, cgroup: of.cgroup });
    return { process, connection: 1, sameNamespaces: of.sameNamespaces ?? true };
  };
  const taken = (rates: Rates, one: Peer): number => {
    let count = 0;
    while (count < 100 && rates.take(one) === undefined) count += 1;
    return count;
  };

  it('I9, A9: is shared by the subuids of one owner, and by nobody else', () => {
    const rates = new Rates(LIMITS, new FakeClock());
    expect(taken(rates, peer(1000))).toBe(4);
    expect(taken(rates, peer(100_001, { owner: 1000 }))).toBe(0);
    expect(taken(rates, peer(1001))).toBe(4);
  });

  it('I9: binds root of a container by its cgroup, and never root of the machine', () => {
    const rates = new Rates(LIMITS, new FakeClock());
    const container = (cgroup: string): Peer => peer(0, { cgroup, sameNamespaces: false });
    expect(taken(rates, container('unified:/docker/a'))).toBe(4);
    expect(taken(rates, container('unified:/docker/b'))).toBe(4);
    expect(taken(rates, peer(0))).toBe(100);
  });

  it('I9: looks at root of the machine once a second, however often it comes, and sees when it is that no more', async () => {
    const clock = new FakeClock();
    const rates = new Rates(LIMITS, clock);
    let looks = 0;
    let isRoot = true;
    const root: Peer = {
      ...peer(0),
      get sameNamespaces() {
        looks += 1;
        return isRoot;
      },
    };
    expect(taken(rates, root)).toBe(100);
    expect(looks).toBe(1);
    isRoot = false;
    await clock.advance(1_000);
    expect(taken(rates, root)).toBe(LIMITS.perSecond);
    expect(looks).toBe(2);
  });

  it('I9: does not remember tenants without end', async () => {
    const clock = new FakeClock();
    const rates = new Rates(LIMITS, clock);
    for (let uid = 1; uid <= 3_000; uid += 1) {
      rates.take(peer(uid));
      await (uid % 1_000 === 0 ? clock.advance(10_000) : undefined);
    }
    expect(rates.size).toBeLessThanOrEqual(1_100);
  });
});
