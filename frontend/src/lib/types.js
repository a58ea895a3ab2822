/**
 * The shapes on the wire, as `docs/protocol.md` has them. Types only: nothing here runs.
 *
 * @typedef {object} Quote One symbol of `market_update`. Prices and volumes in USD, change in per cent.
 * @property {string} symbol
 * @property {number} price
 * @property {number} change_24h
 * @property {number} volume_24h
 * @property {string} timestamp
 * @property {number} [seq] Grows by one with each change of the symbol.
 * @property {boolean} [stale] True once the symbol's feed has been silent for over 15 s, or where
 *   another source leads.
 * @property {string} [source] Whose all of this is: an exchange, `simulated` or `replay`.
 * @property {number} [bid] The best of the order book, where the feed has one.
 * @property {number} [ask] Likewise.
 *
 * @typedef {object} PriceUpdate
 * @property {string} symbol
 * @property {number} price
 * @property {number} previous_price
 * @property {number} change_24h
 * @property {string} timestamp
 * @property {number} seq
 *
 * @typedef {Record<string, Quote>} MarketData
 *
 * @typedef {object} Sentiment
 * @property {string} overall_sentiment
 * @property {number} market_fear_greed 0 (extreme fear) to 100 (extreme greed).
 * @property {string} market_mood
 * @property {number} confidence 0 to 1.
 * @property {string[]} trending_topics
 * @property {string} timestamp
 * @property {string} [id] The same as long as the reading is.
 * @property {number} [offset] Its place in what may be resumed.
 * @property {Record<string, number>} [components] Each 0 to 100.
 *
 * @typedef {'STRONG_BUY' | 'BUY' | 'HOLD' | 'SELL' | 'STRONG_SELL'} SignalLevel
 *
 * @typedef {object} TradingSignal
 * @property {string} symbol
 * @property {SignalLevel} signal
 * @property {number} strength 0.5 to 1.
 * @property {string} reason
 * @property {string} timestamp
 * @property {string} [id]
 * @property {number} [offset] Its place in what may be resumed.
 * @property {number} [price]
 * @property {number} [score] -1 to 1.
 * @property {string} [timeframe] Whose candles it rates: one of the chart's intervals.
 *
 * @typedef {object} RecordRow What signals of one level have been worth over one horizon.
 * @property {SignalLevel} signal
 * @property {string} horizon `15m`, `1h`, `4h` or `24h`.
 * @property {number} count
 * @property {number} right
 * @property {number | null} base_rate The share that any time would have been right.
 * @property {number | null} mean_excess_bp Beyond the symbol's drift, in the signal's direction.
 * @property {[number, number] | null} interval_90_bp Null where there are too few to tell.
 * @property {number} left_out
 *
 * @typedef {object} DailyIndex Fear and greed of the last months, by days.
 * @property {number} value 0 (extreme fear) to 100 (extreme greed).
 * @property {Record<string, number>} components Each 0 to 100.
 * @property {string} timestamp The end of the UTC day.
 * @property {{ value: number, timestamp: string }[]} history Of a month, newest first.
 *
 * @typedef {object} Vote
 * @property {string} name Of the indicator.
 * @property {number | null} value
 * @property {1 | 0 | -1 | null} vote Null where there are too few candles for it.
 *
 * @typedef {object} VoteCount
 * @property {number | null} score -1 to 1; null where none of the group votes.
 * @property {number} buy
 * @property {number} hold
 * @property {number} sell
 *
 * @typedef {object} Rating Of a symbol on one timeframe.
 * @property {number} score -1 to 1.
 * @property {SignalLevel} signal The level that is held.
 * @property {VoteCount} moving_averages
 * @property {VoteCount} oscillators
 * @property {Vote[]} votes The moving averages', then the oscillators'.
 * @property {string} candle_time Opening of the candle in hand.
 *
 * @typedef {Record<string, Rating | null>} Ratings By timeframe; null where there are too few candles.
 *
 * @typedef {object} StatusMessage Payload of `connection_status`.
 * @property {string} status
 * @property {string} message
 * @property {string} timestamp
 * @property {number | string} [user_id]
 * @property {string} [server]
 * @property {string} [feed]
 * @property {FeedStatus} [feed_status]
 *
 * @typedef {object} FeedStatus
 * @property {'connecting' | 'live' | 'reconnecting' | 'ended' | 'stopped'} state
 * @property {string} since
 * @property {string} detail For people; may be empty.
 * @property {boolean} stale True once the feed has been silent for over 15 s.
 * @property {string | null} last_data The exchange's time of the newest data.
 * @property {string[]} unlisted
 * @property {Playback | null} replay
 *
 * @typedef {object} Playback In the recording's own time.
 * @property {number} speed
 * @property {boolean} loop
 * @property {string | null} position
 * @property {string | null} begin
 * @property {string | null} end
 *
 * @typedef {object} SubscriptionConfirmed
 * @property {string[]} symbols
 * @property {string[]} [subscribed] All that the connection now has.
 * @property {string[]} [candles] Intervals of which it has the candles.
 * @property {{ symbol: string, code: string, message: string }[]} [rejected]
 * @property {string} [epoch] What `offset` belongs to.
 * @property {number} [offset] Where the client stands in what may be resumed.
 * @property {boolean} [recovered] Whether what was missed follows; absent where nothing was resumed.
 *
 * @typedef {object} SymbolInfo
 * @property {string} symbol
 * @property {string} [name] The ticker where it is not known.
 * @property {string} [source] Whose prices they are, or would be.
 * @property {boolean} [followed] Whether it may be subscribed to; of what is searched for.
 * @property {number | null} price_decimals Null before its first price.
 * @property {number | null} [day_span_seconds] What figures of 24 h stand for; less with less data.
 *
 * @typedef {object} Candle
 * @property {string} time ISO 8601, the candle's opening.
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} volume
 *
 * @typedef {Candle & { symbol: string, interval: string, closed: boolean, revision: number }}
 *   CandleUpdate
 *
 * @typedef {object} Forecast
 * @property {string} symbol
 * @property {number} price
 * @property {number} [decimals]
 * @property {Record<string, Record<string, [number, number]>>} ranges Horizon, then probability in per cent.
 *
 * @typedef {object} ForecastReport
 * @property {Forecast[]} forecasts
 * @property {Record<string, Record<string, {hits: number, total: number}>>} [coverage]
 * @property {string} [model]
 */

export {};
