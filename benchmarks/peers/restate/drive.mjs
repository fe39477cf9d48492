// Sends orders to Restate's ingress, each with an idempotency key. Usage: node drive.mjs INGRESS_URL
import { Pool } from "undici";
import { measure, sizes } from "../closed-loop.mjs";

const size = sizes();
const ingress = new Pool(process.argv[2], { connections: size.inFlight, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
const note = "x".repeat(300);

await measure("Restate", async id => {
  const { statusCode, body } = await ingress.request({
    path: "/orders/process",
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id },
    body: JSON.stringify({ order_id: id, note }),
  });
  const text = await body.text();
  if (statusCode !== 200) {
    throw new Error(`${statusCode} ${text}`);
  }
}, size);
process.exit(0);
