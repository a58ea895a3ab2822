// @vitest-environment node
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
});
