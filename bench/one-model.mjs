/**
 * One model of random weights in every form that the benchmark of models wants: a Hugging Face folder for the page and for PyTorch, and GGUF
 * files of the very same numbers for llama.cpp. Norms are one, so that attention and the MLP count as they do in a trained model.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeGguf } from './gguf.mjs';
import { byName, configOf, madeOnce, SHAPES, tensorsOf, tile, writeSafetensors } from './models.mjs';

const BF16_ONE = 0x3f80;
const SEED = 77;
/** As many ids as asked for, the same at every call; another `row`, other ids. */
export function promptOf(length, row, vocabulary) {
  return Array.from({ length }, (_, i) => (7 + 31 * row + i * 5003) % vocabulary);
}

const elementsOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** Each matrix another part of the tile, from where the one before it ended. */
function valuesFor(tensors) {
  const bytes = tile(SEED);
  const block = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const starts = new Map();
  let next = 0;
  for (const [name, shape] of tensors) {
    starts.set(name, next % block.length);
    next += elementsOf(shape);
  }
  return (name, shape) => {
    const values = new Uint16Array(elementsOf(shape));
    if (shape.length === 1) return values.fill(BF16_ONE);
    for (let at = 0, from = starts.get(name); at < values.length; from = 0) {
      const piece = block.subarray(from, from + values.length - at);
      values.set(piece, at);
      at += piece.length;
    }
    return values;
  };
}

function writeFolder(folder, shape, tensors, valuesOf) {
  mkdirSync(folder, { recursive: true });
  const sorted = byName(tensors);
  writeSafetensors(join(folder, 'model.safetensors'), sorted, function* () {
    for (const tensor of sorted) yield new Uint8Array(valuesOf(...tensor).buffer);
  });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(shape)));
}

/**
 * @param {string} size a key of SHAPES that says its positions
 * @returns {{folder: string, ggufs: string, parameters: number, vocabulary: number}} the Hugging Face folder, and the one with f32.gguf and q8_0.gguf
 */
export function makeOneModel(size) {
  const shape = SHAPES[size];
  const tensors = tensorsOf(shape);
  const root = madeOnce(`resta-web-model-${size}`, (aside) => {
    const valuesOf = valuesFor(tensors);
    writeFolder(join(aside, 'folder'), shape, tensors, valuesOf);
    const ggufs = join(aside, 'ggufs');
    mkdirSync(ggufs);
    for (const encoding of ['f32', 'q8_0']) {
      writeGguf(join(ggufs, `${encoding}.gguf`), shape, tensors, valuesOf, encoding);
    }
  });
  const parameters = tensors.reduce((sum, [, dimensions]) => sum + elementsOf(dimensions), 0);
  return { folder: join(root, 'folder'), ggufs: join(root, 'ggufs'), parameters, vocabulary: shape.vocabulary };
}
