/**
 * The keys of rank_pattern and alpha_pattern: regular expressions over module names, written by strangers. The engine of the language can be
 * made to run for years by a short one, so a subset is matched here by following all ways at once (Thompson 1968): the time is bounded by
 * the length of the pattern times the length of the name. What the subset lacks is refused, not guessed.
 *
 * Known: literals, `.`, `\.` and other escaped signs, `\d \w \s` (ASCII) and their negations, `[…]`, `(…)`, `(?:…)`, `|`, `* + ? {m,n}` (also lazy:
 * whether something matches does not depend on it), `^` and `$`. Not known: look-around, back references, flags, named groups.
 */

/** Real keys are module names; the longest seen has 60 characters. */
const PATTERN_LENGTH = 256;
/** Repetitions multiply: ((a{99}){99}){99} is short and has a million states. */
const MOST_STATES = 2_000;

/** Work that may still be done; shared by all patterns of a file, so that many of them are bounded too. */
export interface Budget {
  steps: number;
}

export type ModulePattern = (module: string, budget: Budget) => boolean;

/** What is wrong with a pattern, for the caller to put into its own words. */
export class PatternError extends Error {}

type Test = (code: number) => boolean;
type State =
  | { kind: 'test'; test: Test; next: number }
  | { kind: 'both'; next: number; other: number }
  | { kind: 'start' | 'end'; next: number }
  | { kind: 'match' };

type Node =
  | { kind: 'test'; test: Test }
  | { kind: 'start' | 'end' }
  | { kind: 'sequence' | 'choice'; parts: Node[] }
  | { kind: 'repeat'; part: Node; least: number; most: number };

/**
 * A key as PEFT reads it: it matches a module's name or the end of it after a dot (peft/utils/other.py, get_pattern_key:
 * `re.match(rf"(.*\.)?({key})$", name)`).
 * @throws PatternError when the key is outside the subset
 */
export function modulePattern(key: string): ModulePattern {
  if (key.length > PATTERN_LENGTH) throw new PatternError(`is longer than ${PATTERN_LENGTH} characters`);
  if (/^[\w.-]*$/.test(key)) return (module, budget) => endsWith(module, key, budget);
  const states = compile(parse(key));
  return (module, budget) => simulate(states, module, budget);
}

const DOT = 46;
const LINE_FEED = 10;

/** A name without signs is still an expression: its dots stand for any character. */
function endsWith(module: string, key: string, budget: Budget): boolean {
  spend(budget, 1); // a hundred thousand names that do not fit are work too
  const start = module.length - key.length;
  if (start < 0 || (start > 0 && module.charCodeAt(start - 1) !== DOT)) return false;
  let at = module.length;
  while (at > start) {
    spend(budget, 1);
    const wanted = key.charCodeAt(--at - start);
    const found = module.charCodeAt(at);
    if (wanted === DOT ? found === LINE_FEED : wanted !== found) return false;
  }
  return true;
}

function spend(budget: Budget, steps: number): void {
  budget.steps -= steps;
  if (budget.steps < 0) throw new PatternError('takes too long to try on all modules');
}

function parse(key: string): Node {
  let at = 0;
  const fail = (what: string): never => {
    throw new PatternError(what);
  };

  function choice(): Node {
    const parts = [sequence()];
    while (key[at] === '|') {
      at++;
      parts.push(sequence());
    }
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
  }

  function sequence(): Node {
    const parts: Node[] = [];
    while (at < key.length && key[at] !== '|' && key[at] !== ')') parts.push(repeated(atom()));
    return { kind: 'sequence', parts };
  }

  function repeated(part: Node): Node {
    const bounds = quantifier();
    if (!bounds) return part;
    if (part.kind === 'start' || part.kind === 'end') fail('repeats an anchor');
    if (key[at] === '?') at++;
    if (quantifier()) fail('repeats a repetition');
    return { kind: 'repeat', part, least: bounds[0], most: bounds[1] };
  }

  function quantifier(): [number, number] | undefined {
    const simple: Record<string, [number, number]> = {
      '*': [0, Number.POSITIVE_INFINITY],
      '+': [1, Number.POSITIVE_INFINITY],
      '?': [0, 1],
    };
    const found = simple[key[at] ?? ''];
    if (found) at++;
    if (found || key[at] !== '{') return found;
    const counts = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(key.slice(at, at + 16));
    if (!counts) return fail('has a brace that is no repetition');
    at += counts[0].length;
    const least = Number(counts[1]);
    const most = counts[2] === '' ? least : counts[3] === '' ? Number.POSITIVE_INFINITY : Number(counts[3]);
    return least <= most ? [least, most] : fail('repeats a thing at least more often than at most');
  }

  function atom(): Node {
    const sign = key[at++]!;
    if (sign === '(') return group();
    if (sign === '[') return { kind: 'test', test: characters() };
    if (sign === '.') return { kind: 'test', test: (code) => code !== LINE_FEED };
    if (sign === '^') return { kind: 'start' };
    if (sign === '$') return { kind: 'end' };
    if ('*+?{'.includes(sign)) return fail('repeats nothing');
    if (sign === '\\') return { kind: 'test', test: escaped() };
    return { kind: 'test', test: is(sign) };
  }

  function group(): Node {
    if (key.startsWith('?:', at)) at += 2;
    else if (key[at] === '?') fail('uses look-around, flags or named groups');
    const inside = choice();
    if (key[at++] !== ')') fail('has a parenthesis that is never closed');
    return inside;
  }

  function escaped(): Test {
    const sign = key[at++] ?? fail('ends with a backslash');
    const kind = CLASSES[sign.toLowerCase()];
    if (kind && /[dws]/i.test(sign)) return sign === sign.toLowerCase() ? kind : (code) => !kind(code);
    if (/[A-Za-z0-9]/.test(sign)) fail(`uses \\${sign}`);
    return is(sign);
  }

  function characters(): Test {
    const negated = key[at] === '^';
    if (negated) at++;
    const tests: Test[] = [];
    while (key[at] !== ']' || tests.length === 0) {
      if (at >= key.length) fail('has a bracket that is never closed');
      tests.push(range());
    }
    at++;
    return (code) => tests.some((test) => test(code)) !== negated;
  }

  function range(): Test {
    const from = key[at++]!;
    if (from === '\\') return escaped();
    if (key[at] !== '-' || key[at + 1] === ']' || at + 1 >= key.length) return is(from);
    const to = key[at + 1]!;
    at += 2;
    if (to === '\\' || to < from) fail('has a range of characters that is none');
    return (code) => code >= from.charCodeAt(0) && code <= to.charCodeAt(0);
  }

  const whole = choice();
  if (at < key.length) fail('has a parenthesis that was never opened');
  return whole;
}

function is(sign: string): Test {
  const wanted = sign.charCodeAt(0);
  return (code) => code === wanted;
}

const isDigit: Test = (code) => code >= 48 && code <= 57;
const CLASSES: Record<string, Test> = {
  d: isDigit,
  w: (code) => isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95,
  s: (code) => code === 32 || (code >= 9 && code <= 13),
};

/** States, the first being the entry. Built from the back, so that every state knows what follows it. */
function compile(pattern: Node): { states: State[]; entry: number } {
  const states: State[] = [{ kind: 'match' }];
  let work = 0;
  const count = () => {
    if (++work > MOST_STATES) throw new PatternError('repeats too much');
  };
  const add = (state: State) => {
    count();
    return states.push(state) - 1;
  };

  function before(node: Node, next: number): number {
    switch (node.kind) {
      case 'test':
        return add({ kind: 'test', test: node.test, next });
      case 'start':
      case 'end':
        return add({ kind: node.kind, next });
      case 'sequence':
        return node.parts.reduceRight((following, part) => before(part, following), next);
      case 'choice':
        return node.parts
          .map((part) => before(part, next))
          .reduceRight((other, entry) => add({ kind: 'both', next: entry, other }));
      case 'repeat':
        return repeat(node, next);
    }
  }

  function repeat({ part, least, most }: Extract<Node, { kind: 'repeat' }>, next: number): number {
    let entry = next;
    if (most === Number.POSITIVE_INFINITY) {
      const loop: State = { kind: 'both', next: 0, other: next };
      entry = add(loop);
      loop.next = before(part, entry);
    } else {
      for (let i = least; i < most; i++) entry = add({ kind: 'both', next: before(part, entry), other: next });
    }
    for (let i = 0; i < least; i++) {
      count(); // an empty part adds no states
      entry = before(part, entry);
    }
    return entry;
  }

  return { entry: before(pattern, 0), states };
}

function simulate({ states, entry }: { states: State[]; entry: number }, text: string, budget: Budget): boolean {
  let now: number[] = [];
  const seen = new Int32Array(states.length).fill(-1);
  let matched = false;

  /** Follows everything that takes no character, each state once per position. */
  const enter = (first: number, at: number) => {
    const open = [first];
    while (open.length > 0) {
      const index = open.pop()!;
      if (seen[index] === at) continue;
      seen[index] = at;
      spend(budget, 1);
      const state = states[index]!;
      if (state.kind === 'test') now.push(index);
      else if (state.kind === 'both') open.push(state.other, state.next);
      else if (state.kind === 'match') matched ||= at === text.length;
      else if (at === (state.kind === 'start' ? 0 : text.length)) open.push(state.next);
    }
  };

  let mayStart = true;
  enter(entry, 0);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const before = now;
    now = [];
    for (const index of before) {
      const state = states[index] as Extract<State, { kind: 'test' }>;
      spend(budget, 1);
      if (state.test(code)) enter(state.next, at + 1);
    }
    if (code === LINE_FEED) mayStart = false;
    if (code === DOT && mayStart) enter(entry, at + 1);
    spend(budget, 1);
  }
  return matched;
}
