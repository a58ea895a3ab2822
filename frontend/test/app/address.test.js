import { expect, it } from 'vitest';
import { accountHref, nextOf } from '@/app/address.js';

it('leads through signing in back to where one was', () => {
  const href = accountHref('/sign-in', '/markets/SOL', 'interval=1h');
  expect(href).toBe('/sign-in?next=%2Fmarkets%2FSOL%3Finterval%3D1h');
  expect(nextOf(href.split('?')[1])).toBe('/markets/SOL?interval=1h');
  // Signing up instead, and back.
  expect(accountHref('/sign-up', '/sign-in', href.split('?')[1])).toBe(
    '/sign-up?next=%2Fmarkets%2FSOL%3Finterval%3D1h',
  );
  expect(accountHref('/sign-in', '/', '')).toBe('/sign-in');
});

it.each([
  'https://elsewhere.example/markets',
  '//elsewhere.example/markets',
  '/\\elsewhere.example',
  'javascript:alert(1)',
  'http://',
  '/sign-in?next=/markets',
  '/sign-up',
  '',
])('leads nowhere else: %s', (next) => {
  expect(nextOf(new URLSearchParams({ next }).toString())).toBe('/');
});
