/** Other programs that benchmarks run beside the page: whether they can, to their end, with their memory, and for no longer than a limit. */

import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchProcesses } from './memory.mjs';

/** The path of one of the Python programs here. */
export const script = (name) => join(dirname(fileURLToPath(import.meta.url)), 'python', name);

export function limited(work, milliseconds) {
  let timer;
  const limit = new Promise((_, reject) => {
    const why = `Not done after ${(milliseconds / 60_000).toFixed(0)} minutes.`;
    timer = setTimeout(() => reject(new Error(why)), milliseconds);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

/** Runs a program to its end; what it prints, and its memory while it ran. */
export function program(command, args, timeout) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout });
    const memory = watchProcesses(() => [{ pid: child.pid, type: 'program' }]);
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name].on('data', (text) => (said[name] += text));
    const failed = (why) => {
      memory.stop();
      reject(new Error(why));
    };
    child.on('error', (error) => failed(error.message));
    child.on('close', (code) => {
      if (code !== 0) failed(said.stderr.trim().split('\n').pop() || `${command} ended with code ${code}`);
      else resolve({ ...said, memory: memory.stop() });
    });
  });
}

/** Its last line, which is JSON (python/measured.py), and its memory. */
export async function pythonProgram(python, args, timeout) {
  const { stdout, memory } = await program(python, args, timeout);
  return { said: JSON.parse(stdout.trim().split('\n').pop()), memory };
}

/** Why a case that needs these modules cannot run; undefined where it can. */
export function cannotImport(python, modules) {
  const { status, error } = spawnSync(python, ['-c', `import ${modules}`], { stdio: 'ignore' });
  if (error) return `${python} cannot be started: say --python PATH`;
  return status === 0 ? undefined : `${python} has no ${modules.replaceAll(', ', ' or no ')}`;
}
