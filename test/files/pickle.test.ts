import { describe, expect, test } from 'vitest';
import { unpickle } from '../../src/files/torch/pickle.ts';
import type { PickleValue } from '../../src/files/torch/pickled.ts';
import { fixture } from './fixtures.ts';

const run = (bytes: Iterable<number>) => unpickle(Uint8Array.from(bytes), 'w.bin');
const ascii = (text: string) => [...new TextEncoder().encode(text)];
const PROTOCOL = [0x80, 2];
const STOP = 0x2e;

/** Pickled values as plain ones: dictionaries as Maps, tuples and lists as arrays. */
function plain(value: PickleValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value.kind === 'dict') return new Map(value.entries.map(([key, item]) => [key, plain(item)]));
  if (value.kind === 'tuple' || value.kind === 'list') return value.items.map(plain);
  throw new Error(value.kind);
}

describe('a pickle of plain values', () => {
  const tuples = [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]];

  test.each([2, 3, 4, 5])('is what Python pickled with protocol %i', (protocol) => {
    expect(plain(unpickle(fixture(`torch/values-${protocol}.pkl`), 'v.pkl'))).toEqual(
      new Map<string, unknown>([
        ['numbers', [0, 1, 255, 256, 65536, -1, 2 ** 31, -(2 ** 40), 0.5, true, false, null]],
        ['tuples', tuples],
        ['text', ['', 'a', 'é～𝄞', 'x'.repeat(300)]],
        [
          'ordered',
          new Map<string, unknown>([
            ['a', 1],
            ['b', new Map([['c', []]])],
          ]),
        ],
        ['again', tuples],
      ]),
    );
  });
});

describe('a pickle is refused', () => {
  const global = (module: string, name: string) => ascii(`c${module}\n${name}\n`);

  test.each<[string, number[], string, RegExp]>([
    ['with a name of Python', [...PROTOCOL, ...global('os', 'system'), STOP], 'pickle-refused', /asks for os\.system/],
    ['with a builtin', [...PROTOCOL, ...global('builtins', 'eval'), STOP], 'pickle-refused', /builtins\.eval/],
    [
      'with a name that begins like an allowed one',
      [...PROTOCOL, ...global('torch', 'FloatStorage.x'), STOP],
      'pickle-refused',
      /FloatStorage\.x/,
    ],
    [
      'with a name put together on the stack',
      [...PROTOCOL, 0x8c, 2, ...ascii('os'), 0x8c, 6, ...ascii('system'), 0x93, STOP],
      'pickle-refused',
      /os\.system/,
    ],
    [
      'that builds an object (NEWOBJ)',
      [...PROTOCOL, ...global('collections', 'OrderedDict'), 0x29, 0x81, STOP],
      'pickle-refused',
      /instruction 0x81/,
    ],
    ['that takes an object by number (EXT1)', [...PROTOCOL, 0x82, 1, STOP], 'pickle-refused', /instruction 0x82/],
    [
      'that makes an instance (INST)',
      [...PROTOCOL, 0x28, ...ascii('ios\nsystem\n'), STOP],
      'pickle-refused',
      /instruction 0x69/,
    ],
    [
      'that calls a dictionary with arguments',
      [...PROTOCOL, ...global('collections', 'OrderedDict'), 0x5d, 0x85, 0x52, STOP],
      'pickle-refused',
      /calls collections/,
    ],
    [
      'that calls a type',
      [...PROTOCOL, ...global('torch', 'FloatStorage'), 0x29, 0x52, STOP],
      'pickle-refused',
      /calls torch\.FloatStorage/,
    ],
    ['that calls a value', [...PROTOCOL, 0x7d, 0x29, 0x52, STOP], 'pickle-refused', /no function/],
    ['that sets attributes of a list', [...PROTOCOL, 0x5d, 0x7d, 0x62, STOP], 'pickle-refused', /no dictionary/],
    ['of protocol 0', ascii('I1\n.'), 'pickle-refused', /instruction 0x49/],
    ['of protocol 6', [0x80, 6, 0x4e, STOP], 'pickle-refused', /protocol 6/],
    ['with a text of 4 GB', [...PROTOCOL, 0x58, 0xff, 0xff, 0xff, 0xff, STOP], 'pickle-refused', /text of 4294967295/],
    [
      'with an integer of a hundred bytes',
      [...PROTOCOL, 0x8a, 100, ...new Array(100).fill(1), STOP],
      'pickle-refused',
      /100 bytes/,
    ],
    ['that piles up marks', [...PROTOCOL, ...new Array(1_000_002).fill(0x28), STOP], 'pickle-refused', /piles up/],
    ['that piles up values', [...PROTOCOL, ...new Array(1_000_002).fill(0x4e), STOP], 'pickle-refused', /piles up/],
    [
      'that builds millions of values',
      [...PROTOCOL, 0x5d, ...new Array(1_000_002).fill([0x5d, 0x61]).flat(), STOP],
      'pickle-refused',
      /builds more/,
    ],
    ['that ends early', [...PROTOCOL, 0x4b], 'pickle-invalid', /ends in the middle/],
    ['that ends without its end', [...PROTOCOL, 0x4e], 'pickle-invalid', /ends in the middle/],
    ['that leaves nothing', [...PROTOCOL, STOP], 'pickle-invalid', /not there/],
    ['that recalls what it never kept', [...PROTOCOL, 0x68, 3, STOP], 'pickle-invalid', /recalls value 3/],
    ['that takes from beneath a mark', [...PROTOCOL, 0x4e, 0x28, 0x85, STOP], 'pickle-invalid', /not there/],
    ['that closes a mark it never set', [...PROTOCOL, 0x74, STOP], 'pickle-invalid', /mark/],
    ['with a text that is not UTF-8', [...PROTOCOL, 0x8c, 1, 0xff, STOP], 'pickle-invalid', /UTF-8/],
    ['that appends to a number', [...PROTOCOL, 0x4b, 1, 0x4e, 0x61, STOP], 'pickle-invalid', /no list/],
  ])('%s', (_, bytes, code, says) => {
    expect(() => run(bytes)).toThrow(
      expect.objectContaining({ name: 'AppError', code, message: expect.stringMatching(says) }),
    );
  });

  test('but a list that holds itself is only a list', () => {
    const list = run([...PROTOCOL, 0x5d, 0x71, 0, 0x68, 0, 0x61, STOP]) as { items: unknown[] };
    expect(list.items[0]).toBe(list);
  });
});
