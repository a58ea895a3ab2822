import { describe, expect, it } from 'vitest';
import { Resumption } from '@/lib/stream/resumption.js';

const SYMBOLS = ['BTC', 'ETH'];

/** @param {Partial<import('@/lib/types.js').SubscriptionConfirmed>} fields */
const confirmation = (fields) => ({ symbols: SYMBOLS, rejected: [], epoch: 'e', ...fields });

/** One that says what happens to it, in order: ids, `id@offset` of sentiment, and recoveries. */
function resumptionThat() {
  /** @type {(string | boolean)[]} */
  const heard = [];
  const resumption = new Resumption({
    give: (event, { id, offset }) =>
      heard.push(event === 'sentiment_update' ? `${id}@${offset}` : id),
    onResumed: (recovered) => heard.push(recovered),
  });
  return {
    resumption,
    /** What happened since it was asked last. */
    heard: () => heard.splice(0),
    signal: (/** @type {number} */ offset, symbol = 'BTC', id = `${symbol}${offset}`) =>
      resumption.take('trading_signal', { id, symbol, offset }),
    sentiment: (/** @type {number} */ offset, id = 's') =>
      resumption.take('sentiment_update', { id, offset }),
    /** The server answers all that was asked for. */
    answered: (/** @type {ReturnType<typeof confirmation>[]} */ ...confirmations) => {
      for (const each of confirmations) resumption.confirmed(each, true);
      resumption.settle();
    },
  };
}

/** One that was connected, heard signals up to offset 12, and was cut off. */
function cutOff() {
  const parts = resumptionThat();
  parts.resumption.begin();
  parts.sentiment(9);
  parts.signal(8);
  parts.answered(confirmation({ offset: 10 }));
  parts.signal(11, 'ETH');
  parts.sentiment(12);
  expect(parts.heard()).toEqual(['s@9', 'BTC8', 'ETH11', 's@12']);
  parts.resumption.interrupt();
  return parts;
}

describe('a first connection', () => {
  it('gives everything as it comes, and says nothing of resuming', () => {
    const { resumption, heard, signal, sentiment, answered } = resumptionThat();
    expect(resumption.begin()).toBeNull();
    sentiment(9);
    signal(4);
    answered(confirmation({ offset: 10 }));
    signal(11);
    expect(heard()).toEqual(['s@9', 'BTC4', 'BTC11']);
    expect(SYMBOLS.every((symbol) => resumption.follows(symbol))).toBe(true);
  });

  it('that ended before it was answered leaves nothing to resume from, and says so', () => {
    const { resumption, heard, sentiment, answered } = resumptionThat();
    resumption.begin();
    sentiment(50);
    resumption.confirmed(confirmation({ offset: 50 }), true);
    resumption.interrupt();
    expect(resumption.begin()).toBeNull();
    // Another server, perhaps, that has said less.
    sentiment(2);
    answered(confirmation({ offset: 2 }));
    expect(heard()).toEqual(['s@50', false, 's@2']);
  });

  it('to a server that knows no places is given what it says', () => {
    const { resumption, heard, answered } = resumptionThat();
    resumption.begin();
    resumption.take('trading_signal', { id: 'a', symbol: 'BTC' });
    answered(confirmation({ epoch: undefined }));
    resumption.interrupt();
    expect(resumption.begin()).toBeNull();
    resumption.take('trading_signal', { id: 'a', symbol: 'BTC' });
    expect(heard()).toEqual(['a', false, 'a']);
  });
});

describe('a reconnection', () => {
  it('gives what was missed once and in order, whatever came before it', () => {
    const { resumption, heard, signal, sentiment, answered } = cutOff();
    expect(resumption.begin()).toEqual({ epoch: 'e', offset: 12 });
    sentiment(15); // the present one, which is missed, too
    sentiment(18); // a live one
    resumption.confirmed(confirmation({ offset: 12, recovered: true }), true);
    signal(13);
    sentiment(15);
    signal(16, 'ETH');
    signal(19);
    expect(heard()).toEqual([]);
    resumption.settle();
    expect(heard()).toEqual([true, 'BTC13', 's@15', 'ETH16', 's@18', 'BTC19']);
    answered();
    signal(20);
    resumption.interrupt();
    expect(heard()).toEqual(['BTC20']);
    expect(resumption.begin()).toEqual({ epoch: 'e', offset: 20 });
  });

  it('that ends before it was answered changes nothing', () => {
    const { resumption, heard, signal, sentiment } = cutOff();
    resumption.begin();
    sentiment(15);
    resumption.confirmed(confirmation({ offset: 12, recovered: true }), true);
    signal(13);
    resumption.interrupt();
    expect(heard()).toEqual([]);
    expect(resumption.begin()).toEqual({ epoch: 'e', offset: 12 });
  });

  it('begins anew where too much was missed, without what was given before', () => {
    const { resumption, heard, signal, sentiment, answered } = cutOff();
    resumption.begin();
    sentiment(900);
    resumption.confirmed(confirmation({ offset: 901, recovered: false }), true);
    signal(850);
    signal(11, 'ETH');
    resumption.settle();
    expect(heard()).toEqual([false, 'BTC850', 's@900']);
    answered();
    resumption.interrupt();
    expect(resumption.begin()).toEqual({ epoch: 'e', offset: 901 });
  });

  it('to another epoch begins anew, on offsets of its own', () => {
    const { resumption, heard, signal, sentiment } = cutOff();
    resumption.begin();
    sentiment(2);
    resumption.confirmed(confirmation({ epoch: 'f', offset: 3, recovered: false }), true);
    signal(1, 'ETH', 'ETH11'); // the same that was given, said by the server that goes on
    signal(3);
    resumption.settle();
    sentiment(4);
    expect(heard()).toEqual([false, 's@2', 'BTC3', 's@4']);
    resumption.interrupt();
    expect(resumption.begin()).toEqual({ epoch: 'f', offset: 4 });
  });

  it('is recovered only where all of its requests are', () => {
    const { resumption, heard, answered } = cutOff();
    resumption.begin();
    answered(
      confirmation({ symbols: ['BTC'], offset: 12, recovered: true }),
      confirmation({ symbols: ['ETH'], offset: 800, recovered: false }),
    );
    expect(heard()).toEqual([false]);
  });

  it('is recovered, too, where symbols have come that begin with it', () => {
    const { resumption, heard, signal, answered } = cutOff();
    resumption.startAnew(['ADA']);
    expect(resumption.follows('ADA')).toBe(false);
    resumption.begin();
    signal(5, 'ADA');
    answered(
      confirmation({ offset: 12, recovered: true }),
      confirmation({ symbols: ['ADA'], offset: 14 }),
    );
    expect(heard()).toEqual([true, 'ADA5']);
    expect(resumption.follows('ADA')).toBe(true);
  });

  it('is not recovered where a symbol was cut off before it was confirmed', () => {
    const { resumption, heard, signal, answered } = cutOff();
    resumption.begin();
    answered(confirmation({ offset: 12, recovered: true }));
    signal(5, 'ADA');
    resumption.interrupt();
    resumption.begin();
    answered(
      confirmation({ offset: 12, recovered: true }),
      confirmation({ symbols: ['ADA'], offset: 30 }),
    );
    expect(heard()).toEqual([true, 'ADA5', false]);
  });

  it('is not recovered by a server that does not say so', () => {
    const { resumption, heard, answered } = cutOff();
    resumption.begin();
    answered(confirmation({ symbols: [], epoch: undefined }));
    expect(heard()).toEqual([false]);
  });

  it('that nobody answers gives what has come, and begins anew the next time', () => {
    const { resumption, heard, sentiment, answered } = cutOff();
    resumption.begin();
    sentiment(15);
    answered();
    expect(heard()).toEqual([false, 's@15']);
    resumption.interrupt();
    expect(resumption.begin()).toBeNull();
  });
});

describe('a connection that stands', () => {
  it('goes on in another epoch when the server says so unasked', () => {
    const { resumption, heard, signal, sentiment } = cutOff();
    resumption.begin();
    resumption.confirmed(confirmation({ offset: 12, recovered: true }), true);
    resumption.settle();
    resumption.confirmed(confirmation({ epoch: 'f', offset: 2, recovered: false }), false);
    signal(1);
    sentiment(3);
    expect(heard()).toEqual([true, false, 'BTC1', 's@3']);
    resumption.interrupt();
    expect(resumption.begin()).toEqual({ epoch: 'f', offset: 3 });
  });

  it('keeps to the newer epoch where a request was under way', () => {
    const { resumption, heard, sentiment } = cutOff();
    resumption.begin();
    resumption.confirmed(confirmation({ offset: 12, recovered: true }), true);
    resumption.settle();
    resumption.confirmed(confirmation({ symbols: ['ADA'], offset: 20 }), true);
    resumption.confirmed(confirmation({ epoch: 'f', offset: 2, recovered: false }), true);
    sentiment(3);
    resumption.settle();
    expect(heard()).toEqual([true, false, 's@3']);
    resumption.interrupt();
    expect(resumption.begin()).toEqual({ epoch: 'f', offset: 3 });
  });

  it('gives the present signal of a symbol again to who asks for it anew', () => {
    const { resumption, heard, signal, answered } = cutOff();
    resumption.begin();
    answered(confirmation({ offset: 12, recovered: true }));
    signal(8);
    resumption.startAnew(['BTC']);
    signal(8);
    expect(heard()).toEqual([true, 'BTC8']);
  });
});
