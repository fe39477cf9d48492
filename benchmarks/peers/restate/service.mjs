// The order as a Restate service: two durable steps, each of which calls the echo service. Usage: node service.mjs PORT
import { Pool } from "undici";

// The SDK needs it, and Node.js 20 does not have it.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new Promise((onResolve, onReject) => [resolve, reject] = [onResolve, onReject]);
  return { promise, resolve, reject };
};
const restate = await import("@restatedev/restate-sdk");

const echo = new Pool(process.env.ECHO_URL, { connections: 64, pipelining: 1 });

async function post(path, body) {
  const { body: answer } = await echo.request({
    path, method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  return answer.json();
}

const orders = restate.service({
  name: "orders",
  handlers: {
    process: async (context, order) => {
      const reservation = await context.run("reserve", () => post("/reservations", { order: order.order_id }));
      await context.run("charge", () => post("/charges", { order: order.order_id, reservation: reservation.id }));
      return { order_id: order.order_id, reservation: reservation.id };
    },
  },
});

restate.serve({ services: [orders], port: Number(process.argv[2]) });
