// SPDX-License-Identifier: Apache-2.0
/**
 * An image registry on this machine with one image, for a container engine to pull from: the few requests of the OCI
 * distribution specification that a pull makes. What it serves is an image that the engine has, unpacked by `docker save`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DockerEngine } from './docker.ts';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

export class FakeRegistry {
  /** `127.0.0.1:PORT/NAME`: engines take a registry there without TLS. */
  readonly name: string;
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  readonly #server: Server;

  private constructor(name: string, digest: string, server: Server) {
    this.name = name;
    this.digest = digest;
    this.#server = server;
  }

  static async serving(engine: DockerEngine, image: string, name: string): Promise<FakeRegistry> {
    const { manifest, blobs } = unpack(engine, image);
    const digest = digestOf(manifest);
    const server = createServer(({ url = '', method }, response) => {
      const [, kind, wanted = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(url) ?? [];
      const bytes = kind === 'manifests' ? manifest : blobs.get(wanted);
      if (url === '/v2/') response.end('{}');
      else if (bytes === undefined) response.writeHead(404).end();
      else {
        response.setHeader('content-type', kind === 'manifests' ? MANIFEST : 'application/octet-stream');
        response.setHeader('docker-content-digest', kind === 'manifests' ? digest : wanted);
        response.setHeader('content-length', bytes.length);
        response.end(method === 'HEAD' ? undefined : bytes);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}/${name}`, digest, server);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function unpack(engine: DockerEngine, image: string): { manifest: Buffer; blobs: ReadonlyMap<string, Buffer> } {
  const folder = mkdtempSync(join(tmpdir(), 'assay-image-'));
  try {
    execFileSync('docker', ['-H', engine.host, 'save', '-o', join(folder, 'image.tar'), image]);
    execFileSync('tar', ['-C', folder, '-xf', join(folder, 'image.tar')]);
    const [{ Config, Layers }] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as [
      { Config: string; Layers: readonly string[] },
    ];
    const config = readFileSync(join(folder, Config));
    const layers = Layers.map((layer) => readFileSync(join(folder, layer)));
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: described('application/vnd.docker.container.image.v1+json', config),
      layers: layers.map((layer) => described('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)),
    };
    const blobs = new Map([config, ...layers].map((bytes) => [digestOf(bytes), bytes]));
    return { manifest: Buffer.from(JSON.stringify(manifest)), blobs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function described(mediaType: string, bytes: Buffer): object {
  return { mediaType, size: bytes.length, digest: digestOf(bytes) };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
