/** The drawing itself, by Observable Plot: three lines with interval bands, and a rule at the current g. Colours come from the stylesheet. */

import { areaY, axisX, axisY, dot, gridY, line, plot, ruleX, text } from '@observablehq/plot';
import type { SweepPoint } from '../../app/demo.ts';
import { G_MAX } from '../../app/link.ts';

const SERIES = ['refused', 'harmlessRefused', 'task'] as const;
/** Different dashes too, for those who do not see the colours. */
const DASHES = { refused: 'none', harmlessRefused: '2 4', task: '8 4' } as const;

/** @param width CSS pixels */
export function drawSweep(points: readonly SweepPoint[], at: number, width: number, words: { x: string }): Element {
  const marks = SERIES.flatMap((name) => {
    const rows = points.map((point) => ({ g: point.g, ...point[name] }));
    const colour = `var(--series-${name})`;
    return [
      areaY(rows, { x: 'g', y1: 'low', y2: 'high', fill: colour, fillOpacity: 0.13, curve: 'monotone-x' }),
      line(rows, {
        x: 'g',
        y: 'rate',
        stroke: colour,
        strokeWidth: 2.5,
        strokeDasharray: DASHES[name],
        curve: 'monotone-x',
      }),
      dot(rows, { x: 'g', y: 'rate', r: 3.5, fill: colour }),
    ];
  });
  const drawing = plot({
    width,
    height: Math.max(240, Math.min(340, width * 0.6)),
    marginLeft: 48,
    marginTop: 26,
    marginBottom: 40,
    x: { domain: [0, G_MAX] },
    y: { domain: [0, 1] },
    marks: [
      gridY({ ticks: 5, strokeOpacity: 0.12 }),
      axisY({ ticks: 5, tickFormat: '.0%', tickSize: 0, label: null, fontSize: 13 }),
      axisX({
        ticks: [0, 0.5, 1, 1.5, 2],
        tickSize: 0,
        label: words.x,
        labelAnchor: 'center',
        labelArrow: 'none',
        fontSize: 13,
      }),
      ruleX([at], { stroke: 'var(--accent)', strokeWidth: 2 }),
      ...marks,
      text([at], {
        x: (g: number) => g,
        y: 1,
        dy: -12,
        text: (g: number) => `g ${g}`,
        fill: 'var(--accent)',
        fontSize: 13,
        fontWeight: 600,
      }),
    ],
  });
  // Plot brings an inline style element, which the page's policy forbids; the few rules it holds stand in our own stylesheet.
  drawing.querySelector('style')?.remove();
  return drawing;
}
