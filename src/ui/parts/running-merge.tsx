/** A merge while it runs: how far by bytes, file and tensor, how fast, how long still; to pause, to go on, to cancel. */

import { type Job, jobs } from '../../app/jobs.ts';
import type { Progress } from '../../core/progress.ts';
import { write } from '../strings/en/write.ts';
import { bytes, count } from '../strings/format.ts';
import { Icon } from './icon.tsx';
import { JobBar } from './job-pill.tsx';
import { MergeIcon } from './merge-icon.tsx';

const words = write.running;

function whatNow({ phase, label, shards, finished }: Progress): string {
  if (phase === 'checking') return words.checking;
  const several = shards !== undefined && shards > 1 && finished !== undefined;
  const file = several ? words.files(count(finished), count(shards)) : label;
  return phase === 'closing' ? `${file}. ${words.closing}` : file;
}

function Figures({ progress, rate, paused }: Pick<Job, 'rate' | 'paused'> & { progress: Progress }) {
  return (
    <>
      <p class="row spread figures soft">
        <span>{whatNow(progress)}</span>
        <span>
          {bytes(progress.done)} / {bytes(progress.total)}
          {rate !== undefined && `, ${bytes(rate)}/s`}
        </span>
      </p>
      {/* One line always: the panel must not jump from tensor to tensor. */}
      <p class="soft tensor">{paused ? words.paused : (progress.tensor ?? '\u00a0')}</p>
    </>
  );
}

export function RunningMerge() {
  const job = jobs.value.merge!;
  const { progress, rate, eta, paused } = job;
  return (
    <div class="running">
      <JobBar job={job} />
      {progress && <Figures progress={progress} paused={paused} {...(rate !== undefined && { rate })} />}
      {eta === undefined && !paused && <p class="soft">{words.known}</p>}
      <p class="row">
        <button type="button" onClick={() => (paused ? job.resume() : job.pause())}>
          {paused ? <Icon name="play" /> : <MergeIcon name="pause" />} {paused ? words.resume : words.pause}
        </button>
        <button type="button" onClick={() => job.cancel()}>
          {words.cancel}
        </button>
      </p>
    </div>
  );
}
