// SPDX-License-Identifier: Apache-2.0
/**
 * `cmd_args` as spiffe-helper splits it: one record of encoding/csv with a blank for the comma (pkg/sidecar/sidecar.go, getCmdArgs).
 * So two blanks make an empty argument, a quoted argument may hold blanks and `""`, and a quote within a bare one is an error.
 */

/** The arguments, or why not. */
export function splitArgs(text: string): readonly string[] | { readonly refusal: string } {
  const args: string[] = [];
  // Lines that are empty are skipped there, and only the first record is read.
  const [line = ''] = text.split(/\r?\n|\r$/).filter((one) => one !== '');
  if (line === '') return [];
  let rest = line;
  for (;;) {
    const quoted = rest.startsWith('"');
    const found = quoted ? /^"((?:[^"]|"")*)"(?= |$)/.exec(rest) : /^([^" ]*)(?= |$)/.exec(rest);
    if (found === null) {
      return {
        refusal: quoted
          ? 'holds a quoted argument that does not end'
          : 'holds a quote within an argument that is not quoted',
      };
    }
    args.push((found[1] ?? '').replaceAll('""', '"'));
    if (found[0].length === rest.length) return args;
    rest = rest.slice(found[0].length + 1);
  }
}
