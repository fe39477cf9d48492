// The order as a DBOS workflow: two steps, each of which calls the echo service. The orders are started in the same process.
import { DBOS } from "@dbos-inc/dbos-sdk";
import { Pool } from "undici";
import { measure, sizes } from "../closed-loop.mjs";

const echo = new Pool(process.env.ECHO_URL, { connections: 64, pipelining: 1 });
const note = "x".repeat(300);

async function post(path, body) {
  const { body: answer } = await echo.request({
    path, method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  return answer.json();
}

const processOrder = DBOS.registerWorkflow(
  async order => {
    const reservation = await DBOS.runStep(() => post("/reservations", { order: order.order_id }), { name: "reserve" });
    await DBOS.runStep(() => post("/charges", { order: order.order_id, reservation: reservation.id }), { name: "charge" });
    return { order_id: order.order_id, reservation: reservation.id };
  },
  { name: "processOrder" });

DBOS.setConfig({ name: "onex-peer", systemDatabaseUrl: process.env.DATABASE_URL, logLevel: "warn", systemDatabasePoolSize: 40 });
await DBOS.launch();
await measure("DBOS", async id => {
  const handle = await DBOS.startWorkflow(processOrder, { workflowID: id })({ order_id: id, note });
  await handle.getResult();
}, sizes());
await DBOS.shutdown();
process.exit(0);
