import { useEffect } from 'react';
import { Age } from '@/components/Age.jsx';
import { Card, Empty } from '@/components/Card.jsx';
import { Explained } from '@/components/Explained.jsx';
import { useHistory } from '@/hooks/useRequest.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { getSentiment } from '@/lib/api.js';
import { formatShare, humanise } from '@/lib/format.js';
import { GLOSSARY } from '@/lib/glossary.js';
import { streamStore } from '@/lib/streamStore.js';
import { COMPONENTS, wordOf } from './components.js';
import { Gauge, zoneOf } from './Gauge.jsx';
import { History } from './History.jsx';
import './SentimentPanel.css';

/** The readings since before the page was opened, growing as new ones come. */
function useSentimentHistory() {
  const { data, error } = useHistory(getSentiment);
  useEffect(() => {
    if (data) streamStore.addSentiments(data.history);
  }, [data]);
  const latest = useStream((state) => state.sentimentData);
  return {
    error,
    latest: latest ?? data?.latest ?? null,
    history: useStream((state) => state.sentimentHistory),
  };
}

/** Fear and greed, what it is made of, and what is being talked about. */
export function SentimentPanel() {
  const { error, latest, history } = useSentimentHistory();
  return (
    <Card
      title={<Explained terms="fear_greed">Market sentiment</Explained>}
      className="sentiment-card"
      aside={
        latest && (
          <span className="muted small">
            <Age time={latest.timestamp} suffix=" ago" />
          </span>
        )
      }
    >
      {latest ? (
        <>
          <div className="sentiment-main">
            <Gauge value={latest.market_fear_greed} />
            <dl className="sentiment-facts">
              <Fact
                term="mood"
                value={humanise(latest.market_mood)}
                tone={tone(latest.market_mood)}
              />
              <Fact
                term="overall"
                value={humanise(latest.overall_sentiment)}
                tone={tone(latest.overall_sentiment)}
              />
              <Fact term="confidence" value={formatShare(latest.confidence)} />
            </dl>
          </div>
          <Components components={latest.components ?? {}} />
          <History
            title="Fear and greed"
            points={history.map((each) => ({
              time: each.timestamp,
              value: each.market_fear_greed,
            }))}
          />
          <Topics topics={latest.trending_topics} />
        </>
      ) : (
        <Empty>
          {error
            ? 'The readings could not be loaded; trying again.'
            : 'The first reading appears as soon as there are enough prices to compute it.'}
        </Empty>
      )}
    </Card>
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

/** @param {{ components: Record<string, number> }} props */
function Components({ components }) {
  return (
    <dl className="components">
      {Object.entries(components).map(([name, value]) => (
        <div key={name}>
          <dt>
            <ComponentName name={name} />
          </dt>
          <dd>
            <span className="component-track" aria-hidden="true">
              <span className={zoneOf(value).tone} style={{ inlineSize: `${value}%` }} />
            </span>
            <span className="number">{Math.round(value)}</span>
            <span className="component-word">{wordOf(name, value)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** @param {{ name: string }} props */
function ComponentName({ name }) {
  const term = COMPONENTS[name]?.term;
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
