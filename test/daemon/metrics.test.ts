// SPDX-License-Identifier: Apache-2.0
/** A real daemon scraped over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Source } from '../../src/client/x509-source.ts';
import { Callers } from '../support/callers.ts';
import { Daemon } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { asRoot } from '../support/peers.ts';

const ID = 'spiffe://example.org/team-a/secretive-name';
const DAY = 86_400_000;
let daemon: Daemon;
let callers: Callers;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  daemon = await Daemon.start({ config: [`metrics: { listen: "127.0.0.1:${port}" }`] });
  callers = new Callers();
  await daemon.admin.createEntry({ id: 'me', spiffe_id: ID, selectors: [`unix:uid:${process.getuid?.()}`] });
});
afterAll(async () => {
  await callers?.close();
  await daemon?.close();
});

async function scraped(): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.status).toBe(200);
  const text = await response.text();
  expect(text).not.toContain('secretive-name');
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of samples) expect(line).toMatch(/^[a-z_]+(\{([a-z_]+="[^"\n]*",?)+\})? [-+.e0-9]+$/);
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('a scrape', () => {
  it('I10: has what goes on, by words of ours and no name of an identity', async () => {
    const source = await X509Source.open({ socket: daemon.endpoint });
    const numbers = await scraped();
    expect(numbers.get('assay_streams_open')).toBeGreaterThanOrEqual(1);
    expect(numbers.get('assay_issuances_total{kind="x509"}')).toBeGreaterThanOrEqual(1);
    expect(numbers.get('assay_commit_seconds_count')).toBeGreaterThanOrEqual(3);
    expect(numbers.get('assay_attestation_seconds_count{attestor="unix"}')).toBeGreaterThanOrEqual(1);
    expect(numbers.get('assay_store_trouble')).toBe(0);
    expect(numbers.get('assay_log_events')).toBeGreaterThanOrEqual(3);
    expect(numbers.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(numbers.get('process_start_time_seconds')).toBeGreaterThan(1_700_000_000);
    expect(numbers.get('assay_build_info{version="0.1.0"}')).toBe(1);
    source.close();
  });

  it('counts what ends or is to be reviewed soon', async () => {
    const now = Date.now();
    await daemon.admin.call('CreateIdentity', { spiffe_id: `${ID}/ending`, expires_at: now + 5 * DAY });
    await daemon.admin.call('CreateIdentity', { spiffe_id: `${ID}/reviewed`, review_by: now + 20 * DAY });
    const numbers = await scraped();
    const within = ['30d', '7d', '24h'].map((span) => numbers.get(`assay_identities_ending{within="${span}"}`));
    expect(within).toEqual([2, 1, 0]);
  });

  it('has the report, with what is missed and the findings', async () => {
    const numbers = await scraped();
    expect(numbers.get('assay_report{metric="answered-for"}')).toBe(0);
    expect(numbers.get('assay_report_missed{metric="answered-for"}')).toBe(1);
    expect(numbers.get('assay_report_missed{metric="findings-human-use"}')).toBe(0);
    expect(numbers.get('assay_findings_open{detector="static-secret"}')).toBe(0);
    expect(numbers.has('assay_report_missed{metric="bearer-share"}')).toBe(false);
    expect(numbers.get('assay_report_time_seconds')).toBeGreaterThan(1_700_000_000);
  });

  asRoot('counts what is refused, by reason', async () => {
    const refused = callers.call(daemon.workloadSocket, { uid: 4999 });
    expect((await refused.end).code).toBe(7);
    const nameless = callers.call(daemon.workloadSocket, { uid: 4999, headers: {} });
    expect((await nameless.end).code).toBe(3);
    const numbers = await scraped();
    expect(numbers.get('assay_calls_refused_total{reason="NO_ENTRY_MATCHES"}')).toBe(1);
    expect(numbers.get('assay_calls_refused_total{reason="SECURITY_HEADER_MISSING"}')).toBe(1);
  });
});
