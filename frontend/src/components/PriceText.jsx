import { formatPrice, speakPrice } from '@/lib/format.js';

/**
 * A price as text; one whose zeros are counted in a way that a voice can say, too.
 * @param {{ price: number | undefined, decimals: number | undefined }} props
 */
export function PriceText({ price, decimals }) {
  const text = formatPrice(price, decimals);
  const spoken = speakPrice(price, decimals);
  if (spoken === text) return text;
  return (
    <span role="img" aria-label={spoken} title={spoken}>
      {text}
    </span>
  );
}
