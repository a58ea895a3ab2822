/** What axe-core finds wrong on a page, in the state that it is in. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];

/** @param {import('playwright-core').Page} page */
export async function violations(page) {
  // By the protocol, which the page's content security policy does not bind.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const result = await /** @type {any} */ (window).axe.run(document, { runOnly: tags });
    return result.violations.map((/** @type {any} */ each) => ({
      id: each.id,
      nodes: each.nodes.map((/** @type {any} */ node) => `${node.html} ${node.failureSummary}`),
    }));
  }, TAGS);
}
