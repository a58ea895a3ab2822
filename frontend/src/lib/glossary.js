/** What each number on the page means, in a sentence or two, and where the docs define it. */

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} text
 * @property {string} href In the pages that the build makes of docs/ (scripts/docsPages.js).
 */

const ANALYSIS = '/docs/analysis.html';
const QUOTE = '/docs/protocol.html#from-the-server';
const VOTES = `${ANALYSIS}#score--1-to-1-and-signal`;
const COMPONENTS = `${ANALYSIS}#market_fear_greed-0-to-100-and-components`;
const DAILY = `${ANALYSIS}#the-daily-index`;
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
  spread: {
    name: 'Bid, ask and spread',
    text: 'The best price that somebody offers to pay, the best that somebody asks, and what lies between, in dollars and in hundredths of a per cent (bp) of the price: what buying and selling again at once would cost.',
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
    href: VOTES,
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
  rating: {
    name: 'Rating',
    text: 'The mean vote of 26 technical indicators on candles of each timeframe, the forming one included: −1 if all say sell, 1 if all say buy. It describes the market just now, and is no advice. The signal’s level is slower: it holds until it is surpassed for a while.',
    href: `${ANALYSIS}#timeframes-and-a-level-that-holds`,
  },
  moving_averages: {
    name: 'Moving averages',
    text: 'Mean prices of the last candles, as many as the number says. Buy where the price is above, sell where it is below.',
    href: VOTES,
  },
  oscillators: {
    name: 'Oscillators',
    text: 'Measures of how fast and how far the price has gone. Most say hold: they vote only where it turns or has gone unusually far.',
    href: VOTES,
  },
  fear_greed: {
    name: 'Fear and greed',
    text: 'The mean of the components below: 0 is extreme fear, 100 extreme greed, each against the last week.',
    href: COMPONENTS,
  },
  daily_index: {
    name: 'Daily index',
    text: 'The mean of the components below: 0 is extreme fear, 100 extreme greed. BTC’s last one to three months, each against a year; one value a day, at the end of the UTC day.',
    href: DAILY,
  },
  daily_volatility: {
    name: 'Volatility',
    text: 'Whether the days that moved most rose or fell: 100 is as little of falls as in a year, 0 as much.',
    href: DAILY,
  },
  daily_drawdown: {
    name: 'Drawdown',
    text: 'How near the price is to its highest close of a year: 100 is the nearest, 0 the furthest below.',
    href: DAILY,
  },
  daily_momentum: {
    name: 'Momentum',
    text: 'The price against its means of 30 and 90 days: 100 is as far above as in a year, 0 as far below.',
    href: DAILY,
  },
  daily_volume: {
    name: 'Volume',
    text: 'What the average dollar traded in 30 and 90 days has moved: 100 is as much up as in a year, 0 as much down.',
    href: DAILY,
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
