// SPDX-License-Identifier: Apache-2.0
/** What a user gets: the tarball that `npm pack` makes, installed in an empty folder, run without this checkout. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, top } from '../support/daemon.ts';

let work: string;
let home: string;
let packed: readonly string[];

/** The pinned Node comes first: `bin/assay` of a package runs what PATH names. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
const npm = (cwd: string, ...args: string[]): string =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const node = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: home, encoding: 'utf8', env });

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'assay-package-'));
  home = join(work, 'home');
  mkdirSync(home);
  const [made] = JSON.parse(npm(top, 'pack', '--json', '--silent', '--pack-destination', work)) as {
    filename: string;
    files: { path: string }[];
  }[];
  packed = made?.files.map((file) => file.path) ?? [];
  writeFileSync(join(home, 'package.json'), '{ "name": "home", "private": true, "type": "module" }');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev'];
  npm(home, 'install', ...quiet, join(work, made?.filename ?? ''));
}, 600_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the package', () => {
  it('holds what runs and nothing else', () => {
    const odd = packed.filter(
      (path) => !/^(dist|packaging|proto|bin)\/|^(LICENSE|README\.md|package\.json)$/.test(path),
    );
    expect(odd).toEqual([]);
    expect(packed.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([]);
    expect(packed).toContain('dist/src/main.js');
    expect(packed).toContain('proto/workload.proto');
  });

  it('carries the licence of each package that is joined into it', () => {
    const notices = readFileSync(join(home, 'node_modules/assay/dist/NOTICES.txt'), 'utf8');
    const { dependencies } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const joined = Object.entries(dependencies).filter(
      ([name]) => !['better-sqlite3', 'koffi', '@cedar-policy/cedar-wasm'].includes(name),
    );
    for (const [name, version] of joined) expect(notices).toContain(`\n${name} ${version}\n`);
  });

  it('imports as assay/client, assay/plugin and assay/plugin-test', () => {
    const names = node('-e', 'import("assay/client").then((m) => console.log(Object.keys(m).sort().join()))');
    expect(names.trim().split(',')).toContain('X509Source');
    expect(node('-e', 'import("assay/plugin").then(() => console.log("ok"))').trim()).toBe('ok');
    const cases = 'import("assay/plugin-test").then((m) => console.log(typeof m.attestorContract))';
    expect(node('-e', cases).trim()).toBe('function');
  });

  it('runs the test of a plugin as docs/plugins.md shows it', () => {
    const page = readFileSync(join(top, 'docs/plugins.md'), 'utf8');
    const [module, suite] = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);
    writeFileSync(join(home, 'attestor.js'), module as string);
    writeFileSync(join(home, 'attestor.test.js'), suite as string);
    expect(page).toContain('node --test attestor.test.js');
    expect(node('--test', 'attestor.test.js')).toMatch(/pass 10\n\S+ fail 0/);
  });

  it('opens nothing else to an importer', () => {
    const inside = 'import("assay/dist/src/main.js").then(() => console.log("open"), (e) => console.log(e.code))';
    expect(node('-e', inside).trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('carries types that a strict program compiles against', () => {
    writeFileSync(
      join(home, 'use.ts'),
      "import { X509Source } from 'assay/client';\nimport type { Attestor } from 'assay/plugin';\n" +
        'export const open: typeof X509Source.open = X509Source.open;\nexport const all: Attestor[] = [];\n',
    );
    const options = { strict: true, module: 'nodenext', target: 'es2024', noEmit: true, types: ['node'] };
    const typeRoots = [join(top, 'node_modules/@types')];
    const config = { compilerOptions: { ...options, typeRoots, skipLibCheck: false }, files: ['use.ts'] };
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(config));
    execFileSync(join(top, 'node_modules/.bin/tsc'), ['-p', home], { stdio: 'inherit' });
  });

  it('runs the daemon and issues an SVID', async () => {
    const assay = join(home, 'node_modules/.bin/assay');
    const daemon = await Daemon.start({ command: [assay], env: { PATH: env.PATH } });
    try {
      const common = ['--admin-socket', daemon.adminSocket];
      const create = ['entry', 'create', '--spiffe-id', 'spiffe://example.org/p', '--selector'];
      execFileSync(assay, [...create, `unix:uid:${process.getuid?.()}`, ...common], { env });
      const out = join(work, 'svid');
      mkdirSync(out);
      execFileSync(assay, ['fetch', 'x509', '--socket', daemon.endpoint, '--write', out], { env });
      expect(readFileSync(join(out, 'svid.0.pem'), 'utf8')).toContain('BEGIN CERTIFICATE');
      expect(existsSync(join(out, 'svid.0.key'))).toBe(true);
      expect(await servicesAt(daemon.endpoint)).toContain('SpiffeWorkloadAPI');
      // Each with a thread of its own, whose file has to be there.
      expect(execFileSync(assay, ['report', ...common], { env, encoding: 'utf8' })).toMatch(/identit/i);
      execFileSync(assay, ['audit', 'verify', '--data-dir', daemon.dataDir], { env });
    } finally {
      await daemon.close();
    }
  });

  it('checks policies, whose evaluator stays a package', () => {
    const folder = join(work, 'policies');
    mkdirSync(folder);
    const page = readFileSync(join(top, 'docs/policy.md'), 'utf8');
    writeFileSync(join(folder, 'a.cedar'), /^```cedar\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '');
    const out = execFileSync(join(home, 'node_modules/.bin/assay'), ['policy', 'check', folder], {
      env,
      encoding: 'utf8',
    });
    expect(out).toContain('are valid');
  });

  it('refuses an older Node in one line', () => {
    const old = join(work, 'old');
    mkdirSync(old);
    writeFileSync(join(old, 'node'), '#!/bin/sh\ncase $1 in --version) echo v20.11.0 ;; *) exit 1 ;; esac\n', {
      mode: 0o755,
    });
    const run = () =>
      execFileSync(join(home, 'node_modules/.bin/assay'), ['--help'], {
        env: { PATH: `${old}:/usr/bin:/bin` },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    expect(run).toThrow(/is version 20\.11\.0; Assay needs Node 22\.18 or newer\n/);
  });
});

/** By server reflection, which reads the .proto files of the package. */
async function servicesAt(endpoint: string): Promise<readonly string[]> {
  const proto = loadSync(join(top, 'proto/reflection.proto'), { keepCase: true, arrays: true });
  const { ServerReflectionInfo: shape } = proto['grpc.reflection.v1.ServerReflection'] as ServiceDefinition;
  const client = new Client(endpoint, credentials.createInsecure());
  try {
    const { path, requestSerialize, responseDeserialize } = shape!;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.write({ list_services: '' });
    const [answer] = (await once(call, 'data')) as [{ list_services_response: { service: { name: string }[] } }];
    // Ending it is an error to gRPC.
    call.on('error', () => undefined).cancel();
    return answer.list_services_response.service.map(({ name }) => name);
  } finally {
    client.close();
  }
}
