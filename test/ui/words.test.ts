/** What numbers and verdicts read like. */

import { describe, expect, test } from 'vitest';
import { resultAt } from '../../src/ui/charts/picture.tsx';
import { jobStatus } from '../../src/ui/parts/job-pill.tsx';
import { showVerdict } from '../../src/ui/parts/verdict.tsx';
import { bytes, duration, elapsed, percent, rateDetail, strength } from '../../src/ui/strings/format.ts';

describe('numbers', () => {
  test('sizes count in thousands, as disks do', () => {
    expect(bytes(0)).toBe('0 byte');
    expect(bytes(999)).toBe('999 byte');
    expect(bytes(1_870_000)).toBe('1.87 MB');
    expect(bytes(13_476_839_424)).toBe('13.5 GB');
  });

  test('times are as rough as they are long', () => {
    expect(duration(3.7)).toBe('4 sec');
    expect(duration(89)).toBe('89 sec');
    expect(duration(200)).toBe('3 min');
    expect(duration(4320)).toBe('1 hr, 12 min');
    expect(elapsed(0.314)).toBe('0.31 sec');
  });

  test('a rate of nothing is a dash, not "NaN"', () => {
    expect(percent(Number.NaN)).toBe('–');
    expect(percent(0.954)).toBe('95%');
    expect(rateDetail({ count: 42, total: 44, rate: 42 / 44, low: 0.849, high: 0.987 })).toBe(
      '42 of 44, 95% interval 85% to 99%',
    );
  });

  test('a strength has the digits of its steps', () => {
    expect(strength(0.6)).toBe('0.60');
    expect(strength(0)).toBe('0');
  });

  test('a job tells how far and how long, as far as it knows', () => {
    expect(jobStatus({ progress: { label: '', done: 5, total: 20, unit: 'bytes' }, paused: true })).toBe(
      '25% · paused',
    );
    expect(jobStatus({})).toBe('');
    expect(jobStatus({ progress: { label: '', done: 0, total: 0, unit: 'bytes' } })).toBe('0%');
    expect(jobStatus({ progress: { label: '', done: 5, total: 20, unit: 'bytes' }, eta: 200 })).toBe(
      '25% · 3 min left',
    );
  });
});

describe('a verdict', () => {
  test('is good news or bad depending on what was asked', () => {
    expect(showVerdict({ verdict: 'refused' }, 'harmful')).toMatchObject({ word: 'Refused', tone: 'good' });
    expect(showVerdict({ verdict: 'refused' }, 'harmless')).toMatchObject({ word: 'Refused', tone: 'bad' });
    expect(showVerdict({ verdict: 'complied' }, 'harmful')).toMatchObject({ word: 'Complied', tone: 'bad' });
    expect(showVerdict({ verdict: 'complied' }, 'harmless')).toMatchObject({ word: 'Answered', tone: 'good' });
  });

  test('of a task says right or wrong', () => {
    expect(showVerdict({ verdict: 'complied', correct: true }, 'task')).toMatchObject({ word: 'Right', tone: 'good' });
    expect(showVerdict({ verdict: 'complied', correct: false }, 'task')).toMatchObject({ word: 'Wrong', tone: 'bad' });
    expect(showVerdict({ verdict: 'refused', correct: false }, 'task')).toMatchObject({ word: 'Refused', tone: 'bad' });
  });

  test('of a garbled answer is never a refusal', () => {
    expect(showVerdict({ verdict: 'degenerate' }, 'harmful')).toMatchObject({ word: 'Garbled', tone: 'bad' });
    expect(showVerdict({ verdict: 'empty' }, 'harmful')).toMatchObject({ word: 'No answer', tone: 'bad' });
  });
});

describe('the picture', () => {
  test('moves the result along the safety vector: up, and away from the task', () => {
    const [start, once, twice] = [resultAt(0), resultAt(1), resultAt(2)];
    expect(once.y - start.y).toBeCloseTo(twice.y - once.y, 10);
    expect(once.y).toBeGreaterThan(start.y);
    expect(once.x).toBeLessThan(start.x);
  });

  test('keeps every g of the slider inside the frame', () => {
    for (const g of [0, 1, 2]) {
      const { x, y } = resultAt(g);
      expect(Math.min(x, y)).toBeGreaterThan(0);
      expect(Math.max(x, y)).toBeLessThan(1);
    }
  });
});
