// SPDX-License-Identifier: Apache-2.0
/** A PostgreSQL server of the test's own, laid out as Debian does it: what the page takes for there. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerBench } from './bench.ts';

export const CONFIG = 'etc/postgresql/15/main';
export const DATA = 'var/lib/postgresql/15/main';
const START_TIMEOUT_MS = 30_000;

export const postgresUid = (): number => Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));

/** Where Debian puts the programs of the newest version that is installed. */
function programs(): string {
  const found = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => Number(a.split('/')[4]) - Number(b.split('/')[4]));
  const newest = found.at(-1);
  if (newest === undefined) throw new Error('no PostgreSQL in /usr/lib/postgresql: run .ci/install-tools');
  return newest;
}

/** The folders, the data and the main configuration; `psql` on the path reaches it as the administrator. */
export async function prepareServer(bench: ConsumerBench, uid: number, port: number): Promise<void> {
  for (const folder of ['var/lib/postgresql', 'run/postgresql']) bench.folderOf(uid, folder);
  await bench.sh(`${programs()}/initdb --no-sync --auth=peer --encoding=UTF8 -D ${bench.at(DATA)}`, uid);
  mkdirSync(bench.at(`${CONFIG}/conf.d`), { recursive: true });
  bench.put(
    `${CONFIG}/postgresql.conf`,
    `data_directory = '${bench.at(DATA)}'
hba_file = '${bench.at(`${CONFIG}/pg_hba.conf`)}'
ident_file = '${bench.at(`${CONFIG}/pg_ident.conf`)}'
unix_socket_directories = '${bench.at('run/postgresql')}'
listen_addresses = '127.0.0.1'
port = ${port}
fsync = off
include_dir = 'conf.d'
`,
  );
  bench.program('psql', `PGHOST=${bench.at('run/postgresql')} PGPORT=${port} exec ${programs()}/psql "$@"`);
}

/** Resolves when it answers. */
export async function startServer(bench: ConsumerBench, uid: number): Promise<void> {
  bench.start([`${programs()}/postgres`, '-c', `config_file=${bench.at(`${CONFIG}/postgresql.conf`)}`], uid, 'SIGINT');
  const until = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(bench, uid))) {
    if (Date.now() > until) throw new Error(`PostgreSQL does not answer: ${bench.log}`);
    await sleep(100);
  }
}

const answers = (bench: ConsumerBench, uid: number): Promise<boolean> =>
  bench.sh('psql --quiet --command "select 1"', uid).then(
    () => true,
    () => false,
  );
