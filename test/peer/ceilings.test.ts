// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../src/lib/failure.ts';
import { type CeilingSubject, Ceilings, type Lease, setCeilingSubject } from '../../src/peer/ceilings.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';

const limits = { what: 'connections', perUid: 3, perCgroup: 4, total: 10, reserved: 2, ownUid: 500 };

function caller(uid: number, subject?: Partial<CeilingSubject>): { process: ProcessHandle } {
  const process = { pid: 100, uid } as ProcessHandle;
  if (subject !== undefined) setCeilingSubject(process, { owner: uid, cgroup: undefined, ...subject });
  return { process };
}

const leaseOf = (got: Lease | Failure): Lease => {
  if (got instanceof Failure) throw got;
  return got;
};

describe('a ceiling', () => {
  it('I9: stops one uid at its share and says so', () => {
    const ceilings = new Ceilings(limits);
    for (let i = 0; i < 3; i += 1) leaseOf(ceilings.acquire(caller(1000, { owner: i })));
    const refused = ceilings.acquire(caller(1000, { owner: 9 }));
    expect(refused).toMatchObject({
      kind: 'resource-exhausted',
      reason: 'CEILING_REACHED',
      message: 'too many connections of uid 1000: the ceiling is 3',
    });
    leaseOf(ceilings.acquire(caller(1001)));
  });

  it('A9: stops one user who calls under many subuids', () => {
    const ceilings = new Ceilings(limits);
    for (let i = 0; i < 3; i += 1) leaseOf(ceilings.acquire(caller(100_000 + i, { owner: 1000 })));
    expect(ceilings.acquire(caller(100_003, { owner: 1000 }))).toMatchObject({
      message: 'too many connections of uid 1000 and its subuids: the ceiling is 3',
    });
    // The owner and its subuids have one share.
    expect(ceilings.acquire(caller(1000))).toBeInstanceOf(Failure);
  });

  it('I9: stops one cgroup', () => {
    const ceilings = new Ceilings(limits);
    for (let uid = 1; uid <= 4; uid += 1) leaseOf(ceilings.acquire(caller(uid, { cgroup: 'unified:/a.service' })));
    expect(ceilings.acquire(caller(5, { cgroup: 'unified:/a.service' }))).toMatchObject({
      message: 'too many connections of cgroup unified:/a.service: the ceiling is 4',
    });
    leaseOf(ceilings.acquire(caller(5, { cgroup: 'unified:/b.service' })));
  });

  it('I9: keeps a reserve for root and the daemon’s uid, and ends there too', () => {
    const ceilings = new Ceilings(limits);
    for (let uid = 1; uid <= 8; uid += 1) leaseOf(ceilings.acquire(caller(uid)));
    expect(ceilings.acquire(caller(9))).toMatchObject({
      message: 'too many connections in all but the reserve: the ceiling is 8',
    });
    leaseOf(ceilings.acquire(caller(0)));
    leaseOf(ceilings.acquire(caller(500)));
    expect(ceilings.acquire(caller(0))).toMatchObject({ message: 'too many connections in all: the ceiling is 10' });
  });

  it('gives each lease back once', () => {
    const ceilings = new Ceilings(limits);
    const lease = leaseOf(ceilings.acquire(caller(1)));
    lease.release();
    lease.release();
    expect(ceilings.total).toBe(0);
    for (let i = 0; i < 3; i += 1) leaseOf(ceilings.acquire(caller(1)));
    expect(ceilings.acquire(caller(1))).toBeInstanceOf(Failure);
  });

  it('holds under any order of taking and giving back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ uid: fc.nat(3), cgroup: fc.nat(2), give: fc.boolean() }), { maxLength: 60 }),
        (steps) => {
          const ceilings = new Ceilings(limits);
          const open: { uid: number; cgroup: string; lease: Lease }[] = [];
          for (const { uid, cgroup: number, give } of steps) {
            const cgroup = `unified:/${number}`;
            if (give) open.shift()?.lease.release();
            else {
              const got = ceilings.acquire(caller(uid, { cgroup }));
              if (!(got instanceof Failure)) open.push({ uid, cgroup, lease: got });
            }
            expect(ceilings.total).toBe(open.length);
            for (const { uid: each } of open)
              expect(open.filter((one) => one.uid === each).length).toBeLessThanOrEqual(3);
            for (const { cgroup: each } of open)
              expect(open.filter((one) => one.cgroup === each).length).toBeLessThanOrEqual(4);
          }
          for (const { lease } of open) lease.release();
          expect(ceilings.total).toBe(0);
        },
      ),
    );
  });
});
