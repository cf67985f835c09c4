/** One quantity over layers and modules: the heat map and the bars, each with a sentence and a table. */

import { type Quantity, quantityOf } from '../../app/inside-state.ts';
import type { MeasuredModule } from '../../merge/measure/groups.ts';
import type { Measurement } from '../../merge/measure/measure.ts';
import type { Stats } from '../../merge/measure/sums.ts';
import { lengthScale, signedScale } from '../charts/colour-scale.ts';
import { Figure } from '../charts/figure.tsx';
import { HeatMap, type HeatRow, ScaleBar } from '../charts/heat-map.tsx';
import { LayerBars } from '../charts/layer-bars.tsx';
import { inside } from '../strings/en/inside.ts';
import { cosine, count, finePercent, magnitude } from '../strings/format.ts';

/** A drawing of more is neither readable nor quick; the largest models there are have 126 layers. */
const MOST_LAYERS = 200;
const MOST_MODULES = 60;

interface Shown {
  found: Measurement;
  quantity: Quantity;
}

function formatOf(quantity: Quantity): (value: number) => string {
  if (quantity === 'cosine') return cosine;
  return quantity.endsWith('relative') ? finePercent : (value) => magnitude(value);
}

interface Place {
  title: string;
  value: number;
}

/** The largest and the smallest of what has a value. */
function extremes(places: readonly { title: string; value: number | undefined }[]) {
  const told = places.filter((place): place is Place => place.value !== undefined);
  if (told.length === 0) return undefined;
  const by = (better: (a: number, b: number) => boolean) =>
    told.reduce((best, one) => (better(one.value, best.value) ? one : best));
  return { largest: by((a, b) => a > b), smallest: by((a, b) => a < b) };
}

function textOf(stats: Stats | undefined, quantity: Quantity): string {
  const value = stats && quantityOf(stats, quantity);
  return value === undefined ? inside.map.none : formatOf(quantity)(value);
}

function cellsOf({ cells }: Measurement): (module: string, layer: number) => Stats | undefined {
  const known = new Map(cells.map(({ layer, module, stats }) => [`${layer} ${module}`, stats]));
  return (module, layer) => known.get(`${layer} ${module}`);
}

function heatRows({ found, quantity }: Shown, layers: readonly number[]): HeatRow[] {
  const { cell, outside } = inside.map;
  const at = cellsOf(found);
  const shown = (stats: Stats | undefined) => stats && quantityOf(stats, quantity);
  return found.modules.slice(0, MOST_MODULES).map(({ module, layered, stats }) => {
    if (!layered) return { name: module, values: [shown(stats)], titles: [outside(module, textOf(stats, quantity))] };
    return {
      name: module,
      values: layers.map((layer) => shown(at(module, layer))),
      titles: layers.map((layer) => cell(module, `${layer}`, textOf(at(module, layer), quantity))),
    };
  });
}

function mapSentence(rows: readonly HeatRow[], quantity: Quantity): string {
  const places = rows.flatMap(({ values, titles }) => values.map((value, i) => ({ value, title: titles[i]! })));
  const ends = extremes(places);
  if (!ends) return inside.map.nothing;
  const sentence = quantity === 'cosine' ? inside.map.sentenceCosine : inside.map.sentence;
  return sentence(ends.largest.title, ends.smallest.title);
}

/** Layers down, modules across: longer models make longer tables, not wider ones. */
function MapTable({ found, quantity }: Shown) {
  const at = cellsOf(found);
  const inLayers = found.modules.filter(({ layered }) => layered);
  const outside = found.modules.filter(({ layered }) => !layered);
  const whole = (rows: readonly MeasuredModule[]) =>
    rows.map(({ module, stats }) => <td key={module}>{textOf(stats, quantity)}</td>);
  return (
    <>
      {inLayers.length > 0 && (
        <table>
          <caption>{inside.quantities[quantity]}</caption>
          <thead>
            <tr>
              <th scope="col">{inside.map.layer}</th>
              {inLayers.map(({ module }) => (
                <th key={module} scope="col">
                  {module}
                </th>
              ))}
              <th scope="col">{inside.map.all}</th>
            </tr>
          </thead>
          <tbody>
            {found.layers.map(({ layer, stats }) => (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                {inLayers.map(({ module }) => (
                  <td key={module}>{textOf(at(module, layer), quantity)}</td>
                ))}
                <td>{textOf(stats, quantity)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">{inside.map.whole}</th>
              {whole(inLayers)}
              <td>{textOf(found.total, quantity)}</td>
            </tr>
          </tbody>
        </table>
      )}
      {outside.length > 0 && (
        <table class="outside">
          <tbody>
            {outside.map(({ module, stats }) => (
              <tr key={module}>
                <th scope="row">{module}</th>
                <td>{textOf(stats, quantity)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

export function MapFigure({ found, quantity }: Shown) {
  const layers = found.layers.slice(0, MOST_LAYERS).map(({ layer }) => layer);
  const rows = heatRows({ found, quantity }, layers);
  const reach = Math.max(0, ...rows.flatMap(({ values }) => values.map((value) => Math.abs(value ?? 0))));
  const scale = quantity === 'cosine' ? signedScale(reach) : lengthScale(reach);
  const format = formatOf(quantity);
  const cut = found.layers.length > MOST_LAYERS ? ` ${inside.map.cut(count(MOST_LAYERS))}` : '';
  return (
    <Figure
      title={`${inside.map.title}: ${inside.quantities[quantity]}`}
      sentence={mapSentence(rows, quantity) + cut}
      table={() => <MapTable found={found} quantity={quantity} />}
      legend={<ScaleBar scale={scale} format={format} />}
    >
      {(width) => <HeatMap columns={layers.map(String)} rows={rows} scale={scale} format={format} width={width} />}
    </Figure>
  );
}

const ALL: readonly Quantity[] = ['safety-relative', 'safety-norm', 'finetune-relative', 'finetune-norm', 'cosine'];

function BarsTable({ found }: { found: Measurement }) {
  const columns = ALL.filter((one) => quantityOf(found.total, one) !== undefined);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{inside.map.layer}</th>
          {columns.map((one) => (
            <th key={one} scope="col">
              {inside.quantities[one]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {found.layers.map(({ layer, stats }) => (
          <tr key={layer}>
            <th scope="row">{layer}</th>
            {columns.map((one) => (
              <td key={one}>{textOf(stats, one)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function BarsFigure({ found, quantity }: Shown) {
  const format = formatOf(quantity);
  const bars = found.layers.slice(0, MOST_LAYERS).map(({ layer, stats }) => ({
    name: `${layer}`,
    value: quantityOf(stats, quantity),
    title: `${inside.map.layer} ${layer}: ${textOf(stats, quantity)}`,
  }));
  const ends = extremes(bars.map(({ name, value }) => ({ title: name, value })));
  const { sentence } = inside.bars;
  return (
    <Figure
      title={`${inside.bars.title}: ${inside.quantities[quantity]}`}
      sentence={
        ends
          ? sentence(ends.largest.title, format(ends.largest.value), ends.smallest.title, format(ends.smallest.value))
          : inside.map.nothing
      }
      table={() => <BarsTable found={found} />}
    >
      {(width) => <LayerBars bars={bars} format={format} width={width} />}
    </Figure>
  );
}
