// @vitest-environment jsdom
import { afterEach, describe, expect, vi } from 'vitest';
import { isHidden, watchPage } from '@/lib/stream/page.js';
import { eventually } from '../../eventually.js';
import { it, SLOW } from './service.js';

/** @param {DocumentVisibilityState} state */
function turn(state) {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(state === 'hidden');
  document.dispatchEvent(new Event('visibilitychange'));
}

describe('watchPage', () => {
  /** @type {(() => void) | undefined} */
  let stop;
  afterEach(() => stop?.());

  it('tells of the network and of being looked at again, until it is stopped', () => {
    const listener = { onOnline: vi.fn(), onVisible: vi.fn() };
    stop = watchPage(listener);
    turn('hidden');
    expect(isHidden()).toBe(true);
    expect(listener.onVisible).not.toHaveBeenCalled();
    turn('visible');
    expect(isHidden()).toBe(false);
    window.dispatchEvent(new Event('online'));
    stop();
    turn('visible');
    window.dispatchEvent(new Event('online'));
    expect(listener.onVisible).toHaveBeenCalledOnce();
    expect(listener.onOnline).toHaveBeenCalledOnce();
  });
});

describe('a connection that waits', () => {
  it.for([
    ['the network is back', () => void window.dispatchEvent(new Event('online'))],
    ['the tab is looked at', () => turn('visible')],
  ])('tries at once when %s', async ([, comeBack], { server, service, connected }) => {
    await connected(SLOW);
    server.drop();
    await eventually(() => expect(service.getState().phase).toBe('waiting'));
    /** @type {() => void} */ (comeBack)();
    await eventually(() => expect(service.isConnected()).toBe(true));
  });
});
