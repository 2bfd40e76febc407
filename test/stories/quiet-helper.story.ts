// SPDX-License-Identifier: Apache-2.0
/**
 * A stock spiffe-helper beside a daemon that takes back a thousand SVIDs of others: it makes its program reload with every
 * message of FetchX509SVID, so none may come. It needs the program, by ASSAY_SPIFFE_HELPER (github.com/spiffe/spiffe-helper,
 * `go build ./cmd/spiffe-helper`).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import type { Daemon } from '../support/daemon.ts';
import { type Follower, revokeBeside } from './revoke-beside.ts';

const program = process.env['ASSAY_SPIFFE_HELPER'] as string;
const work = mkdtempSync(join(tmpdir(), 'assay-quiet-'));
chmodSync(work, 0o755);
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** spiffe-helper with a program that it starts, and that writes down each signal that it is sent. */
class StockHelper implements Follower {
  readonly #folder = mkdtempSync(join(work, 'helper-'));
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  #log = '';

  constructor(daemon: Daemon) {
    mkdirSync(join(this.#folder, 'certs'));
    const script = join(this.#folder, 'service.sh');
    const said = join(this.#folder, 'said');
    // It ends with the helper, which leaves it running.
    writeFileSync(
      script,
      `echo started >>${said}\ntrap 'echo reloaded >>${said}' USR1\nwhile kill -0 $PPID; do sleep 0.02; done\n`,
    );
    const config = `agent_address = "${daemon.workloadSocket}"
cmd = "/bin/sh"
cmd_args = "${script}"
renew_signal = "SIGUSR1"
cert_dir = "${join(this.#folder, 'certs')}"
svid_file_name = "svid.pem"
svid_key_file_name = "svid_key.pem"
svid_bundle_file_name = "svid_bundle.pem"
`;
    const file = join(this.#folder, 'helper.conf');
    writeFileSync(file, config);
    this.#child = spawn(program, ['-config', file], { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#gone = new Promise((resolve) => this.#child.once('exit', resolve));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
  }

  /** In its own words. */
  get updates(): number {
    return this.#log.split('X.509 certificates updated').length - 1;
  }

  get settled(): boolean {
    return this.updates === 1 && this.told.length === 1;
  }

  /** What its program was told. */
  get told(): readonly string[] {
    const file = join(this.#folder, 'said');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** Which file the SVID is in, and when it was written. */
  get written(): string {
    const { ino, mtimeNs } = statSync(join(this.#folder, 'certs/svid.pem'), { bigint: true });
    return `${ino} ${mtimeNs}`;
  }

  get log(): string {
    return this.#log;
  }

  async close(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#gone;
    // Its program holds the other ends for a moment yet.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

const start = (daemon: Daemon): StockHelper => new StockHelper(daemon);
const seen = ({ updates, told, written }: StockHelper) => ({ updates, told, written });

it('WAPI-39: a thousand revocations of others do not make a stock spiffe-helper reload once', async () => {
  const { before, after } = await revokeBeside({ program, start, revocations: 1_000 }, seen);
  expect(after).toEqual(before);
  expect(after).toMatchObject({ updates: 1, told: ['started'] });
});

it('WAPI-39: with crl.push_x509_svid they do', async () => {
  const config = ['crl: { push_x509_svid: true }'];
  const { before, after } = await revokeBeside({ program, start, config, revocations: 100 }, seen);
  console.log(
    `with crl.push_x509_svid: ${after.updates} messages, ${after.told.length - 1} signals that its program saw`,
  );
  expect(after.updates).toBeGreaterThan(1);
  expect(after.told).toContain('reloaded');
  expect(after.written).not.toBe(before.written);
});
