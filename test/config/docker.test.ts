// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { inspect } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');
const read = async (docker: string) => {
  const { config, problems } = await inspect(dir, { uid: 0, yaml: `attestors: { ${docker} }\n` });
  return { ...config.attestors, problems };
};

describe('attestors.docker', () => {
  it('is off unless it is named', async () => {
    expect((await inspect(dir, { uid: 0 })).config.attestors.docker).toBeUndefined();
    expect((await read('unix: {}')).docker).toBeUndefined();
  });

  it.each(['docker: {}', 'docker: '])('has its defaults: %s', async (text) => {
    expect(await read(text)).toMatchObject({
      unix: undefined,
      docker: {
        socket: '/var/run/docker.sock',
        podmanSocket: undefined,
        apiVersion: undefined,
        insecureRootless: undefined,
      },
      problems: [],
    });
  });

  it('takes what the file says', async () => {
    const { docker, problems } = await read(
      `docker: { socket: /run/a/docker.sock, podman_socket: /run/podman/podman.sock, api_version: "1.41",
         insecure_rootless_socket: /run/user/1000/podman/podman.sock, insecure_rootless_uid: 1000 }`,
    );
    expect(problems).toEqual([]);
    expect(docker).toEqual({
      socket: '/run/a/docker.sock',
      podmanSocket: '/run/podman/podman.sock',
      apiVersion: '1.41',
      insecureRootless: { socket: '/run/user/1000/podman/podman.sock', uid: 1000 },
    });
  });

  it.each([
    ['insecure_rootless_socket: /run/user/1000/docker.sock', 'insecure_rootless_uid'],
    ['insecure_rootless_uid: 1000', 'insecure_rootless_socket'],
  ])('A13: believes no rootless engine by half: %s', async (half, missing) => {
    const { docker, problems } = await read(`docker: { ${half} }`);
    expect(docker?.insecureRootless).toBeUndefined();
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining(`stands without attestors.docker.${missing}`),
    ]);
  });
});
