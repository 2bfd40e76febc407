// SPDX-License-Identifier: Apache-2.0
/** Builds the Go workload of `test/interop/go` once per test run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JsonLines } from '../support/json-lines.ts';

export class GoWorkload {
  readonly path: string;
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'assay-go-'));
    this.path = join(this.#folder, 'interop');
    const source = join(import.meta.dirname, 'go');
    // Without CGO it needs no C compiler and runs wherever it is copied.
    const env = { ...process.env, CGO_ENABLED: '0' };
    execFileSync('go', ['build', '-mod=readonly', '-o', this.path, '.'], { cwd: source, env, stdio: 'inherit' });
  }

  run(endpoint: string, ...args: string[]): JsonLines {
    return new JsonLines(this.path, args, { SPIFFE_ENDPOINT_SOCKET: endpoint });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
