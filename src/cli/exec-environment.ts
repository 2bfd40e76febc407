// SPDX-License-Identifier: Apache-2.0
/**
 * The environment of a launched program: what the launcher was given, without the variables by which whoever set them has
 * their own code or files loaded into a linker, an interpreter or a shell (attack A12), unless one is kept by name.
 */
import { ENDPOINT_VARIABLE } from '../client/endpoint.ts';
import { usage } from './usage.ts';

/**
 * By whom they are read: the linker and the C library (ld.so(8), secure-execution mode), OpenSSL, and the interpreters and
 * shells that look for code in them.
 */
const DROPPED: readonly RegExp[] = [
  /^(?:LD|DYLD|GLIBC|MALLOC|GCONV|NIX_LD)_/,
  /^(?:LOCPATH|NLSPATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|RESOLV_HOST_CONF|NIS_PATH|TZDIR)$/,
  /^(?:OPENSSL|SSL|GNUTLS)_|^SSLKEYLOGFILE$/,
  /^(?:NODE|NPM_CONFIG|UV|GRPC|BUN|DENO)_|^npm_config_/,
  /^PYTHON/,
  /^(?:PERL|RUBY|GEM_|BUNDLE_|LUA|PHP|R_|RLIB|JULIA_|GUILE_|TCLLIBPATH|ERL_|ELIXIR_|MIX_|CLASSPATH|GROOVY_)/,
  /^(?:_?JAVA_(?:TOOL_)?OPTIONS|JDK_JAVA_OPTIONS|JAVA_OPTS)$/,
  /^(?:DOTNET|COREHOST|CORECLR|COR|COMPLUS|MONO)_/i,
  /^(?:BASH_ENV|ENV|BASH_FUNC_.*|BASHOPTS|SHELLOPTS|PS4|CDPATH|GLOBIGNORE|IFS|ZDOTDIR|FPATH)$/,
  /^(?:GIO_|GTK_|QT_|QML|GST_).*(?:PATH|MODULES?)/,
];

/** `bin/assay` cleans its own environment first, and leaves here what `--keep-env` names. */
const KEPT = 'ASSAY_EXEC_KEPT_';
const DESCRIPTOR_LIMIT = 'ASSAY_EXEC_NOFILE';

export interface GivenEnvironment {
  /** As whoever started the launcher had it, but for what `bin/assay` dropped. */
  readonly variables: ReadonlyMap<string, string>;
  readonly kept: ReadonlyMap<string, string>;
  /** Before Node raised it. */
  readonly descriptorLimit: number | undefined;
}

/** What is the launcher's own business, taken out. */
export function withoutLauncher(env: ReadonlyMap<string, string>): GivenEnvironment {
  const variables = new Map<string, string>();
  const kept = new Map<string, string>();
  for (const [name, value] of env) {
    if (name.startsWith(KEPT)) kept.set(name.slice(KEPT.length), value);
    else if (name !== DESCRIPTOR_LIMIT) variables.set(name, value);
  }
  const limit = env.get(DESCRIPTOR_LIMIT) ?? '';
  return { variables, kept, descriptorLimit: /^\d{1,9}$/.test(limit) ? Number(limit) : undefined };
}

export function childEnvironment(
  { variables, kept }: GivenEnvironment,
  keep: readonly string[],
  endpoint: string,
): NodeJS.ProcessEnv {
  for (const name of keep) checkName(name);
  const env = Object.create(null) as NodeJS.ProcessEnv;
  for (const [name, value] of [...variables, ...[...kept].filter(([name]) => keep.includes(name))]) {
    // guard: A12 test/cli/exec.test.ts — whoever set them would run code in the program
    if (DROPPED.some((pattern) => pattern.test(name)) && !keep.includes(name)) continue;
    env[name] = value;
  }
  if ((env[ENDPOINT_VARIABLE] ?? '') === '') env[ENDPOINT_VARIABLE] = endpoint;
  return env;
}

function checkName(name: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  throw usage('--keep-env', name, 'is no name of a variable', 'write --keep-env PYTHONPATH, once for each');
}
