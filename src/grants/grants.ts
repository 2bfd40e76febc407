// SPDX-License-Identifier: Apache-2.0
/**
 * Grants: windows that people sign once, in which tasks of one identity begin without asking them again. What was approved is judged
 * anew for each task and each credential, with people as they are then and with the process that uses it; policy is asked as ever.
 */
import type { OpenedRequest } from '../approvals/approvals.ts';
import { requestDigest } from '../approvals/statement.ts';
import type { AgentOwners } from '../approvals/uid-relation.ts';
import type { Timer } from '../lib/clock.ts';
import { ulid } from '../lib/ulid.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyApproval, PolicyDecision } from '../policy/contract.ts';
import { BREAK_GLASS, type GrantRecord } from '../store/grants.ts';
import type { Change } from '../store/records.ts';
import type { EndedTask } from '../store/tasks.ts';
import { isWithin, type TaskRequest } from '../tasks/request.ts';
import type { TaskGrants } from '../tasks/rooms.ts';
import { type AskedGrant, type GrantTerms, parseGrant } from './asked.ts';
import { grantDenied, notGiven, unfitGrant } from './refusals.ts';
import type { GrantRooms } from './rooms.ts';

/** Who ends what nobody ended. */
const DAEMON = 'assay';
/** Timers may be late and clocks jump: it is looked at this often at least. */
const LONGEST_WAIT_MS = 60_000;
const AGAIN_MS = 1_000;
const MOST_REASON = 1_000;
const NOT_COUNTED = 'those who approved it are no longer enough';

export class Grants implements TaskGrants {
  readonly #rooms: GrantRooms;
  /** As they were started, of processes that began a task: who started them may be gone since. */
  readonly #owners = new WeakMap<ProcessHandle, AgentOwners>();
  readonly #forget: readonly (() => void)[];
  /** Those that people decided on a moment ago. */
  readonly #following = new Map<string, Promise<void>>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(rooms: GrantRooms) {
    this.#rooms = rooms;
    this.#forget = [
      rooms.changes.onChanges((changes) => this.#changed(changes)),
      rooms.approvals.onDecided((decided) => this.#decided(decided)),
    ];
  }

  /** What an earlier daemon left between two steps. Before the first caller. */
  async settle(): Promise<void> {
    for (const { id, state } of this.#rooms.store.open()) {
      const opened = state === 'active' ? undefined : this.#rooms.approvals.state(id);
      if (state !== 'active' && opened === undefined) await this.#step(id, 'denied', 'nobody was asked');
      if (opened !== undefined) await this.#follow(opened);
    }
    await this.#review();
    this.#wait();
  }

  /** Asks people. `human`: who asks, where it is one that is registered; they do not approve it themselves. */
  async request(asked: AskedGrant, by: string, human: string | null): Promise<GrantRecord> {
    const { store, approvals, registry, clock, random, settings } = this.#rooms;
    const now = clock.now();
    const terms = parseGrant(asked, settings, now);
    const identity = registry.identity(terms.identity);
    if (identity === undefined || identity.state !== 'active')
      throw unfitGrant('identity', terms.identity, 'it is no active identity', 'list them: assay identity list');
    // guard: I5 test/grants/grants.test.ts — the store compares it again
    if (terms.windowTo > identity.expiresAt)
      throw unfitGrant('for', String(asked.forMs), 'the identity ends sooner', 'ask for less, or have it renewed');
    const foreseen = this.#rooms.foresee(terms, identity);
    // guard: C1 test/grants/grants.test.ts
    if (foreseen.outcome === 'deny') throw grantDenied(foreseen.reasons.map(({ reason }) => reason).join('; '));
    const state = 'requested' as const;
    const stands = { state, stateSince: now, stateReason: null, createdAt: now, revision: 1 };
    const bare = { id: ulid(now, random), ...terms, used: 0, requestedBy: by, ...stands };
    const { request, agent } = this.#rooms.ask(bare, identity, needOf(foreseen, terms), human);
    const { id } = bare;
    await store.create({ ...bare, digest: requestDigest(request) }, by);
    await this.#step(id, 'pending', null, by);
    try {
      await approvals.open(request, agent, by);
    } catch (error) {
      await this.#step(id, 'denied', 'nobody could be asked');
      throw error;
    }
    this.#wait();
    return store.get(id) as GrantRecord;
  }

  /** Resolves with the tasks that ended with it. */
  async revoke(id: string, reason: string, by: string): Promise<readonly EndedTask[]> {
    const { store, approvals, clock } = this.#rooms;
    const ended = await store.revoke(id, reason, by, clock.now());
    await approvals.withdraw(id, reason, by);
    return ended;
  }

  forTask(process: ProcessHandle, { grant: id, intents, ttlMs }: TaskRequest, identity: string): GrantRecord {
    const { store, clock } = this.#rooms;
    const grant = store.get(id);
    const now = clock.now();
    // guard: C1 test/grants/grants.test.ts — of others' it says nothing
    if (grant === undefined || grant.identity !== identity) throw notGiven(id, `there is none of ${identity}`);
    if (grant.state !== 'active') throw notGiven(id, `it is ${grant.state}`);
    // guard: I5 test/grants/grants.test.ts
    if (now < grant.windowFrom || now >= grant.windowTo) throw notGiven(id, 'this is not within its window');
    // guard: C1 test/grants/grants.test.ts
    if (!isWithin(intents, grant.intents)) throw notGiven(id, 'an intent is not among its own');
    // guard: I5 test/grants/grants.test.ts
    if (ttlMs > grant.maxTaskTtlMs) throw notGiven(id, `a task under it lasts ${grant.maxTaskTtlMs / 1000} s at most`);
    this.#owners.set(process, this.#rooms.ownersOf(process));
    // guard: C2 test/grants/grants.test.ts — people who count for nobody, or whose keys this process reaches
    if (this.approvalsFor(id, process).length === 0) throw notGiven(id, NOT_COUNTED);
    return grant;
  }

  approvalsFor(grant: string, process: ProcessHandle): readonly PolicyApproval[] {
    const opened = this.#rooms.approvals.state(grant, this.#owners.get(process) ?? this.#rooms.ownersOf(process));
    // guard: C4 test/grants/grants.test.ts — less than what was asked for is nothing
    return opened?.state === 'approved' && opened.missing === 0 ? opened.approvals : [];
  }

  close(): void {
    this.#closed = true;
    for (const forget of this.#forget) forget();
    this.#timer?.cancel();
  }

  #changed(changes: readonly Change[]): void {
    // After all others have heard of it: whom the registry knows is compared.
    if (changes.some(({ kind }) => kind === 'human')) this.#aside(Promise.resolve().then(() => this.#review()));
  }

  #decided(decided: OpenedRequest): void {
    if (decided.request.kind !== 'grant') return;
    const following = this.#follow(decided).finally(() => this.#following.delete(decided.id));
    this.#following.set(decided.id, following);
    this.#aside(following);
  }

  /** Once it stands as people decided, or could not be written so: whoever signs and then begins a task finds it there. */
  async settled(id: string): Promise<void> {
    await this.#following.get(id)?.catch(() => undefined);
  }

  async #follow({ id, state, reason }: OpenedRequest): Promise<void> {
    if (state === 'approved') {
      const grant = this.#rooms.store.get(id);
      // guard: C1 test/grants/break-glass.test.ts — before it: none is ever active without somebody who has to look at it
      if (grant?.breakGlass === true && grant.state === 'pending') await this.#rooms.glassBroken(grant, DAEMON);
      await this.#step(id, 'active', reason);
    }
    if (state !== 'approved' && state !== 'pending') await this.#step(id, 'denied', reason);
  }

  /** Whoever approved may have left, or lost their key. */
  async #review(): Promise<void> {
    // guard: C2 test/grants/grants.test.ts — whoever takes their word back ends what began with it
    for (const { id, state } of this.#rooms.store.open())
      if (state === 'active' && this.#rooms.approvals.state(id)?.missing !== 0)
        await this.revoke(id, NOT_COUNTED, DAEMON);
  }

  #wait(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const { store, clock } = this.#rooms;
    const now = clock.now();
    let next = LONGEST_WAIT_MS;
    for (const { id, state, windowTo } of store.open()) {
      // guard: I7 test/grants/grants.test.ts
      if (state === 'active' && windowTo <= now) this.#aside(this.#step(id, 'expired', 'its window is over'));
      next = Math.min(next, windowTo <= now ? AGAIN_MS : windowTo - now);
    }
    this.#timer = clock.after(next, () => this.#wait());
  }

  async #step(
    id: string,
    to: Parameters<GrantRooms['store']['step']>[1],
    why: string | null,
    by = DAEMON,
  ): Promise<void> {
    await this.#rooms.store.step(id, to, why?.slice(0, MOST_REASON) ?? null, by, this.#rooms.clock.now());
  }

  /** Nobody waits for it. One that could not be written is compared again at the next look, and at the next start. */
  #aside(done: Promise<void>): void {
    done.catch((error: unknown) => {
      this.#rooms.log.error({ err: error }, 'a grant could not be moved on');
    });
  }
}

/** Without a policy that asks for more, one person signs: a grant is never without. */
function needOf(
  foreseen: PolicyDecision,
  { breakGlass }: GrantTerms,
): PolicyDecision & { readonly outcome: 'approve' } {
  const { policyHash } = foreseen;
  const asked =
    foreseen.outcome === 'approve'
      ? foreseen
      : ({ policyHash, outcome: 'approve', need: { count: 1, strength: 1, otherUid: false }, because: [] } as const);
  return breakGlass ? broken(asked) : asked;
}

/** As policy asks, and never less than two people whom their keys knew. */
function broken(asked: PolicyDecision & { readonly outcome: 'approve' }): typeof asked {
  const { need, because } = asked;
  return {
    ...asked,
    // guard: C3 test/grants/break-glass.test.ts
    need: { ...need, count: Math.max(need.count, BREAK_GLASS.people), strength: BREAK_GLASS.strength },
    because: [...because, { policyId: 'break-glass', reason: 'an emergency: two people whom their keys knew' }],
  };
}
