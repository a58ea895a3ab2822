/**
 * A page for each file of ../docs, so that the dashboard can link to the definition of a number and
 * an installation without a network has it. Headings get the anchors that GitHub gives them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Marked, Renderer } from 'marked';
import { gfmHeadingId } from 'marked-gfm-heading-id';

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const STYLES = fileURLToPath(new URL('../src/styles/', import.meta.url));
const PREFIX = '/docs/';

const markdown = new Marked(gfmHeadingId(), {
  walkTokens(token) {
    if (token.type === 'link') token.href = token.href.replace(/^([\w-]+)\.md(?=$|#)/, '$1.html');
  },
  renderer: {
    // What is wider than the screen scrolls by itself, and so has to be reached by keyboard.
    table(token) {
      const heads = token.header.map(({ text }) => text).filter((text) => text !== '');
      const label = escaped(`${heads.join(', ')}: ${token.rows[0]?.[0].text}`.replaceAll('"', ''));
      // A column without a name has no header, and not an empty one.
      const table = Renderer.prototype.table.call(this, token).replaceAll('<th></th>', '<td></td>');
      return `<div class="scroll" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
    },
    code({ text }) {
      return `<pre tabindex="0"><code>${escaped(text)}</code></pre>`;
    },
  },
});

/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** @returns {string[]} Names of the pages, without an ending. */
export const docsNames = () =>
  readdirSync(DOCS)
    .filter((file) => file.endsWith('.md'))
    .map((file) => basename(file, '.md'))
    .sort();

/**
 * @param {string} name
 * @returns {string} The whole page.
 */
export function renderDocs(name) {
  const text = readFileSync(join(DOCS, `${name}.md`), 'utf8');
  const title = escaped(/^# (.+)$/m.exec(text)?.[1] ?? name);
  // The page's own colours and sizes; its font stays with the dashboard.
  const tokens = readFileSync(join(STYLES, 'tokens.css'), 'utf8').replace(
    /@font-face \{.*?\n\}/s,
    '',
  );
  const links = docsNames().map((each) => {
    const current = each === name ? ' aria-current="page"' : '';
    return `<a href="${each}.html"${current}>${each}</a>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<title>${title} · CRS</title>
<style>${tokens}${readFileSync(join(STYLES, 'docs.css'), 'utf8')}</style>
</head>
<body>
<nav aria-label="Documentation"><a href="/" class="home">CRS</a>${links.join('')}</nav>
<main>${markdown.parse(text)}</main>
</body>
</html>
`;
}

/** @returns {import('vite').Plugin} */
export function docsPages() {
  return {
    name: 'crs-docs-pages',
    generateBundle() {
      for (const name of docsNames()) {
        this.emitFile({ type: 'asset', fileName: `docs/${name}.html`, source: renderDocs(name) });
      }
    },
    configureServer(server) {
      server.middlewares.use(PREFIX, (request, response, next) => {
        const name = /^\/([\w-]+)\.html/.exec(request.url ?? '')?.[1];
        if (name === undefined || !docsNames().includes(name)) return next();
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(renderDocs(name));
      });
    },
  };
}
