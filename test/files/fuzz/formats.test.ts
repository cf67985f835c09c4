import { describe, expect, test } from 'vitest';
import { ggufFuzz } from './gguf.ts';
import { type Fuzz, seeded } from './outcome.ts';
import { pickleFuzz } from './pickle.ts';
import { torchFuzz, zipFuzz } from './torch.ts';

/** A look in every ordinary run; the long one takes the same generators. */
const CASES = 1500;
/** Milliseconds; a second or two on a quiet machine. */
const TIMEOUT = 60_000;

describe(`${CASES} hostile files are each read or refused with an AppError, inside the file and within its size`, () => {
  // The codes show that the cases get past the first checks.
  test.each<[string, Fuzz, string[]]>([
    ['PyTorch', torchFuzz, ['ok', 'zip-invalid', 'format-unsupported', 'pickle-invalid']],
    ['archive', zipFuzz, ['ok', 'zip-invalid', 'format-unsupported']],
    ['pickle', pickleFuzz, ['ok', 'pickle-invalid', 'pickle-refused']],
    ['GGUF', ggufFuzz, ['ok', 'gguf-invalid', 'format-unsupported', 'tensor-out-of-bounds', 'quantized-unsupported']],
  ])(
    '%s',
    async (_, fuzz, codes) => {
      const random = seeded(20240219);
      const outcomes = new Map<string, number>();
      for (let i = 0; i < CASES; i++) {
        const result = await fuzz.run(fuzz.generate(random));
        outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
      }
      for (const code of codes) expect(outcomes.get(code), code).toBeGreaterThan(0);
    },
    TIMEOUT,
  );
});
