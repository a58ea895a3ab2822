import { useState } from 'react';

/**
 * @param {string | undefined} value Undefined while it is not known.
 * @returns {number} How often it has changed; that it became known is no change.
 */
export function useChanges(value) {
  const [known, setKnown] = useState({ value, changes: 0 });
  if (value !== undefined && value !== known.value) {
    setKnown({ value, changes: known.changes + Number(known.value !== undefined) });
  }
  return known.changes;
}
