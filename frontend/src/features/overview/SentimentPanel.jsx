import { Age } from '@/components/Age.jsx';
import { Card, Empty } from '@/components/Card.jsx';
import { Explained } from '@/components/Explained.jsx';
import { formatShare, humanise } from '@/lib/format.js';
import { GLOSSARY } from '@/lib/glossary.js';
import { COMPONENTS, DAILY_COMPONENTS, wordOf } from './components.js';
import { Gauge, zoneOf } from './Gauge.jsx';
import { History } from './History.jsx';
import { useSentiment } from './useSentiment.js';
import './SentimentPanel.css';

/** Fear and greed now and of the last months, what each is made of, and what is being talked about. */
export function SentimentPanel() {
  const { error, latest, history, daily } = useSentiment();
  return (
    <Card title="Market sentiment" className="sentiment-card">
      {latest || daily ? (
        <>
          <div className="readings">
            <Now latest={latest} history={history} />
            <Daily daily={daily} />
          </div>
          {latest && <Topics topics={latest.trending_topics} />}
        </>
      ) : (
        <Empty>{error ? UNREACHABLE : FIRST_READING}</Empty>
      )}
    </Card>
  );
}

const UNREACHABLE = 'The readings could not be loaded; trying again.';
const FIRST_READING = 'The first reading appears as soon as there are enough prices to compute it.';

/**
 * The index of the last day among the last week.
 * @param {{ latest: import('@/lib/types.js').Sentiment | null,
 *   history: import('@/lib/types.js').Sentiment[] }} props
 */
function Now({ latest, history }) {
  if (!latest) return <Empty>{FIRST_READING}</Empty>;
  return (
    <section className="reading" aria-labelledby="reading-now">
      <header>
        <h3 id="reading-now">
          <Explained terms="fear_greed">Fear and greed now</Explained>
        </h3>
        <span className="muted">
          <Age time={latest.timestamp} suffix=" ago" />
        </span>
      </header>
      <p className="muted">How the last day was traded, all symbols, against the last week.</p>
      <Gauge name="Fear and greed" value={latest.market_fear_greed} />
      <dl className="sentiment-facts">
        <Fact term="mood" value={humanise(latest.market_mood)} tone={tone(latest.market_mood)} />
        <Fact
          term="overall"
          value={humanise(latest.overall_sentiment)}
          tone={tone(latest.overall_sentiment)}
        />
        <Fact term="confidence" value={formatShare(latest.confidence)} />
      </dl>
      <Components components={latest.components ?? {}} known={COMPONENTS} />
      <History
        title="Fear and greed"
        points={history.map((each) => ({ time: each.timestamp, value: each.market_fear_greed }))}
      />
    </section>
  );
}

/**
 * The index of the last months among the last year.
 * @param {{ daily: import('@/lib/types.js').DailyIndex | null }} props
 */
function Daily({ daily }) {
  return (
    <section className="reading" aria-labelledby="reading-daily">
      <header>
        <h3 id="reading-daily">
          <Explained terms="daily_index">Daily index</Explained>
        </h3>
        {daily && (
          <span className="muted">
            <Age time={daily.timestamp} suffix=" ago" />
          </span>
        )}
      </header>
      <p className="muted">How the last months went, by BTC’s days, against the last year.</p>
      {daily ? (
        <>
          <Gauge name="Daily index" value={daily.value} />
          <p className="reading-note muted">
            One value a day: the one to compare with published indices.
          </p>
          <Components components={daily.components} known={DAILY_COMPONENTS} />
          <History
            title="Daily index"
            points={daily.history
              .toReversed()
              .map(({ timestamp, value }) => ({ time: timestamp, value }))}
          />
        </>
      ) : (
        <Empty>Not available: it needs 151 days of BTC, which this server does not have yet.</Empty>
      )}
    </section>
  );
}

/** @param {string} mood */
function tone(mood) {
  if (mood === 'BULLISH' || mood === 'POSITIVE') return 'up';
  if (mood === 'BEARISH' || mood === 'NEGATIVE') return 'down';
  return '';
}

/** @param {{ term: import('@/lib/glossary.js').Term, value: string, tone?: string }} props */
function Fact({ term, value, tone: className = '' }) {
  return (
    <div>
      <dt>
        <Explained terms={term}>{GLOSSARY[term].name}</Explained>
      </dt>
      <dd className={className}>{value}</dd>
    </div>
  );
}

/**
 * @param {{ components: Record<string, number>,
 *   known: Record<string, import('./components.js').Component> }} props
 */
function Components({ components, known }) {
  return (
    <dl className="components">
      {Object.entries(components).map(([name, value]) => (
        <div key={name}>
          <dt>
            <ComponentName name={name} term={known[name]?.term} />
          </dt>
          <dd>
            <span className="component-track" aria-hidden="true">
              <span className={zoneOf(value).tone} style={{ inlineSize: `${value}%` }} />
            </span>
            <span className="number">{Math.round(value)}</span>
            <span className="component-word">{wordOf(known[name], value)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** @param {{ name: string, term: import('@/lib/glossary.js').Term | undefined }} props */
function ComponentName({ name, term }) {
  return term ? <Explained terms={term}>{humanise(name)}</Explained> : humanise(name);
}

/** @param {{ topics: string[] }} props */
function Topics({ topics }) {
  return (
    <div className="topics">
      <h3>
        <Explained terms="trending">Trending</Explained>
      </h3>
      {topics.length === 0 ? (
        <p className="muted small">Nothing stands out at the moment</p>
      ) : (
        <ul>
          {topics.map((topic) => (
            <li key={topic}>{topic}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
