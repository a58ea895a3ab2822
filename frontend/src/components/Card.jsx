import { useId } from 'react';
import { useOffline } from '@/hooks/useOffline.js';
import './Card.css';

/**
 * A titled section of a dashboard.
 * @param {{ title: import('react').ReactNode, note?: import('react').ReactNode, aside?: import('react').ReactNode,
 *   className?: string, children: import('react').ReactNode }} props
 */
export function Card({ title, note, aside, className = '', children }) {
  const id = useId();
  const offline = useOffline();
  return (
    <section className={`card ${className}`} aria-labelledby={id}>
      <header className="card-header">
        <h2 id={id}>{title}</h2>
        {offline && (
          <span className="card-stale" title="As it was when the connection was lost">
            Stale
          </span>
        )}
        {aside}
      </header>
      {children}
      {note && <div className="card-note">{note}</div>}
    </section>
  );
}

/** @param {{ children: import('react').ReactNode }} props */
export function Empty({ children }) {
  return <p className="empty">{children}</p>;
}
