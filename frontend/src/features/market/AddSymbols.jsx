import { useCallback, useEffect, useState } from 'react';
import { ApiError, addSymbol, searchSymbols } from '@/lib/api.js';
import { sourceOf } from '@/lib/feedState.js';
import { refreshMarketInfo } from '@/lib/marketInfo.js';
import { session } from '@/lib/session.js';
import './AddSymbols.css';

/** Whoever types on is not answered in between. */
const TYPING_MS = 250;

/** @typedef {import('@/lib/types.js').SymbolInfo} SymbolInfo */

/**
 * What the feed lists of what is typed, beyond the symbols in the table: each can be added to it.
 * @param {{ text: string }} props
 */
export function AddSymbols({ text }) {
  const { found, complaint, add, adding } = useListed(text.trim());
  if (found.length === 0 && !complaint) return null;
  return (
    <section className="add-symbols" aria-label="More symbols of the feed">
      {found.length > 0 && (
        <>
          <h3>Not in the table yet · {sourceOf(found[0].source ?? '')}</h3>
          <ul>
            {found.map(({ symbol, name }) => (
              <li key={symbol}>
                <button
                  type="button"
                  className="add-symbol"
                  disabled={adding !== null}
                  onClick={() => add(symbol)}
                >
                  <span aria-hidden="true" className="add-sign">
                    {adding === symbol ? '…' : '+'}
                  </span>
                  <span className="visually-hidden">Add </span>
                  <strong>{symbol}</strong>
                  {name !== symbol && <span className="add-name">{name}</span>}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      <p role="status" className="add-complaint">
        {complaint}
      </p>
    </section>
  );
}

/** @param {string} text Nothing is looked for without any. */
function useListed(text) {
  const [found, setFound] = useState(/** @type {SymbolInfo[]} */ ([]));
  const [complaint, setComplaint] = useState('');
  const [adding, setAdding] = useState(/** @type {string | null} */ (null));

  useEffect(() => {
    setFound([]);
    setComplaint('');
    if (!text) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const { symbols } = await searchSymbols(text, abort.signal);
        setFound(symbols.filter(({ followed }) => followed === false));
      } catch (error) {
        if (!abort.signal.aborted) setComplaint(complaintOf(error));
      }
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);

  const add = useCallback(async (/** @type {string} */ symbol) => {
    const token = session.token();
    if (token === null) {
      setComplaint('Sign in to add a symbol.');
      return;
    }
    setAdding(symbol);
    setComplaint('');
    try {
      await addSymbol(symbol, token);
      await refreshMarketInfo();
      setFound((others) => others.filter((info) => info.symbol !== symbol));
    } catch (error) {
      setComplaint(complaintOf(error));
    } finally {
      setAdding(null);
    }
  }, []);

  return { found, complaint, add, adding };
}

/** @param {unknown} error */
function complaintOf(error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.code === 'rate_limited') return 'Too many at once. Try again in a minute.';
  return `${error.message.replace(/\.$/, '')}.`;
}
