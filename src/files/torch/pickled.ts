/** The values a state dict's pickle may leave (pickle.ts runs it): plain data that describes tensors, nothing that acts. */

export interface PickledDict {
  kind: 'dict';
  entries: [PickleValue, PickleValue][];
}
export interface PickledTuple {
  kind: 'tuple';
  items: readonly PickleValue[];
}
export interface PickledList {
  kind: 'list';
  items: PickleValue[];
}
/** A name of Python code that is allowed: it stands for itself and does nothing. */
export interface PickledName {
  kind: 'name';
  name: string;
}
/** What torch keeps outside the pickle: `id` is ('storage', type, key, location, elements). */
export interface PickledReference {
  kind: 'reference';
  id: PickleValue;
}
/** A call of a function that rebuilds tensors, not carried out. */
export interface PickledCall {
  kind: 'call';
  name: string;
  args: readonly PickleValue[];
}
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | PickledDict
  | PickledTuple
  | PickledList
  | PickledName
  | PickledReference
  | PickledCall;

/** Type guard for the object-like values. */
export function isKind<K extends 'dict' | 'tuple' | 'list' | 'name' | 'reference' | 'call'>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}
