import { useId } from 'react';
import { useStore } from 'zustand';
import { preferences } from '@/lib/preferences.js';
import { Icon } from './Icon.jsx';
import { Segmented } from './Segmented.jsx';
import './DisplayMenu.css';

/** @typedef {import('@/lib/preferences.js').Preferences} Preferences */

const THEMES = [
  { value: 'system', text: 'System' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
];
const COLOURS = [
  { value: 'green-red', text: 'Green and red' },
  { value: 'blue-orange', text: 'Blue and orange' },
];
const ZONES = [
  { value: 'local', text: 'Local time' },
  { value: 'utc', text: 'UTC' },
];

/** How this browser shows the page: theme, colours of rising and falling, time zone. */
export function DisplayMenu() {
  const id = useId();
  const theme = useStore(preferences, (state) => state.theme);
  const colours = useStore(preferences, (state) => state.colours);
  const utc = useStore(preferences, (state) => state.utc);
  return (
    <>
      <button
        type="button"
        className="button quiet"
        aria-label="Display"
        title="Display"
        popoverTarget={id}
      >
        <Icon name="display" />
      </button>
      <div id={id} popover="auto" className="display-menu" role="group" aria-label="Display">
        <Row title="Theme">
          <Segmented
            label="Theme"
            options={THEMES}
            value={theme}
            onChange={(value) =>
              preferences.setState({ theme: /** @type {Preferences['theme']} */ (value) })
            }
          />
        </Row>
        <Row title="Rising and falling">
          <Segmented
            label="Colours of rising and falling"
            options={COLOURS}
            value={colours}
            onChange={(value) =>
              preferences.setState({ colours: /** @type {Preferences['colours']} */ (value) })
            }
          />
          <p className="colour-sample" aria-hidden="true">
            <span className="up">▲ +1.20 %</span> <span className="down">▼ −1.20 %</span>
          </p>
        </Row>
        <Row title="Times">
          <Segmented
            label="Times"
            options={ZONES}
            value={utc ? 'utc' : 'local'}
            onChange={(value) => preferences.setState({ utc: value === 'utc' })}
          />
        </Row>
      </div>
    </>
  );
}

/** @param {{ title: string, children: import('react').ReactNode }} props */
function Row({ title, children }) {
  return (
    <div className="display-row">
      <span aria-hidden="true">{title}</span>
      {children}
    </div>
  );
}
