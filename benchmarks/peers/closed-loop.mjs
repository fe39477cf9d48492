// Runs orders with a fixed number in flight, and prints what they took. A peer gives the function that runs one order.
// wolverine/Driver.cs prints the same line.

// The figures of Onex for the same order are in docs/performance.md.
const transitionsOfAnOrder = 3;

/**
 * @param {string} name what the line is headed with
 * @param {(id: string) => Promise<void>} runOrder resolves when the order is done
 * @param {{ warmup: number, orders: number, inFlight: number, single: number }} size
 */
export async function measure(name, runOrder, size) {
  await loop(runOrder, size.warmup, size.inFlight);
  const { seconds, latencies } = await loop(runOrder, size.orders, size.inFlight);
  const single = await loop(runOrder, size.single, 1);
  const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
  const perSecond = size.orders / seconds;
  console.log(
    `${name}: ${perSecond.toFixed(0)} orders/s (${(perSecond * transitionsOfAnOrder).toFixed(0)} transitions/s of Onex), `
    + `p50 ${at(latencies, 0.5)} ms, p99 ${at(latencies, 0.99)} ms; `
    + `one at a time p50 ${at(single.latencies, 0.5)} ms, p99 ${at(single.latencies, 0.99)} ms`);
}

/** The sizes from the environment, which `run` sets. */
export function sizes() {
  const number = name => Number(process.env[name]);
  return { warmup: number("WARMUP"), orders: number("ORDERS"), inFlight: number("IN_FLIGHT"), single: number("SINGLE") };
}

async function loop(runOrder, count, inFlight) {
  const latencies = [];
  let next = 0;
  const began = performance.now();
  const lane = async () => {
    while (next++ < count) {
      const at = performance.now();
      await runOrder(crypto.randomUUID());
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { seconds: (performance.now() - began) / 1000, latencies: latencies.sort((a, b) => a - b) };
}
