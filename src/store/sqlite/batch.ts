// SPDX-License-Identifier: Apache-2.0
/**
 * Runs a batch of commands as one transaction, in the writer thread. A command that is refused leaves no trace and its
 * neighbours stand (a savepoint each where it has several statements); trouble with the file itself fails them all, and
 * nothing of the batch is written.
 */
import type { Database, Statement } from 'better-sqlite3';
import { Failure } from '../../lib/failure.ts';
import { ApprovalCommands } from './approval-commands.ts';
import { AuditCommands } from './audit-commands.ts';
import { AuthorityCommands } from './authority-commands.ts';
import { BundleCommands } from './bundle-commands.ts';
import { ChangeLog } from './change-log.ts';
import { waitAtGate } from './commit-gate.ts';
import { Counters } from './counters.ts';
import { EventLog, type RandomBytes } from './event-log.ts';
import { FederationCommands } from './federation-commands.ts';
import { FindingCommands } from './finding-commands.ts';
import { GrantCommands } from './grant-commands.ts';
import { HumanCommands } from './human-commands.ts';
import { IssuanceCommands } from './issuance-commands.ts';
import { MetaCommands } from './meta-commands.ts';
import { PolicyCommands } from './policy-commands.ts';
import { PresentOwners } from './present-owners.ts';
import { RegistryCommands } from './registry-commands.ts';
import { RevocationCommands } from './revocation-commands.ts';
import { TargetCommands } from './target-commands.ts';
import { TaskCommands } from './task-commands.ts';
import {
  type Answer,
  type BatchAnswer,
  countOf,
  type Done,
  FIRST_COMMAND,
  type Message,
  Op,
  RECORD_ARGUMENTS,
  refusedAnswer,
  type Trouble,
  type Value,
} from './wire.ts';

/** Enough that a disk with room for it has room for what comes next; less would say "well again" between two failures. */
const PROBE_BYTES = 65_536;

export class Batches {
  readonly #db: Database;
  readonly #gate: SharedArrayBuffer | undefined;
  readonly counters: Counters;
  readonly #log: ChangeLog;
  readonly events: EventLog;
  readonly #issuance: IssuanceCommands;
  readonly #revocation: RevocationCommands;
  readonly #registry: RegistryCommands;
  readonly #human: HumanCommands;
  readonly #task: TaskCommands;
  readonly #authority: AuthorityCommands;
  readonly #bundle: BundleCommands;
  readonly #federation: FederationCommands;
  readonly #findings: FindingCommands;
  readonly #policies: PolicyCommands;
  readonly #targets: TargetCommands;
  readonly #meta: MetaCommands;
  readonly #audit: AuditCommands;
  readonly #approval: ApprovalCommands;
  readonly #grant: GrantCommands;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #savepoint: Statement;
  readonly #release: Statement;
  readonly #undo: Statement;
  readonly #probe: Statement;

  constructor(db: Database, gate: SharedArrayBuffer | undefined, random: RandomBytes) {
    this.#db = db;
    this.#gate = gate;
    this.counters = new Counters(db);
    this.#log = new ChangeLog(db, this.counters);
    this.events = new EventLog(db, this.counters, random);
    this.#issuance = new IssuanceCommands(db, this.counters, this.events);
    this.#revocation = new RevocationCommands(db, this.#log, this.events);
    const owners = new PresentOwners(db);
    this.#task = new TaskCommands(db, this.#log, this.events, this.#revocation);
    this.#registry = new RegistryCommands(db, this.#log, this.events, this.#revocation, owners, this.#task);
    this.#human = new HumanCommands(db, this.#log, this.events, this.#registry, owners);
    this.#authority = new AuthorityCommands(db, this.#log, this.counters, this.events);
    this.#bundle = new BundleCommands(db, this.#log, this.events);
    this.#federation = new FederationCommands(db, this.#log, this.events);
    this.#findings = new FindingCommands(db, this.#log, this.events);
    this.#policies = new PolicyCommands(db, this.#log, this.events);
    this.#targets = new TargetCommands(db, this.#log, this.events);
    this.#meta = new MetaCommands(db, this.events);
    this.#audit = new AuditCommands(db, this.events);
    this.#grant = new GrantCommands(db, this.#log, this.events, this.#task);
    this.#approval = new ApprovalCommands(db, this.#log, this.events, this.#task, this.#grant);
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#savepoint = db.prepare('SAVEPOINT command');
    this.#release = db.prepare('RELEASE command');
    this.#undo = db.prepare('ROLLBACK TO command');
    this.#probe = db.prepare(`INSERT OR REPLACE INTO probe (no, filler) VALUES (1, randomblob(${PROBE_BYTES}))`);
  }

  run(messages: readonly Message[]): BatchAnswer {
    const count = messages.reduce((sum, message) => sum + countOf(message), 0);
    const answers: Answer[] = [];
    let commitMs = 0;
    try {
      this.#begin.run();
      for (const message of messages) this.#runMessage(message, answers);
      this.#issuance.saveSigned();
      this.events.flush();
      this.counters.save();
      if (this.#gate !== undefined) waitAtGate(this.#gate);
      const began = performance.now();
      // guard: I3 test/store/sqlite-store.test.ts — nothing is answered before it is on the disk
      this.#commit.run();
      commitMs = performance.now() - began;
    } catch (error) {
      this.#rollBack();
      return { answers: undefined, count, events: this.counters.now.event, trouble: describe(error) };
    }
    this.counters.committed();
    this.events.committed();
    return { answers, count, commitMs, events: this.counters.now.event, trouble: undefined };
  }

  #runMessage(message: Message, answers: Answer[]): void {
    for (let at = FIRST_COMMAND; at < message.length; ) {
      if (message[at] === Op.record) {
        answers.push(this.#answer(() => this.#issuance.record(message, at + 1)));
        at += 1 + RECORD_ARGUMENTS;
      } else {
        const op = message[at] as number;
        const args = message[at + 1] as never[];
        // What the authorities signed so far must be in their rows before those are replaced.
        if (op === Op.replaceAuthorities) this.#issuance.saveSigned();
        answers.push(this.#answer(() => this.#inSavepoint(() => this.#command(op, args))));
        at += 2;
      }
    }
  }

  #answer(run: () => Done): Answer {
    try {
      return run();
    } catch (error) {
      if (error instanceof Failure) return refusedAnswer(error);
      if (isFileTrouble(error) || !this.#db.inTransaction) throw error;
      return refusedAnswer(
        new Failure(
          'internal',
          'STORE_COMMAND_FAILED',
          `the store could not run a command: ${describe(error).message}`,
        ),
      );
    }
  }

  #inSavepoint(run: () => Done): Done {
    const before = { ...this.counters.now };
    this.#savepoint.run();
    try {
      const answer = run();
      this.#release.run();
      return answer;
    } catch (error) {
      if (this.#db.inTransaction) {
        this.#undo.run();
        this.#release.run();
      }
      this.counters.now = before;
      this.events.takeBack(before.event);
      throw error;
    }
  }

  #command(op: number, args: never[]): Done {
    switch (op) {
      case Op.undelivered:
        return this.#issuance.undelivered(...(args as unknown as [number, string, number]));
      case Op.createEntry:
        return this.#registry.createEntry(...(args as unknown as [Value[], Value[] | null, string, string, number]));
      case Op.updateEntry:
        return this.#registry.updateEntry(...(args as unknown as [Value[], string, string, number]));
      case Op.deleteEntry:
        return this.#registry.deleteEntry(...(args as unknown as [string, string, number]));
      case Op.putHuman:
        return this.#human.put(...(args as unknown as Parameters<HumanCommands['put']>));
      case Op.createTask:
        return this.#task.create(...(args as unknown as Parameters<TaskCommands['create']>));
      case Op.activateTask:
        return this.#task.activate(...(args as unknown as Parameters<TaskCommands['activate']>));
      case Op.endTask:
        return this.#task.end(...(args as unknown as Parameters<TaskCommands['end']>));
      case Op.openApproval:
        return this.#approval.open(...(args as unknown as Parameters<ApprovalCommands['open']>));
      case Op.voteApproval:
        return this.#approval.vote(...(args as unknown as Parameters<ApprovalCommands['vote']>));
      case Op.decideApproval:
        return this.#approval.decide(...(args as unknown as Parameters<ApprovalCommands['decide']>));
      case Op.takeBackVote:
        return this.#approval.takeBack(...(args as unknown as Parameters<ApprovalCommands['takeBack']>));
      case Op.createGrant:
        return this.#grant.create(...(args as unknown as Parameters<GrantCommands['create']>));
      case Op.stepGrant:
        return this.#grant.step(...(args as unknown as Parameters<GrantCommands['step']>));
      case Op.revokeGrant:
        return this.#grant.revoke(...(args as unknown as Parameters<GrantCommands['revoke']>));
      case Op.createIdentity:
        return this.#registry.createIdentity(...(args as unknown as [Value[], string, number]));
      case Op.retireIdentity:
        return this.#registry.retireIdentity(...(args as unknown as [Value[], string, number]));
      case Op.updateIdentity:
        return this.#registry.updateIdentity(...(args as unknown as [Value[], string, number]));
      case Op.putBundle:
        return this.#bundle.put(...(args as unknown as Parameters<BundleCommands['put']>));
      case Op.deleteBundle:
        return this.#bundle.delete(...(args as unknown as [string, string, number]));
      case Op.replaceBundles:
        return this.#bundle.replace(...(args as unknown as Parameters<BundleCommands['replace']>));
      case Op.putRelationship:
        return this.#federation.put(...(args as unknown as Parameters<FederationCommands['put']>));
      case Op.deleteRelationship:
        return this.#federation.delete(...(args as unknown as Parameters<FederationCommands['delete']>));
      case Op.replaceAuthorities:
        return this.#authority.replace(
          ...(args as unknown as [string, Value[][], [string, number][], string, string, number]),
        );
      case Op.setMetaOnce:
        return this.#meta.setOnce(...(args as unknown as [string, string, number]));
      case Op.pruneIssuance:
        return this.#issuance.prune(...(args as unknown as [number, number]));
      case Op.pruneChanges:
        return this.#log.prune(...(args as unknown as [number]));
      case Op.revoke:
        return this.#revocation.revoke(...(args as unknown as Parameters<RevocationCommands['revoke']>));
      case Op.appendEvent:
        return this.#audit.append(...(args as unknown as Parameters<AuditCommands['append']>));
      case Op.putCheckpoint:
        return this.#audit.putCheckpoint(...(args as unknown as Parameters<AuditCommands['putCheckpoint']>));
      case Op.redactEvent:
        return this.#audit.redact(...(args as unknown as Parameters<AuditCommands['redact']>));
      case Op.reportFinding:
        return this.#findings.report(...(args as unknown as Parameters<FindingCommands['report']>));
      case Op.closeFinding:
        return this.#findings.close(...(args as unknown as Parameters<FindingCommands['close']>));
      case Op.seeBinary:
        return this.#findings.seeBinary(...(args as unknown as Parameters<FindingCommands['seeBinary']>));
      case Op.setLivePolicy:
        return this.#policies.setLive(...(args as unknown as Parameters<PolicyCommands['setLive']>));
      case Op.setShadowPolicy:
        return this.#policies.setShadow(...(args as unknown as Parameters<PolicyCommands['setShadow']>));
      case Op.endShadowPolicy:
        return this.#policies.endShadow(...(args as unknown as Parameters<PolicyCommands['endShadow']>));
      case Op.putTarget:
        return this.#targets.put(...(args as unknown as Parameters<TargetCommands['put']>));
      case Op.probe:
        return this.#probe.run().changes;
      default:
        throw new Error(`unknown command ${op}`);
    }
  }

  #rollBack(): void {
    // SQLite may have rolled back by itself (sqlite.org/lang_transaction.html section 3).
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    this.counters.rolledBack();
    this.#issuance.rolledBack();
    this.events.rolledBack();
  }
}

/** Trouble with the file, not with the command: what follows in the batch would fare no better. */
function isFileTrouble(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|NOMEM|BUSY)/.test(code);
}

export function describe(error: unknown): Trouble {
  const code = (error as { code?: unknown }).code;
  return {
    message: error instanceof Error ? error.message : String(error),
    code: typeof code === 'string' ? code : 'UNKNOWN',
  };
}
