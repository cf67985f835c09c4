import { describe, expect, test } from 'vitest';
import { formatLink, parseLink, snapG } from '../../src/app/link.ts';

describe('a link', () => {
  test('opens what it was made from', () => {
    const link = {
      screen: 'learn' as const,
      g: 0.65,
      prompt: 'harmful-003',
      hide: ['chart' as const, 'table' as const],
    };
    expect(parseLink(formatLink(link))).toEqual(link);
    expect(parseLink(formatLink({ screen: 'compare', hide: [] }))).toEqual({ screen: 'compare', hide: [] });
  });

  test('reads as a person would write it', () => {
    expect(formatLink({ screen: 'learn', g: 0.6, prompt: 'task-001', hide: ['cards'] })).toBe(
      '#learn&g=0.6&prompt=task-001&hide=cards',
    );
    expect(parseLink('#/merge')).toEqual({ screen: 'merge', hide: [] });
  });

  test('keeps g = 0 apart from no g at all', () => {
    expect(parseLink('#learn&g=0').g).toBe(0);
    expect(parseLink('#learn')).not.toHaveProperty('g');
    expect(parseLink('#learn&g=')).not.toHaveProperty('g');
  });

  test('ignores what it does not understand', () => {
    expect(parseLink('#nowhere&g=lots&prompt=<b>&hide=everything,chart&new=1')).toEqual({
      screen: 'learn',
      hide: ['chart'],
    });
    expect(parseLink('')).toEqual({ screen: 'learn', hide: [] });
  });
});

describe('the slider', () => {
  test('has steps of 0.05 from 0 to 2, without binary noise', () => {
    expect(snapG(0.15000000000000002)).toBe(0.15);
    expect(snapG(0.62)).toBe(0.6);
    expect(snapG(0.63)).toBe(0.65);
  });

  test('stays inside its range', () => {
    expect(snapG(-1)).toBe(0);
    expect(snapG(99)).toBe(2);
  });
});
