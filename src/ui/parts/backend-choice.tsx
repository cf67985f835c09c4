/** What computes the merge: which backend, why that one, and the choice of another. */

import { backendChoice, backendWish, toldChoices, webgpuBarred } from '../../app/backend.ts';
import type { BackendChoice } from '../../kernels/kernels.ts';
import type { MergeResult } from '../../merge/run/run.ts';
import { backend as words } from '../strings/en/backend.ts';
import { bytes } from '../strings/format.ts';
import { Choices } from './choices.tsx';

const GIGABYTE = 1e9;
const WHY_ID = 'backend-why';

/** What a backend or a browser said, as a sentence after ours: with a capital, and one full stop. */
function andSaid(ours: string, detail = ''): string {
  const said = detail.trim().replace(/\.$/, '');
  return said ? `${ours} ${said[0]!.toUpperCase()}${said.slice(1)}.` : ours;
}

/** Why this backend, in a sentence or two. */
export function backendReason({ backend, why, measured, gpu, detail }: BackendChoice): string {
  const card = gpu && (backend === 'webgpu' || why === 'differs' || why === 'failed') ? ` ${words.card(gpu)}` : '';
  return `${andSaid(because({ backend, why, ...(measured && { measured }) }), detail)}${card}`;
}

function because({ backend, why, measured }: Pick<BackendChoice, 'backend' | 'why' | 'measured'>): string {
  if (why === 'asked') return words.asked;
  if (why === 'no-gpu') return words.noGpu;
  if (why === 'software-gpu') return words.software;
  if (why === 'differs') return words.differs;
  if (why === 'failed') return words.failed;
  if (!measured) return words.unmeasured;
  const [wasm, webgpu] = [bytes(measured.wasm * GIGABYTE), bytes(measured.webgpu * GIGABYTE)];
  return backend === 'webgpu' ? words.webgpuFaster(wasm, webgpu) : words.wasmFaster(wasm, webgpu);
}

/** What computed a merge that is done: "WebGPU, on nvidia hopper". */
export function ranOn({ backend, choice }: Pick<MergeResult, 'backend' | 'choice'>): string {
  const name = words.names[backend];
  return backend === 'webgpu' && choice?.gpu ? words.ranOn(name, choice.gpu) : name;
}

/** @param reason what the browser said when the card went away */
export const lostCard = (reason: string): string => andSaid(words.lost, reason);

function summary(choice: BackendChoice | undefined): string {
  if (!choice) return words.measuring;
  const name = words.names[choice.backend];
  return backendWish.value === 'auto' ? words.automatic(name) : words.chosen(name);
}

export function BackendChooser() {
  const choice = backendChoice.value;
  return (
    <details class="backend">
      <summary>{summary(choice)}</summary>
      <Choices
        legend={words.legend}
        name="backend"
        value={backendWish.value}
        options={words.wishes}
        disabled={webgpuBarred.value ? ['webgpu'] : []}
        describedBy={WHY_ID}
        onChoose={(wish) => {
          backendWish.value = wish;
        }}
      />
      <p id={WHY_ID} class="soft">
        {[...toldChoices.value.map(backendReason), words.same].join(' ')}
      </p>
    </details>
  );
}
