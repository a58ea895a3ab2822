/** What each number on the page means, in a sentence or two, and where the docs define it. */

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} text
 * @property {string} href In the pages that the build makes of docs/ (scripts/docsPages.js).
 */

const ANALYSIS = '/docs/analysis.html';
const QUOTE = '/docs/protocol.html#from-the-server';
const COMPONENTS = `${ANALYSIS}#market_fear_greed-0-to-100-and-components`;
const FORECAST = `${ANALYSIS}#forecast-ranges`;

export const GLOSSARY = /** @satisfies {Record<string, Entry>} */ ({
  price: {
    name: 'Price',
    text: 'What was paid in the last trade, in US dollars. Where many zeros follow the point they are counted: 0.0₄12 is 0.000012.',
    href: QUOTE,
  },
  change: {
    name: 'Change',
    text: 'The price against that of 24 hours ago, or of the first candle where there is less data: the heading says of how much.',
    href: QUOTE,
  },
  volume: {
    name: 'Volume',
    text: 'What was traded in that time, in US dollars.',
    href: QUOTE,
  },
  signal: {
    name: 'Signal',
    text: 'The mean vote of 26 technical indicators on the candles of one timeframe: strong buy over 0.5, buy over 0.1, hold, sell, strong sell. A level is held until the score has been well outside of it for a while. It describes the market up to now, and is no advice.',
    href: `${ANALYSIS}#score--1-to-1-and-signal`,
  },
  strength: {
    name: 'Strength',
    text: 'How far the score is into its level: 50 % where it meets the next one, 100 % at a score that is rarely passed. It is no probability.',
    href: `${ANALYSIS}#strength-05-to-1`,
  },
  record: {
    name: 'Record',
    text: 'How often the price went the way of a level after it was said, counted once for each change, beyond what it does anyway: right is a buy after which it rose by more than the mean of any time. Beyond drift is what acting on it brought more than that, before costs.',
    href: `${ANALYSIS}#the-track-record`,
  },
  reason: {
    name: 'Reason',
    text: 'Of five things that are measured, the one that is least usual at the moment.',
    href: `${ANALYSIS}#reason`,
  },
  fear_greed: {
    name: 'Fear and greed',
    text: 'The mean of the components below: 0 is extreme fear, 100 extreme greed, each against the last week.',
    href: COMPONENTS,
  },
  mood: {
    name: 'Mood',
    text: 'The index in three words: bearish under 45, bullish over 55, neutral between.',
    href: `${ANALYSIS}#overall_sentiment-and-market_mood`,
  },
  overall: {
    name: 'Overall',
    text: 'The index in five words, from bearish (extreme fear) to bullish (extreme greed).',
    href: `${ANALYSIS}#overall_sentiment-and-market_mood`,
  },
  confidence: {
    name: 'Confidence',
    text: 'How far the components agree, times how much of the data is there. It says how far the index can be taken for what it is, not how likely anything is.',
    href: `${ANALYSIS}#confidence-0-to-1`,
  },
  volatility: {
    name: 'Volatility',
    text: 'How calm the last day was among those that ended within a week: 100 is the calmest, 0 the wildest.',
    href: COMPONENTS,
  },
  drawdown: {
    name: 'Drawdown',
    text: 'How near the market is to its high of a week: 100 means little drawdown, 0 a deep one.',
    href: COMPONENTS,
  },
  momentum: {
    name: 'Momentum',
    text: 'The market against its mean of a day: 100 is as far above as in a week, 0 as far below.',
    href: COMPONENTS,
  },
  buying: {
    name: 'Volume',
    text: 'How much of a day’s volume came while prices rose: 100 is mostly buying, 0 mostly selling.',
    href: COMPONENTS,
  },
  breadth: {
    name: 'Breadth',
    text: 'How many symbols are above their price of a day ago: 100 is as many as in a week, 0 as few.',
    href: COMPONENTS,
  },
  trending: {
    name: 'Trending',
    text: 'Names and sectors whose last hour had unusual volume or moves.',
    href: `${ANALYSIS}#trending_topics`,
  },
  rising: {
    name: 'Rising and falling',
    text: 'How many symbols are above and below their price of 24 hours ago, or of the first candle where there is less data.',
    href: QUOTE,
  },
  mean_change: {
    name: 'Mean change',
    text: 'The mean of all symbols’ changes, each counting the same.',
    href: QUOTE,
  },
  forecast: {
    name: 'Forecast range',
    text: 'Where each price will lie at the end of the horizon, with 50 or 90 % probability, judged by how much it has moved up to now. A range, not a direction, and no advice.',
    href: FORECAST,
  },
  range_50: {
    name: '50 % range',
    text: 'In one case of two the price ends within it; below the table stands how often that was so.',
    href: FORECAST,
  },
  range_90: {
    name: '90 % range',
    text: 'In nine cases of ten the price ends within it; below the table stands how often that was so.',
    href: FORECAST,
  },
  latency: {
    name: 'Round trip',
    text: 'How long a message takes to the server and back.',
    href: '/docs/protocol.html#from-the-client',
  },
  candles: {
    name: 'Candles',
    text: 'Open, high, low and close of each interval: hollow where the price rose, filled where it fell. The bars below are the volume, in units of the asset.',
    href: '/docs/protocol.html#rest',
  },
  averages: {
    name: 'Averages',
    text: 'MA 20 and MA 50: the mean closing price of the last 20 and 50 candles.',
    href: `${ANALYSIS}#lines-on-the-chart`,
  },
  bollinger: {
    name: 'Bollinger bands',
    text: 'BB 20, 2: two standard deviations above and below the mean of 20 candles.',
    href: `${ANALYSIS}#lines-on-the-chart`,
  },
});

/** @typedef {keyof typeof GLOSSARY} Term */
