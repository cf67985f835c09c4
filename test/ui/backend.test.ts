/** What the page says about why something computes, in plain words with figures. */

import { describe, expect, test } from 'vitest';
import { backendReason, lostCard, ranOn } from '../../src/ui/parts/backend-choice.tsx';

describe('the reason for a backend', () => {
  test('gives both figures, that of the winner first', () => {
    const measured = { wasm: 9.13, webgpu: 4.2 };
    expect(backendReason({ backend: 'wasm', why: 'faster', measured })).toBe(
      'WebAssembly works through 9.13 GB per second here, the graphics card through 4.2 GB, with the way there and back.',
    );
    expect(backendReason({ backend: 'webgpu', why: 'faster', measured: { wasm: 4.2, webgpu: 9.13 } })).toMatch(
      /^The graphics card works through 9\.13 GB per second here, .* WebAssembly through 4\.2 GB\.$/,
    );
  });

  test('names the card that computes, where the browser tells', () => {
    const measured = { wasm: 4, webgpu: 9 };
    expect(backendReason({ backend: 'webgpu', why: 'faster', measured, gpu: 'nvidia hopper' })).toMatch(
      /WebAssembly through 4 GB\. The graphics card: nvidia hopper\.$/,
    );
    expect(backendReason({ backend: 'wasm', why: 'faster', measured, gpu: 'nvidia hopper' })).not.toContain('hopper');
  });

  test('tells a missing card from a software one', () => {
    expect(backendReason({ backend: 'wasm', why: 'no-gpu' })).toBe('This browser offers no graphics card.');
    expect(backendReason({ backend: 'wasm', why: 'software-gpu' })).toContain('only a software graphics card');
  });

  test('says what a card computes differently, and what follows', () => {
    expect(backendReason({ backend: 'wasm', why: 'differs', detail: 'It takes small numbers for zero.' })).toBe(
      'Your graphics card computes differently, so files are written by WebAssembly. It takes small numbers for zero.',
    );
    expect(backendReason({ backend: 'wasm', why: 'differs' })).toBe(
      'Your graphics card computes differently, so files are written by WebAssembly.',
    );
  });

  test('says what went wrong with a card that could not be used', () => {
    expect(backendReason({ backend: 'wasm', why: 'failed', detail: 'the limits are too low.' })).toBe(
      'The graphics card could not be used. The limits are too low.',
    );
  });
});

describe('a merge that is done', () => {
  test('says what computed it, and on which card where the browser told', () => {
    const choice = { backend: 'webgpu', why: 'asked', gpu: 'nvidia hopper' } as const;
    expect(ranOn({ backend: 'webgpu', choice })).toBe('WebGPU, on nvidia hopper');
    expect(ranOn({ backend: 'webgpu' })).toBe('WebGPU');
    expect(ranOn({ backend: 'wasm', choice })).toBe('WebAssembly');
  });

  test('says that a card was lost, what the browser said of it, and that the bytes are the same', () => {
    expect(lostCard('The GPU process crashed.')).toBe(
      'The graphics card was lost on the way; the rest was computed in WebAssembly; the bytes are the same. The GPU process crashed.',
    );
    expect(lostCard('')).toMatch(/the bytes are the same\.$/);
  });
});
