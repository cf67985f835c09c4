/** Words of the proof that nothing leaves the device, and of what the browser can do. */

import type { Capability } from '../../../app/capabilities.ts';

export const privacyWords = {
  lead: 'Models are opened where they lie, merged and run by this tab. You need not take our word for it: the browser enforces it.',
  policy: 'The rules this page gave your browser',
  policyMeaning: '“self” is the site this page came from. Any request to another address would be blocked.',
  noPolicy: 'This is a development server: the rules are added when the page is built.',
  requests: 'Every request made so far',
  counts: (same: string, others: string) => `${same} to this site, ${others} to other sites.`,
  check:
    'To check it yourself: open the network panel of your browser’s developer tools, or go offline after the models are loaded.',
  capabilities: 'What this browser can do here',
} as const;

export const capabilityWords: Record<Capability, { name: string; yes: string; no: string }> = {
  wasmSimd: {
    name: 'Fast arithmetic (WebAssembly SIMD)',
    yes: 'Merges and small models run at full speed.',
    no: 'Merging and running models need it: please use a newer browser.',
  },
  folders: {
    name: 'Open and write folders',
    yes: 'Merges of any size go straight to your disk.',
    no: 'This browser opens files only. Results stay in memory and are downloaded; Chrome and Edge can write folders.',
  },
  webgpu: {
    name: 'Graphics processor (WebGPU)',
    yes: 'Available for running models.',
    no: 'None was found: models run on the processor instead, which is slower.',
  },
  threads: {
    name: 'Several threads',
    yes: 'Models use more than one processor core.',
    no: 'The server of this page did not send isolation headers: models use one core.',
  },
  storage: {
    name: 'Private storage',
    yes: 'Room for intermediate files.',
    no: 'Intermediate files stay in memory.',
  },
};
