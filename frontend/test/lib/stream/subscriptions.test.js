import { describe, expect } from 'vitest';
import { eventually } from '../../eventually.js';
import { it } from './service.js';

describe('subscribing', () => {
  it('asks for symbols as soon as the connection stands', async ({
    server,
    service,
    connected,
  }) => {
    service.subscribe(['BTC', 'ETH']);
    await connected();
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([{ symbols: ['BTC', 'ETH'], realtime: false }]),
    );
  });

  it('asks only for what nobody has asked for, and lets go with the last who wants it', async ({
    server,
    service,
    connected,
  }) => {
    await connected();
    service.subscribe(['BTC', 'ETH']);
    service.subscribe(['ETH', 'ADA']);
    service.unsubscribe(['BTC', 'ETH']);
    service.unsubscribe(['ETH', 'ADA']);
    await eventually(() =>
      expect(server.received).toEqual([
        { event: 'subscribe', payload: { symbols: ['BTC', 'ETH'], realtime: false } },
        { event: 'subscribe', payload: { symbols: ['ADA'], realtime: false } },
        { event: 'unsubscribe', payload: { symbols: ['BTC'] } },
        { event: 'unsubscribe', payload: { symbols: ['ETH', 'ADA'] } },
      ]),
    );
  });

  it('restores what is held after a reconnection', async ({ server, service, connected }) => {
    await connected();
    service.subscribe(['BTC', 'ETH']);
    service.unsubscribe(['ETH']);
    await eventually(() => expect(server.received).toHaveLength(2));
    server.received.length = 0;
    server.drop();
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([{ symbols: ['BTC'], realtime: false }]),
    );
  });

  it('is in real time as long as one holder wants it', async ({ server, service, connected }) => {
    await connected();
    service.subscribe(['BTC']);
    service.subscribe(['BTC'], { realtime: true });
    service.unsubscribe(['BTC'], { realtime: true });
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([
        { symbols: ['BTC'], realtime: false },
        { symbols: [], realtime: true },
        { symbols: [], realtime: false },
      ]),
    );
  });

  it('has the candles that any holder wants, and says when nobody does', async ({
    server,
    service,
    connected,
  }) => {
    await connected();
    service.subscribe(['BTC'], { candles: ['1m'] });
    service.subscribe(['BTC'], { candles: ['1m', '1h'] });
    service.unsubscribe(['BTC'], { candles: ['1m'] });
    service.subscribe(['ETH']);
    service.unsubscribe(['BTC'], { candles: ['1m', '1h'] });
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([
        { symbols: ['BTC'], realtime: false, candles: ['1m'] },
        { symbols: [], realtime: false, candles: ['1m', '1h'] },
        { symbols: ['ETH'], realtime: false, candles: ['1m', '1h'] },
        { symbols: [], realtime: false, candles: [] },
      ]),
    );
  });

  it('splits what is too much for one request', async ({ server, service, connected }) => {
    const symbols = Array.from({ length: 250 }, (_, index) => `S${index}`);
    service.subscribe(symbols);
    await connected();
    service.unsubscribe(symbols);
    await eventually(() => expect(server.received).toHaveLength(6));
    for (const event of ['subscribe', 'unsubscribe']) {
      const parts = server.payloads(event).map((payload) => payload.symbols);
      expect(parts.map(({ length }) => length)).toEqual([100, 100, 50]);
      expect(parts.flat()).toEqual(symbols);
    }
  });

  it('takes a single symbol for what it is, not for its letters', async ({
    server,
    service,
    connected,
  }) => {
    await connected();
    service.subscribe('BTC');
    service.unsubscribe('BTC');
    await eventually(() =>
      expect(server.received).toEqual([
        { event: 'subscribe', payload: { symbols: ['BTC'], realtime: false } },
        { event: 'unsubscribe', payload: { symbols: ['BTC'] } },
      ]),
    );
  });

  it('does not hold what the server has refused, until somebody asks anew', async ({
    server,
    service,
    connected,
    collect,
  }) => {
    const confirmed = collect('subscription_confirmed');
    await connected();
    service.subscribe(['BTC', 'NONE']);
    const rejected = [{ symbol: 'NONE', code: 'unknown_symbol', message: '' }];
    server.emit('subscription_confirmed', { symbols: ['BTC'], rejected });
    await eventually(() => expect(confirmed).toHaveLength(1));
    server.received.length = 0;
    server.drop();
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([{ symbols: ['BTC'], realtime: false }]),
    );
    service.subscribe(['NONE']);
    await eventually(() => expect(server.payloads('subscribe')[1]?.symbols).toEqual(['NONE']));
    server.emit('subscription_confirmed', { symbols: [], rejected });
    await eventually(() => expect(confirmed).toHaveLength(2));
    service.unsubscribe(['NONE']);
    service.unsubscribe(['BTC', 'NONE']);
    await eventually(() => expect(server.payloads('unsubscribe')).toEqual([{ symbols: ['BTC'] }]));
  });
});
