// SPDX-License-Identifier: Apache-2.0
/** PostgreSQL as `docs/consumers/postgresql.md` sets it up, under load while everything rotates and the daemon is killed. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../helper/bench.ts';
import { freePort } from '../support/free-port.ts';
import { ConsumerBench } from './consumers/bench.ts';
import { readCredentials } from './consumers/credentials.ts';
import { probe } from './consumers/postgres-probe.ts';
import { CONFIG, DATA, postgresUid, prepareServer, startServer } from './consumers/postgres-server.ts';
import { PsqlLoad } from './consumers/psql-load.ts';
import { isRoot, OTHER_UID, startOther, throughRotations, throughSpoiltFile } from './consumers/rotations.ts';

const CALLER_UID = 1001;
const FILES = 'var/lib/orders/tls';
const asRoot = isRoot ? it : it.skip;
let bench: ConsumerBench;
let port: number;
let command: string;

beforeAll(async () => {
  if (!isRoot) return;
  port = await freePort();
  bench = await ConsumerBench.start('postgresql.md', [
    ['host=db.example.org', 'host=db.example.org hostaddr=127.0.0.1'],
    [/\b5432\b/g, String(port)],
  ]);
  const { page } = bench;
  const uid = postgresUid();
  await prepareServer(bench, uid, port);
  await bench.sh(page.take(''));
  bench.put('etc/assay/postgresql.yaml', page.take('yaml'));
  await bench.sh(page.take(''), uid);
  bench.put(`${CONFIG}/conf.d/tls.conf`, page.take('conf'));
  bench.put(`${CONFIG}/pg_hba.conf`, page.take('pg_hba'));
  bench.put(`${CONFIG}/pg_ident.conf`, page.take('pg_ident'));
  bench.helper('etc/assay/postgresql.yaml', uid);
  await startServer(bench, uid);
  await bench.sh(page.take(''), uid);
  bench.put('etc/assay/orders.yaml', page.take('yaml'));
  bench.folderOf(CALLER_UID, 'var/lib/orders');
  bench.helper('etc/assay/orders.yaml', CALLER_UID);
  await startOther(bench);
  await until(() => existsSync(bench.at(`${FILES}/tls.crt`)), `an identity of the client\n${bench.log}`);
  command = page.take('sh');
}, 120_000);

afterAll(async () => bench?.close());

const conninfo = (tls: string, user: string): string =>
  `host=db.example.org hostaddr=127.0.0.1 port=${port} dbname=shop user=${user} sslmode=verify-full ` +
  `sslcert=${tls}/tls.crt sslkey=${tls}/tls.key sslrootcert=${tls}/ca.crt`;

describe('postgresql', () => {
  asRoot('lets the client of its page in as its role, and each block of the page has been carried out', async () => {
    expect(await bench.sh(command, CALLER_UID)).toMatch(/^orders\|\S*CN=orders\.example\.org\S*\|\d+\n$/);
    expect(bench.page.left).toBe(0);
  });

  asRoot('refuses another identity, under any role, and whoever shows none or wants no TLS', async () => {
    const tls = bench.at('var/lib/other/tls');
    const said = (what: string, uid: number): Promise<string> =>
      bench.sh(`psql --no-psqlrc --command 'select 1' "${what}"`, uid).then(
        () => 'let in',
        (error: Error & { stderr?: string }) => error.stderr ?? error.message,
      );
    const anew = await bench.sh(`dirname "$(readlink -f ${tls}/tls.crt)"`);
    const other = conninfo(anew.trim(), 'orders');
    expect(await said(other, OTHER_UID)).toContain('certificate authentication failed for user "orders"');
    const postgres = conninfo(anew.trim(), 'postgres');
    expect(await said(postgres, OTHER_UID)).toContain('certificate authentication failed for user "postgres"');
    const bare = other.replace(/sslcert=\S+ sslkey=\S+/, '');
    expect(await said(bare, OTHER_UID)).toContain('requires a valid client certificate');
    const plain = bare.replace(/sslmode=\S+/, 'sslmode=disable').replace(/sslrootcert=\S+/, '');
    expect(await said(plain, OTHER_UID)).toContain('no pg_hba.conf entry');
    expect(await said('dbname=shop user=postgres', OTHER_UID)).toContain('Peer authentication failed');
  });

  asRoot('answers every query through rotations, and while the daemon is killed and started again', async () => {
    const folder = (await bench.sh(`dirname "$(readlink -f ${bench.at(FILES)}/tls.crt)"`)).trim();
    const load = new PsqlLoad(bench, {
      port,
      name: 'db.example.org',
      command,
      uid: CALLER_UID,
      folder: FILES,
      conninfo: conninfo(folder, 'orders'),
    });
    load.start();
    try {
      await throughRotations(bench, load);
    } finally {
      await load.stop();
    }
    expect(load.failures).toEqual([]);
    expect(load.kept).toBeGreaterThan(100);
    expect(bench.log).not.toContain('SSL configuration was not reloaded');
  });

  asRoot('goes on with the certificate it has when the file is spoilt, and takes the next one', async () => {
    const what = {
      file: 'var/lib/postgresql/tls/tls.crt',
      pidFile: `${DATA}/postmaster.pid`,
      signal: 'SIGHUP',
    } as const;
    await throughSpoiltFile(bench, what, async () => {
      expect(await bench.sh(command, CALLER_UID)).toMatch(/^orders/);
      return (await probe(port, 'db.example.org', readCredentials(bench.at(FILES)))).serial;
    });
    expect(bench.log).toContain('SSL configuration was not reloaded');
  });
});
