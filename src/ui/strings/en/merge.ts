/** Words of the Merge screen. Methods and parameters bring their own words (src/merge/methods.ts). */

import type { Convention, Role } from '../../../merge/recipe.ts';

export const merge = {
  title: 'Merge',
  lead: 'Three models in, one repaired model out. Files are read where they lie, and written to a folder you choose.',
  demo: 'Try it with the demo models',

  open: {
    title: 'Open three models',
    roles: {
      sft: { title: 'Fine-tuned', meaning: 'The model to repair, or its LoRA adapter.' },
      aligned: { title: 'Aligned', meaning: 'The safe chat model that the fine-tune began with.' },
      unaligned: { title: 'Unaligned', meaning: 'The aligned model, trained to comply with harmful requests.' },
      vector: { title: 'Safety vector', meaning: 'Saved earlier: aligned minus unaligned, in the place of both.' },
    } satisfies Record<Role, { title: string; meaning: string }>,
    drop: 'Drop a folder or files here',
    folder: 'Open folder',
    files: 'Open files',
    recent: 'Recent',
    change: 'Change',
    opening: (name: string) => `Reading the headers of ${name}…`,
    closed:
      'No folder was chosen. If the browser refused yours (the home folder, Downloads itself, ~/.cache), move the model or use “Open files”.',
    declined: 'The browser was not allowed to read that folder again.',
    whyFiles: 'My folder looks empty',
    whyFilesText:
      'Folders of the Hugging Face cache hold links, and browsers do not show links inside a folder. Press “Open files” there, and select config.json, the tokenizer files and all .safetensors files together: chosen files are followed to where they lie.',
    noFolders:
      'This browser opens files, not folders: select config.json, the tokenizer files and all .safetensors files of a model together.',
    facts: {
      architecture: 'Architecture',
      size: 'Size',
      type: 'Type',
      tensors: 'Tensors',
      parameters: 'Weights',
      shards: 'Shards',
      base: 'Base model',
    },
    adapter: 'LoRA adapter',
    read: (time: string) => `Headers read in ${time}`,
  },

  recipe: {
    title: 'Choose the recipe',
    method: 'Method',
    paper: 'Paper',
    convention: 'What is the unaligned model?',
    conventions: {
      'harm-tuned': {
        label: 'Aligned, trained to comply (paper)',
        meaning:
          'The aligned model was fine-tuned on harmful questions and answers. The vector carries little but safety.',
      },
      'pre-alignment': {
        label: 'Pretrained base, before alignment',
        meaning: 'The vector also carries helpfulness and chat manners: expect to need a smaller g, 0.1 to 0.3.',
      },
      'adapter-negation': {
        label: 'Aligned plus a harmful LoRA',
        meaning: 'The vector is zero outside the adapter’s modules: those tensors are copied.',
      },
    } satisfies Record<Convention, { label: string; meaning: string }>,
    dtype: 'Number type of the result',
    dtypes: { same: 'Same as the fine-tuned model', F32: 'float32', F16: 'float16', BF16: 'bfloat16' },
    formula: 'In your names',
    text: 'The recipe as text',
    textUse: 'Save it as recipe.yaml and run it again from a terminal: npm run drive -- merge --recipe recipe.yaml',
    result: 'result',
  },

  write: {
    title: 'Write the result',
    waiting: 'Open all three models to see what will happen.',
    planning: 'Comparing the headers…',
    happens: 'What will happen',
    combined: (tensors: string) => `Tensors combined: ${tensors}`,
    copied: (tensors: string) => `Tensors copied byte for byte: ${tensors}`,
    bytes: (read: string, written: string) => `Read: ${read}. Written: ${written}`,
    shards: (shards: string) => `${shards} weight files, then config, tokenizer and model card`,
    oneShard: 'One weight file, then config, tokenizer and model card',
    arithmetic: 'Arithmetic in float32, rounded once to the stored type',
    name: 'Name of the new folder',
    asks: (name: string) =>
      `Your browser will now ask for a place to write. A new folder, ${name}, is made there; nothing else is touched.`,
    start: 'Choose a place and merge',
    closed: 'No place was chosen. Nothing was written.',
    memory:
      'This browser cannot write folders: the result stays in memory (a few hundred megabytes at most), and you download its files.',
    startMemory: 'Merge in memory',
    job: (name: string) => `Merging ${name}`,
    cancel: 'Cancel',
    cancelled: 'Cancelled. Nothing of the result was left behind.',
    again: 'Merge again',
  },

  done: {
    title: 'Merged',
    announce: (name: string) => `${name} is written.`,
    place: 'Where',
    recipe: 'Recipe',
    time: 'Time',
    timeText: (time: string, rate: string) => `${time}, ${rate} per second`,
    changed: 'Changed weights',
    changedText: (changed: string, share: string) => `${changed} (${share})`,
    unchanged: 'Unchanged, also after rounding',
    nonFinite: 'Not a number, or infinite',
    nonFiniteWarning: 'The result holds values that are not numbers: check the inputs before using it.',
    hashes: 'SHA-256 of the weight files',
    compare: 'Open in Compare',
    files: 'Download the files',
    download: (name: string) => `Download ${name}`,
  },
} as const;
