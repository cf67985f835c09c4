/** What was measured inside the models: the numbers of the whole, the heat map, the bars, the histogram, and all of it as a table. */

import { useMemo } from 'preact/hooks';
import { chosen, measurement, measurementFile, type Quantity, quantities, quantity } from '../../app/inside-state.ts';
import type { Measurement } from '../../merge/measure/measure.ts';
import type { DeltaStats } from '../../merge/measure/sums.ts';
import { inside } from '../strings/en/inside.ts';
import { bytes, cosine, count, elapsed, finePercent, magnitude } from '../strings/format.ts';
import { FactList } from './fact-list.tsx';
import { ChangesFigure } from './inside-changes.tsx';
import { BarsFigure, MapFigure } from './inside-layers.tsx';
import { SaveLinks } from './save-links.tsx';

const words = inside.facts;

function lengthText({ norm, relative }: DeltaStats, base: Measurement['base']): string {
  if (relative === undefined) return words.plainNorm(magnitude(norm));
  return words.norm(magnitude(norm), finePercent(relative), words.bases[base]);
}

/** Where a cosine stops being "nearly at right angles": 84 and 96 degrees. */
const ACROSS = 0.1;

function angleText(value: number): string {
  const { opposed, across, alike } = inside.angles;
  return `${cosine(value)}: ${Math.abs(value) < ACROSS ? across : value < 0 ? opposed : alike}`;
}

/** Of small models a sample is all there is. */
function readText({ total }: Measurement): string {
  if (total.measured === total.elements) return words.exact(count(total.elements));
  return words.sampled(finePercent(total.measured / (total.elements || 1)), count(total.elements));
}

function Facts({ found }: { found: Measurement }) {
  const { total, base, skipped, skippedCount } = found;
  const facts: [string, string | false | undefined][] = [
    [words.safety, total.safety && lengthText(total.safety, base)],
    [words.finetune, total.finetune && lengthText(total.finetune, base)],
    [words.cosine, total.cosine !== undefined && angleText(total.cosine)],
    [words.read, `${readText(found)} (${words.time(bytes(found.bytesRead), elapsed(found.seconds))})`],
    [words.nonFinite, total.nonFinite > 0 && words.nonFiniteText(count(total.nonFinite))],
    [words.skipped, skippedCount > 0 && words.skippedText(count(skippedCount), skipped.slice(0, 5).join(', '))],
  ];
  return <FactList rows={facts} />;
}

function Shown() {
  return (
    <div class="picker">
      <label for="inside-quantity">{inside.show}</label>
      <select
        id="inside-quantity"
        value={quantity.value}
        onChange={(event) => {
          chosen.value = event.currentTarget.value as Quantity;
        }}
      >
        {quantities.value.map((one) => (
          <option key={one} value={one}>
            {inside.quantities[one]}
          </option>
        ))}
      </select>
    </div>
  );
}

function Download({ found }: { found: Measurement }) {
  const files = useMemo(() => [measurementFile(found)], [found]);
  return (
    <div class="keep">
      <p class="soft">{inside.download}</p>
      <SaveLinks files={files} />
    </div>
  );
}

/** Narrow enough to stand side by side. */
const FEW_LAYERS = 8;

export function InsideResults() {
  const found = measurement.value;
  if (!found) return null;
  return (
    <div class="found">
      <Facts found={found} />
      {quantity.value && (
        <>
          <Shown />
          <div class={`looks ${found.layers.length > FEW_LAYERS ? '' : 'few'}`}>
            <MapFigure found={found} quantity={quantity.value} />
            {found.layers.length > 0 && <BarsFigure found={found} quantity={quantity.value} />}
          </div>
        </>
      )}
      <ChangesFigure found={found} />
      <Download found={found} />
    </div>
  );
}
