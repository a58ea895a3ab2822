/** As wide as table and chart need side by side; the same width stands in MarketDashboard.css. */
export const SIDE_BY_SIDE = '(width >= 64rem)';
