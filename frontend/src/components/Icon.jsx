/** Outlines on a 20-unit grid, drawn for this page. */
const PATHS = {
  star: 'M10 2.8l2.2 4.6 5 .7-3.6 3.5.9 5L10 14.2l-4.5 2.4.9-5L2.8 8.1l5-.7z',
  bell: 'M5 13V9a5 5 0 0 1 10 0v4l1.2 1.8H3.8zM8.3 17.2h3.4',
  display: 'M2.5 4h15v9.5h-15zM7 17h6M10 13.5V17',
  grid: 'M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z',
  candles: 'M5.5 3v3M5.5 13v4M3.5 6h4v7h-4zM14.5 2v5M14.5 14v3M12.5 7h4v7h-4z',
  back: 'M12.5 4.5 7 10l5.5 5.5',
  exit: 'M8 3.5H4v13h4M12.5 6.5 16 10l-3.5 3.5M16 10H8',
  search: 'M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM13.2 13.2l3.8 3.8',
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {{ name: IconName, filled?: boolean }} props */
export function Icon({ name, filled = false }) {
  return (
    <svg
      viewBox="0 0 20 20"
      width="1.25em"
      height="1.25em"
      fill={filled ? 'currentColor' : 'none'}
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
