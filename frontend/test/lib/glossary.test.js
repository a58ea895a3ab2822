import { expect, it } from 'vitest';
import { GLOSSARY } from '@/lib/glossary.js';
import { renderDocs } from '../../scripts/docsPages.js';

it.each(Object.entries(GLOSSARY))('links %s to a definition that is there', (_, { href, text }) => {
  const [, name, anchor] = /^\/docs\/([a-z]+)\.html#(.+)$/.exec(href) ?? [];
  expect(renderDocs(name)).toContain(`id="${anchor}"`);
  expect(text).toMatch(/\.$/);
});
