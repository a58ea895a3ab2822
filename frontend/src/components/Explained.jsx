import { useEffect, useId, useRef, useState } from 'react';
import { GLOSSARY } from '@/lib/glossary.js';
import './Explained.css';

/** @typedef {import('@/lib/glossary.js').Term} Term */

/** A pointer may cross the gap to the explanation in this time. */
const CLOSE_AFTER_MS = 200;
/** Between a term, its explanation and the edges of the window, in pixels. */
const GAP = 6;

/**
 * A term or a number with its explanation, which shows at a pointer, at the keyboard's focus and at
 * a tap, and links to the definition.
 * @param {{ terms: Term | Term[], label?: string, className?: string,
 *   children: import('react').ReactNode }} props `label` names what has no words of its own.
 */
export function Explained({ terms, label, className = '', children }) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const wrapper = useRef(/** @type {HTMLSpanElement | null} */ (null));
  const closing = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => () => clearTimeout(closing.current), []);

  function show() {
    clearTimeout(closing.current);
    setOpen(true);
  }

  return (
    <span
      ref={wrapper}
      className="explained"
      onPointerEnter={({ pointerType }) => pointerType === 'mouse' && show()}
      onPointerLeave={({ pointerType }) => {
        if (pointerType !== 'mouse') return;
        closing.current = setTimeout(() => setOpen(false), CLOSE_AFTER_MS);
      }}
      onBlur={({ relatedTarget }) => {
        if (!wrapper.current?.contains(relatedTarget)) setOpen(false);
      }}
    >
      <button
        type="button"
        className={`explained-term ${className}`}
        aria-label={label}
        aria-expanded={open}
        aria-describedby={open ? id : undefined}
        onClick={(event) => {
          event.stopPropagation();
          show();
        }}
        onFocus={({ target }) => target.matches(':focus-visible') && show()}
      >
        {children}
      </button>
      {open && (
        <Explanation
          id={id}
          terms={Array.isArray(terms) ? terms : [terms]}
          anchor={wrapper}
          onClose={() => setOpen(false)}
        />
      )}
    </span>
  );
}

/**
 * @param {{ id: string, terms: Term[], anchor: import('react').RefObject<HTMLElement | null>,
 *   onClose: () => void }} props
 */
function Explanation({ id, terms, anchor, onClose }) {
  const element = useRef(/** @type {HTMLSpanElement | null} */ (null));

  useEffect(() => {
    if (!element.current || !anchor.current || element.current.matches(':popover-open')) return;
    // In the top layer, where nothing clips it. After any rendering: one that has moved the term
    // in the page has closed it.
    element.current.showPopover();
    place(element.current, anchor.current);
  });

  useEffect(() => {
    /** @param {KeyboardEvent} event */
    const onKey = ({ key }) => key === 'Escape' && onClose();
    /** @param {Event} event */
    const onPress = ({ target }) => {
      if (!anchor.current?.contains(/** @type {Node} */ (target))) onClose();
    };
    /** @param {Event} event What scrolls away takes its explanation along. */
    const onScroll = ({ target }) => {
      if (/** @type {Node} */ (target).contains(anchor.current)) onClose();
    };
    document.addEventListener('keydown', onKey);
    document.addEventListener('pointerdown', onPress);
    document.addEventListener('scroll', onScroll, true);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('pointerdown', onPress);
      document.removeEventListener('scroll', onScroll, true);
    };
  }, [anchor, onClose]);

  return (
    <span ref={element} id={id} popover="manual" className="explanation">
      {terms.map((term, at) => {
        const { name, text, href } = GLOSSARY[term];
        // Neighbours that are defined in one place share a link, and so a stop of the keyboard.
        const shared = at + 1 < terms.length && GLOSSARY[terms[at + 1]].href === href;
        return (
          <span key={term} className="explanation-entry">
            <strong>{name}</strong> {text}{' '}
            {!shared && (
              <a href={href} target="_blank" rel="noreferrer">
                Definition<span className="visually-hidden"> of {name}</span>
              </a>
            )}
          </span>
        );
      })}
    </span>
  );
}

/**
 * Below the anchor or, without room there, above; within the window.
 * @param {HTMLElement} element
 * @param {HTMLElement} anchor
 */
function place(element, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const left = Math.max(GAP, Math.min(at.left, window.innerWidth - width - GAP));
  const below = at.bottom + GAP + height <= window.innerHeight;
  const top = below ? at.bottom + GAP : Math.max(GAP, at.top - GAP - height);
  element.style.inset = `${top}px auto auto ${left}px`;
}
