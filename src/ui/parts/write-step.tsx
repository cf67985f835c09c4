/** The last step of Merge: what will happen, where to, how far it is, and what came out. */

import { useEffect, useMemo, useRef } from 'preact/hooks';
import { canWriteFolders } from '../../app/capabilities.ts';
import { setModels } from '../../app/compare-state.ts';
import { jobs } from '../../app/jobs.ts';
import {
  inputs,
  type MergeOutcome,
  mergeInMemory,
  mergeIntoFolder,
  methods,
  outputName,
  placeClosed,
  plan,
  planProblem,
  proposedName,
  recipe,
  result,
} from '../../app/merge-state.ts';
import { announce } from '../../app/state.ts';
import type { FolderDescription } from '../../files/folder.ts';
import type { MergePlan } from '../../merge/plan.ts';
import type { Recipe } from '../../merge/recipe.ts';
import { merge } from '../strings/en/merge.ts';
import { bytes, count, elapsed, percent } from '../strings/format.ts';
import { ErrorBox } from './error-box.tsx';
import { Icon } from './icon.tsx';
import { JobBar } from './job-pill.tsx';
import { type SavedFile, SaveLinks } from './save-links.tsx';

const words = merge.write;

function WhatHappens({ plan }: { plan: MergePlan }) {
  const { combined, copied, bytesRead, bytesWritten } = plan.totals;
  const files = plan.shards.length;
  return (
    <div class="happens">
      <h3>{words.happens}</h3>
      <ul>
        <li>{words.combined(count(combined))}</li>
        {copied > 0 && <li>{words.copied(count(copied))}</li>}
        <li>{words.bytes(bytes(bytesRead), bytes(bytesWritten))}</li>
        <li>{files === 1 ? words.oneShard : words.shards(count(files))}</li>
        <li>{words.arithmetic}</li>
      </ul>
    </div>
  );
}

function Begin() {
  const name = outputName.value || proposedName.value;
  const folders = canWriteFolders();
  const label = words.job(name);
  return (
    <div class="begin">
      <label for="output-name">{words.name}</label>
      <input
        id="output-name"
        type="text"
        value={outputName.value}
        placeholder={proposedName.value}
        spellcheck={false}
        onInput={(event) => {
          outputName.value = event.currentTarget.value.replace(/[\\/:*?"<>|]/g, '');
        }}
      />
      <p class="soft">{folders ? words.asks(name) : words.memory}</p>
      <button
        type="button"
        class="primary"
        onClick={() => void (folders ? mergeIntoFolder(label) : mergeInMemory(label))}
      >
        {folders ? words.start : words.startMemory}
      </button>
      {placeClosed.value && (
        <p class="soft" role="status">
          {words.closed}
        </p>
      )}
    </div>
  );
}

function Running() {
  const job = jobs.value.merge!;
  const { progress, rate } = job;
  return (
    <div class="running">
      <JobBar job={job} />
      <p class="row spread figures soft">
        <span>{progress?.label}</span>
        {progress && (
          <span>
            {bytes(progress.done)} / {bytes(progress.total)}
            {rate !== undefined && `, ${bytes(rate)}/s`}
          </span>
        )}
      </p>
      <button type="button" onClick={() => job.cancel()}>
        {words.cancel}
      </button>
    </div>
  );
}

/** "RESTA, g 0.5, p 0.3, seed 7" */
function recipeText(made: Recipe): string {
  const row = methods.value.find(({ id }) => id === made.method);
  const parameters = row?.parameters.map(({ name }) => `${name} ${made[name]}`) ?? [];
  return [row?.label ?? made.method, ...parameters].join(', ');
}

/** Of a result in memory; one on disk has nothing to save. */
function filesOf(folder: FolderDescription): SavedFile[] {
  return folder.kind === 'files' ? folder.files.map(({ path, blob }) => ({ name: path, blob })) : [];
}

function Done({ outcome }: { outcome: MergeOutcome }) {
  const { done } = merge;
  const { result: merged, place } = outcome;
  const { seconds, bytesRead, bytesWritten, changed, unchanged, nonFinite } = merged;
  const files = useMemo(() => filesOf(outcome.folder), [outcome]);
  const heading = useRef<HTMLHeadingElement>(null);
  // The button that was pressed is gone: whoever works by keyboard goes on from the result.
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus();
  }, [outcome]);
  const facts: [string, string][] = [
    [done.place, place],
    [done.recipe, recipeText(outcome.recipe)],
    [done.time, done.timeText(elapsed(seconds), bytes((bytesRead + bytesWritten) / seconds))],
    [done.changed, done.changedText(count(changed), percent(changed / (changed + unchanged)))],
    [done.unchanged, count(unchanged)],
    [done.nonFinite, count(nonFinite)],
  ];
  const compare = () => {
    setModels(outcome.compared);
    // By the address, so that Back leads here again.
    location.hash = '#compare';
  };
  return (
    <div class="done">
      <h3 ref={heading} tabIndex={-1}>
        <Icon name="right" /> {done.title}
      </h3>
      {nonFinite > 0 && (
        <p class="note">
          <Icon name="warning" /> {done.nonFiniteWarning}
        </p>
      )}
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {files.length > 0 && <SaveLinks files={files} />}
      <details>
        <summary>{done.hashes}</summary>
        <pre>{merged.shards.map((shard) => `${shard.sha256}  ${shard.file}`).join('\n')}</pre>
      </details>
      <button type="button" class="primary" onClick={compare}>
        {done.compare}
      </button>
    </div>
  );
}

/** After a merge the way to another one steps back behind its result, until the recipe is another. */
function Ready({ plan, again }: { plan: MergePlan; again: boolean }) {
  const ready = (
    <div class="ready">
      <WhatHappens plan={plan} />
      <Begin />
    </div>
  );
  if (!again) return ready;
  return (
    <details open={JSON.stringify(recipe.value) !== JSON.stringify(result.value?.recipe)}>
      <summary>{words.again}</summary>
      {ready}
    </details>
  );
}

export function WriteStep() {
  const job = jobs.value.merge;
  const done = result.value;
  useEffect(() => {
    if (done) announce(merge.done.announce(done.place));
  }, [done]);
  if (job?.status === 'running') return <Running />;
  return (
    <div class="write">
      {done && <Done outcome={done} />}
      {job?.status === 'failed' && !planProblem.value && <ErrorBox problem={job.problem!} />}
      {job?.status === 'cancelled' && (
        <p class="soft" role="status">
          {words.cancelled}
        </p>
      )}
      {planProblem.value && <ErrorBox problem={planProblem.value} />}
      {plan.value && <Ready plan={plan.value} again={done !== undefined} />}
      {!plan.value && !planProblem.value && <p class="soft">{inputs.value ? words.planning : words.waiting}</p>}
    </div>
  );
}
