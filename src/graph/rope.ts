/**
 * Rotary position embedding (Su et al., arXiv 2104.09864): how fast each pair of a head's dimensions turns per position, and the
 * cosine and sine tables the graph looks up. One row per scaling; formulas as in transformers' modeling_rope_utils.py.
 */

import { type Config, invalidConfig, objectField, positiveField, textField, unsupportedConfig } from './config.ts';

/** Changes the unscaled frequencies in place; `maxPositions` is the config's own limit. */
type Scaling = (frequencies: Float64Array, parameters: Config, maxPositions: number) => void;

const SCALINGS: Record<string, Scaling> = {
  default: () => {},
  /** Positions divided by the factor (position interpolation, arXiv 2306.15595). */
  linear: (frequencies, parameters) => {
    const factor = positiveField(parameters, 'factor');
    frequencies.forEach((frequency, i) => {
      frequencies[i] = frequency / factor;
    });
  },
  /** Llama 3.1: slow dimensions divided by the factor, fast ones kept, a linear blend between. */
  llama3: (frequencies, parameters, maxPositions) => {
    const factor = positiveField(parameters, 'factor');
    const low = positiveField(parameters, 'low_freq_factor');
    const high = positiveField(parameters, 'high_freq_factor');
    if (high <= low)
      throw invalidConfig('config.json says high_freq_factor is not above low_freq_factor.', { low, high });
    const original = positiveField(parameters, 'original_max_position_embeddings', maxPositions);
    frequencies.forEach((frequency, i) => {
      const turns = (original * frequency) / (2 * Math.PI); // full turns within the original context
      const blend = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      frequencies[i] = (1 - blend) * (frequency / factor) + blend * frequency;
    });
  },
};

/** transformers 5 writes one object `rope_parameters`; transformers 4 wrote `rope_theta` beside an optional `rope_scaling`. */
function ropeParameters(config: Config): Config {
  return {
    rope_theta: config.rope_theta,
    original_max_position_embeddings: config.original_max_position_embeddings,
    ...(objectField(config, 'rope_parameters') ?? objectField(config, 'rope_scaling')),
  };
}

/**
 * Radians per position of each of the headDim / 2 pairs, float32 rounded where PyTorch rounds.
 * Throws AppError 'config-unsupported' for a scaling or field that is not in the table, 'config-invalid' for a missing parameter.
 */
export function inverseFrequencies(config: Config, headDim: number, maxPositions: number): Float32Array {
  const parameters = ropeParameters(config);
  const type = textField(parameters, 'rope_type', 'type') ?? 'default';
  const scale = Object.hasOwn(SCALINGS, type) ? SCALINGS[type] : undefined;
  if (scale === undefined) throw unsupportedConfig('rope_type', type, Object.keys(SCALINGS));
  const rotated = parameters.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (rotated !== 1) throw unsupportedConfig('partial_rotary_factor', rotated, [1]);

  const theta = positiveField(parameters, 'rope_theta', 10000);
  const frequencies = Float64Array.from({ length: headDim / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headDim))),
  );
  scale(frequencies, parameters, maxPositions);
  return Float32Array.from(frequencies);
}

/** Cosines and sines of positions 0 to `positions` - 1, each [positions, frequencies.length] row-major. */
export function rotationTables(
  frequencies: Float32Array,
  positions: number,
): { cosines: Float32Array; sines: Float32Array } {
  const pairs = frequencies.length;
  const cosines = new Float32Array(positions * pairs);
  const sines = new Float32Array(positions * pairs);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = Math.fround(position * frequencies[pair]!);
      cosines[position * pairs + pair] = Math.cos(angle);
      sines[position * pairs + pair] = Math.sin(angle);
    }
  }
  return { cosines, sines };
}
