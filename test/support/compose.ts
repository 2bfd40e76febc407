// SPDX-License-Identifier: Apache-2.0
/**
 * A service of a compose file as the engine's requests, for machines without the compose plugin. A key that is not known here is
 * refused, so that nothing in such a file goes untested. `build` and `depends_on` are the test's to honour.
 */
import { parse } from 'yaml';
import type { ContainerOptions } from './docker.ts';

type Value = string | number | boolean | readonly string[] | { readonly [key: string]: Value };
export type ComposeService = Readonly<Record<string, Value>>;

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: readonly string[];
}

export function readCompose(text: string): ComposeFile {
  const { name, services, volumes, ...more } = parse(text) as {
    name: string;
    services: Record<string, ComposeService>;
    volumes: Record<string, object>;
  };
  if (Object.keys(more).length > 0)
    throw new Error(`${name}: ${Object.keys(more)} of the compose file are not known here`);
  return { services, volumes: Object.keys(volumes) };
}

/** `volumeNames`: of the engine, by the names of the file. */
export function containerOf(
  service: ComposeService,
  image: string,
  volumeNames: ReadonlyMap<string, string>,
): ContainerOptions {
  const config: Record<string, unknown> = {};
  const host = new Map<string, unknown>();
  let labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(service)) {
    if (['image', 'build', 'depends_on'].includes(key)) continue;
    if (key === 'command') config['Cmd'] = value;
    else if (key === 'user') config['User'] = value;
    else if (key === 'environment') config['Env'] = Object.entries(value).map(([name, text]) => `${name}=${text}`);
    else if (key === 'labels') labels = value as Record<string, string>;
    else if (key === 'ulimits') host.set('Ulimits', Object.entries(value as object).map(ulimit));
    else if (key === 'tmpfs') host.set('Tmpfs', Object.fromEntries((value as string[]).map(halves)));
    else if (key === 'restart') host.set('RestartPolicy', { Name: value });
    else if (key === 'volumes')
      host.set(
        'Binds',
        (value as string[]).map((bind) => bindOf(bind, volumeNames)),
      );
    else if (PLAIN.has(key)) host.set(PLAIN.get(key) as string, value);
    else throw new Error(`${key} of a service is not known here`);
  }
  return { image, labels, config, hostConfig: Object.fromEntries(host), autoRemove: !host.has('RestartPolicy') };
}

const PLAIN = new Map([
  ['pid', 'PidMode'],
  ['cgroup', 'CgroupnsMode'],
  ['network_mode', 'NetworkMode'],
  ['read_only', 'ReadonlyRootfs'],
  ['cap_drop', 'CapDrop'],
  ['cap_add', 'CapAdd'],
  ['security_opt', 'SecurityOpt'],
]);

const ulimit = ([name, { soft, hard }]: [string, { soft: number; hard: number }]): object => ({
  Name: name,
  Soft: soft,
  Hard: hard,
});

const halves = (text: string): [string, string] => {
  const [path = '', options = ''] = text.split(':');
  return [path, options];
};

function bindOf(bind: string, volumeNames: ReadonlyMap<string, string>): string {
  const [source = '', ...rest] = bind.split(':');
  if (source.startsWith('/')) return bind;
  const name = volumeNames.get(source);
  if (name === undefined) throw new Error(`${bind}: no volume of that name`);
  return [name, ...rest].join(':');
}
