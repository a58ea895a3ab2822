// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { preferences } from '@/lib/preferences.js';
import { formatExactly, formatInstant, formatSince, formatTime, zoneName } from '@/lib/time.js';

const TIME = Date.UTC(2021, 1, 13, 22, 5, 7);

afterEach(() => preferences.setState({ utc: false }));

it('shows times in UTC when that was chosen', () => {
  preferences.setState({ utc: true });
  expect(formatTime(TIME)).toBe('10:05 PM');
  expect(formatInstant(TIME)).toBe('Feb 13, 2021, 10:05 PM');
  expect(formatExactly(TIME)).toBe('Feb 13, 2021, 10:05:07 PM UTC');
  expect(zoneName(TIME)).toBe('UTC');
});

it('leaves out the day of what was today', () => {
  preferences.setState({ utc: true });
  expect(formatSince(TIME, TIME + 3_600_000)).toBe('10:05 PM');
  expect(formatSince(TIME, TIME + 2 * 3_600_000)).toBe('Feb 13, 2021, 10:05 PM');
});

it('writes times as the visitor does', () => {
  preferences.setState({ utc: true });
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['de-DE']);
  expect(formatInstant(TIME)).toBe('13.02.2021, 22:05');
});
