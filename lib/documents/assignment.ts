import { decodeDocument, DocumentError } from './codec';
import type { Assignment } from './types';

/** What is counted on from it has to be a number that can be written. */
const MAX_REVISION = 2 ** 52;

/** @throws DocumentError as decodeDocument does, and for a revision that no later one could follow */
export function decodeAssignment(text: string): Assignment {
  const assignment = decodeDocument('Assignment', text);
  const { revision } = assignment;
  if (revision > MAX_REVISION)
    throw new DocumentError('out-of-range', 'revision', `${revision} is over ${MAX_REVISION}`);
  return assignment;
}
