// SPDX-License-Identifier: Apache-2.0
/**
 * The metrics of the report (docs/governance.md). Each is one query. What it costs is bounded by what it looks at: all
 * identities, the issuances that are still good (by their index, `LIVE` of them at most), the last `RECENT` issuances, or
 * what an index of a few rows holds. None goes over all issuances, of which there may be millions.
 */
import { FINDING_KINDS, type FindingKind } from '../../findings.ts';
import type { Metric } from './metric.ts';

/** Issuances, by their sequence. */
const RECENT = 50_000;
const LIVE = 200_000;
const DAY = 86_400_000;
/** What time brings is written down within a minute (registry). */
const GRACE = 120_000;
/** The longest end that is nobody's standing access. */
const FAR_DAYS = 180;
/** A retired identity is looked at for so long, and the latest of what it was given. */
const OFFBOARDED = 30 * DAY;
const LATEST = 200;

const recent = (where: string): string =>
  `issuance t WHERE t.seq > (SELECT coalesce(max(seq), 0) FROM issuance) - ${RECENT} AND ${where}`;

/** Issuances that are good now, with their identity. */
const live = (where: string): string =>
  `(SELECT identity_no, not_after FROM issuance WHERE not_after > @now AND revoked_at IS NULL AND delivered = 1 LIMIT ${LIVE}) held
   JOIN identity i ON i.no = held.identity_no WHERE ${where}`;

/** Of `human:NAME` and `team:NAME` (registry/people.ts): nobody is there who answers. Any other owner is a text. */
const GONE = `(i.owner GLOB 'human:*' AND NOT EXISTS (SELECT 1 FROM human h WHERE h.name = substr(i.owner, 7) AND h.active = 1)
  OR i.owner GLOB 'team:*' AND NOT EXISTS (SELECT 1 FROM human h
    WHERE h.active = 1 AND instr(' ' || h.teams || ' ', ' ' || substr(i.owner, 6) || ' ') > 0))`;
const STANDS = `i.state <> 'retired'`;
const ANSWERED_FOR = `i.owner <> '' AND NOT ${GONE} AND i.purpose IS NOT NULL AND i.expires_at > @now AND (i.review_by IS NULL OR i.review_by > @now)`;
const OVERDUE = `i.state = 'active' AND min(i.expires_at, coalesce(i.review_by, i.expires_at)) <= @now - ${GRACE}`;
const FAR = `${STANDS} AND i.expires_at > @now + ${FAR_DAYS * DAY}`;
/** Only where the issuances of all that time are still there. */
const UNUSED = `i.state = 'active' AND i.created_at < @unused_since AND @kept_since <= @unused_since
  AND coalesce((SELECT issued_at FROM issuance WHERE identity_no = i.no ORDER BY seq DESC LIMIT 1), 0) < @unused_since`;
const ENDED = `(SELECT max(coalesce(revoked_at, not_after)) FROM
  (SELECT revoked_at, not_after FROM issuance WHERE identity_no = i.no ORDER BY seq DESC LIMIT ${LATEST}))`;

const count = (from: string): string => `SELECT count(*) FROM ${from}`;
const identities = (where: string): string => `identity i WHERE ${where}`;
const names = (from: string): string => `SELECT DISTINCT i.spiffe_id FROM ${from} LIMIT @limit`;

const OWNED: readonly Metric[] = [
  {
    id: 'answered-for',
    title: 'identities with an owner who is there, a purpose, an end ahead and no review past',
    unit: 'percent',
    sql: `SELECT 100.0 * coalesce(avg(${ANSWERED_FOR}), 1) FROM ${identities(STANDS)}`,
    target: { atLeast: 100 },
    offenders: names(identities(`${STANDS} AND NOT (${ANSWERED_FOR})`)),
  },
  {
    id: 'orphaned',
    title: 'active identities whose owner has left',
    unit: 'count',
    sql: count(identities(`i.state = 'active' AND ${GONE}`)),
    target: { atMost: 0 },
    offenders: names(identities(`i.state = 'active' AND ${GONE}`)),
  },
  {
    id: 'owned-by-people',
    title: 'identities whose owner is a registered human or team, and no mere text',
    unit: 'percent',
    sql: `SELECT 100.0 * avg((i.owner GLOB 'human:*' OR i.owner GLOB 'team:*') AND NOT ${GONE}) FROM ${identities(STANDS)}`,
  },
  {
    id: 'overdue',
    title: 'active identities past their end or review',
    unit: 'count',
    sql: count(identities(OVERDUE)),
    target: { atMost: 0 },
    offenders: names(identities(OVERDUE)),
  },
  {
    id: 'unused',
    title: 'active identities that nobody was given for detectors.unused_after',
    unit: 'count',
    sql: count(identities(UNUSED)),
    offenders: names(identities(UNUSED)),
  },
  {
    id: 'legacy',
    title: 'identities of the kind legacy',
    unit: 'count',
    sql: count(identities(`${STANDS} AND i.kind = 'legacy'`)),
    offenders: names(identities(`${STANDS} AND i.kind = 'legacy'`)),
  },
  {
    id: 'far-end',
    title: `identities whose end is more than ${FAR_DAYS} days ahead`,
    unit: 'count',
    sql: count(identities(FAR)),
    offenders: names(identities(FAR)),
  },
];

const LIFETIMES: readonly Metric[] = [
  ...(['jwt', 'x509', 'wit'] as const).flatMap((kind) => lifetimes(kind, kind === 'jwt' ? 300 : 3_600)),
  {
    id: 'bearer-share',
    title: 'of what was issued lately, tokens that whoever holds them can use',
    unit: 'percent',
    sql: `SELECT 100.0 * avg(t.kind = 'jwt') FROM ${recent('1')}`,
  },
  {
    id: 'outlives-identity',
    title: 'credentials still good after the end of their identity',
    unit: 'count',
    sql: count(live('held.not_after > i.expires_at')),
    target: { atMost: 0 },
    offenders: names(live('held.not_after > i.expires_at')),
  },
  {
    id: 'inactive-holds',
    title: 'credentials still good of an identity that is not active',
    unit: 'count',
    sql: count(live(`i.state <> 'active'`)),
    target: { atMost: 0 },
    offenders: names(live(`i.state <> 'active'`)),
  },
  {
    id: 'offboarding',
    title: 'longest from the retirement of an identity to the end of its last credential, of 30 days',
    unit: 'seconds',
    sql: `SELECT max(0, max((${ENDED} - i.state_since) / 1000.0)) FROM ${identities(offboarded(''))}`,
    target: { atMost: 3_600 },
    offenders: names(identities(offboarded(`AND ${ENDED} - i.state_since > 3600000`))),
  },
  {
    id: 'revoked',
    title: 'credentials taken back before their end, which is to come',
    unit: 'count',
    sql: 'SELECT count(*) FROM issuance WHERE revoked_at IS NOT NULL AND not_after > @now',
  },
];

const ATTESTATION: readonly Metric[] = [
  {
    id: 'claimed-share',
    title: 'of what was issued lately, for nothing stronger than claimed selectors',
    unit: 'percent',
    sql: `SELECT 100.0 * avg(instr(t.marks, 'claimed_selectors') > 0) FROM ${recent('1')}`,
    offenders: names(marked('claimed_selectors')),
  },
  {
    id: 'undelivered-share',
    title: 'of what was recorded lately, never sent',
    unit: 'percent',
    sql: `SELECT 100.0 * avg(t.delivered = 0) FROM ${recent('1')}`,
  },
];

/** Those of which none is to be open; `unused` and `standing` are metrics of their own. */
const TO_BE_NONE: ReadonlySet<FindingKind> = new Set([
  'static-secret',
  'shared-credential',
  'replay-after-revocation',
  'human-use',
  'undeclared-intents',
  'escalation-after-deny',
  'break-glass',
]);

const FINDINGS: readonly Metric[] = FINDING_KINDS.map((detector) => {
  const open = `finding f WHERE f.detector = '${detector}' AND f.closed_at IS NULL`;
  return {
    id: `findings-${detector}`,
    // None is never more than none seen (attack C5).
    title: `open findings of the detector ${detector}`,
    unit: 'count',
    sql: count(open),
    ...(TO_BE_NONE.has(detector) ? { target: { atMost: 0 } } : {}),
    offenders: `SELECT f.id || ' ' || f.identity FROM ${open} ORDER BY f.id DESC LIMIT @limit`,
  };
});

const LOG: readonly Metric[] = [
  {
    id: 'checkpoint-age',
    title: 'age of the last checkpoint of the log, where events came after it',
    unit: 'seconds',
    sql: `SELECT CASE WHEN c.value > coalesce((SELECT max(size) FROM checkpoint), 0)
      THEN max(0, @now - coalesce((SELECT at FROM checkpoint ORDER BY size DESC LIMIT 1), (SELECT at FROM event WHERE seq = 0), @now)) / 1000.0
      ELSE 0 END FROM counter c WHERE c.name = 'event'`,
    target: { atMost: 3_600 },
  },
];

export const METRICS: readonly Metric[] = [...OWNED, ...LIFETIMES, ...ATTESTATION, ...FINDINGS, ...LOG];

function lifetimes(kind: 'jwt' | 'x509' | 'wit', mostSeconds: number): readonly Metric[] {
  const lives = `SELECT (t.not_after - t.issued_at) / 1000.0 AS life FROM ${recent(`t.kind = '${kind}'`)}`;
  const long = `t.kind = '${kind}' AND t.not_after - t.issued_at > ${mostSeconds * 1_000}`;
  return [
    {
      id: `longest-${kind}`,
      title: `longest life of what was issued lately: ${kind}`,
      unit: 'seconds',
      sql: `SELECT max(life) FROM (${lives})`,
      target: { atMost: mostSeconds },
      offenders: `SELECT DISTINCT i.spiffe_id FROM (SELECT t.identity_no FROM ${recent(long)}) s
        JOIN identity i ON i.no = s.identity_no LIMIT @limit`,
    },
    {
      id: `median-${kind}`,
      title: `median life of what was issued lately: ${kind}`,
      unit: 'seconds',
      sql: `SELECT life FROM (${lives}) ORDER BY life LIMIT 1 OFFSET (SELECT count(*) / 2 FROM (${lives}))`,
    },
  ];
}

function offboarded(more: string): string {
  return `i.state = 'retired' AND i.state_since > @now - ${OFFBOARDED} ${more}`;
}

function marked(mark: string): string {
  return `(SELECT t.identity_no FROM ${recent(`instr(t.marks, '${mark}') > 0`)}) s JOIN identity i ON i.no = s.identity_no`;
}
