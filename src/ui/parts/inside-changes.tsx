/** How large the single changes are: both histograms, a sentence on each, the table. */

import type { Measurement } from '../../merge/measure/measure.ts';
import { Figure } from '../charts/figure.tsx';
import { elementsOf, exponentsOf, Magnitudes, middleOf, type Series, shareAt } from '../charts/magnitudes.tsx';
import { inside } from '../strings/en/inside.ts';
import { finePercent, magnitude } from '../strings/format.ts';

const words = inside.histogram;

function seriesOf({ histograms }: Measurement): Series[] {
  return (['safety', 'finetune'] as const).flatMap((kind) => {
    const histogram = histograms[kind];
    return histogram ? [{ kind, histogram }] : [];
  });
}

function sentenceOf({ kind, histogram }: Series): string {
  const middle = middleOf(histogram);
  const zeros = finePercent(histogram.zeros / (elementsOf(histogram) || 1));
  return words.sentence(inside.facts[kind], middle === undefined ? '0' : magnitude(middle, 1), zeros);
}

function ChangesTable({ series }: { series: readonly Series[] }) {
  const shares = (of: (one: Series) => number) => series.map((one) => <td key={one.kind}>{finePercent(of(one))}</td>);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{words.from}</th>
          <th scope="col">{words.to}</th>
          {series.map(({ kind }) => (
            <th key={kind} scope="col">
              {inside.facts[kind]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row" colSpan={2}>
            {words.exactlyZero}
          </th>
          {shares(({ histogram }) => histogram.zeros / (elementsOf(histogram) || 1))}
        </tr>
        {exponentsOf(series).map((exponent) => (
          <tr key={exponent}>
            <th scope="row">{magnitude(2 ** exponent, 2)}</th>
            <td>{magnitude(2 ** (exponent + 1), 2)}</td>
            {shares((one) => shareAt(one, exponent))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function ChangesFigure({ found }: { found: Measurement }) {
  const series = seriesOf(found);
  return (
    <Figure
      title={words.title}
      sentence={series.map(sentenceOf).join(' ')}
      table={() => <ChangesTable series={series} />}
      legend={
        <ul class="marks">
          {series.map(({ kind }) => (
            <li key={kind} class={kind}>
              {inside.facts[kind]}
            </li>
          ))}
        </ul>
      }
    >
      {(width) => <Magnitudes series={series} format={finePercent} width={width} words={words} />}
    </Figure>
  );
}
