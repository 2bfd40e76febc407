// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { scriptArgument } from '../../src/peer/script-argument.ts';

const of = (executable: string, ...args: string[]) => {
  const found = scriptArgument(executable, [executable, ...args]);
  return 'script' in found ? found.script : undefined;
};

describe('the script of an interpreter', () => {
  it.each<[string, string[], string]>([
    ['/usr/bin/python3.11', ['job.py', '-c', 'x'], 'job.py'],
    ['/usr/bin/python3', ['-uB', '-OO', '-W', 'error', '-Xdev', '/srv/job.py'], '/srv/job.py'],
    ['/usr/bin/python3', ['--check-hash-based-pycs', 'always', 'job.py'], 'job.py'],
    [
      '/usr/bin/node',
      ['--no-warnings', '--max-old-space-size=64', '-r', './a.js', '--import', 'b', 'server.js'],
      'server.js',
    ],
    ['/opt/node22', ['--', '--server.js'], '--server.js'],
    ['/bin/bash', ['-eu', '-o', 'pipefail', '+x', '--rcfile', 'f', 'run.sh'], 'run.sh'],
    ['/usr/bin/dash', ['-e', './run.sh', '-c'], './run.sh'],
    ['/usr/bin/perl', ['-w', '-T', '-Ilib', '-I', 'more', '-MPOSIX=floor', '-0777', 'x.pl'], 'x.pl'],
    ['/usr/bin/ruby2.7', ['-W0', '-Ilib', '-r', 'set', 'x.rb'], 'x.rb'],
    ['/usr/bin/php8.2', ['-n', '-d', 'a=b', 'x.php'], 'x.php'],
    ['/usr/bin/lua5.4', ['-l', 'socket', 'x.lua'], 'x.lua'],
  ])('%s %j is %s', (executable, args, script) => {
    expect(of(executable, ...args)).toBe(script);
  });

  it.each<[string, string[], RegExp]>([
    ['/usr/bin/python3', ['-c', 'print()', 'job.py'], /option "-c" gives the interpreter its program some other way/],
    ['/usr/bin/python3', ['-um', 'http.server'], /"-um" gives/],
    ['/usr/bin/python3', ['-Z', 'job.py'], /option "-Z" is not known here/],
    ['/usr/bin/python3', [], /given no script/],
    ['/usr/bin/python3', ['-'], /given no script/],
    ['/usr/bin/node', ['--unheard-of', 'server.js'], /"--unheard-of" is not known here/],
    ['/usr/bin/node', ['--eval', '1', 'server.js'], /"--eval" gives/],
    ['/usr/bin/node', ['--eval=1', 'server.js'], /"--eval=1" gives/],
    ['/bin/sh', ['-ec', 'run.sh'], /"-ec" gives/],
    ['/usr/bin/perl', ['-ne', 'print', 'x'], /"-ne" gives/],
    ['/usr/bin/pay', ['x.py'], /no interpreter that is known/],
    ['/usr/bin/python3-config', ['x.py'], /no interpreter that is known/],
  ])('is not guessed: %s %j', (executable, args, reason) => {
    expect(scriptArgument(executable, [executable, ...args])).toEqual({ reason: expect.stringMatching(reason) });
  });

  it('is one of the arguments, or none', () => {
    const words = fc.array(fc.string());
    fc.assert(
      fc.property(fc.constantFrom('/bin/sh', '/bin/python3', '/bin/node', '/bin/perl'), words, (executable, args) => {
        const script = of(executable, ...args);
        return script === undefined || (script !== '' && args.includes(script));
      }),
    );
  });
});
