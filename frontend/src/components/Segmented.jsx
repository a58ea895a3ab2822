import { useId } from 'react';
import './Segmented.css';

/**
 * One of a few, as radio buttons in a row.
 * @param {{ label: string, options: { value: string, text: string }[], value: string,
 *   onChange: (value: string) => void }} props
 */
export function Segmented({ label, options, value, onChange }) {
  const name = useId();
  return (
    <fieldset className="segmented">
      <legend className="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            className="visually-hidden"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/**
 * A switch that looks like one segment.
 * @param {{ pressed: boolean, onChange: (pressed: boolean) => void,
 *   unavailable?: string, children: import('react').ReactNode }} props `unavailable` says why it
 *   can't be used at present.
 */
export function Toggle({ pressed, onChange, unavailable, children }) {
  return (
    <button
      type="button"
      className="toggle"
      aria-pressed={pressed && !unavailable}
      aria-disabled={unavailable !== undefined}
      title={unavailable}
      onClick={() => unavailable ?? onChange(!pressed)}
    >
      {children}
    </button>
  );
}
