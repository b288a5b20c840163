/** What Berth does with the keys of the Compose Specification, as tables: behind the errors and the reference page. */
export type KeyStatus =
  | { readonly is: 'supported'; readonly note?: string }
  /** Comes later; refused until then. */
  | { readonly is: 'planned'; readonly note: string }
  /** Has no place here: why, and what to use instead. */
  | { readonly is: 'refused'; readonly note: string };

export type KeyTable = Readonly<Record<string, KeyStatus>>;

export const yes = (note?: string): KeyStatus => (note === undefined ? { is: 'supported' } : { is: 'supported', note });
export const planned = (note: string): KeyStatus => ({ is: 'planned', note });
export const no = (note: string): KeyStatus => ({ is: 'refused', note });
