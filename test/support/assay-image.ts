// SPDX-License-Identifier: Apache-2.0
/**
 * The image of examples/compose/Dockerfile on the test bed's engine, without a registry: its base is the test bed's Debian with
 * the Node that runs this test, and `app` is the tarball of `npm pack` beside the packages of this checkout.
 */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { bedFolder, run } from './bed.ts';
import { top } from './daemon.ts';
import type { DockerEngine } from './docker.ts';
import { LastWill } from './last-will.ts';
import { SYSTEMD_IMAGE } from './systemd-machine.ts';

export interface AssayImage {
  readonly tag: string;
  /** Idempotent; after its containers are gone. */
  remove(): Promise<void>;
}

const example = join(top, 'examples/compose');

/** `tag` is the test's own. */
export async function buildAssayImage({ host }: DockerEngine, tag: string): Promise<AssayImage> {
  const work = mkdtempSync(join(tmpdir(), 'assay-image-'));
  const docker = (...words: readonly string[]): Promise<string> => must('docker', '-H', host, ...words);
  const base = `${tag}-base`;
  const will = new LastWill();
  will.add('docker', '-H', host, 'rmi', '-f', tag, base);
  try {
    const below = join(work, 'base');
    mkdirSync(below);
    copyFileSync(process.execPath, join(below, 'node'));
    writeFileSync(join(below, 'Dockerfile'), `FROM ${SYSTEMD_IMAGE}\nCOPY node /usr/local/bin/node\n`);
    await docker('build', '--quiet', '--tag', base, below);
    const context = join(work, 'context');
    mkdirSync(context);
    for (const file of ['Dockerfile', 'assay.yaml']) copyFileSync(join(example, file), join(context, file));
    await layApp(work, join(context, 'app/node_modules'));
    await docker('build', '--quiet', '--network', 'none', '--build-arg', `BASE=${base}`, '--tag', tag, context);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return {
    tag,
    async remove() {
      await run(['docker', '-H', host, 'rmi', '-f', tag, base]);
      will.revoke();
    },
  };
}

/** What `npm install` makes of the tarball, from the versions that package-lock.json names. */
async function layApp(work: string, packages: string): Promise<void> {
  mkdirSync(join(packages, 'assay'), { recursive: true });
  // Two tests at once would make the same dist/.
  const lock = join(bedFolder, 'run/npm-pack.lock');
  await must('flock', lock, 'npm', 'pack', top, '--silent', '--pack-destination', work);
  const tarball = readdirSync(work).find((name) => name.endsWith('.tgz')) as string;
  await must('tar', '-xf', join(work, tarball), '-C', join(packages, 'assay'), '--strip-components=1');
  const listed = await must('npm', '--prefix', top, 'ls', '--all', '--omit=dev', '--parseable');
  const at = `node_modules${sep}`;
  for (const folder of new Set(listed.trim().split('\n'))) {
    const name = folder.slice(folder.indexOf(at) + at.length);
    // The checkout itself, and its own Node.
    if (!folder.includes(at) || relative(top, folder).startsWith('tools') || /^(node-linux-|assay-tools)/.test(name))
      continue;
    cpSync(folder, join(packages, name), { recursive: true, dereference: true });
  }
}

async function must(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(words);
  if (code !== 0) throw new Error(`${words.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}
