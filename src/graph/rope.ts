/**
 * Rotary position embedding (Su et al., arXiv 2104.09864): how fast each pair of a head's dimensions turns per position, and the
 * cosine and sine tables the graph looks up. One row per scaling; formulas as in transformers' modeling_rope_utils.py.
 */

import {
  booleanField,
  type Config,
  invalidConfig,
  numbersField,
  objectField,
  optionalPositive,
  positiveField,
  sizeField,
  textField,
  unsupportedConfig,
} from './config.ts';
import type { Rotation } from './form.ts';

interface Context {
  parameters: Config;
  /** Dimensions that are turned. */
  width: number;
  theta: number;
  /** The config's own limit. */
  maxPositions: number;
}

interface Scaled {
  /** Of cosines and sines. */
  scale?: number;
  /** Beyond this many positions the family computes something else, which is not reproduced. */
  limit?: number;
}

/** Changes the unscaled frequencies in place. */
type Scaling = (frequencies: Float64Array, context: Context) => Scaled;

const SCALINGS: Record<string, Scaling> = {
  default: () => ({}),
  /** Positions divided by the factor (position interpolation, arXiv 2306.15595). */
  linear: (frequencies, { parameters }) => {
    const factor = positiveField(parameters, 'factor');
    frequencies.forEach((frequency, i) => {
      frequencies[i] = frequency / factor;
    });
    return {};
  },
  /** The base grows with the context once that is longer than the trained one; up to there it is the plain rotation. */
  dynamic: (_, { parameters, maxPositions }) => {
    positiveField(parameters, 'factor');
    return { limit: sizeField(parameters, 'original_max_position_embeddings', maxPositions) };
  },
  /** Llama 3.1: slow dimensions divided by the factor, fast ones kept, a linear blend between. */
  llama3: (frequencies, { parameters, maxPositions }) => {
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
    return {};
  },
  /** YaRN (arXiv 2309.00071): dimensions that turn seldom are interpolated, those that turn often kept, a ramp between. */
  yarn: (frequencies, { parameters, width, theta, maxPositions }) => {
    const original = positiveField(parameters, 'original_max_position_embeddings', maxPositions);
    const factor = positiveField(parameters, 'factor', maxPositions / original);
    /** The dimension that turns so many times within the original context. */
    const dimension = (turns: number): number =>
      (width * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
    const edges = [
      dimension(positiveField(parameters, 'beta_fast', 32)),
      dimension(positiveField(parameters, 'beta_slow', 1)),
    ] as const;
    const whole = booleanField(parameters, 'truncate', true);
    const low = Math.max(whole ? Math.floor(edges[0]) : edges[0], 0);
    const high = Math.min(whole ? Math.ceil(edges[1]) : edges[1], width - 1);
    const span = high === low ? 0.001 : high - low;
    frequencies.forEach((frequency, i) => {
      const interpolated = Math.min(1, Math.max(0, (i - low) / span));
      frequencies[i] = (frequency / factor) * interpolated + frequency * (1 - interpolated);
    });
    return { scale: yarnScale(parameters, factor) };
  },
  /** LongRoPE (arXiv 2402.13753): a factor per dimension. The short ones, which hold up to the original context; longer ones are not run. */
  longrope: (frequencies, { parameters, maxPositions }) => {
    const original = sizeField(parameters, 'original_max_position_embeddings', maxPositions);
    const factors = numbersField(parameters, 'short_factor', frequencies.length);
    frequencies.forEach((frequency, i) => {
      frequencies[i] = frequency / factors[i]!;
    });
    const growth = optionalPositive(parameters, 'factor') ?? maxPositions / original;
    const scale = growth <= 1 ? 1 : Math.sqrt(1 + Math.log(growth) / Math.log(original));
    return { scale: optionalPositive(parameters, 'attention_factor') ?? scale, limit: original };
  },
};

function yarnScale(parameters: Config, factor: number): number {
  const given = optionalPositive(parameters, 'attention_factor');
  if (given !== undefined) return given;
  const of = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const mscale = optionalPositive(parameters, 'mscale');
  const all = optionalPositive(parameters, 'mscale_all_dim');
  return mscale !== undefined && all !== undefined ? of(mscale) / of(all) : of(1);
}

/** transformers 5 writes one object `rope_parameters`; transformers 4 wrote `rope_theta` beside an optional `rope_scaling`. */
export function ropeParameters(config: Config): Config {
  const { rope_theta, rotary_emb_base, partial_rotary_factor, rotary_pct, original_max_position_embeddings } = config;
  const beside = {
    rope_theta: rope_theta ?? rotary_emb_base,
    partial_rotary_factor: partial_rotary_factor ?? rotary_pct,
  };
  const own = objectField(config, 'rope_parameters') ?? objectField(config, 'rope_scaling') ?? {};
  const said = Object.entries(own).filter(([, value]) => value !== null && value !== undefined);
  // Of the original context, unlike of the rest, the config's own word counts more than the scaling's.
  const original = original_max_position_embeddings ?? own.original_max_position_embeddings;
  return { ...beside, ...Object.fromEntries(said), original_max_position_embeddings: original };
}

/**
 * The same for a family whose blocks with a window have parameters of their own: transformers 5 writes both sorts under `rope_parameters`,
 * undefined where it did not.
 */
export function ropeParametersByType(config: Config, sliding: boolean): Config | undefined {
  const byType = objectField(config, 'rope_parameters');
  return byType && objectField(byType, sliding ? 'sliding_attention' : 'full_attention');
}

/** What a family takes for what its config leaves out. */
export interface RopeDefaults {
  theta?: number;
  /** Of a head's dimensions that are turned. */
  share?: number;
  interleaved?: boolean;
}

/**
 * The rotation that parameters describe, and how many positions it holds for. Frequencies are float32 rounded where PyTorch rounds.
 * Throws AppError 'config-unsupported' for a scaling that is not in the table, 'config-invalid' for a missing parameter.
 */
export function rotationOf(
  parameters: Config,
  headDim: number,
  maxPositions: number,
  { theta: usual = 10000, share: usualShare = 1, interleaved = false }: RopeDefaults,
): { rotation: Rotation; limit: number } {
  const type = textField(parameters, 'rope_type', 'type') ?? 'default';
  const scaling = Object.hasOwn(SCALINGS, type) ? SCALINGS[type] : undefined;
  if (scaling === undefined) throw unsupportedConfig('rope_type', type, Object.keys(SCALINGS));
  const share = positiveField(parameters, 'partial_rotary_factor', usualShare);
  const width = Math.floor(headDim * share);
  if (share > 1 || width < 2 || width % 2 !== 0) {
    const data = { headDim, partial_rotary_factor: share };
    throw invalidConfig(
      `config.json turns ${share} of heads of ${headDim} dimensions; rotary positions need an even number.`,
      data,
    );
  }
  const theta = positiveField(parameters, 'rope_theta', usual);
  const frequencies = Float64Array.from({ length: width / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / width))),
  );
  const { scale = 1, limit = maxPositions } = scaling(frequencies, { parameters, width, theta, maxPositions });
  return {
    rotation: { frequencies: Float32Array.from(frequencies), scale, interleaved },
    limit: Math.min(limit, maxPositions),
  };
}

/** Cosines and sines of positions 0 to `positions` - 1, each [positions, frequencies.length] row-major. */
export function rotationTables(
  { frequencies, scale }: Rotation,
  positions: number,
): { cosines: Float32Array; sines: Float32Array } {
  const pairs = frequencies.length;
  const cosines = new Float32Array(positions * pairs);
  const sines = new Float32Array(positions * pairs);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = Math.fround(position * frequencies[pair]!);
      cosines[position * pairs + pair] = Math.fround(Math.cos(angle)) * scale;
      sines[position * pairs + pair] = Math.fround(Math.sin(angle)) * scale;
    }
  }
  return { cosines, sines };
}
