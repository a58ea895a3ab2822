import { useId, useRef, useState } from 'react';
import { Link } from 'wouter';
import { useTitle } from '@/hooks/useTitle.js';
import { ApiError } from '@/lib/api.js';
import './AccountForm.css';

/** @typedef {{ username?: string, password?: string, form?: string }} Complaints */

/**
 * What went wrong, in words and next to the field that it is about.
 * @param {unknown} error
 * @returns {Complaints}
 */
function complaintsOf(error) {
  if (!(error instanceof ApiError)) throw error;
  const { username, password } = error.fields;
  if (username || password) return { username: sentence(username), password: sentence(password) };
  if (error.code === 'username_taken') {
    return { username: 'Somebody already has this name. Choose another.' };
  }
  if (error.code === 'invalid_credentials') {
    return { form: 'That name and password don’t belong together. Check both and try again.' };
  }
  if (error.status === 429) {
    return { form: 'Too many attempts. Wait a minute, then try again.' };
  }
  if (error.status === 0) {
    return { form: 'The server could not be reached. Check your connection and try again.' };
  }
  return { form: `${error.message.replace(/\.$/, '')}. Please try again.` };
}

/** @param {string | undefined} text As the server has it: lower case, no full stop. */
function sentence(text) {
  return text && `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/**
 * @param {string} username
 * @param {string} password
 * @returns {Complaints}
 */
function missing(username, password) {
  return {
    ...(username.trim() === '' && { username: 'Enter a username.' }),
    ...(password === '' && { password: 'Enter a password.' }),
  };
}

/**
 * Name and password, for signing in and for signing up.
 * @param {{ title: string, action: string, fresh: boolean,
 *   onSubmit: (username: string, password: string) => Promise<void>,
 *   other: { question: string, text: string, href: string }, notice?: string }} props `fresh` for
 *   an account that is being made.
 */
export function AccountForm({ title, action, fresh, onSubmit, other, notice }) {
  useTitle(title);
  const [complaints, setComplaints] = useState(/** @type {Complaints} */ ({}));
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));

  /** @param {Complaints} found */
  function complain(found) {
    setComplaints(found);
    const first = found.username ? 'username' : found.password || found.form ? 'password' : null;
    const field = first && form.current?.elements.namedItem(first);
    if (field instanceof HTMLInputElement) field.focus();
  }

  /** @param {import('react').FormEvent<HTMLFormElement>} event */
  async function submit(event) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const username = String(data.get('username') ?? '').trim();
    const password = String(data.get('password') ?? '');
    const absent = missing(username, password);
    if (absent.username || absent.password) return complain(absent);
    setBusy(true);
    try {
      await onSubmit(username, password);
    } catch (error) {
      complain(complaintsOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="account">
      <form ref={form} className="account-form" onSubmit={submit} noValidate>
        <h1>{title}</h1>
        {notice && <p className="account-notice">{notice}</p>}
        <Field
          name="username"
          label="Username"
          autoComplete="username"
          complaint={complaints.username}
          hint={fresh ? '3 to 64 letters, digits or . _ - @ +' : undefined}
        />
        <Field
          name="password"
          label="Password"
          type="password"
          autoComplete={fresh ? 'new-password' : 'current-password'}
          complaint={complaints.password}
          hint={fresh ? 'At least 8 characters; a few words are easy to remember' : undefined}
        />
        <p role="alert" className="complaint">
          {complaints.form}
        </p>
        <button type="submit" className="button primary" disabled={busy}>
          {busy ? 'One moment…' : action}
        </button>
        <p className="muted">
          {other.question} <Link href={other.href}>{other.text}</Link>
        </p>
      </form>
    </div>
  );
}

/**
 * @param {{ name: string, label: string, type?: string, autoComplete: string,
 *   complaint?: string, hint?: string }} props
 */
function Field({ name, label, type = 'text', autoComplete, complaint, hint }) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const secret = type === 'password';
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="field-input">
        <input
          id={id}
          name={name}
          type={secret && shown ? 'text' : type}
          autoComplete={autoComplete}
          autoCapitalize="none"
          spellCheck="false"
          aria-invalid={complaint ? true : undefined}
          aria-describedby={`${id}-hint ${id}-complaint`}
        />
        {secret && (
          <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? 'Hide' : 'Show'}
            <span className="visually-hidden"> password</span>
          </button>
        )}
      </div>
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      <p id={`${id}-complaint`} className="complaint" aria-live="polite">
        {complaint}
      </p>
    </div>
  );
}
