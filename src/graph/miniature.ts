/**
 * A config of the same family and the same kind as a given one, made small: what computes it rightly computes the large one rightly, since
 * both ask for the same kernels. Widths of heads, positions and norms stay; layers, heads and words become few, windows short.
 */

import { asConfig, type Config } from './config.ts';
import { LLAMA_FIELDS, type SizeName } from './families/family.ts';
import { familyOf } from './families/table.ts';
import { sizesOf } from './sizes.ts';

/** Families whose blocks differ repeat themselves after six at most. */
const PATTERN = 6;
const WORDS = 64;
/** Multiples of the block of a quantization. */
const HIDDEN = 64;
const INTERMEDIATE = 96;
/** Shorter than the prompt it is tried with. */
const WINDOW = 8;

/** Throws as `normalForm` does for a family that cannot be run. */
export function miniatureConfig(json: unknown): Config {
  const config = asConfig(json);
  const family = familyOf(config);
  const sizes = sizesOf(config, family);
  const shared = sizes.heads !== sizes.keyValueHeads;
  const heads = shared ? 4 : 2;
  const keyValueHeads = shared && sizes.keyValueHeads > 1 ? 2 : shared ? 1 : heads;
  const ownWidth = config.head_dim !== undefined && config.head_dim !== null;
  const widthByDefault = family.defaults?.(config).headDim !== undefined;
  const small: Record<SizeName, number | undefined> = {
    blocks: Math.min(sizes.blocks, family.window || family.ropeOf ? PATTERN : 2),
    hidden: ownWidth || widthByDefault ? HIDDEN : heads * sizes.headDim,
    heads,
    keyValueHeads,
    intermediate: INTERMEDIATE,
    headDim: undefined,
    maxPositions: undefined,
  };
  const changes = Object.entries(small).flatMap(([name, value]) => {
    const field = family.fields?.[name as SizeName] ?? LLAMA_FIELDS[name as SizeName];
    return value === undefined || field === '' ? [] : [[field, value] as const];
  });
  return {
    ...config,
    ...Object.fromEntries(changes),
    vocab_size: WORDS,
    ...(typeof config.num_kv_heads === 'number' ? { num_kv_heads: keyValueHeads } : {}), // Falcon's own word for them
    ...(typeof config.sliding_window === 'number' ? { sliding_window: WINDOW } : {}),
    ...(typeof config.max_window_layers === 'number' ? { max_window_layers: 1 } : {}),
  };
}
